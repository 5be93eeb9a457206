"""Servers older than monitor_cond_since, monitor_cond and _Server: a real one behind a relay that hides methods."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from netschema import RELATIONS, SCHEMA, Held, dumped, facts_of
from servers import drive

from ovn_rules.io.database import Database


class Relay:
    """Passes messages on to a server, but answers some methods as a server that doesn't know them."""

    def __init__(self, path, server, hidden):
        self.hidden = hidden
        self.server = server
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.remote = f"unix:{path}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Takes one client after the other."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(str(self.server.socket))
            threading.Thread(target=self.down, args=(upstream, client), daemon=True).start()
            self.up(client, upstream)

    def down(self, upstream, client):
        """From the server to the client, byte by byte."""
        while data := upstream.recv(65536):
            client.sendall(data)
        client.close()

    def up(self, client, upstream):
        """From the client to the server, message by message."""
        text = ""
        while data := client.recv(65536):
            text += data.decode()
            while text:
                try:
                    message, end = json.JSONDecoder().raw_decode(text)
                except json.JSONDecodeError:
                    break
                text = text[end:]
                self.seen.append(message.get("method"))
                if message.get("method") in self.hidden or (
                    "_Server" in str(message.get("params")) and "_Server" in self.hidden
                ):
                    error = {"error": "unknown method", "details": message["method"]}
                    client.sendall(json.dumps({"id": message["id"], "result": None, "error": error}).encode())
                else:
                    upstream.sendall(json.dumps(message).encode())
        upstream.close()


@pytest.mark.parametrize(
    ("hidden", "used"),
    [
        ((), "monitor_cond_since"),
        (("monitor_cond_since",), "monitor_cond"),
        (("monitor_cond_since", "monitor_cond", "set_db_change_aware", "_Server"), "monitor"),
    ],
)
def test_old_servers_are_read_the_old_way(ovsdb, tmp_path, hidden, used):
    """With each monitor method the first snapshot, inserts, changes and deletions give the same facts."""
    server = ovsdb(SCHEMA)
    pairs = ["map", [["k", "v"], ["l", "w"]]]
    server.transact(
        {"op": "insert", "table": "Switch", "row": {"name": "a", "tags": ["set", ["x", "y"]], "ids": pairs}}
    )
    relay = Relay(tmp_path / "relay.sock", server, hidden)
    database = Database("net", relay.remote, "Net", RELATIONS)
    held = Held().take(drive([database], lambda _: database.synced))
    mutations = [["tags", "insert", "z"], ["tags", "delete", "x"], ["ids", "delete", "k"]]
    for operations in (
        [{"op": "insert", "table": "Switch", "row": {"name": "b", "number": 2, "opt": 5}}],
        [{"op": "mutate", "table": "Switch", "where": [["name", "==", "a"]], "mutations": mutations}],
        [{"op": "update", "table": "Switch", "where": [["name", "==", "b"]], "row": {"opt": ["set", []], "number": 3}}],
        [{"op": "delete", "table": "Switch", "where": [["name", "==", "a"]]}],
    ):
        server.transact(*operations)
        held.take(drive([database], lambda e: e))
        assert held.facts == facts_of(dumped(server.dump()))
    assert [m for m in relay.seen if m and m.startswith("monitor")][-1] == used
    database.close()
    relay.listener.close()
