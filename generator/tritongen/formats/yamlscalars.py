"""Text in YAML, for all who write it: in double quotes, or as it stands below a ``|``."""

WIDTH = 100
"""How long a line may become."""
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(text: str) -> str:
    """Return any text in double quotes."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """Return text of which every character can be seen, as it stands between double quotes."""
    return "".join(map(_escape, text))


def fits_literal(text: str) -> bool:
    """Tell whether text of several lines can stand as it is below a ``|``."""
    body = text.removesuffix("\n")
    return (
        "\n" in body
        and not body[0].isspace()
        and not body.endswith("\n")
        and all(line.isprintable() for line in body.split("\n"))
    )


def literal(head: str, text: str, indent: int) -> list[str]:
    """Return the lines of a text that fits, below what stands before it (``key:``)."""
    mark = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return [f"{head} {mark}", *(f"{' ' * indent}{line}" if line else "" for line in lines)]


def _escape(char: str) -> str:
    if char in ESCAPES:
        return ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
