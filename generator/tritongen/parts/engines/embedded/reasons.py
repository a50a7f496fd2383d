"""Turns what a server's log says of its end into what a person can act on."""

import re
from pathlib import Path

from tritongen.errors import EngineError, SpecError, TritongenError
from tritongen.parts.engines import troubles
from tritongen.parts.engines.log import LoadProgress, last_lines, text_of
from tritongen.parts.engines.ports import taken
from tritongen.parts.engines.troubles import explain
from tritongen.records.endpoint import Endpoint
from tritongen.shell import how_it_ended

PORT = re.compile(r"failed to start (?P<service>\w+) service.*'[^']*:(?P<port>\d+)' already in use")
REFUSED = re.compile(
    r"unrecognized option '[^'\n]*'|option '[^'\n]*' (?:is ambiguous|requires an argument)"
    r"|^Bad option: .*\n.*|^Error: (?!Failed to initialize NVML).*|^The server cannot listen .*",
    re.M,
)
CREATING = re.compile(
    r"(?:error: creating server|failed to start [\w ]+ service):"
    r' (?:[A-Z][\w ]+ - )?(?P<why>.*?)"?$',
    re.M,
)


def failed_models(failed: dict[str, str], endpoint: Endpoint) -> EngineError:
    """Return the refusal that names each model that did not load."""
    return troubles.failed_models(failed, f"read the server's log: {endpoint.log}")


def hung(progress: LoadProgress, timeout_s: float, endpoint: Endpoint) -> EngineError:
    """Return the refusal that names the models that were loading when nothing happened any more."""
    names = ", ".join(progress.loading)
    what = f"{names} did not finish loading" if names else "the server did not become ready"
    return EngineError(
        f"{what}: nothing happened for {timeout_s:g} s",
        why="its code waits for something (a download, a lock, another service), "
        "or loading takes long",
        fix="see where it waits, or give it more time with --timeout",
        log=last_lines(Path(endpoint.log)),
    )


def server_ended(code: int | None, progress: LoadProgress, endpoint: Endpoint) -> TritongenError:
    """Return the refusal for a server that ended before it was ready."""
    log = text_of(Path(endpoint.log))
    if match := PORT.search(log):
        return taken(match["service"].lower(), int(match["port"]))
    if match := REFUSED.search(log):
        return SpecError(
            f"tritonserver refuses its options: {' '.join(match[0].splitlines())}",
            fix=f"see the options of the 24.10 release in {endpoint.log}",
        )
    if code is not None and code < 0:
        return crashed(code, progress, endpoint)
    if progress.failed:
        return failed_models(progress.failed, endpoint)
    match = CREATING.search(log)
    why = match["why"] if match else ""
    meaning, remedy = explain(why)
    return EngineError(
        f"tritonserver did not start ({how_it_ended(code)})",
        why="\n".join(filter(None, [why, meaning])),
        fix=remedy or f"read its log: {endpoint.log}",
        log=last_lines(Path(endpoint.log)),
    )


def crashed(code: int, progress: LoadProgress, endpoint: Endpoint) -> EngineError:
    """Return the refusal for a server that a signal ended."""
    names = ", ".join(progress.loading)
    return EngineError(
        f"tritonserver was {how_it_ended(code)}" + (f" while loading {names}" if names else ""),
        why="a setting that this release can't bear (an instance group that is all `passive`, "
        "a metric tag with - or .), a library that crashed, or no memory",
        fix="serve the models one by one to see which it is: "
        "tritongen up --repository DIR -- --model-control-mode=explicit --load-model=NAME",
        log=last_lines(Path(endpoint.log)),
    )
