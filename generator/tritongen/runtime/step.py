"""Serves a plain Python function as a Triton model: one call per batch, the result split again.

This file is the ``model.py`` of a version folder. ``step.json`` beside it names the function:
``{"file": "features.py", "function": "features", "join": true}``. The function gets the inputs as
keyword arguments (numpy arrays, batch dimension first if the model batches) and returns
``{output: array}``; a generator function (a decoupled model) yields one such per response. A
keyword-only ``context`` parameter gets a `Context`; the file's ``setup(context)`` makes its state.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import inspect
import json
import sys
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

Arrays = dict[str, npt.NDArray[Any]]
Parameters = Mapping[str, str | int | bool]

END = object()
"""Stands behind the last thing that a generator yielded."""

CANCEL_CHECK_S = 60e-6
"""What asking Triton whether a request was cancelled takes: a round trip between processes."""


class StepError(Exception):
    """The step and its configuration disagree; the text says what was expected and found."""


# ---- what the function may know ----


@dataclass(frozen=True, kw_only=True)
class Request:
    """One of the requests joined in a call; its ``rows`` follow those of the request before.

    ``cancelled()`` asks Triton whether the client gave up; it takes about 60 microseconds.
    """

    id: str
    parameters: Parameters
    rows: int
    cancelled: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a step may know besides its inputs.

    ``folder`` is the version's, ``parameters`` are those of the model's configuration,
    ``device_kind`` is CPU, GPU or MODEL, ``state`` is what ``setup`` returned.
    """

    folder: Path
    model_folder: Path
    version: int
    parameters: Mapping[str, str]
    device_kind: str
    device_id: int
    state: Any = None
    requests: tuple[Request, ...] = ()

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, npt.NDArray[Any]],
        outputs: Sequence[str] | None = None,
        version: int = -1,
        parameters: Parameters | None = None,
    ) -> Arrays:
        """Call another model of this server; all of its outputs unless ``outputs`` names some.

        Raises ``RuntimeError`` with that model's message.
        """
        request = pb_utils.InferenceRequest(
            model_name=model,
            model_version=version,
            inputs=[pb_utils.Tensor(name, sendable(array)) for name, array in inputs.items()],
            requested_output_names=list(outputs or ()),
            parameters=dict(parameters or {}),
            preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0),
        )
        response = await request.async_exec()
        if response.has_error():
            raise RuntimeError(f"model {model!r}: {response.error().message()}")
        return {tensor.name(): tensor.as_numpy() for tensor in response.output_tensors()}


# ---- joining and splitting ----


@dataclass(frozen=True, eq=False)
class Asked:
    """A request as read; ``rows`` is its batch size, ``None`` if it has no batch dimension."""

    request: Any
    inputs: Arrays
    rows: int | None


def read(request: Any, batches: bool) -> Asked:
    """Read the inputs of a request; ``batches`` says that their first dimension is the batch."""
    inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
    first = next(iter(inputs.values()), None)
    return Asked(request, inputs, len(first) if batches and first is not None else None)


def request_of(asked: Asked) -> Request:
    """Return what the function may know of a request."""
    return Request(
        id=asked.request.request_id(),
        parameters=json.loads(asked.request.parameters()),
        rows=1 if asked.rows is None else asked.rows,
        cancelled=asked.request.is_cancelled,
    )


def group(requests: Iterable[Asked]) -> list[list[Asked]]:
    """Put requests that can share a call together: same inputs, types, shapes but for the rows."""
    groups: dict[object, list[Asked]] = {}
    for asked in requests:
        shapes = sorted((name, a.dtype.str, a.shape[1:]) for name, a in asked.inputs.items())
        groups.setdefault(asked if asked.rows is None else tuple(shapes), []).append(asked)
    return list(groups.values())


def join(inputs: Sequence[Arrays]) -> Arrays:
    """Put the rows of several requests below each other; those of a lone one are not copied."""
    if len(inputs) == 1:
        return inputs[0]
    return {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]}


def split(outputs: Arrays, rows: Sequence[int]) -> list[Arrays]:
    """Give each request its rows back, as views."""
    ends = np.cumsum(rows).tolist()
    return [
        {name: array[end - count : end] for name, array in outputs.items()}
        for count, end in zip(rows, ends, strict=True)
    ]


# ---- checking what comes back ----


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output as the function returns it; -1 in ``shape`` is any size."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def numpy_type(tensor: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the numpy type of a configured tensor; raise `StepError` if numpy has none (BF16)."""
    name, data_type = tensor["name"], tensor["data_type"]
    if data_type not in pb_utils.TRITON_STRING_TO_NUMPY:
        raise StepError(f"{name!r} is {data_type}, which numpy arrays can't carry: use TYPE_FP32")
    return np.dtype(pb_utils.TRITON_STRING_TO_NUMPY[data_type])


def output_of(tensor: Mapping[str, Any], batches: bool) -> Output:
    """Read a configured output: the backend returns the shape of ``reshape``, Triton ``dims``."""
    shape = tensor["reshape"].get("shape", []) if "reshape" in tensor else tensor["dims"]
    shape = (-1, *shape) if batches else tuple(shape)
    return Output(name=tensor["name"], dtype=numpy_type(tensor), shape=shape)


def check(result: object, outputs: Sequence[Output], rows: int | None) -> Arrays:
    """Return what the function returned as arrays that Triton takes; ``rows`` of None are free.

    Raises `StepError` for a missing or unknown output, a wrong type, a wrong shape.
    """
    if not isinstance(result, Mapping):
        raise StepError(f"must return a dict of arrays, got {type(result).__name__}")
    names = [output.name for output in outputs]
    if set(result) != set(names):
        raise StepError(f"must return the outputs {names}, got {list(result)}")
    return {output.name: check_array(result[output.name], output, rows) for output in outputs}


def check_array(value: Any, output: Output, rows: int | None) -> npt.NDArray[Any]:
    """Return one output as an array of exactly the declared type and shape."""
    text = output.dtype.hasobject
    try:
        # Left to itself numpy makes an S array of a list of bytes, and drops their zeros.
        listed = text and isinstance(value, (list, tuple))
        array = np.array(value, dtype=object) if listed else np.asarray(value)
        array = sendable(array) if text else array
    except ValueError as error:
        raise StepError(f"output {output.name!r}: {error}") from None
    if array.dtype != output.dtype:
        types = f"must be {type_name(output.dtype)}, got {type_name(array.dtype)}"
        raise StepError(f"output {output.name!r} {types}")
    shape = output.shape if rows is None else (rows, *output.shape[1:])
    fits = all(size in (-1, found) for size, found in zip(shape, array.shape, strict=False))
    if len(shape) != array.ndim or not fits:
        batch = "" if rows is None else f" for a batch of {rows}"
        shapes = f"must have shape {list(shape)}{batch}, got {list(array.shape)}"
        raise StepError(f"output {output.name!r} {shapes}")
    return array


def type_name(dtype: np.dtype[Any]) -> str:
    """Say a type in Triton's words and numpy's."""
    names = {np.dtype(n): triton for triton, n in pb_utils.TRITON_STRING_TO_NUMPY.items()}
    return f"{names.get(dtype, 'no Triton type')} (numpy {dtype})"


def sendable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers as they are, text as an object array of bytes: only that keeps zero bytes.

    Raises ``ValueError`` for what TYPE_STRING can't carry as it is.
    """
    if array.dtype.kind == "S":
        raise ValueError(f"numpy's {array.dtype} drops trailing zero bytes: use dtype=object")
    if array.dtype.kind not in "OU":
        return array
    elements = array.ravel().tolist()
    if all(type(element) is bytes for element in elements):
        return array
    encoded = np.empty(len(elements), dtype=object)
    for i, element in enumerate(elements):
        if not isinstance(element, (str, bytes)):
            raise ValueError(f"TYPE_STRING holds bytes or str, got {type(element).__name__}")
        encoded[i] = element.encode() if isinstance(element, str) else bytes(element)
    return encoded.reshape(array.shape)


# ---- the user's file ----


def load(folder: Path, file: str) -> ModuleType:
    """Import the user's file, which finds the modules beside it and in the model's folder."""
    sys.path[:0] = [str(folder), str(folder.parent)]
    path = folder / file
    name = path.stem if path.stem not in sys.modules else f"step_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StepError(f"{file!r} is not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_signature(function: Callable[..., Any], config: Mapping[str, Any]) -> None:
    """Raise `StepError` unless the configured inputs, with or without optional ones, fit."""
    controls = config.get("sequence_batching", {}).get("control_input", [])
    optional = {tensor["name"] for tensor in config["input"] if tensor.get("optional")}
    names = [tensor["name"] for tensor in (*config["input"], *controls)]
    context = ["context"] if wants_context(function) else []
    for given in (names, [name for name in names if name not in optional]):
        try:
            inspect.signature(function).bind(**dict.fromkeys([*given, *context]))
        except TypeError as error:
            raise StepError(f"can't be called with inputs {given}: {error}") from None


def wants_context(function: Callable[..., Any]) -> bool:
    """Tell whether the function has a keyword-only parameter ``context``."""
    parameter = inspect.signature(function).parameters.get("context")
    return parameter is not None and parameter.kind is parameter.KEYWORD_ONLY


def describe(error: BaseException, folder: Path) -> str:
    """Say an exception in a line, with the place in the user's files that it came through."""
    if isinstance(error, StepError):
        return sayable(str(error))
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # what Python makes of it hides where it came from
    places = [
        f" ({Path(file).name}:{line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (file := frame.f_code.co_filename).startswith(f"{folder.parent}/") and file != __file__
    ]
    text = ": ".join(filter(None, [type(error).__name__, str(error)]))
    return sayable(text) + "".join(places[-1:])


def sayable(text: str) -> str:
    """Escape what Triton can't take: it ends a text at a NUL and refuses half characters."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


# ---- the model ----


def run_now(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits: a plain function needs no event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a plain function can't wait")


async def each_of(stream: Any) -> AsyncGenerator[Any, None]:
    """Yield what a plain or an async generator yields; closing this closes it."""
    if inspect.isasyncgen(stream):
        async with aclosing(stream):
            async for result in stream:
                yield result
    else:
        with closing(stream):
            for result in stream:
                yield result


class TritonPythonModel:
    """What Triton's Python backend calls: ``initialize`` once, ``execute`` for each batch.

    All below ``execute`` are coroutines, so that plain and async functions share one way. An
    outcome is a request's outputs or its ``TritonError``.
    """

    def initialize(self, args: Mapping[str, str]) -> None:
        """Import the user's file, check it against the configuration, run its ``setup``."""
        config = json.loads(args["model_config"])
        self.name = "step.json"
        self.context = Context(
            folder=Path(args["model_repository"]) / args["model_version"],
            model_folder=Path(args["model_repository"]),
            version=int(args["model_version"]),
            parameters={k: v["string_value"] for k, v in config.get("parameters", {}).items()},
            device_kind=args["model_instance_kind"],
            device_id=int(args["model_instance_device_id"]),
        )
        try:
            self._initialize(config)
        except BaseException as error:
            raise pb_utils.TritonModelException(self._explain(error)) from None

    def _initialize(self, config: Mapping[str, Any]) -> None:
        step = json.loads((self.context.folder / "step.json").read_text("utf-8"))
        self.name, self.joins = step["function"], step["join"]
        module = load(self.context.folder, step["file"])
        function = getattr(module, self.name, None)
        if not callable(function):
            raise StepError(f"{step['file']} has no such function")
        self.function: Callable[..., Any] = function
        yields = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        self.streams = config.get("model_transaction_policy", {}).get("decoupled", False)
        if yields != self.streams:
            found = "yields" if yields else "does not yield"
            raise StepError(f"{found}, but config.pbtxt says decoupled: {self.streams}")
        self.waits = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        self.batches = config["max_batch_size"] > 0
        self.outputs = [output_of(tensor, self.batches) for tensor in config["output"]]
        for tensor in config["input"]:
            numpy_type(tensor)
        check_signature(function, config)
        self.wants_context = wants_context(function)
        if setup := getattr(module, "setup", None):
            self.context = dataclasses.replace(self.context, state=setup(self.context))
        self.last_call_s = float("inf")

    def execute(self, requests: Sequence[Any]) -> Any:
        """Answer the requests of a batch; Triton runs the coroutine of an async step."""
        work = self._stream_all(requests) if self.streams else self._answer_all(requests)
        return work if self.waits else run_now(work)

    async def _answer_all(self, requests: Sequence[Any]) -> list[Any]:
        every = [read(request, self.batches) for request in requests]
        gone = [asked for asked in every if self._gone(asked, len(every))]
        code = pb_utils.TritonError.CANCELLED
        outcomes = {asked: pb_utils.TritonError("cancelled by the client", code) for asked in gone}
        waiting = [asked for asked in every if asked not in outcomes]
        groups = group(waiting) if self.joins else [[asked] for asked in waiting]
        for found in await self._each(map(self._outcomes, groups)):
            outcomes |= found
        return [self._response(asked, outcomes[asked]) for asked in every]

    def _gone(self, asked: Asked, count: int) -> bool:
        """Ask whether the client gave up, where the call is worth many such questions."""
        asks = self.last_call_s > 20 * CANCEL_CHECK_S * count
        return asks and bool(asked.request.is_cancelled())

    async def _each(self, works: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Do things side by side if the function can wait, else one after the other."""
        if self.waits:
            return await asyncio.gather(*works)
        return [await work for work in works]

    async def _outcomes(self, joined: Sequence[Asked]) -> dict[Asked, Any]:
        """Call the function for all; if that fails for each alone, so that only the guilty fail."""
        try:
            return dict(zip(joined, await self._call(joined), strict=True))
        except GeneratorExit:  # Python drops this coroutine: nobody waits for an answer
            raise
        except BaseException as error:  # sys.exit() would end the event loop, and all others wait
            if len(joined) == 1:
                return {joined[0]: self._failed(error)}
            reason = self._explain(error)
        alone = await self._each(self._outcomes([asked]) for asked in joined)
        outcomes = {asked: outcome for found in alone for asked, outcome in found.items()}
        if all(isinstance(outcome, dict) for outcome in outcomes.values()):
            text = f"failed with {len(joined)} requests joined, with none of them alone"
            pb_utils.Logger.log_warn(f"{reason} ({text}: if it can't batch, say join: false)")
        return outcomes

    async def _call(self, joined: Sequence[Asked]) -> list[Arrays]:
        start = time.perf_counter()
        result = self._start(joined)
        if self.waits:
            result = await result
        self.last_call_s = time.perf_counter() - start
        rows = [asked.rows for asked in joined if asked.rows is not None]
        outputs = check(result, self.outputs, sum(rows) if self.joins and rows else None)
        return split(outputs, rows) if len(joined) > 1 else [outputs]

    def _start(self, joined: Sequence[Asked]) -> Any:
        inputs = join([asked.inputs for asked in joined])
        if not self.wants_context:
            return self.function(**inputs)
        requests = tuple(map(request_of, joined))
        return self.function(**inputs, context=dataclasses.replace(self.context, requests=requests))

    async def _stream_all(self, requests: Sequence[Any]) -> None:
        await self._each(map(self._stream, requests))

    async def _stream(self, request: Any) -> None:
        """Send what the generator yields until it ends, fails, or nobody listens any more."""
        asked, sender = read(request, self.batches), request.get_response_sender()
        try:
            async with aclosing(each_of(self._start([asked]))) as results:
                while (
                    not sender.is_cancelled() and (result := await anext(results, END)) is not END
                ):
                    sender.send(self._response(asked, check(result, self.outputs, None)))
        except GeneratorExit:
            raise
        except BaseException as error:
            sender.send(self._response(asked, self._failed(error)))
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def _response(self, asked: Asked, outcome: Any) -> Any:
        """Make a response of the outputs that the request wants, or of its error."""
        if not isinstance(outcome, dict):
            return pb_utils.InferenceResponse(output_tensors=[], error=outcome)
        wanted = asked.request.requested_output_names()
        tensors = [pb_utils.Tensor(name, outcome[name]) for name in outcome if name in wanted]
        return pb_utils.InferenceResponse(output_tensors=tensors)

    def _failed(self, error: BaseException) -> Any:
        """Make the client's error; the server's log gets the traceback."""
        pb_utils.Logger.log_error(sayable("".join(traceback.format_exception(error))))
        return pb_utils.TritonError(self._explain(error))

    def _explain(self, error: BaseException) -> str:
        return f"{self.name}: {describe(error, self.context.folder)}"
