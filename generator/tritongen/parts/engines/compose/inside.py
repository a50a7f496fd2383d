"""A Triton of the stack, asked through `ops`: what of a client is needed to change its models."""

from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson

from tritongen.parts.engines.compose.ops import Ops
from tritongen.records.messages import ModelConfig
from tritongen.triton import Statistics
from tritongen.triton.client import statistics


@dataclass(frozen=True)
class Inside:
    """A replica by its address on the inner network; ``grpc`` is what a person calls it.

    ``life`` is another one after it was started anew.
    """

    ops: Ops
    address: str
    grpc: str
    life: str

    def load(self, model: str, config: ModelConfig | None = None, *, timeout_s: float) -> None:
        """Load a model; ``config`` replaces its whole configuration, and stays."""
        from tritonclient.grpc import service_pb2 as pb

        request = pb.RepositoryModelLoadRequest(model_name=model)
        if config:
            text = MessageToJson(config, preserving_proto_field_name=True)
            request.parameters["config"].string_param = text
        self.ops.call(self.address, request, pb.RepositoryModelLoadResponse, timeout_s=timeout_s)

    def unload(self, model: str) -> None:
        """Unload a model."""
        from tritonclient.grpc import service_pb2 as pb

        request = pb.RepositoryModelUnloadRequest(model_name=model)
        self.ops.call(self.address, request, pb.RepositoryModelUnloadResponse)

    def config(self, model: str) -> ModelConfig:
        """Return what a model is served with."""
        from tritonclient.grpc import service_pb2 as pb

        request = pb.ModelConfigRequest(name=model)
        answer = self.ops.call(self.address, request, pb.ModelConfigResponse)
        found = ModelConfig()
        found.ParseFromString(answer.config.SerializeToString())
        return found

    def model_ready(self, model: str) -> bool:
        """Return whether a model can be asked."""
        from tritonclient.grpc import service_pb2 as pb

        request = pb.ModelReadyRequest(name=model)
        return bool(self.ops.call(self.address, request, pb.ModelReadyResponse).ready)

    def statistics(self) -> tuple[Statistics, ...]:
        """Return the counters of all models."""
        from tritonclient.grpc import service_pb2 as pb

        request = pb.ModelStatisticsRequest()
        answer = self.ops.call(self.address, request, pb.ModelStatisticsResponse)
        return tuple(map(statistics, answer.model_stats))

    def close(self) -> None:
        """Leave the service to whoever opened it."""
