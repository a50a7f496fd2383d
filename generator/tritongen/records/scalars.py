"""How values of the spec are read: every scalar arrives as the text that was written."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a model can be called: it is a folder, and a part of URLs that Triton does not decode."""


def quote(text: str) -> str:
    """Show a user's text on one line: control characters escaped, long text cut."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    if not text:
        return '""'
    return f"`{shown}`" if len(shown) <= 80 else f"`{shown[:77]}...`"


def wrong(kind: str, message: str, fix: str = "") -> PydanticCustomError:
    """Return the complaint of a check; ``kind`` tells ``stages.load`` which code it has.

    For the kind ``type`` the message is only what was wanted: "a whole number".
    """
    return PydanticCustomError(kind, "{message}", {"message": message, "fix": fix})


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise wrong("type", "true or false")
        return value == "true"
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch("[+-]?[0-9]{1,20}", value):
            raise wrong("type", "a whole number", "write it in decimal digits")
        return int(value)
    return value


def one_or_many(value: Any) -> Any:
    """Read one text as a list of one."""
    return (value,) if isinstance(value, str) else value


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise wrong(
            "name",
            f"{quote(value)} cannot be a name",
            "use letters, digits, `.`, `_` and `-`, and start with a letter or digit",
        )
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int, BeforeValidator(_whole)]
Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
Name = Annotated[str, AfterValidator(_name)]
Port = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=65535)]


class Record(BaseModel):
    """A frozen part of the spec that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
