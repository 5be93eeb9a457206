"""Our northd on the servers of the reference, and what is written to their files."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from reference import Held, Reference

from ovn_rules.cli.contents import by_content, stored_rows
from ovn_rules.cli.control import listens
from ovn_rules.rules.ovn.programs import OVN

PROGRAM = Path(sys.executable).parent / "ovn-rules"
SEQUENCE_NUMBERS = {"nb_cfg", "sb_cfg", "hv_cfg", "nb_cfg_timestamp", "sb_cfg_timestamp", "hv_cfg_timestamp"}
NETWORK = (Path(__file__).parent / "everything.nbctl").read_text().splitlines()
"""Lines of a scenario that uses every feature."""


class OurNorthd:
    """Our daemon over somebody's servers.

    Attributes:
        control_socket: Where ``ask`` asks.
        errors: The file with its log lines.
    """

    def __init__(self, reference, name="ours"):
        """Starts it."""
        self.reference = reference
        self.control_socket = reference.folder / f"{name}.ctl"
        self.errors = reference.folder / f"{name}.err"
        self.process = None
        self.start()

    def start(self):
        """Starts it."""
        databases = [f"--nb={self.reference.nb.remote}", f"--sb={self.reference.sb.remote}"]
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [PROGRAM, "daemon", "northd", *databases, f"--unixctl={self.control_socket}"],
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )

    def stop(self, sig=signal.SIGKILL):
        """Ends it, without warning if not told otherwise."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(sig)
            self.process.wait()
            self.process = None
            self.control_socket.unlink(missing_ok=True)

    def ask(self, *words):
        """What a command to its control socket answers."""
        return appctl(self.control_socket, *words)

    def log(self):
        """Its lines."""
        return self.errors.read_text().splitlines()


def appctl(control_socket, *words):
    """What a daemon answers to ``ovs-appctl``, once it listens."""
    end = time.monotonic() + 20
    while not listens(control_socket):
        assert time.monotonic() < end, f"no {control_socket}"
        time.sleep(0.02)
    done = subprocess.run(["ovs-appctl", "-t", control_socket, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Served(Reference):
    """Two database servers, and our northd in ovn-northd's place."""

    ours = None

    def start(self):
        """Starts ours."""
        self.ours = OurNorthd(self)

    def stop_northd(self):
        """Ends ours without warning; the servers stay."""
        if self.ours is not None:
            self.ours.stop()
        super().stop_northd()


class Follower:
    """What transactions do to a standalone database's file, read from the file itself (ovsdb(5)).

    Attributes:
        rows: (table, UUID) → column → value as it was last written.
    """

    def __init__(self, server):
        """Reads what is there."""
        self.server = server
        self.rows = {}
        self._at = 0
        self.take()

    def take(self):
        """The transactions since the last time: who made it, and (table, UUID, columns or None if deleted) of each."""
        found = []
        with self.server.file.open("rb") as file:
            file.seek(self._at)
            while (header := file.readline()).endswith(b"\n"):
                assert header.startswith(b"OVSDB JSON "), (self._at, header)
                length = int(header.split()[2])
                text = file.read(length)
                if len(text) < length:
                    break  # it is being written
                self._at = file.tell()
                record = json.loads(text)
                if "cksum" not in record:  # a schema has one
                    found.append((record.get("_comment", ""), self._take_record(record)))
        return [(who, changes) for who, changes in found if changes]

    def _take_record(self, record):
        changes = []
        for table, rows in record.items():
            if table.startswith("_"):
                continue
            for uuid, row in rows.items():
                columns = None if row is None else {c: v for c, v in row.items() if c not in SEQUENCE_NUMBERS}
                if columns != {} or (table, uuid) not in self.rows:
                    changes.append((table, uuid, columns))
                if row is None:
                    self.rows.pop((table, uuid), None)
                else:
                    self.rows.setdefault((table, uuid), {}).update(row)
        return changes


def unlike(one, other):
    """How southbound rows of two pairs of servers differ but for numbers that hang on chance, a line a row."""
    stored = []
    for side in (one, other):
        held = Held(side)
        held.follow()
        stored.append(stored_rows(held.network.engine, OVN.northd.sinks, "sb"))
        for row in stored[-1].tables["SB_Global"]:
            del row["nb_cfg"]
    schema, contents = OVN.databases["sb"].schema, OVN.contents
    here = by_content(stored[0], stored[1], schema, contents, renamed=True)
    there = by_content(stored[1], stored[0], schema, contents, renamed=True)
    lines = []
    for table in here:
        lines += [f"- {table} {dict(row)}" for row in (here[table] - there[table]).elements()]
        lines += [f"+ {table} {dict(row)}" for row in (there[table] - here[table]).elements()]
    return lines


def filled(folder, server, kind=Reference):
    """Servers of a kind, without a northd, of which the northbound one has a copy of another's database."""
    reference = kind(folder, northd=False)
    reference.nb.stop()
    shutil.copy(server.file, reference.nb.file)
    reference.nb.start()
    return reference


def steps(lines):
    """The lines of each step of a scenario."""
    found = [[]]
    for line in lines:
        if line.strip() == "---":
            found.append([])
        elif line.strip() and not line.startswith("#"):
            found[-1].append(line)
    return found
