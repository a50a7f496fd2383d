"""JSON as our files have it: two spaces, keys in the order given, one line end at the end."""

import json
from typing import Any


def write(value: Any) -> str:
    """Return the text of a JSON-able value; the same value gives the same bytes."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
