"""Which bytes of a request may be overwritten by a number, so that no two requests are equal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tritongen.stages.payloads.sample import Sample
from tritongen.triton.signature import Input, Signature
from tritongen.triton.values import Array, WrongValueError

DIGITS = 12
PLACES = 4
LEAST = 3
"""Sixteen million different requests."""


def place(samples: Sequence[Sample], model: Signature) -> Mapping[str, Any]:
    """Return where the program writes its number, as its scenario says it.

    The last bytes of a text, the lowest bytes of a few numbers: the request stays valid.

    Raises:
        WrongValueError: no input of the model can be changed so.
    """
    reasons = []
    for tensor in model.inputs:
        if tensor.is_shape_tensor:
            reasons.append(f"{tensor.name}: a shape")
            continue
        arrays = [each.inputs.get(tensor.name) for each in samples]
        found = _in_input(tensor, [array for array in arrays if array is not None], len(samples))
        if isinstance(found, dict):
            return found
        reasons.append(f"{tensor.name}: {found}")
    raise WrongValueError("no input can be made different: " + "; ".join(reasons))


def _in_input(tensor: Input, arrays: Sequence[Array], samples: int) -> dict[str, Any] | str:
    if len(arrays) < samples:
        return "not in every request"
    if tensor.datatype == "BYTES":
        count = min(DIGITS, *(len(array.ravel()[-1]) if array.size else 0 for array in arrays))
        if count < LEAST:
            return f"a text of {count} bytes"
        return {"input": tensor.name, "offset": -count, "count": count, "text": True}
    count = min(PLACES, *(array.size for array in arrays))
    if count < LEAST:
        return f"{count} numbers"
    if not _low_bytes_are_free(arrays, count):
        return f"{tensor.datatype} whose values may not change"
    stride = arrays[0].dtype.itemsize
    return {"input": tensor.name, "offset": 0, "count": count, "stride": stride}


def _low_bytes_are_free(arrays: Sequence[Array], count: int) -> bool:
    """Tell whether any lowest byte leaves a number among those that the model is known to take."""
    dtype = arrays[0].dtype
    if dtype.kind in "iu" and dtype.itemsize > 1:
        highest = max(int(array.max()) for array in arrays)
        return all(int(array.ravel()[:count].max()) | 255 <= highest for array in arrays)
    return dtype.kind == "f" or dtype == np.uint8
