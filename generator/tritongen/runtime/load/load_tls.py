"""Whom the program believes over TLS: this machine's certificates, or the one that it was given.

Inside a stack the gateway is reached by a name that no certificate is for. There it is held to
showing the very certificate that its clients are shown.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from load_scenario import ScenarioError

REACHED_S = 10


def context(certificate: str) -> ssl.SSLContext:
    """Return what holds a server to ``certificate`` (a PEM file), or to its name if there is none.

    Raises `ScenarioError` if the file can't be used.
    """
    if not certificate:
        return ssl.create_default_context()
    try:
        made = ssl.create_default_context(cafile=certificate)
    except OSError as error:
        raise ScenarioError(f"the certificate {certificate} can't be used: {error}") from None
    made.check_hostname = False
    # It need not be an authority's, nor be signed by one that is known here.
    made.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def credentials(
    certificate: str, place: str
) -> tuple[grpc.ChannelCredentials, list[tuple[str, str]]]:
    """Return what gRPC needs to hold ``host:port`` to a certificate, and options for its channels.

    Raises `ScenarioError` as `context`, and if another certificate is shown there, or none.
    """
    options = [("grpc.ssl_target_name_override", _name(certificate, place))] if certificate else []
    known = certificate or ssl.get_default_verify_paths().cafile
    roots = Path(known).read_bytes() if known else None
    return grpc.ssl_channel_credentials(roots), options


def _name(certificate: str, place: str) -> str:
    """Return a name that the certificate is for: gRPC can't be told not to ask for one."""
    host, _, port = place.rpartition(":")
    checks = context(certificate)
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), REACHED_S) as plain,
            checks.wrap_socket(plain, server_hostname=host.strip("[]")) as secure,
        ):
            shown: Mapping[str, Any] = secure.getpeercert() or {}
    except OSError as error:
        raise ScenarioError(f"{place} does not show {certificate}: {error}") from None
    names: list[str] = [name for _, name in shown.get("subjectAltName", ())]
    return (names or [host])[0].replace("*", "any", 1)
