"""``config.pbtxt``: a ``ModelConfig`` in protobuf's text format, in the order people read it."""

from io import StringIO
from typing import Any

from google.protobuf import text_format

from tritongen.records.messages import ModelConfig

HEADER = "# Rendered by tritongen: change the spec, not this file.\n"

FIRST = ("name", "platform", "backend", "runtime", "default_model_filename", "max_batch_size")
"""What a model is comes first; the rest follows in the order of the proto."""

FIELDS: dict[str, Any] = dict(ModelConfig.DESCRIPTOR.fields_by_name)
ORDER = (*FIRST, *(name for name in FIELDS if name not in FIRST))


def write(config: ModelConfig) -> str:
    """Return the text of a configuration; ``max_batch_size`` is written even when it is 0."""
    out = StringIO()
    out.write(HEADER)
    said = {field.name for field, _ in config.ListFields()} | {"max_batch_size"}
    for name in ORDER:
        if name in said:
            for value in _values(getattr(config, name)):
                text_format.PrintField(
                    FIELDS[name], value, out, as_utf8=True, use_short_repeated_primitives=True
                )
    return out.getvalue()


def read(text: str) -> ModelConfig:
    """Return the configuration that a text holds.

    Raises:
        google.protobuf.text_format.ParseError: with the line and column of the mistake.
    """
    return text_format.Parse(text, ModelConfig())


def _values(value: Any) -> list[Any]:
    """Return what stands under one field name: map entries by key, list items, or the value."""
    if hasattr(value, "GetEntryClass"):
        entry = value.GetEntryClass()
        return [entry(key=key, value=value[key]) for key in sorted(value)]
    return list(value) if hasattr(value, "extend") else [value]
