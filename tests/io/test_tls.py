"""TLS: real certificates, made here, and what is said when they don't fit."""

from __future__ import annotations

import socket
import subprocess

import pytest
from netschema import RELATIONS, SCHEMA
from servers import drive

from ovn_rules.io.database import Database
from ovn_rules.io.streams import RemoteError, Tls


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"
        )

    def run(self, *words):
        """Runs openssl."""
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def files(self, name):
        """(private key, certificate, CA certificate) for a new name."""
        self.run(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        self.run(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            f"{name}.pem",
        )
        return tuple(str(self.folder / f) for f in (f"{name}.key", f"{name}.pem", "ca.pem"))


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


@pytest.fixture
def server(ovsdb, authority):
    key, certificate, ca = authority.files("server")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    options = [f"--private-key={key}", f"--certificate={certificate}", f"--ca-cert={ca}"]
    server = ovsdb(SCHEMA, remotes=[f"pssl:{port}:127.0.0.1"], options=options)
    server.tls = f"ssl:127.0.0.1:{port}"
    return server


def test_large_snapshot_over_tls(server, authority):
    """A snapshot of many TLS records is read completely, and changes after it arrive."""
    for start in range(0, 400, 100):
        rows = [{"name": f"s{i}" + "x" * 1000, "number": i} for i in range(start, start + 100)]
        server.transact(*[{"op": "insert", "table": "Switch", "row": r} for r in rows])
    database = Database("net", server.tls, "Net", RELATIONS, tls=Tls(*authority.files("client")))
    drive([database], lambda _: database.synced)
    assert len(database.replica.tables["Switch"].rows) == 400
    server.transact({"op": "delete", "table": "Switch", "where": [["number", ">=", 10]]})
    drive([database], lambda _: len(database.replica.tables["Switch"].rows) == 10)
    database.close()


def test_transactions_over_tls(server, authority):
    """A transaction larger than a socket's buffer is sent whole."""
    database = Database("net", server.tls, "Net", RELATIONS, tls=Tls(*authority.files("client")))
    drive([database], lambda _: database.synced)
    answers = []
    row = b'{"op":"insert","table":"Switch","row":{"name":"%b"}}' % (b"y" * 5_000_000)
    database.transact(row, lambda result, error: answers.append((result, error)))
    drive([database], lambda _: answers)
    assert len(server.select("Switch", ["name"])[0]["name"]) == 5_000_000
    assert answers[0][1] is None
    database.close()


def test_foreign_authority_is_refused(server, tmp_path):
    """A server whose certificate another authority signed is not trusted, and the reason is said."""
    tls = Tls(*Authority(tmp_path / "other").files("client"))
    database = Database("net", server.tls, "Net", RELATIONS, tls=tls)
    events = drive([database], lambda e: e)
    assert "the server's certificate was refused" in str(events[0])
    database.close()


def test_handshake_waits_without_spinning(authority):
    """While a peer is silent in the handshake, the program sleeps."""
    tls = Tls(*authority.files("client"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        remote = f"ssl:127.0.0.1:{listener.getsockname()[1]}"
        database = Database("net", remote, "Net", RELATIONS, tls=tls)
        turns = []
        events = drive([database], lambda e: turns.append(1) or e)
    assert str(events[0]) == f"net: waiting for {remote}: connecting took too long"
    assert len(turns) < 100
    database.close()


def test_files_are_checked_at_the_start(authority, tmp_path):
    """Missing TLS files, or one that is no key, are named before anything is tried; without files ssl: is refused."""
    _, certificate, ca = authority.files("client")
    with pytest.raises(RemoteError, match="ssl: remotes need a private key"):
        Database("net", "ssl:127.0.0.1:1", "Net", RELATIONS)
    with pytest.raises(RemoteError, match=f"private key {tmp_path}/none does not exist"):
        Database("net", "ssl:127.0.0.1:1", "Net", RELATIONS, tls=Tls(f"{tmp_path}/none", certificate, ca))
    with pytest.raises(RemoteError, match="can't be used"):
        Database("net", "ssl:127.0.0.1:1", "Net", RELATIONS, tls=Tls(ca, certificate, ca))
