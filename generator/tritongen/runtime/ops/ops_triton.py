"""One Triton, asked directly over gRPC: requests and answers pass through as they are."""

import base64
from collections.abc import Mapping

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

OPTIONS = (
    ("grpc.max_send_message_length", 2**31 - 1),
    ("grpc.max_receive_message_length", 2**31 - 1),
    ("grpc.enable_http_proxy", 0),
)


def call(
    address: str, method: str, request: str, headers: Mapping[str, str], timeout_s: float
) -> Mapping[str, str]:
    """Call a method of `GRPCInferenceService`; messages are base64 of their bytes.

    A refusal comes back as `code` and `refused`, Triton's own text.
    """
    kind = getattr(service_pb2, f"{method}Request")
    message = kind.FromString(base64.b64decode(request))
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        try:
            answer = getattr(stub, method)(
                message, metadata=tuple(headers.items()), timeout=timeout_s, wait_for_ready=True
            )
        except grpc.RpcError as error:
            return {"code": error.code().name, "refused": error.details() or ""}
    return {"response": base64.b64encode(answer.SerializeToString()).decode()}
