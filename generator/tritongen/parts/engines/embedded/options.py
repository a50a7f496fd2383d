"""Turns what to serve into tritonserver's command line; what the user says there wins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tritongen.errors import SpecError

SERVICES = {"http": 8000, "grpc": 8001, "metrics": 8002}
"""Triton's three services and their usual ports."""

REPEATABLE = {
    "model-repository",
    "backend-config",
    "host-policy",
    "metrics-config",
    "trace-config",
}
"""What is added to; what else is said again replaces what was said before."""
FLAGS_WITHOUT_VALUE = {"disable-auto-complete-config"}
OFF = {"false", "0"}
ASKED_OVER_GRPC = "tritongen asks the server over plain gRPC whether it is ready"
READ_FROM_LOG = "tritongen reads the log to see which models are loading"
MUST_BE_ON = {"allow-grpc": ASKED_OVER_GRPC, "log-info": READ_FROM_LOG}
MUST_BE_OFF = {
    "grpc-use-ssl": ASKED_OVER_GRPC,
    "grpc-use-ssl-mutual": ASKED_OVER_GRPC,
    "log-file": READ_FROM_LOG,
}

ASKED = {"health", "metadata", "inference", "model-config", "model-repository", "statistics"}
"""The parts of the protocol that tritongen asks over gRPC, without anyone's secret."""


@dataclass(frozen=True)
class Options:
    """The options that the user wrote after ``--``, as written and by name (last one wins)."""

    words: tuple[str, ...]
    values: Mapping[str, str]

    def off(self, service: str) -> bool:
        """Return whether a service was turned off."""
        return self.values.get(f"allow-{service}", "true").lower() in OFF

    def port(self, service: str) -> int | None:
        """Return the port that was asked for, ``None`` if none was."""
        said = self.values.get(f"{service}-port")
        if said is None:
            return None
        if not said.isdigit() or not 0 < int(said) < 65536:
            raise SpecError(f"--{service}-port={said} is no port", fix="say one from 1 to 65535")
        return int(said)

    def address(self, service: str) -> str:
        """Return the host at which a service listens; metrics follow HTTP, as in Triton."""
        host = self.values.get(f"{service}-address")
        if host is None and service == "metrics":
            host = self.values.get("http-address")
        return host or "127.0.0.1"


def read_options(words: Sequence[str]) -> Options:
    """Read the user's options; raise ``SpecError`` for those that nothing can be served with."""
    values: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise SpecError(
                f"{word!r} is no option of tritonserver",
                why="what follows `--` is handed to it",
                fix="write options as --name=value",
            )
        option, equals, value = word[2:].partition("=")
        if not equals and option not in FLAGS_WITHOUT_VALUE and rest and rest[0][:2] != "--":
            value = rest.pop(0)
        values[option] = value
    options = Options(tuple(words), values)
    _check_usable(options)
    return options


def _check_usable(options: Options) -> None:
    for service in SERVICES:
        options.port(service)
    for option, value in options.values.items():
        if why := refusal(option, value):
            raise SpecError(f"--{option}={value} can't be used here", why=why, fix="leave it out")


def refusal(option: str, value: str) -> str | None:
    """Return why the engine can't serve with an option of this value, ``None`` if it can."""
    if option == "grpc-restricted-protocol" and ASKED.intersection(
        value.partition(":")[0].split(",")
    ):
        return "tritongen itself asks the server for this, without the header"
    return (MUST_BE_ON if value.lower() in OFF else MUST_BE_OFF).get(option)


def resolved(
    said: Iterable[tuple[str, str | None]], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return arguments of which some end with a secret: text, and the variable that holds it.

    Raises ``SpecError`` for a variable that the environment does not have.
    """
    words = list(said)
    missing = sorted({name for _, name in words if name and not environment.get(name)})
    if missing:
        raise SpecError(
            f"the environment has no {', '.join(missing)}",
            why="the spec's `server:` takes a secret from there",
            fix=f"set it: export {missing[0]}=...",
        )
    return tuple(text + environment[name] if name else text for text, name in words)


def under(said: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Return the spec's arguments that the user's words don't replace, then those words."""
    names = read_options(words).values
    kept = (
        argument
        for argument in said
        if (name := argument[2:].partition("=")[0]) in REPEATABLE or name not in names
    )
    return (*kept, *words)


def arguments(defaults: Mapping[str, str | None], options: Options) -> list[str]:
    """Return the arguments: defaults that the user did not replace, then the user's own.

    A default of ``None`` is a flag without a value.
    """
    ours = [
        f"--{option}" if value is None else f"--{option}={value}"
        for option, value in defaults.items()
        if option in REPEATABLE or option not in options.values
    ]
    return [*ours, *options.words]
