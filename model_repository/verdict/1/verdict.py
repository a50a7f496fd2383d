"""The model's scores and the file's bytes become a label and how sure it is.

The rules are those of the ``magika`` package in its high-confidence mode. Its own configuration
lies beside this model (``files:`` in spec.yaml), so that a server needs no such package.
"""

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Rules(NamedTuple):
    """Magika's configuration, one entry per class of the model where it is an array."""

    label: NDArray[np.object_]
    """The answer if the score reaches ``threshold``..."""
    fallback: NDArray[np.object_]
    """...and if it does not."""
    threshold: NDArray[np.float64]
    least_bytes: int
    """A file that starts with fewer than these, leading whitespace aside, is not the model's."""
    block_bytes: int


def setup(context: Any) -> Rules:
    """Read the rules once per instance."""
    magika = json.loads((context.model_folder / "magika.json").read_text("utf-8"))
    types = json.loads((context.model_folder / "content_types.json").read_text("utf-8"))
    classes = magika["target_labels_space"]
    labels = [magika["overwrite_map"].get(name, name) for name in classes]
    least = magika["medium_confidence_threshold"]
    return Rules(
        label=_texts(labels),
        fallback=_texts(["txt" if types[name]["is_text"] else "unknown" for name in labels]),
        threshold=np.array([magika["thresholds"].get(name, least) for name in classes]),
        least_bytes=magika["min_file_size_for_dl"],
        block_bytes=magika["block_size"],
    )


def verdict(
    content: NDArray[np.object_], scores: NDArray[np.float32], *, context: Any
) -> dict[str, NDArray[Any]]:
    """content: object[batch, 1], scores: float32[batch, 214] -> label: object, score: float32.

    Both results are [batch, 1].
    """
    rules: Rules = context.state
    best = scores.argmax(axis=1)
    score = scores.max(axis=1)
    label = np.where(score >= rules.threshold[best], rules.label[best], rules.fallback[best])
    for row, data in enumerate(content[:, 0]):
        known = judged_by_size(data, rules)
        if known is not None:
            label[row], score[row] = known, 1.0
    return {"label": label[:, None], "score": score[:, None]}


def judged_by_size(data: bytes, rules: Rules) -> bytes | None:
    """Return the label of an empty, tiny or blank file, ``None`` for all others."""
    if not data:
        return b"empty"
    start = data[: rules.block_bytes]
    if len(start.lstrip()) >= rules.least_bytes:
        return None
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return b"unknown"
    return b"txt"


def _texts(names: list[str]) -> NDArray[np.object_]:
    return np.array([name.encode() for name in names], object)
