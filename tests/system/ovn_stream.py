"""A stream of random changes to the northbound database of running servers, and what they make of it."""

from __future__ import annotations

from random import Random

from ovn_drawn import Drawn
from reference import Reference
from served import Follower

TAKEN = "svc_monitor_mac", "pg1_ip4", "pg2_ip4"
"""Names of address sets that northd makes itself: with another of that name ovn-northd can't begin anew."""


class Stream:
    """Random changes, always the same for a seed.

    Attributes:
        southbound: Follows the southbound database.
        changes: How many operations were committed.
    """

    def __init__(self, reference, seed):
        """Begins with a network of some size."""
        reference.run("init")
        self.southbound = Follower(reference.sb)
        self.changes = 0
        self._before = {}
        self._peers = {}
        self._reference = reference
        self._drawn = Drawn(Random(seed))  # noqa: S311 - nothing secret
        self._number = reference.nb.select("NB_Global", ["nb_cfg"])[0]["nb_cfg"]
        self._commit(self._drawn.beginning()[0])

    def change(self, steps=5):
        """Commits some changes in one transaction.

        Returns:
            Whether it was one: what the server refuses together is committed in parts.
        """
        drawn = [self._step() for _ in range(steps)]
        if self._commit([operation for step in drawn for operation in step]):
            return True
        for step in drawn:
            self._commit(step)
        return False

    def _step(self):
        """Operations in the northbound database; hosts say nothing. A network that has died out begins again."""
        alive = self._drawn.rows["Logical_Switch"] and self._drawn.rows["Logical_Router"]
        return (self._drawn.step() if alive else self._drawn.beginning())[0]

    def settled(self):
        """Waits until all has been written: the rows that were written in vain since the last time."""
        self.settle()
        written, before = self.southbound.take(), self._before
        self._before = {key: dict(row) for key, row in self.southbound.rows.items()}
        return in_vain(written, before)

    def begin_anew(self):
        """Reads the files and sequence numbers anew: a database is not what it was."""
        self.southbound = Follower(self._reference.sb)
        self._number = self._reference.nb.select("NB_Global", ["nb_cfg"])[0]["nb_cfg"]

    def _commit(self, operations):
        server = self._reference.nb
        for operation in operations:
            row = operation.get("row", {})
            if operation["table"] == "Address_Set" and row.get("name") in TAKEN:
                operation["row"] = {**row, "name": f"{row['name']}_"}
            if operation["table"] == "Logical_Switch_Port" and "options" in row:
                operation["row"] = {**row, "options": ["map", self._unshared(operation, row["options"][1])]}
        results = server.client.call("transact", server.name, *operations)
        if any(r and r.get("error") for r in results):
            return False
        self.changes += len(operations)
        return True

    def _unshared(self, operation, options):
        """Options of a port without a router port that another one has named: which is its peer, hash tables say."""
        port = operation.get("uuid") or operation["where"][0][2][1]
        named = dict(options).get("router-port")
        shared = named is not None and self._peers.setdefault(named, port) != port
        return [pair for pair in options if not shared or pair[0] != "router-port"]

    def ask(self):
        """Asks for the southbound database to be brought up to date."""
        self._number += 1
        row = {"nb_cfg": self._number}
        self._reference.nb.transact({"op": "update", "table": "NB_Global", "where": [], "row": row})

    def settle(self):
        """Waits until it is, and everything that follows from it."""
        for _ in range(2):  # addresses and tags are given first, and written down after that
            self.ask()
            asked = 1
            while not self._reached():
                # When the lock comes to ovn-northd before what was written under it, its first transaction is refused,
                # and it waits for a change until it tries again.
                assert asked < 20
                self.ask()
                asked += 1

    def _reached(self):
        """Waits a second for what was asked for."""
        row = {"sb_cfg": self._number}
        wait = {"op": "wait", "until": "==", "table": "NB_Global", "where": [], "columns": ["sb_cfg"], "rows": [row]}
        server = self._reference.nb
        return not server.client.call("transact", server.name, {**wait, "timeout": 1000})[0].get("error")


def rewritten_by_theirs(reference, stream, others=()):
    """What ovn-northd changes when it takes over what ours has left: nothing, if all is as it would have it.

    Args:
        reference: The servers.
        stream: What they were changed by.
        others: Further daemons to end.
    """
    stream.settled()
    northbound = Follower(reference.nb)
    for northd in others:
        northd.stop()
    reference.stop_northd()
    Reference.start(reference)
    stream.settle()
    return stream.southbound.take() + northbound.take()


def in_vain(transactions, before):
    """Of the rows that transactions wrote, those that are in the end what they were: written for nothing.

    Args:
        transactions: What ``Follower.take`` gave; what ovn-northd alone wrote, and took back itself, doesn't count.
        before: Its rows before that.
    """
    rows, gone, come, found = {}, {}, {}, []
    for who, changes in transactions:
        for table, uuid, columns in changes:
            row = rows.setdefault((table, uuid), dict(before.get((table, uuid), {})))
            if columns is None:
                gone[table, plain(row)] = who
                found.append((come.get((table, uuid)), who, table, uuid, f"came and went: {row}"))
            elif row:
                for column, value in columns.items():
                    # A tag that a port asked for comes from the northbound database, where it may be set right first.
                    if column != "tag" and not isinstance(value, list) and row.get(column) != value:
                        again = before.get((table, uuid), {}).get(column) == value
                        found.append((who if again else None, who, table, uuid, f"{column} was another for a while"))
                row.update(columns)
            else:
                come[table, uuid] = who
                row.update(columns)
                if table == "Logical_Flow":  # which has nothing but what it says
                    found.append((gone.get((table, plain(row))), who, table, uuid, f"was there before: {row}"))
    return [each for each in found if each[0] is not None and {*each[:2]} != {"ovn-northd"}]


def plain(row):
    """A row's columns that are no sets or maps, and its datapath."""
    return tuple(sorted((c, str(v)) for c, v in row.items() if not isinstance(v, list) or c.endswith("datapath")))
