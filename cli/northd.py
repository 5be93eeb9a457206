"""The central daemon: the northbound database in, the southbound database's rows out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ovn_rules.cli import northd_commands
from ovn_rules.cli.choosing import SCHEMAS
from ovn_rules.cli.plane import Plane
from ovn_rules.cli.unsupported import Unsupported
from ovn_rules.engine.sinks import stored_columns
from ovn_rules.io.database import Database
from ovn_rules.rules.ovn.options import whole

if TYPE_CHECKING:
    from ovn_rules.cli.control import Control
    from ovn_rules.cli.log import Log
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program

LOCK = "ovn_northd"
"""The lock that ovn-northd(8) takes in the southbound database: one of several works, the others stand by."""

_OPTIONS = "nb.NB_Global.options"
"""The relation of what is set for the whole network."""


class Northd:
    """Follows both databases; writes while it holds the lock.

    Args:
        nb: remotes of the northbound database.
        sb: remotes of the southbound database.
        program: the rules and sinks for the schema.
        tls: files for ``ssl:`` remotes.
        log: where events are said.
        paused: begin as after ``pause``.

    Attributes:
        paused: follows the databases, writes nothing and leaves the lock to others.
    """

    def __init__(self, nb: str, sb: str, program: Program, tls: Tls | None, log: Log, *, paused: bool = False) -> None:
        role = program.northd
        rules = role.load()
        self.log = log
        self.program = program
        self.plane = Plane(rules, role.sinks, role.reports, log, program.versions, "ovn-rules-northd")
        unsupported = Unsupported(program.supported, partial(log.say, "warn")) if program.supported else None
        self.plane.unsupported = unsupported
        # The southbound one is first, and so written first: that is what hosts wait for.
        for name, remotes in (("sb", sb), ("nb", nb)):
            self.plane.attach(
                Database(
                    name,
                    remotes,
                    SCHEMAS[name],
                    rules.relations.values(),
                    extra=stored_columns(role.sinks, name),
                    lock=LOCK if name == "sb" else None,
                    further=unsupported.columns if unsupported is not None and name == "nb" else None,
                    tls=tls,
                )
            )
        self._active = False
        self._observed: object = None
        self.paused = False
        if paused:
            self.pause()

    def pause(self) -> None:
        """Write nothing more, and let another northd have the lock, ovn-northd(8)."""
        if not self.paused:
            self.paused = True
            self.plane.databases["sb"].release_lock()

    def resume(self) -> None:
        """Ask for the lock again, and work once it is there."""
        if self.paused:
            self.paused = False
            self.plane.databases["sb"].want_lock(LOCK)

    def register(self, control: Control) -> None:
        """Add the commands of ovn-northd(8) to the control socket."""
        northd_commands.register(control, self)

    @property
    def status(self) -> str:
        """``active``, ``standby`` (another northd holds the lock), ``paused`` or what is being waited for."""
        if self.paused:
            return "paused"
        waiting = [d.remote for d in self.plane.databases.values() if not d.synced]
        if waiting:
            return f"waiting for {', '.join(waiting)}"
        return "active" if self._active else "standby"

    def run(self) -> None:
        """Read, derive, write: all that can be done now.

        Without the lock nothing is derived: the tunnel keys that another northd gives are the ones to go on with.
        """
        sources = [*self.plane.read("nb"), *self.plane.read("sb")]
        databases = self.plane.databases.values()
        self._observe()
        if any(_OPTIONS in s.delta for s in sources):
            self._set_probes()
        if self.paused or not self.plane.databases["sb"].has_lock or not all(d.loaded for d in databases):
            self._active = False
        elif not self._active:
            self._active = True
            self.plane.restart()
            self.plane.start()
        elif sources:
            self.plane.commit(*sources)
        if self._active:
            self.plane.write()
        self.plane.look_up_comments()  # in standby too: they wait to be looked up from when a change is read

    def _observe(self) -> None:
        """Once rows have been read by a schema, look at what isn't supported in them."""
        nb = self.plane.databases["nb"]
        if self.plane.unsupported is not None and nb.synced and nb.schema is not self._observed:
            self._observed = nb.schema
            self.plane.unsupported.observe(nb.replica)

    def _set_probes(self) -> None:
        """Probe both servers as northd_probe_interval of NB_Global's options says, ovn-nb(5)."""
        table = self.plane.databases["nb"].replica.tables["NB_Global"]
        options = dict(pair for row in table.rows.values() for pair in row[table.position["options"]])
        interval = whole(options.get("northd_probe_interval", ""), -1)
        for database in self.plane.databases.values():
            database.probe(interval if interval >= 0 else None)

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""
        self.plane.wait(poller)

    def resync(self) -> dict[str, int]:
        """Compare with evaluation from scratch and with the databases; the numbers of differences."""
        return self.plane.resync() if self._active else {}

    def leave(self) -> bool:
        """Nothing is to be cleaned up."""
        return True

    def close(self) -> None:
        """End the connections."""
        self.plane.close()
