"""What `stack: {tracing: ...}` makes Triton send, and where the collector listens for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import yaml
from tests.integration.prometheus.conftest import planned, served

from tritongen.records.server import OpenTelemetry, TraceConfig
from tritongen.triton import Request, Triton

pytestmark = pytest.mark.server

SPEC = """
name: traced
models:
  plain:
    python: step.py:plain
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    max_batch_size: 4
ensembles:
  twice:
    steps:
      - {model: plain, input: {x: x}, output: {y: once}}
      - {model: plain, input: {x: once}, output: {y: y}}
stack: {tracing: {rate: 1}}
"""
Posts = list[tuple[str, bytes]]


@contextmanager
def collector() -> Iterator[tuple[str, Posts]]:
    """Listen in place of the collector; yield where, and what was posted."""
    posts: Posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", posts
        finally:
            server.shutdown()
            thread.join(10)


def test_triton_sends_the_steps_of_a_request_where_the_collector_listens(tmp_path: Path) -> None:
    plan = planned(tmp_path, SPEC)
    with collector() as (address, posts), served(plan, tmp_path, collector=address) as endpoint:
        with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
            triton.infer(Request(model="twice", inputs={"x": np.ones((1, 1), np.float32)}))
        until = time.monotonic() + 60
        while not any(b"twice" in body for _, body in posts):
            assert time.monotonic() < until, "nothing was sent"
            time.sleep(0.2)
    ((path, body), *_) = posts
    assert body.count(b"plain") >= 2
    assert b"service.name" in body
    assert plan.stack is not None
    url = f"http://otel-collector:4318{path}"
    assert plan.stack.server.trace_config == TraceConfig(
        mode="opentelemetry",
        level=("TIMESTAMPS",),
        rate=1,
        opentelemetry=OpenTelemetry(url=url, resource={"service.name": "triton"}),
    )
    listens = yaml.safe_load((tmp_path / "compose" / "otel" / "collector.yml").read_text())
    where = listens["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert where == f"0.0.0.0:{urlsplit(url).port}"
