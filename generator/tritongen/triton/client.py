"""A running Triton, from its addresses: what it has, what to load, what it answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ssl import create_default_context, get_default_verify_paths
from types import MappingProxyType, TracebackType
from typing import Any, Literal

from google.protobuf.json_format import MessageToJson, ParseDict

from tritongen.records.messages import ModelConfig
from tritongen.triton.failure import TritonError, in_words, unreachable
from tritongen.triton.inference import Request, over_grpc, over_http, over_stream
from tritongen.triton.records import Metadata, ModelState, Response, Statistics, Tensor

Protocol = Literal["grpc", "http"]

MAX_MESSAGE_BYTES = 2**31 - 1
GRPC_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # Who waits for a server to come up wants to know at once, not after a growing pause.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    # As the HTTP client: a proxy in the environment is not for a server that we were told.
    ("grpc.enable_http_proxy", 0),
)


class Triton:
    """A client; addresses are ``host:port``, with ``https://`` or ``grpcs://`` before it over TLS.

    Connections are made when first needed. Certificates are held against this machine's own, or
    the file that ``SSL_CERT_FILE`` names. ``headers`` go with every call, over gRPC as metadata.

    Control goes over gRPC: a load over HTTP blocks one of the server's HTTP threads, and with it
    other clients. Every call raises ``UnreachableError`` if nothing answers and ``TritonError``
    with Triton's text if it refuses.
    """

    def __init__(
        self,
        *,
        http: str = "127.0.0.1:8000",
        grpc: str = "127.0.0.1:8001",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.http = http
        self.grpc = grpc
        self.headers = headers
        self._grpc: Any = None
        self._http: Any = None
        self._http_timeout_s = 0.0

    def __enter__(self) -> "Triton":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        if self._grpc is not None:
            self._grpc.close()
            self._grpc = None
        self._close_http()

    def live(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether a server answers; never raises for one that is not there."""
        return self._says_yes("is_server_live", timeout_s)

    def ready(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether the server is ready; cheap enough to be asked ten times a second."""
        return self._says_yes("is_server_ready", timeout_s)

    def model_ready(
        self, model: str, *, protocol: Protocol = "grpc", timeout_s: float = 10.0
    ) -> bool:
        """Return whether the newest version of a model can be asked; gateways let this pass."""
        if protocol == "http":
            return bool(self._http_get("is_model_ready", timeout_s, model))
        return bool(self._call("is_model_ready", model, timeout_s=timeout_s))

    def index(
        self, *, protocol: Protocol = "grpc", timeout_s: float = 10.0
    ) -> tuple[ModelState, ...]:
        """Return every model and version that the server knows of."""
        if protocol == "http":
            return tuple(map(state, self._http_get("get_model_repository_index", timeout_s)))
        answer = self._call("get_model_repository_index", timeout_s=timeout_s)
        return tuple(
            ModelState(name=row.name, version=row.version, state=row.state, reason=row.reason)
            for row in answer.models
        )

    def metadata(self, model: str, version: str = "", *, timeout_s: float = 10.0) -> Metadata:
        """Return a ready model's versions and tensors; an empty ``version`` is the newest."""
        answer = self._call("get_model_metadata", model, version, timeout_s=timeout_s)
        return Metadata(
            name=answer.name,
            versions=tuple(answer.versions),
            platform=answer.platform,
            inputs=tuple(map(tensor, answer.inputs)),
            outputs=tuple(map(tensor, answer.outputs)),
        )

    def config(
        self,
        model: str,
        version: str = "",
        *,
        protocol: Protocol = "grpc",
        timeout_s: float = 10.0,
    ) -> ModelConfig:
        """Return a ready model's configuration, as the server completed it."""
        if protocol == "http":
            row = self._http_get("get_model_config", timeout_s, model, version)
            return ParseDict(row, ModelConfig(), ignore_unknown_fields=True)
        config = ModelConfig()
        answer = self._call("get_model_config", model, version, timeout_s=timeout_s)
        config.CopyFrom(answer.config)
        return config

    def load(
        self, model: str, config: ModelConfig | None = None, *, timeout_s: float = 600.0
    ) -> None:
        """Load or reload a model; ``config`` replaces its whole configuration, and stays.

        The old one serves until the new one is ready, and goes on serving if that fails. Needs
        ``--model-control-mode=explicit``.
        """
        text = MessageToJson(config, preserving_proto_field_name=True) if config else None
        self._call("load_model", model, config=text, timeout_s=timeout_s)

    def unload(self, model: str, *, timeout_s: float = 60.0) -> None:
        """Unload a model; requests in flight are still answered. An unknown one is no error."""
        self._call("unload_model", model, timeout_s=timeout_s)

    def statistics(
        self, model: str = "", *, protocol: Protocol = "grpc", timeout_s: float = 10.0
    ) -> tuple[Statistics, ...]:
        """Return the counters of a model's versions, or of all models."""
        if protocol == "http":
            from tritonclient.grpc.service_pb2 import ModelStatisticsResponse

            said = self._http_get("get_inference_statistics", timeout_s, model)
            parsed = ParseDict(said, ModelStatisticsResponse(), ignore_unknown_fields=True)
            return tuple(map(statistics, parsed.model_stats))
        answer = self._call("get_inference_statistics", model, timeout_s=timeout_s)
        return tuple(map(statistics, answer.model_stats))

    def infer(
        self, request: Request, *, protocol: Protocol = "grpc", timeout_s: float = 60.0
    ) -> Response:
        """Send one request and return its answer; a decoupled model needs ``stream``."""
        if protocol == "grpc":
            with self._in_words(self.grpc, timeout_s):
                return over_grpc(self._grpc_client(), request, timeout_s)
        with self._in_words(self.http, timeout_s):
            return over_http(self._http_client(timeout_s), request)

    def stream(self, request: Request, *, timeout_s: float = 60.0) -> Iterator[Response]:
        """Send one request over gRPC and yield its answers as they come: none, one or many."""
        with self._in_words(self.grpc, timeout_s), self._new_grpc_client() as client:
            yield from over_stream(client, request, timeout_s)

    def _says_yes(self, method: str, timeout_s: float) -> bool:
        try:
            with in_words(self.grpc, timeout_s):
                return bool(getattr(self._grpc_client(), method)(client_timeout=timeout_s))
        except TritonError as error:
            if error.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
                return False
            raise

    def _call(self, method: str, *arguments: Any, timeout_s: float, **more: Any) -> Any:
        with self._in_words(self.grpc, timeout_s):
            client = self._grpc_client()
            return getattr(client, method)(*arguments, client_timeout=timeout_s, **more)

    def _http_get(self, method: str, timeout_s: float, *arguments: str) -> Any:
        with self._in_words(self.http, timeout_s):
            return getattr(self._http_client(timeout_s), method)(*arguments)

    @contextmanager
    def _in_words(self, address: str, timeout_s: float) -> Iterator[None]:
        if not address:
            raise unreachable(address, "")
        try:
            with in_words(address, timeout_s):
                yield
        except TritonError as error:
            # gRPC's word for a server that is not there is Triton's for a model that is not.
            if error.code == "UNAVAILABLE" and address == self.grpc and not self.live():
                raise unreachable(address, error.message) from error
            raise

    def _grpc_client(self) -> Any:
        if self._grpc is None:
            self._grpc = self._new_grpc_client()
        return self._grpc

    def _new_grpc_client(self) -> Any:
        from tritonclient.grpc import InferenceServerClient

        class Client(InferenceServerClient):  # type: ignore[misc]
            def __del__(self) -> None:
                # Interrupted in its __init__, the original complains aloud when it is deleted.
                if hasattr(self, "_stream") and hasattr(self, "_channel"):
                    super().__del__()

        place, secure = _place(self.grpc)
        roots = get_default_verify_paths().cafile if secure else None
        client = Client(place, channel_args=GRPC_OPTIONS, ssl=secure, root_certificates=roots)
        return self._with_headers(client)

    def _http_client(self, timeout_s: float) -> Any:
        from tritonclient.http import InferenceServerClient

        if self._http is None or self._http_timeout_s != timeout_s:
            self._close_http()
            place, secure = _place(self.http)
            self._http = self._with_headers(
                InferenceServerClient(
                    place,
                    connection_timeout=timeout_s,
                    network_timeout=timeout_s,
                    ssl=secure,
                    ssl_context_factory=create_default_context if secure else None,
                )
            )
            self._http_timeout_s = timeout_s
        return self._http

    def _with_headers(self, client: Any) -> Any:
        def add(request: Any) -> None:
            request.headers = {**(request.headers or {}), **self.headers}

        if self.headers:
            client.register_plugin(add)
        return client

    def _close_http(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None


def _place(address: str) -> tuple[str, bool]:
    """Return ``host:port``, and whether it is asked over TLS."""
    scheme, _, place = address.rpartition("://")
    return place, scheme in ("https", "grpcs")


def state(row: dict[str, str]) -> ModelState:
    """Return a row of the index from its JSON, which leaves out what is empty."""
    return ModelState(
        name=row["name"],
        version=row.get("version", ""),
        state=row.get("state", ""),
        reason=row.get("reason", ""),
    )


def tensor(row: Any) -> Tensor:
    """Return a tensor from its ``ModelMetadataResponse`` row."""
    return Tensor(name=row.name, datatype=row.datatype, shape=tuple(row.shape))


def statistics(row: Any) -> Statistics:
    """Return a version's counters from its ``ModelStatistics``."""
    stats = row.inference_stats
    batch_ns = {
        batch.batch_size: batch.compute_input.ns + batch.compute_infer.ns + batch.compute_output.ns
        for batch in row.batch_stats
    }
    return Statistics(
        name=row.name,
        version=row.version,
        inference_count=row.inference_count,
        execution_count=row.execution_count,
        success_count=stats.success.count,
        success_ns=stats.success.ns,
        fail_count=stats.fail.count,
        queue_ns=stats.queue.ns,
        compute_input_ns=stats.compute_input.ns,
        compute_infer_ns=stats.compute_infer.ns,
        compute_output_ns=stats.compute_output.ns,
        cache_hit_count=stats.cache_hit.count,
        cache_miss_count=stats.cache_miss.count,
        batches={batch.batch_size: batch.compute_infer.count for batch in row.batch_stats},
        busy_ns=sum(batch_ns.values()),
        batch_ns=batch_ns,
    )
