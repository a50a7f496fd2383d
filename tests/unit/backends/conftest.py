"""The folder with a spec in it, as the tests of the stage have it."""

from tests.unit.probe.conftest import read, refused

__all__ = ["read", "refused"]
