"""TLS and keys at the gateway of a running stack, as clients and the stack's Locust meet them."""

import hashlib
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme
from tests.integration.compose.engine import Engine
from tests.integration.compose.flagship.test_load import results_of, start
from tests.integration.compose.measured import timed
from tests.integration.compose.project import Project, build_images
from tests.integration.compose.prometheus import until
from tests.integration.compose.replicas.conftest import FIRST_REQUEST
from tritonclient.grpc import service_pb2 as v2
from tritonclient.grpc import service_pb2_grpc

HERE = Path(__file__).parent
SITE = "triton.example"
"""What the certificate is for: neither what the host calls the gateway, nor what Locust does."""
KEY, NEW = "sesame", "of next month"
INFER = "/v2/models/grow/infer"


@dataclass(frozen=True)
class Secured:
    """The stack, and who signed its certificate."""

    project: Project
    authority: trustme.CA

    def ask(self, path: str = INFER, key: str = "", request: Any = None) -> httpx.Response:
        """Ask as who knows the site by its name, which leads to the gateway."""
        trusting = ssl.create_default_context()
        self.authority.configure_trust(trusting)
        url = f"https://{self.project.address('gateway', 8000)}{path}"
        with httpx.Client(verify=trusting, trust_env=False, timeout=30) as client:
            return client.request(
                "POST" if request else "GET",
                url,
                json=request,
                headers={"authorization": f"Bearer {key}"} if key else {},
                extensions={"sni_hostname": SITE},
            )

    def call(self, key: str = "") -> v2.ModelInferResponse:
        """Ask the same over gRPC."""
        request = v2.ModelInferRequest(model_name="grow", raw_input_contents=[b"\1\0\0\0"])
        request.inputs.add(name="x", datatype="INT32", shape=[1, 1])
        roots = grpc.ssl_channel_credentials(self.authority.cert_pem.bytes())
        named = [("grpc.ssl_target_name_override", SITE)]
        with grpc.secure_channel(self.project.address("gateway", 8001), roots, named) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            metadata = [("authorization", f"Bearer {key}")] if key else []
            return stub.ModelInfer(request, timeout=30, metadata=metadata)


@pytest.fixture(scope="module")
def secured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The stack, up and healthy."""
    folder = tmp_path_factory.mktemp("clone") / "secured"
    for name in ("steps", "certs"):
        (folder / name).mkdir(parents=True)
    shutil.copy(HERE / "spec.yaml", folder)
    shutil.copy(HERE.parent / "replicas" / "grow.py", folder / "steps")
    authority = trustme.CA()
    site = authority.issue_cert(SITE)
    site.cert_chain_pems[0].write_to_path(folder / "certs" / "site.pem")
    site.private_key_pem.write_to_path(folder / "certs" / "site.key")
    (folder / "certs" / "keys.txt").write_text(line_of(KEY, "alice"))
    # As docs/how-to/compose.md has it: readable by all, in a folder that others can't enter.
    for file in (folder / "certs").iterdir():
        file.chmod(0o644)
    (folder / "certs").chmod(0o700)
    told = Engine({**engine.environment, "LOCUST_API_KEY": KEY}, engine.log)
    project = Project(told, folder)
    project.tritongen("build")
    build_images(project)
    try:
        with timed("secured: up and healthy"):
            project.up()
        yield Secured(project, authority)
    finally:
        project.down()


def line_of(key: str, name: str) -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()} {name}\n"


def test_over_https_who_has_a_key_is_answered_and_nobody_else(secured: Secured) -> None:
    answer = secured.ask(key=KEY, request=FIRST_REQUEST)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == [2]
    for wrong in ("", "guessed"):
        refused = secured.ask(key=wrong, request=FIRST_REQUEST)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer KEY" in refused.json()["error"]
    assert secured.ask("/v2/health/ready").status_code == 200
    assert secured.ask("/v2/repository/index", KEY, {"ready": True}).status_code == 403


def test_over_grpc_who_has_a_key_is_answered_and_nobody_else(secured: Secured) -> None:
    assert secured.call(KEY).raw_output_contents == [b"\2\0\0\0"]
    for wrong in ("", "guessed"):
        with pytest.raises(grpc.RpcError) as refused:
            secured.call(wrong)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_in_the_clear_nobody_is_answered(secured: Secured) -> None:
    with secured.project.http("gateway", 8000) as client, pytest.raises(httpx.TransportError):
        client.get("/v2/health/ready")
    with grpc.insecure_channel(secured.project.address("gateway", 8001)) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.ServerReady(v2.ServerReadyRequest(), timeout=10)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("loadtest", ["https", "grpcs"])
def test_the_stack_s_locust_is_let_in(secured: Secured, loadtest: str) -> None:
    with secured.project.http("locust-master", 8089) as page:
        start(page, loadtest)
        results = until(lambda: results_of(page, loadtest), "no results")
    assert results["total"]["answered"] == results["total"]["offered"] == 40, results["total"]
    assert results["address"].startswith(f"{loadtest}://gateway:")


def test_a_key_that_is_added_counts_once_the_gateway_has_read_it(secured: Secured) -> None:
    assert secured.ask(key=NEW, request=FIRST_REQUEST).status_code == 401
    with (secured.project.folder / "certs" / "keys.txt").open("a") as file:
        file.write(line_of(NEW, "bob"))
    secured.project.compose("kill", "--signal", "USR2", "gateway")
    until(lambda: secured.ask(key=NEW, request=FIRST_REQUEST).status_code == 200, "it is known")


def test_triton_runs_from_the_image_that_was_built_for_its_steps(secured: Secured) -> None:
    (triton,) = secured.project.containers("triton")
    assert triton["Config"]["Image"].startswith("secured-triton:")
    told = secured.project.engine.docker("history", "--no-trunc", triton["Config"]["Image"])
    assert "pip install --no-cache-dir" in told


def test_status_names_the_addresses_with_what_they_speak(secured: Secured) -> None:
    said = secured.project.tritongen("status")
    assert f"https://{secured.project.address('gateway', 8000)}" in said
    assert f"grpcs://{secured.project.address('gateway', 8001)}" in said
