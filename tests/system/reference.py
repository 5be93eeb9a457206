"""The installed ovn-northd on servers of its own, and our rules held to what it writes."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

from servers import OvsdbServer

from ovn_rules.cli.compare import compared, differences
from ovn_rules.cli.contents import asked_row
from ovn_rules.cli.sources import Network
from ovn_rules.engine import Engine
from ovn_rules.engine.sinks import split_column
from ovn_rules.io.files import read_files
from ovn_rules.rules import ovn
from ovn_rules.rules.ovn.programs import OVN

SCHEMAS = Path(ovn.__file__).parent
SHARED = ("Chassis", "Chassis_Private", "Encap", "HA_Chassis", "HA_Chassis_Group", "SB_Global")
"""Southbound tables that ours goes by, though it begins with a database of its own."""


class Reference:
    """Two database servers and the real ovn-northd."""

    def __init__(self, folder, *, northd=True):
        """Starts them; without ``northd``, the servers alone."""
        self.folder = Path(folder)
        self.nb = OvsdbServer(self.folder / "nb", SCHEMAS / "ovn-nb.ovsschema")
        self.sb = OvsdbServer(self.folder / "sb", SCHEMAS / "ovn-sb.ovsschema")
        self.environment = os.environ | {
            "OVN_NB_DB": self.nb.remote,
            "OVN_SB_DB": self.sb.remote,
            "OVN_RUNDIR": str(self.folder),
        }
        self.process = None
        if northd:
            self.start()

    def start(self):
        """Starts ovn-northd."""
        command = [
            "ovn-northd",
            f"--ovnnb-db={self.nb.remote}",
            f"--ovnsb-db={self.sb.remote}",
            f"--unixctl={self.folder}/northd.ctl",
            f"--log-file={self.folder}/northd.log",
            "-vconsole:off",
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def run(self, line):
        """Runs a scenario's line: arguments of ovn-nbctl, or after ``sb`` of ovn-sbctl."""
        words = shlex.split(line)
        tool = ["ovn-sbctl"] if words[0] == "sb" else ["ovn-nbctl"]
        command = [*tool, "--timeout=20", *(words[1:] if words[0] == "sb" else words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def sync(self):
        """Waits until ovn-northd has written what follows from the northbound database."""
        self.run("--wait=sb sync")

    def stop_northd(self):
        """Ends ovn-northd; the servers stay."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        """Ends everything."""
        self.stop_northd()
        self.nb.stop()
        self.sb.stop()


@cache
def program():
    """Our rules, with all columns that are compared."""
    names = {**OVN.northd.names, **compared(OVN), "nb.NB_Global": ("sb_cfg", "hv_cfg")}
    return replace(OVN.northd, names=names).load()


class Held:
    """Our rules over the reference's databases: an engine that follows them, change by change."""

    def __init__(self, reference, *, alone=False):
        """Knows nothing yet.

        Args:
            reference: Whose databases.
            alone: The rules aren't told what the reference stored, but for tables that are not theirs.
        """
        self.reference = reference
        self.alone = alone
        self.network = Network(OVN, Engine(program()))
        self._known = {}

    def follow(self):
        """Takes in what has changed."""
        found = {}
        for name, server in (("nb", self.reference.nb), ("sb", self.reference.sb)):
            for relation, (_, facts) in read_files([server.file], name, program().relations.values()).facts.items():
                found[relation] = set(facts) if self._given(relation) else set()
        none = set()
        changes = {
            relation: (
                self._known.get(relation, none) - found.get(relation, none),
                found.get(relation, none) - self._known.get(relation, none),
            )
            for relation in self._known.keys() | found.keys()
        }
        self._known = found
        return self.network.engine.transact(changes)

    def take(self, changes):
        """Takes in changes: relation → (deleted, inserted)."""
        return self.network.engine.transact({r: c for r, c in changes.items() if self._given(r)})

    def _given(self, relation):
        database, table, *_ = relation.split(".")
        return not self.alone or database == "nb" or table in SHARED

    def differing(self, stored_in=None, *, alike=lambda _table, content: content, fresh=False):
        """What differs from the rows that the reference stored, a line a row; numbers may, when alone.

        Args:
            stored_in: Who knows the stored rows, if not this one.
            alike: Given a table and a row's content, what of it counts.
            fresh: The stored rows have no past.
        """
        found = []
        stored_in = stored_in and stored_in.network
        for difference in differences(self.network, stored_in, renamed=self.alone, fresh=fresh):
            sides = (difference.stored, difference.wanted)
            stored, wanted = (Counter(alike(difference.table, c) for c in side) for side in sides)
            found += [f"- {difference.table} {dict(row)}" for row in (stored - wanted).elements()]
            found += [f"+ {difference.table} {dict(row)}" for row in (wanted - stored).elements()]
        return found

    def differing_northbound(self):
        """What differs from what the reference wrote in the northbound database: assigned addresses, tags, being up."""
        found = []
        engine = self.network.engine
        schema = self.network.program.databases["nb"].schema
        for sink in self.network.program.northd.sinks:
            if sink.database != "nb" or sink.key != ("_uuid",):
                continue
            stored = [c.name for c in engine.program.relations[f"nb.{sink.table}"].columns]
            rows = {f[0]: dict(zip(stored, f, strict=True)) for f in engine.facts(f"nb.{sink.table}")}
            columns = [c.name for c in engine.program.relations[sink.relation].columns]
            keyed = {split_column(c)[0] for c in sink.columns if ":" in c}
            for fact in engine.facts(sink.relation):
                wanted = asked_row(dict(zip(columns, fact, strict=True)), sink.columns, sink.table, schema)
                row = rows[wanted.pop("_uuid")]
                for column in wanted.keys() & row.keys():
                    value = tuple(p for p in row[column] if p in wanted[column]) if column in keyed else row[column]
                    if value != wanted[column]:
                        found.append(f"{sink.table} {row} should have {column} {wanted[column]}")
        return found


def play(reference, lines):
    """Runs a scenario, and after each step holds our rules to the reference.

    Args:
        reference: The servers and the daemon.
        lines: Lines of a scenario; ``---`` ends a step, ``#`` begins a comment.

    Returns:
        What differed, a line a row, each step's after a line that names it.
    """
    follower, alone = Held(reference), Held(reference, alone=True)
    found = []
    claimed = False  # a host has said who has a virtual port's address, which our rules alone can't know
    for number, line in enumerate([*lines, "---"], 1):
        if line.strip() == "---":
            reference.sync()
            follower.follow()
            alone.follow()
            differing = follower.differing()
            if not claimed:
                differing += [f"alone: {d}" for d in alone.differing(follower)]
            differing += [f"recompute: {r} {d}" for r, d in follower.network.engine.recompute().items()]
            found += [f"before line {number}:", *differing] if differing else []
        elif line.strip() and not line.startswith("#"):
            reference.run(line)
            claimed = claimed or (line.startswith("sb ") and "virtual_parent" in line)
    return found
