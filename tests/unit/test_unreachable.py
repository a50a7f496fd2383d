"""A server that can't be asked: why, and what to do about it."""

import pytest

from tritongen.triton import Triton, UnreachableError
from tritongen.triton.failure import unreachable


def test_a_protocol_without_an_address_is_not_asked() -> None:
    with (
        Triton(http="127.0.0.1:9", grpc="") as triton,
        pytest.raises(UnreachableError, match="answers nobody over this protocol"),
    ):
        triton.config("m", protocol="grpc")


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer", "SSL_CERT_FILE"),
        ("UNAUTHENTICATED: Hostname Verification Check failed.", "SSL_CERT_FILE"),
        ("connection refused", "tritongen up"),
    ],
)
def test_the_remedy_follows_from_the_reason(reason: str, remedy: str) -> None:
    assert remedy in unreachable("grpcs://127.0.0.1:8001", reason).fix
