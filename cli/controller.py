"""A host's daemon: its own Open vSwitch and the southbound database in, OpenFlow, tunnels and claims out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.choosing import SCHEMAS
from ovn_rules.cli.plane import Plane
from ovn_rules.cli.setaside import merge
from ovn_rules.engine.history import Source
from ovn_rules.engine.sinks import stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.streams import RemoteError
from ovn_rules.io.switch import Switch
from ovn_rules.io.switch_events import Adopted, Lost, Refused, Waiting

if TYPE_CHECKING:
    from ovn_rules.cli.control import Control
    from ovn_rules.cli.log import Log
    from ovn_rules.engine import Changes
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program


MOST_HELD = 100
"""Changes that wait for the switch to be read are merged when there are more."""


class Controller:
    """Follows the host's database, then the southbound one it names; keeps the integration bridge's flows.

    Nothing is sent to the switch before its flows have been read and the southbound database has been read
    completely, so that a restart over a converged network changes nothing.

    Args:
        ovs: remote of the host's own database.
        sb: remotes of the southbound database; None for what external_ids:ovn-remote says.
        rundir: where ovs-vswitchd keeps its bridges' sockets.
        program: the rules and sinks for the schema.
        tls: files for ``ssl:`` remotes.
        log: where events are said.
    """

    def __init__(self, ovs: str, sb: str | None, rundir: str, program: Program, tls: Tls | None, log: Log) -> None:
        role = program.controller
        self.log = log
        self.program = program
        self.tls = tls
        self.rundir = rundir
        self.given_remote = sb
        self.plane = Plane(role.load(), role.sinks, role.reports, log, program.versions, "ovn-rules-controller")
        # Tunnels follow from the southbound database: before it is read, those there are would seem unwanted.
        self.plane.attach(self._database("ovs", ovs), role.early)
        self.plane.start()
        self.switch: Switch | None = None
        self._remote = ""
        self._held: list[Source] = []
        self._adopted = False
        self._complete = False
        self._leaving = False

    def _database(self, name: str, remotes: str) -> Database:
        relations = self.plane.program.relations.values()
        extra = stored_columns(self.plane.sinks, name)
        return Database(name, remotes, SCHEMAS[name], relations, extra=extra, tls=self.tls)

    @property
    def status(self) -> str:
        """``running``, or what is being waited for."""
        waiting = [d.remote for d in self.plane.databases.values() if not d.synced]
        if waiting:
            return f"waiting for {', '.join(waiting)}"
        reasons = [fact[2] for fact in self.plane.engine.facts("Waiting")]
        if reasons:
            return str(reasons[0])
        if self.switch is None or not self.switch.connected:
            return "waiting for the integration bridge"
        return "running"

    def run(self) -> None:
        """Read, derive, write: all that can be done now."""
        sources = self.plane.read("ovs")
        if sources:
            self._commit(*sources)
            if not self._leaving:
                self._follow()
        if "sb" in self.plane.databases:
            self._held += self.plane.read("sb")
            if len(self._held) > MOST_HELD:
                merged = merge([s.delta for s in self._held]).items()
                delta = {n: (list(d), list(i)) for n, (d, i) in merged}
                self._held = [Source("sb", self._held[0].time, delta, unknown="many changes merged into one")]
        if self.switch is not None:
            self._run_switch(self.switch)
        if self._adopted:
            self._take_southbound()
        self.plane.write()
        self.plane.look_up_comments()

    def _take_southbound(self) -> None:
        """Derive from what came; once all of it has been read, everything may be written."""
        if self._held:
            held, self._held = self._held, []
            self._commit(*held)
        southbound = self.plane.databases.get("sb")
        if southbound is None or not southbound.loaded:
            return
        if not self._complete:
            self._complete = True
            self.plane.attach(self.plane.databases["ovs"])
            self.plane.start()
            self.plane.settle()
        if self.switch is not None and not self._leaving:
            self.switch.go()

    def _commit(self, *sources: Source) -> None:
        changes = self.plane.commit(*sources)
        if self.switch is not None and not self._leaving:
            self._change_flows(self.switch, changes)

    @staticmethod
    def _change_flows(switch: Switch, changes: Changes) -> None:
        deleted, inserted = changes["OpenFlow"]
        if deleted or inserted:
            switch.change([f[1:] for f in deleted], [f[1:] for f in inserted])

    def _run_switch(self, switch: Switch) -> None:
        for event in switch.run():
            self.log.say("warn" if isinstance(event, Waiting | Lost | Refused) else "info", str(event))
            if isinstance(event, Adopted) and not self._adopted:
                hints = {hint for flow in event.flows for hint in self.program.numbers_in(flow[2], flow[3])}
                self._commit(Source("switch", time.time(), {"FlowHint": ((), hints)}))
                self._adopted = True

    # -- what the host's own settings say --------------------------------------------------------------------

    def _follow(self) -> None:
        """Connect to what external_ids name now."""
        settings = {key: value for _, key, value in self.plane.engine.facts("ovs.Open_vSwitch.external_ids")}
        remote = self.given_remote or settings.get("ovn-remote", "")
        if remote and remote != self._remote:
            self._connect(remote)
        for _, bridge in self.plane.engine.facts("BridgeName"):
            if self.switch is None or self.switch.bridge != bridge:
                self._use(bridge)

    def _connect(self, remote: str) -> None:
        """Follow another southbound database: what differs from the rows held is the change."""
        self._remote = remote
        try:
            new = self._database("sb", remote)
        except RemoteError as error:
            going_on = "; going on with the one before" if "sb" in self.plane.databases else ""
            self.log.say("warn", f"external_ids:ovn-remote: {error}{going_on}")
            return
        old = self.plane.databases.pop("sb", None)
        if old is not None:
            old.close()
            new.replica = old.replica
        self.plane.attach(new)
        self.plane.start()

    def _use(self, bridge: str) -> None:
        if self.switch is not None:
            self.switch.close()
        self.switch = Switch(bridge, self.program.tables, rundir=self.rundir)
        self.switch.change((), [f[1:] for f in self.plane.engine.facts("OpenFlow")])
        self._adopted = False

    # -- the loop ------------------------------------------------------------------------------------------

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""
        self.plane.wait(poller)
        if self.switch is not None:
            self.switch.wait(poller)

    def resync(self) -> dict[str, int]:
        """Compare with evaluation from scratch, with the databases, and with the switch."""
        counts = self.plane.resync()
        if self.switch is not None and self.switch.connected:
            counts["flows"] = self.switch.resync()
        return counts

    def register(self, control: Control) -> None:
        """No commands but those that all daemons have."""

    def leave(self) -> bool:
        """Take the host out of the network: its claims, its Chassis row and its tunnels; the flows stay.

        Returns:
            Whether all of it has been written; to be called again until it has.
        """
        if not self._leaving:
            self._leaving = True
            if self.switch is not None:
                self.switch.close()
                self.switch = None
            names = [(name,) for _, name in self.plane.engine.facts("LocalChassis")]
            self.plane.commit(Source("exit", time.time(), {"Leaving": ((), names)}))
        return self.plane.idle or not any(d.writable for d in self.plane.databases.values())

    def close(self) -> None:
        """End the connections; nothing is cleaned up."""
        if self.switch is not None:
            self.switch.close()
        self.plane.close()
