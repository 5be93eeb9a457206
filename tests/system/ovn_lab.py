"""The lab with today's OVN: its schemas and its ovn-controller, and its own tools to write, wait and trace with."""

from __future__ import annotations

import re
from pathlib import Path

from lab import Lab, until
from netns import command

from ovn_rules.rules import ovn

FOLDER = Path(ovn.__file__).parent
SCHEMAS = FOLDER / "ovn-nb.ovsschema", FOLDER / "ovn-sb.ovsschema"
CONTROLLER = "ovn-controller {ovs}"
TOOLS = ("ovn-controller", "ovn-nbctl", "ovn-sbctl", "ovn-trace")


class OvnLab(Lab):
    """Two hosts with the real ovn-controller; which northd writes the flows is the caller's choice."""

    def __init__(self, northd):
        """Takes the daemon's command line; see ``Lab``."""
        super().__init__(SCHEMAS, northd, CONTROLLER)

    def _fill_databases(self):
        """Gives SB_Global its row: ovn-controller 23.03 crashes when it connects before that."""
        self.sbctl("init")

    def _build(self):
        super()._build()
        until(lambda: self.ended() or len(self.rows("Chassis_Private", "name")) == len(self.hosts), "hosts are known")
        assert self.ended() == {}

    def nbctl(self, *words):
        """Output of ovn-nbctl."""
        return command("ovn-nbctl", "--timeout=30", f"--db={self.nb}", *words).strip()

    def sbctl(self, *words):
        """Output of ovn-sbctl."""
        return command("ovn-sbctl", "--timeout=30", f"--db={self.sb}", *words).strip()

    def change(self, *words):
        """Runs ovn-nbctl, and returns when packets on all hosts go by what it wrote."""
        self.nbctl("--wait=hv", *words)
        self.purge()

    def trace(self, switch, packet, *options):
        """What ovn-trace says of a packet in a few words."""
        return command("ovn-trace", f"--db={self.sb}", "--minimal", *options, switch, packet)

    def arrives(self, switch, packet, *options):
        """The logical ports at which ovn-trace sees a packet come out."""
        return sorted(re.findall(r'^ *output\("(.*)"\);', self.trace(switch, packet, *options), re.MULTILINE))
