"""Text that people read or programs run as text, from the templates in ``resources/templates``."""

from importlib.resources import files
from typing import Any


def fill(name: str, **values: Any) -> str:
    """Return a template with its values in; each has to be there, and none is escaped here."""
    from jinja2 import Environment, StrictUndefined  # of use to few commands

    text = files("tritongen.resources").joinpath("templates", *name.split("/")).read_text("utf-8")
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701, no page of a browser is made here
    )
    return environment.from_string(text).render(values)
