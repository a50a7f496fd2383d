"""Triton's ``onnxruntime`` backend in Python: serves the models that NVIDIA's C++ backend serves.

Triton runs one such process per model instance. A model's repository is only read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import triton_python_backend_utils as pb_utils
from ort_batch import Job, batch_input, groups, join, scatter, split, to_onnx
from ort_contract import check, complete, fits, is_complete, refuse_runtime, shape, wanted_dims
from ort_session import open_session, run_options, signature
from ort_state import SequenceStates

Array = npt.NDArray[Any]
Answer = tuple[int, Any]  # position of the request in its batch, pb_utils.InferenceResponse


class TritonPythonModel:
    """One instance of one ONNX model."""

    @staticmethod
    def auto_complete_config(config: Any) -> Any:
        """Fill in what the configuration leaves open; nothing, if it names its tensors."""
        declared = config.as_dict()
        if not is_complete(declared):
            # Triton says nowhere else to this function which model it is about.
            command = Path("/proc/self/cmdline").read_bytes().split(b"\0")
            session = open_session(Path(command[1].decode()), declared)
            complete(declared, signature(session))
        return config

    def initialize(self, args: Mapping[str, str]) -> None:
        """Open the model and hold the configuration against it; LoadError if they differ."""
        config = json.loads(args["model_config"])
        directory = Path(args["model_repository"])
        refuse_runtime(directory)
        self._session = open_session(
            directory / args["model_version"] / (config["default_model_filename"] or "model.onnx"),
            config,
            kind=args["model_instance_kind"],
            device_id=int(args["model_instance_device_id"]),
        )
        model = signature(self._session)
        check(config, model)
        self._run_options = run_options(config)
        self._batching = config["max_batch_size"] > 0
        self._decoupled = config.get("model_transaction_policy", {}).get("decoupled", False)
        # Of rank 0, or of none that the graph tells: ONNX Runtime says [] for both.
        self._scalars = {
            tensor.name
            for tensor in (*model.inputs.values(), *model.initializers.values())
            if not tensor.dims
        }
        self._shapeless = {tensor.name for tensor in model.outputs.values() if not tensor.dims}
        self._ragged = frozenset(
            item["name"] for item in config["input"] if item["allow_ragged_batch"]
        )
        self._batch_inputs = config["batch_input"]
        self._scattered = {item["target_name"][0]: item for item in config["batch_output"]}
        self._outputs = {item["name"]: wanted_dims(item) for item in config["output"]}
        self._sequences = "sequence_batching" in config
        stateful = self._sequences and config["sequence_batching"].get("state")
        self._states = SequenceStates(config) if stateful else None

    def execute(self, requests: Sequence[Any]) -> list[Any] | None:
        """Answer each request; what fails one of them fails no other."""
        answers = dict(self._answers(requests))
        responses = [answers[position] for position in range(len(requests))]
        if not self._decoupled:
            return responses
        for request, response in zip(requests, responses, strict=True):
            request.get_response_sender().send(
                response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            )
        return None

    def _answers(self, requests: Sequence[Any]) -> Iterator[Answer]:
        jobs = []
        for position, request in enumerate(requests):
            if self._is_placeholder(request):
                yield position, pb_utils.InferenceResponse([])
                continue
            try:
                jobs.append(self._job(position, request))
            except LookupError as error:
                yield position, _failure(error)
        for group in groups(jobs, self._ragged) if self._batching else [[job] for job in jobs]:
            yield from self._answer(group)

    def _is_placeholder(self, request: Any) -> bool:
        """Whether Triton made up this request, with arbitrary values, to fill an empty slot.

        The direct sequence batcher does, so that C++ backends find each sequence in its own row.
        """
        return (
            self._sequences
            and not request.correlation_id()
            and not request.requested_output_names()
        )

    def _job(self, position: int, request: Any) -> Job:
        feed = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        if self._states is not None:
            feed.update(self._states.inputs(request, feed))
        for name in self._scalars & feed.keys():
            if feed[name].size == 1:
                feed[name] = feed[name].reshape(())
        return Job(
            position=position,
            request=request,
            feed=feed,
            wanted=frozenset(request.requested_output_names()),
        )

    def _answer(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Run joined jobs at once; if that fails, each alone, to find out whose fault it was."""
        try:
            results = self._run(jobs)
        except Exception as error:  # onnxruntime's errors have no common class below Exception
            if len(jobs) == 1:
                yield jobs[0].position, _failure(error)
                return
            for job in jobs:
                yield from self._answer([job])
            return
        for job, result in zip(jobs, results, strict=True):
            if self._states is not None:
                self._states.keep(job.request, result)
            tensors = [
                pb_utils.Tensor(name, result[name]) for name in self._outputs if name in job.wanted
            ]
            yield job.position, pb_utils.InferenceResponse(tensors)

    def _run(self, jobs: Sequence[Job]) -> list[dict[str, Array]]:
        """The outputs of each job, of one run of the model."""
        feed = {
            name: to_onnx(array)
            for name, array in join([job.feed for job in jobs], self._ragged).items()
        }
        for item in self._batch_inputs:
            shapes = [job.feed[item["source_input"][0]].shape for job in jobs]
            feed[item["target_name"][0]] = batch_input(item["kind"], item["data_type"], shapes)
        states = self._states.outputs if self._states is not None else []
        wanted = [name for name in self._outputs if any(name in job.wanted for job in jobs)]
        names = list(dict.fromkeys((*wanted, *states))) or list(self._outputs)
        arrays = self._session.run(names, feed, self._run_options)
        results: list[dict[str, Array]] = [{} for _ in jobs]
        for name, array in zip(names, arrays, strict=True):
            parts = self._parts(jobs, name, array)
            for result, part in zip(results, parts, strict=True):
                result[name] = part
        return results

    def _parts(self, jobs: Sequence[Job], name: str, array: Array) -> list[Array]:
        """What of one output belongs to each job; ValueError if it is not as configured."""
        dims = self._outputs.get(name)
        if dims is None:  # a state that is no output
            return split(jobs, name, array) if self._batching else [array]
        if name in self._scattered:
            source = self._scattered[name]["source_input"][0]
            return scatter(jobs, name, array, dims=self._full(dims), source=source)
        if name in self._shapeless:
            return [array if array.shape else array.reshape(dims)]
        if not fits(array.shape, self._full(dims)):
            raise ValueError(
                f"the model gave output '{name}' the shape {shape(array.shape)}, "
                f"but its configuration says {shape(self._full(dims))}"
            )
        return split(jobs, name, array) if self._batching else [array]

    def _full(self, dims: Sequence[int]) -> tuple[int, ...]:
        return (-1, *dims) if self._batching else tuple(dims)


def _failure(error: Exception) -> Any:
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        text = (
            f"an output has a string that is not UTF-8 ({error.reason} at byte {error.start}): "
            "ONNX Runtime's Python interface cannot return it"
        )
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(text))
