"""Which load test runs: the file that was named, or the chosen one of those beside the program.

Those beside it have a folder each, with their ``scenario.json``. Addresses can be said for all of
them, where they were written for another place, and a key, which stands in no file.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from load_scenario import Scenario, ScenarioError, read

HERE = Path(__file__).resolve().parent
FILE = "scenario.json"
PACKAGES = frozenset({"tritonclient", "locust", "gevent", "hpack", "hyperframe", "numpy"})


def versions() -> dict[str, str]:
    """Return what a run depends on; all workers of one must agree."""
    program = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        program.update(path.read_bytes())
    packages = {name: version(name) for name in sorted(PACKAGES)}
    return {"program": program.hexdigest()[:16], "python": platform.python_version(), **packages}


def names(arguments: Sequence[str]) -> list[str]:
    """Return the load tests beside the program; none where the arguments name a file."""
    named = any(each.partition("=")[0] == "--scenario" for each in arguments)
    if named or (HERE / FILE).is_file():
        return []
    return sorted(path.parent.name for path in HERE.glob(f"*/{FILE}"))


class Catalogue:
    """The load tests that can be run, with the addresses that were said for all of them."""

    def __init__(self, options: Any, offered: Sequence[str]) -> None:
        """Offer these by name, or else only the file that the options name."""
        self.options, self.names = options, tuple(offered)
        self.file = Path(options.scenario or HERE / FILE)
        self.addresses = {"http": options.http_address, "grpc": options.grpc_address}
        key = options.api_key
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def requests(self) -> dict[str, list[str]]:
        """Return the names of what each load test sends; one that can't be used is left out."""
        found = {}
        for path in [HERE / name / FILE for name in self.names] or [self.file]:
            with suppress(ScenarioError):
                scenario = read(path)
                found[scenario.name] = [request.name for request in scenario.requests]
        return found

    def chosen(self) -> Scenario:
        """Read the load test that was chosen last; raise `ScenarioError` if it can't be used."""
        name = self.options.loadtest
        if self.names and name not in self.names:
            raise ScenarioError(f"{name!r} is none of the load tests: {', '.join(self.names)}")
        scenario = read(HERE / name / FILE if self.names else self.file)
        address = self.addresses[scenario.protocol.partition("-")[0]] or scenario.address
        requests = tuple(
            replace(each, headers={**each.headers, **self.headers}) for each in scenario.requests
        )
        return replace(
            scenario,
            address=address,
            requests=requests,
            certificate=self.options.certificate,
        )
