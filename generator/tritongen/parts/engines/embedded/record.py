"""Finds the embedded server of a folder again, by its record and its process."""

from pathlib import Path

from tritongen.parts.engines.runfolder import run_folder
from tritongen.records.endpoint import Endpoint
from tritongen.shell import Process


def process(endpoint: Endpoint) -> Process:
    """Return the server's process."""
    return Process(endpoint.pid, endpoint.started)


def find(root: Path) -> Endpoint | None:
    """Return the server that runs for ``root``, if one does."""
    endpoint = run_folder(root).read()
    return endpoint if endpoint and process(endpoint).alive() else None
