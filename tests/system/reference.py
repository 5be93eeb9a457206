"""The installed ovn-northd on servers of its own, and our rules held to what it writes."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

from servers import OvsdbServer

from ovn_rules.cli.compare import compared, differences
from ovn_rules.cli.sources import Network
from ovn_rules.engine import Engine
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
    return replace(OVN.northd, names={**OVN.northd.names, **compared(OVN)}).load()


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

    def _given(self, relation):
        database, table, *_ = relation.split(".")
        return not self.alone or database == "nb" or table in SHARED

    def differing(self, stored_in=None):
        """What differs from the rows that the reference stored, a line a row; numbers may, when alone."""
        found = []
        for difference in differences(self.network, stored_in and stored_in.network, renamed=self.alone):
            found += [f"- {difference.table} {dict(row)}" for row in difference.stored]
            found += [f"+ {difference.table} {dict(row)}" for row in difference.wanted]
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
