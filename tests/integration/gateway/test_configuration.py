"""HAProxy reads what is rendered, whatever the spec says, and finds nothing to warn of."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from tests.integration.gateway.fleet import MODELS, SEQUENCE, STEPS

from tritongen.parts.targets.gateway import Replica, Surroundings, files
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve

SAID = {
    "nothing": "{gateway: haproxy}",
    "all": """
      replicas: 30
      cpus: {gateway: 2}
      gateway:
        haproxy:
          max_request_size: 4GiB
          retry_size: 2MiB
          rate_limit: 7/min
          timeout: 90s
          compression: true
          statistics: true
          tls: {certificate: tls.pem, key: tls.pem.key}
          api_keys: api_keys
    """,
    "rate": "{gateway: {haproxy: {rate_limit: 100/s}}}",
    "one replica": "{replicas: 1, gateway: {haproxy: {retry_size: 1B, max_request_size: 1B}}}",
}
SERVERS = ["{}", "{model_control_mode: explicit}", "{allow_grpc: false}"]
REPLICAS = (Replica(http="127.0.0.1:1", grpc="127.0.0.1:2"),)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("replicas", [(), REPLICAS], ids=["by name", "said"])
def test_haproxy_takes_it(
    program: list[str], tmp_path: Path, said: str, server: str, replicas: tuple[Replica, ...]
) -> None:
    for name, content in {"steps.py": STEPS, "sequence.py": SEQUENCE}.items():
        (tmp_path / name).write_text(content)
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"{MODELS}server: {server}\nstack: {SAID[said]}\n")
    loaded = load([spec], {})
    keys = tmp_path / "api_keys"
    keys.write_text(f"{hashlib.sha256(b'key').hexdigest()} alice\n")
    at = Surroundings(
        folder=str(tmp_path),
        socket=str(tmp_path / "admin.sock"),
        certificate=str(certificate(tmp_path)),
        api_keys=str(keys),
        replicas=replicas,
    )
    for name, text in files(resolve(loaded, probe(loaded, tmp_path)), at).items():
        (tmp_path / name).write_text(text)
    words = [*program, "-c", "-f", str(tmp_path / "haproxy.cfg")]
    checked = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[WARNING]" not in checked.stderr


def certificate(folder: Path) -> Path:
    path = folder / "tls.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-subj", "/CN=x", "-out", str(path), "-keyout", f"{path}.key"]
    subprocess.run(words, check=True, capture_output=True)
    return path
