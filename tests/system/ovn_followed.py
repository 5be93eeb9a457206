"""The reference's databases followed over connections, for many small steps on one pair of servers."""

from __future__ import annotations

import ovs.poller
from reference import Held, program
from servers import Client

from ovn_rules.cli.choosing import SCHEMAS
from ovn_rules.io.database import Database
from ovn_rules.io.events import Updated

LEFT = ("NB_Global", "Connection", "SSL")
"""Northbound tables that stay when everything else goes."""
HOSTS = ("Chassis", "Chassis_Private", "Encap")
"""Southbound tables that hosts fill."""
AFTERWARDS = ("Encap", "HA_Chassis_Group")
"""Tables whose rows others must let go first."""


class Followed:
    """The real ovn-northd on its servers, and our rules beside it.

    Attributes:
        given: Our rules, told what the reference stored.
        alone: Our rules, not told.
    """

    def __init__(self, reference):
        """Connects to both servers."""
        self.reference = reference
        self.given, self.alone = Held(reference), Held(reference, alone=True)
        servers = (("nb", reference.nb), ("sb", reference.sb))
        relations = list(program().relations.values())
        self.databases = [Database(name, server.remote, SCHEMAS[name], relations) for name, server in servers]
        self.watch = Client(reference.nb.socket)
        self.watch.call("monitor", SCHEMAS["nb"], "sb_cfg", {"NB_Global": {"columns": ["sb_cfg"]}})
        self._sequence = reference.nb.select("NB_Global")[0]["nb_cfg"] if reference.nb.select("NB_Global") else 0
        self._drive(lambda: all(d.synced for d in self.databases))

    def change(self, nb=(), sb=()):
        """Commits changes of both databases.

        Returns:
            The database's complaint, if it refuses them; then nothing is changed.
        """
        for server, operations in ((self.reference.sb, sb), (self.reference.nb, nb)):
            if operations:
                results = server.client.call("transact", server.name, *operations)
                refused = [r for r in results if r and r.get("error")]
                if refused:
                    return str(refused)
        return ""

    def catch_up(self):
        """Waits until the reference has written what follows, and takes it in."""
        self._sequence += 1
        bump = {"op": "update", "table": "NB_Global", "where": [], "row": {"nb_cfg": self._sequence}}
        self.reference.nb.transact(bump)
        while not self._written():
            self.watch.notes.append(self.watch.receive())
        answered = []
        for database in self.databases:
            database.echo(lambda *reply: answered.append(reply))
        self._drive(lambda: len(answered) == len(self.databases))

    def clear(self):
        """Has everything go that a step may have made."""
        nb, sb = self.reference.nb, self.reference.sb
        schema = nb.client.call("get_schema", nb.name)["tables"]
        roots = [t for t, definition in schema.items() if definition.get("isRoot") and t not in LEFT]
        for server, tables in ((nb, roots), (sb, HOSTS)):
            server.transact(*({"op": "delete", "table": t, "where": []} for t in tables if t not in AFTERWARDS))
            server.transact(*({"op": "delete", "table": t, "where": []} for t in tables if t in AFTERWARDS))
        empty = {"options": ["map", []], "external_ids": ["map", []], "ipsec": False, "name": ""}
        self.reference.nb.transact({"op": "update", "table": "NB_Global", "where": [], "row": empty})
        self.catch_up()

    def differing(self, *, alone=True, fresh=False):
        """What differs, a line a row; once more when the reference has had time to come to rest.

        Args:
            alone: Rules that aren't told what is stored are compared, too.
            fresh: All is there since one transaction.
        """
        for _ in range(2):
            found = [*self.given.differing(alike=self._alike, fresh=fresh), *self.given.differing_northbound()]
            if alone and not found:
                found = [f"alone: {d}" for d in self.alone.differing(self.given, alike=self._alike, fresh=fresh)]
            if not found:
                break
            self.catch_up()
        return found

    def _alike(self, table, content):
        """A row without what hangs on ovn-northd's hash order: docs/differences.md, "Which of several"."""
        row = dict(content)
        engine = self.given.network.engine
        if table == "Port_Binding" and row["type"] == "patch":
            name = next((f[0] for f in engine.facts("RouterPort") if f[2] == row["logical_port"]), None)
            several = sum(f[1] == name for f in engine.facts("Attached")) > 1
            row["options"] = tuple((k, "one" if several and k == "peer" else v) for k, v in row["options"])
        elif table == "Logical_Flow" and dict(row["external_ids"])["stage-name"] == "lr_in_arp_resolve":
            hint = dict(row["external_ids"]).get("stage-hint")
            switch = next((f[1] for f in engine.facts("VirtualAddress") if f[0][:8] == hint), None)
            if sum(f[0] == switch for f in engine.facts("RouterLink")) > 1:
                row |= {"match": row["match"].partition(" && ")[2], "Datapath_Binding": "one"}
        else:
            return content
        return tuple(row.items())

    def close(self):
        """Ends the connections."""
        self.watch.close()
        for database in self.databases:
            database.close()

    def _written(self):
        notes, self.watch.notes = self.watch.notes, []
        rows = [r for n in notes for r in n["params"][1]["NB_Global"].values()]
        return any(r.get("new", {}).get("sb_cfg") == self._sequence for r in rows)

    def _drive(self, until):
        """Follows both databases for a while; what has changed in them is taken in as one."""
        changes = {}
        while True:
            for database in self.databases:
                for event in database.run():
                    if isinstance(event, Updated):
                        _add(event.delta, changes)
            if until():
                break
            poller = ovs.poller.Poller()
            for database in self.databases:
                database.wait(poller)
            poller.timer_wait(5000)
            poller.block()
        self.given.take(changes)
        self.alone.take(changes)


def _add(delta, changes):
    """Adds a further delta to changes, so that what comes and goes again isn't in them."""
    for relation, (deleted, inserted) in delta.items():
        gone, come = changes.setdefault(relation, (set(), set()))
        for fact in deleted:
            (come.discard if fact in come else gone.add)(fact)
        for fact in inserted:
            (gone.discard if fact in gone else come.add)(fact)
