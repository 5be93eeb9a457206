"""Real ovsdb-servers in temporary folders, and a plain client to look at them with.

A test asks for the fixture ``ovsdb`` (``conftest.py``) and calls it: ``server = ovsdb(schema)``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import ovs.poller

from ovn_rules.cli.control import listens


class Client:
    """A plain JSON-RPC client that shares nothing with what is tested."""

    def __init__(self, path):
        """Connects to a Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.sock.settimeout(20)
        self.text = ""
        self.ids = 0
        self.notes = []

    def receive(self):
        """The next message, probes answered."""
        while True:
            try:
                message, end = json.JSONDecoder().raw_decode(self.text)
            except json.JSONDecodeError:
                data = self.sock.recv(1 << 20)
                if not data:
                    raise EOFError from None
                self.text += data.decode()
                continue
            self.text = self.text[end:].lstrip()
            if message.get("method") != "echo":
                return message
            self.send({"id": message["id"], "result": message["params"], "error": None})

    def send(self, message):
        """Sends one message."""
        self.sock.sendall(json.dumps(message).encode())

    def call(self, method, *params):
        """The result of a request."""
        self.ids += 1
        self.send({"id": self.ids, "method": method, "params": list(params)})
        while True:
            message = self.receive()
            if message.get("id") == self.ids:
                assert message["error"] is None, message
                return message["result"]
            self.notes.append(message)

    def close(self):
        """Closes the connection."""
        self.sock.close()


class OvsdbServer:
    """An ovsdb-server with one database.

    Attributes:
        folder: Where its files are.
        file: The database file.
        name: The database's name.
        socket: Its Unix socket; ``remote`` is that as a remote.
    """

    def __init__(self, folder, schema, remotes=(), options=(), clustered=None):
        """Makes the database and starts the server.

        Args:
            folder: An empty folder.
            schema: A path, or a schema as JSON object.
            remotes: Further ``--remote`` values.
            options: Further options.
            clustered: (raft address, address of a server to join or None) for a clustered database.
        """
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if isinstance(schema, dict):
            self.schema = self.folder / "db.ovsschema"
            self.schema.write_text(json.dumps(schema))
        else:
            self.schema = Path(schema)
        self.name = json.loads(self.schema.read_text())["name"]
        self.file = self.folder / "db.file"
        self.socket = self.folder / "db.sock"
        self.remote = f"unix:{self.socket}"
        self.remotes = list(remotes)
        self.options = list(options)
        self.process = None
        self._client = None
        if clustered is None:
            subprocess.run(["ovsdb-tool", "create", self.file, self.schema], check=True)
        elif clustered[1] is None:
            subprocess.run(["ovsdb-tool", "create-cluster", self.file, self.schema, clustered[0]], check=True)
        else:
            subprocess.run(["ovsdb-tool", "join-cluster", self.file, self.name, *clustered], check=True)
        self.start()

    def start(self):
        """Starts the server and waits until it takes connections."""
        assert self.process is None
        self.socket.unlink(missing_ok=True)
        remotes = [f"--remote={r}" for r in (f"punix:{self.socket}", *self.remotes)]
        command = ["ovsdb-server", self.file, *remotes, *self.options, f"--unixctl={self.folder}/ctl"]
        command += ["--no-chdir", "-vconsole:off", "-vfile:info", f"--log-file={self.folder}/log"]
        with (self.folder / "out").open("a") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + 20
        while not listens(self.socket):
            assert self.process.poll() is None, (self.folder / "out").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self, sig=signal.SIGTERM):
        """Stops the server; its files stay."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(sig)
            self.process.wait(20)
            self.process = None

    def freeze(self):
        """Makes the server silent without closing anything."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        """Ends ``freeze``."""
        os.kill(self.process.pid, signal.SIGCONT)

    def appctl(self, *words):
        """What ``ovs-appctl`` prints."""
        done = subprocess.run(
            ["ovs-appctl", "-t", f"{self.folder}/ctl", *words], check=True, capture_output=True, text=True
        )
        return done.stdout

    @property
    def client(self):
        """A plain client that is connected."""
        if self._client is None:
            self._client = Client(self.socket)
        return self._client

    def transact(self, *operations):
        """Commits operations and returns their results; an error of any fails the test."""
        results = self.client.call("transact", self.name, *operations)
        errors = [r for r in results if r and r.get("error")]
        assert not errors, errors
        return results

    def convert(self, schema):
        """Converts the running database to another schema; the server drops plain clients then."""
        self.client.call("convert", self.name, schema)
        self._client.close()
        self._client = None

    def select(self, table, columns=None):
        """All rows of a table, in JSON."""
        operation = {"op": "select", "table": table, "where": []}
        if columns is not None:
            operation["columns"] = columns
        return self.transact(operation)[0]["rows"]

    def dump(self, output_format="json"):
        """What ``ovsdb-client dump`` prints."""
        done = subprocess.run(
            ["ovsdb-client", f"--format={output_format}", "dump", self.remote, self.name],
            check=True,
            capture_output=True,
        )
        return done.stdout.decode()

    def commits(self):
        """How many transactions the database file holds (``ovsdb-tool show-log``)."""
        done = subprocess.run(["ovsdb-tool", "show-log", self.file], check=True, capture_output=True, text=True)
        return sum(line.startswith("record ") for line in done.stdout.splitlines())


def drive(things, until, timeout=20.0):
    """Runs databases and writers in turn, as a daemon's loop does, until something is true.

    Args:
        things: Objects with ``run() -> list of events`` and ``wait(poller)``.
        until: Called with the events so far after each turn.
        timeout: Seconds after which the test fails.

    Returns:
        The events of all, in order.
    """
    events = []
    deadline = time.monotonic() + timeout
    while True:
        for thing in things:
            events += thing.run()
        if until(events):
            return events
        left = deadline - time.monotonic()
        assert left > 0, f"still waiting after {timeout} s; events: {[str(e)[:300] for e in events]}"
        poller = ovs.poller.Poller()
        for thing in things:
            thing.wait(poller)
        poller.timer_wait(min(left * 1000, 50))
        poller.block()
