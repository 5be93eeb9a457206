"""Byte streams to a database server: ``unix:FILE``, ``tcp:HOST:PORT``, ``ssl:HOST:PORT`` (ovsdb(7)).

``ovs.stream`` does the work. What differs here: host names are resolved, TLS files belong to a connection
instead of the process, a handshake waits for what it needs, and a refused certificate says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ovs.poller
import ovs.socket_util
import ovs.stream

if TYPE_CHECKING:
    from collections.abc import Iterable

_SO_SNDBUFFORCE = 32
"""socket(7): as SO_SNDBUF, but for those who may administer the network beyond the machine's limit."""

SEND_BUFFER = 32 << 20
"""Bytes that the kernel may hold for a server while this side has other things to do, if it lets us."""

DSCP = ovs.stream.Stream.DSCP_DEFAULT
METHODS = ("unix", "tcp", "ssl")


class RemoteError(ValueError):
    """A remote or its TLS files can't be used; the message is one line."""


class UnreachableError(Exception):
    """A server can't be reached now; the message says why."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files that ``ssl:`` remotes need (ovs-vswitchd(8): --private-key, --certificate, --ca-cert).

    Attributes:
        private_key: PEM file of our key.
        certificate: PEM file of our certificate.
        ca_certificate: PEM file of the authority whose servers are trusted.
    """

    private_key: str
    certificate: str
    ca_certificate: str

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later; the peer's certificate is verified, its name is not, as in Open vSwitch.

        Raises:
            RemoteError: A file is missing, unreadable or not what it should be.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for what, file in (
            ("private key", self.private_key),
            ("certificate", self.certificate),
            ("CA certificate", self.ca_certificate),
        ):
            if not os.access(file, os.R_OK):
                reason = "can't be read" if Path(file).exists() else "does not exist"
                raise RemoteError(f"{what} {file} {reason}")
        try:
            context.load_verify_locations(self.ca_certificate)
        except OSError as e:
            raise RemoteError(f"CA certificate {self.ca_certificate} can't be used: {e}") from e
        try:
            context.load_cert_chain(self.certificate, self.private_key)
        except OSError as e:
            raise RemoteError(
                f"certificate {self.certificate} and private key {self.private_key} can't be used: {e}"
            ) from e
        return context


def split_remotes(remotes: str) -> list[str]:
    """The remotes of a comma-separated list, as OVN's ``--ovnnb-db`` takes it.

    Raises:
        RemoteError: One is not a remote; the message says what one looks like.
    """
    found = [r.strip() for r in remotes.split(",") if r.strip()]
    if not found:
        raise RemoteError("no remote given; one looks like unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT")
    for remote in found:
        method, colon, rest = remote.partition(":")
        if not colon or method not in METHODS or not rest:
            raise RemoteError(f"{remote!r} is not a remote; one looks like unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT")
        if method != "unix":
            host, _, port = rest.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise RemoteError(f"{remote!r} is not a remote; after {method}: stands HOST:PORT")
    return found


def needs_tls(remotes: Iterable[str]) -> bool:
    """Whether any of the remotes is reached by TLS."""
    return any(r.startswith("ssl:") for r in remotes)


def open_stream(remote: str, context: ssl.SSLContext | None) -> Any:
    """Starts to connect.

    Args:
        remote: One remote.
        context: For ``ssl:``.

    Returns:
        A stream that is connecting or connected.

    Raises:
        UnreachableError: It failed at once.
    """
    method, _, rest = remote.partition(":")
    if method != "unix":
        rest = _resolve(rest)
    if method == "ssl":
        return _open_tls(remote, rest, context)
    error, stream = ovs.stream.Stream.open(f"{method}:{rest}")
    if not error and stream is not None:
        _widen(stream.socket)
    if error:
        raise UnreachableError(reason(error))
    return stream


def _open_tls(remote: str, target: str, context: ssl.SSLContext | None) -> TlsStream:
    if context is None:
        raise UnreachableError("no private key, certificate and CA certificate are configured")
    address = ovs.socket_util.inet_parse_active(target, 0)
    family, sock = ovs.socket_util.inet_create_socket_active(socket.SOCK_STREAM, address)
    if sock is None:
        raise UnreachableError(reason(family))
    wrapped = context.wrap_socket(sock, do_handshake_on_connect=False)
    error = ovs.socket_util.inet_connect_active(wrapped, address, family, DSCP)
    if error:
        raise UnreachableError(reason(error))
    wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TlsStream(wrapped, remote, errno.EAGAIN)


def _widen(sock: socket.socket) -> None:
    """Lets the kernel take large transactions at once, so that the server has them while this side is busy."""
    for option in (socket.SO_SNDBUF, _SO_SNDBUFFORCE):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, SEND_BUFFER)


class TlsStream(ovs.stream.SSLStream):  # type: ignore[misc]
    """A TLS stream that knows what its handshake waits for, and why it failed."""

    def __init__(self, sock: ssl.SSLSocket, name: str, status: int) -> None:
        """Takes a socket whose connect(2) has been called."""
        super().__init__(sock, name, status)
        self.failure = ""
        self._shaken = False
        self._handshake_events = ovs.poller.POLLOUT

    def connect(self) -> int:
        """Goes on connecting: 0 when done, EAGAIN when it waits, else an errno (``failure`` says more)."""
        error = int(ovs.stream.Stream.connect(self))
        if not error and not self._shaken:
            error = self._handshake()
            self._shaken = not error
        return error

    def _handshake(self) -> int:
        error = errno.EPROTO
        try:
            self.socket.do_handshake()
            error = 0
        except ssl.SSLWantReadError:
            self._handshake_events = ovs.poller.POLLIN
            error = errno.EAGAIN
        except ssl.SSLWantWriteError:
            self._handshake_events = ovs.poller.POLLOUT
            error = errno.EAGAIN
        except ssl.SSLCertVerificationError as e:
            self.failure = f"the server's certificate was refused: {e.verify_message}"
        except ssl.SSLError as e:
            self.failure = f"TLS handshake failed: {e.reason or e}"
        except OSError as e:
            error = e.errno or errno.EPROTO
        return error

    def connect_wait(self, poller: Any) -> None:
        """Wakes the poller when ``connect`` can go on."""
        poller.fd_wait(self.socket, self._handshake_events)

    def recv(self, n: int) -> tuple[int, bytes]:
        """Receives up to ``n`` bytes: (errno, bytes); no bytes and no error at the end."""
        try:
            return self._recv(n)  # type: ignore[no-any-return]
        except ssl.SSLWantReadError:
            return errno.EAGAIN, b""
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return 0, b""
        except ssl.SSLError as e:
            self.failure = f"TLS: {e.reason or e}"
            return errno.EPROTO, b""
        except OSError as e:
            return e.errno or errno.EPROTO, b""


def reason(error: int) -> str:
    """An errno in words."""
    return os.strerror(error) if error > 0 else "connection closed by the server"


def _resolve(rest: str) -> str:
    """``HOST:PORT`` with the host as an address; asks the resolver (and waits for it) for a name only."""
    host, _, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    except OSError as e:
        raise UnreachableError(f"can't resolve {host}: {e.strerror}") from e
    return f"[{address[0]}]:{port}" if family == socket.AF_INET6 else f"{address[0]}:{port}"
