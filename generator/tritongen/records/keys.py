"""What every key of a spec means, and what is so if it is left out: ``resources/keys.toml``."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of a record or of a message; ``default`` is ``None`` where the type's zero holds.

    An empty text as default means that leaving the key out is no value at all.
    """

    text: str
    default: str | int | bool | None = None


@cache
def keys() -> dict[str, dict[str, Key]]:
    """Return the keys by owner: ``Model``, ``ModelConfig``, ``ModelSequenceBatching.State``."""
    text = files("tritongen.resources").joinpath("keys.toml").read_text("utf-8")
    return {
        owner: {name: _key(said) for name, said in lines.items()}
        for owner, lines in tomllib.loads(text).items()
    }


def _key(said: str | dict[str, str | int | bool]) -> Key:
    if isinstance(said, str):
        return Key(text=said)
    return Key(text=str(said["text"]), default=said["default"])
