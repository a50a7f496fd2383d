"""TLS, and API keys of which only hashes are on the machine."""

import hashlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.fleet import Gateway
from tests.integration.gateway.test_what_passes import BODY
from tritonclient.utils import InferenceServerException

pytestmark = [pytest.mark.server, pytest.mark.slow]

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
KEYS = {"alice": "k1-of-alice", "bob": "k2.of+bob/=="}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1; its key is beside it, where HAProxy looks for it."""
    path = tmp_path_factory.mktemp("tls") / "tls.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(
        [*words, "-out", str(path), "-keyout", f"{path}.key"], check=True, capture_output=True
    )
    return path


@pytest.fixture(scope="module")
def closed(
    start: Start,
    certificate: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway with TLS that wants a key."""
    keys = tmp_path_factory.mktemp("keys") / "api_keys"
    lines = (f"{hashlib.sha256(key.encode()).hexdigest()} {name}" for name, key in KEYS.items())
    keys.write_text("# who may ask\n" + "\n".join(lines) + "\n")
    said = {
        "tls": {"certificate": "tls.pem", "key": "tls.pem.key"},
        "api_keys": "api_keys",
        "rate_limit": "5/s",
    }
    with start(said, certificate=str(certificate), api_keys=str(keys)) as gateway:
        yield gateway


def get(closed: Gateway, certificate: Path, path: str, **headers: str) -> httpx.Response:
    trusted = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(verify=trusted, trust_env=False, headers=headers) as client:
        method = "POST" if path.endswith("infer") else "GET"
        content = BODY if method == "POST" else None
        return client.request(method, f"https://{closed.http}{path}", content=content)


def infer(closed: Gateway, certificate: Path, **headers: str) -> np.ndarray:
    x = triton_grpc.InferInput("X", [1, 1], "FP32")
    x.set_data_from_numpy(np.ones((1, 1), np.float32))
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with triton_grpc.InferenceServerClient(closed.grpc, ssl=True, creds=credentials) as client:
        assert client.is_server_live()
        return np.asarray(client.infer("add", [x], headers=headers).as_numpy("Y"))


@pytest.mark.parametrize("name", KEYS)
def test_who_has_a_key_is_served_over_tls(closed: Gateway, certificate: Path, name: str) -> None:
    header = {"authorization": f"Bearer {KEYS[name]}"}
    before = len(closed.records())
    assert get(closed, certificate, "/v2/models/add/infer", **header).status_code == 200
    assert get(closed, certificate, "/v2", **header).json()["name"] == "triton"
    assert (infer(closed, certificate, **header) == 2).all()
    assert name in {each["key"] for each in closed.records(before + 4)[before:]}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_command_asks_with_a_key(closed: Gateway, certificate: Path, protocol: str) -> None:
    url = f"https://{closed.http}" if protocol == "http" else f"grpcs://{closed.grpc}"
    words = ["infer", "add", "--url", url, "--protocol", protocol, "--input", "X=1", "--json"]

    def ask(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TRITONGEN, *words, *more],
            env={**os.environ, "SSL_CERT_FILE": str(certificate)},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = ask()
    assert refused.returncode == 6
    assert "a key is needed" in refused.stderr
    assert "--header" in refused.stderr
    answered = ask("--header", f"Authorization: Bearer {KEYS['alice']}")
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["outputs"][0]["data"] == [2]


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic YWxpY2U6azEtb2YtYWxpY2U="},
        {"authorization": f"Bearer {hashlib.sha256(b'k1-of-alice').hexdigest()}"},
        {"authorization": "k1-of-alice"},
        {"x-api-key": "k1-of-alice"},
    ],
)
def test_who_has_none_is_refused(
    closed: Gateway, certificate: Path, header: dict[str, str]
) -> None:
    for path in ("/v2/models/add/infer", "/v2", "/v2/models/add/ready"):
        refused = get(closed, certificate, path, **header)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert "a key is needed" in refused.json()["error"]
    with pytest.raises(InferenceServerException) as called:
        infer(closed, certificate, **header)
    assert called.value.status() == "StatusCode.UNAUTHENTICATED"


def test_health_needs_no_key(closed: Gateway, certificate: Path) -> None:
    assert get(closed, certificate, "/v2/health/ready").status_code == 200


def test_no_key_is_written_anywhere(closed: Gateway, certificate: Path) -> None:
    url = "/v2/models/add?key=k1-of-alice"
    get(closed, certificate, url, authorization=f"Bearer {KEYS['alice']}", **{"x-key": "k1-of"})
    assert "k1-of" not in closed.log.read_text()


def test_a_key_has_its_own_rate_wherever_it_is_used(closed: Gateway, certificate: Path) -> None:
    header = {"authorization": f"Bearer {KEYS['bob']}"}
    codes = [
        get(closed, certificate, "/v2/models/add/infer", **header).status_code for _ in range(55)
    ]
    assert set(codes[-3:]) == {429}
    with pytest.raises(InferenceServerException) as called:
        infer(closed, certificate, **header)
    assert called.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
    alice = {"authorization": f"Bearer {KEYS['alice']}"}
    assert get(closed, certificate, "/v2/models/add/infer", **alice).status_code == 200


def test_plain_text_is_not_answered(closed: Gateway) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{closed.http}/v2", trust_env=False)


def test_old_tls_is_not_spoken(closed: Gateway) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.TransportError):
        httpx.get(f"https://{closed.http}/v2", verify=old, trust_env=False)
