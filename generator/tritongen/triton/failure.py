"""What went wrong while talking to Triton, in words and with Triton's own code."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

from tritongen.errors import EngineError

CODES = {
    "400": "INVALID_ARGUMENT",
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "404": "NOT_FOUND",
    "500": "INTERNAL",
    "501": "UNIMPLEMENTED",
    "503": "UNAVAILABLE",
}
"""HTTP's statuses as gRPC's codes; a Triton before 24.01 said 400 of every error.

401 is a gateway's.
"""

GONE = re.compile(r"Stub process '[^']*' is not healthy")
UNBELIEVED = re.compile("CERTIFICATE_VERIFY_FAILED|Hostname Verification")
"""What both protocols say of a certificate from nobody known, or for another name."""


class TritonError(EngineError):
    """Triton refused a request: ``message`` is its own text, ``code`` gRPC's name for the kind."""

    def __init__(self, message: str, *, code: str, why: str = "", fix: str = "") -> None:
        super().__init__(message, why=why, fix=fix)
        self.code = code


class UnreachableError(EngineError):
    """Nothing answers at the address."""


@contextmanager
def in_words(address: str, timeout_s: float | None = None) -> Iterator[None]:
    """Turn what tritonclient raises in this block into ``TritonError`` or ``UnreachableError``."""
    from tritonclient.utils import InferenceServerException

    try:
        yield
    except InferenceServerException as error:
        raise refusal(error.message() or "", error.status() or "", address, timeout_s) from error
    except TimeoutError as error:
        raise refusal("", "DEADLINE_EXCEEDED", address, timeout_s) from error
    except (OSError, HTTPException) as error:
        raise unreachable(address, str(error)) from error


def refusal(text: str, status: str, address: str, timeout_s: float | None) -> EngineError:
    """Return the exception for one failed call; ``status`` as either client spells it."""
    code = CODES.get(status, status.removeprefix("StatusCode.") or "UNKNOWN")
    if code == "DEADLINE_EXCEEDED":
        return TritonError(
            f"no answer from {address} within {timeout_s or 0:g} s",
            code=code,
            fix="wait longer with --timeout, or see what the server does with `tritongen logs`",
        )
    if code == "UNAUTHENTICATED":
        fix = "send one: --header 'Authorization: Bearer KEY'"
        return TritonError(text, code=code, why="a gateway said so", fix=fix)
    if GONE.search(text):
        return TritonError(
            text,
            code=code,
            why="this Python model's process has ended: it crashed, its code called os._exit(), "
            "or memory ran out; this Triton does not start it again",
            fix="see why with `tritongen logs`, then `tritongen down` and `tritongen up`",
        )
    return TritonError(text, code=code, why=f"Triton answered {code}" if status else "")


def unreachable(address: str, reason: str) -> UnreachableError:
    """Return the exception for an address at which nothing answers, or where there is none."""
    if not address:
        return UnreachableError(
            "the server answers nobody over this protocol",
            why="it is turned off there, or the stack's gateway does not run",
            fix="see how it is: tritongen status",
        )
    fix = "start one with `tritongen up`, or give the address of a running one"
    if UNBELIEVED.search(reason):
        fix = (
            "name who signed its certificate in SSL_CERT_FILE (a PEM file), and ask by a name that "
            "the certificate is for: --url"
        )
    return UnreachableError(f"no Triton answers at {address}", why=reason, fix=fix)
