"""Where the server is, and whom to believe over TLS: this machine's certificates, or a given one.

Inside a stack the gateway is reached by a name that no certificate is for. There it is held to
showing the very certificate that its clients are shown.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from load_scenario import ScenarioError


@dataclass(frozen=True)
class Server:
    """Where to connect to, over TLS if it is said whom to believe."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """Return what both protocols call the server."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def open(self) -> socket.socket:
        """Connect a socket."""
        plain = socket.create_connection((self.host, self.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(plain, server_hostname=self.host) if self.tls else plain


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
