"""What a server says of itself in its ``_Server`` database: what it has, and how it stands in a cluster.

ovsdb-server(5) describes the database, ovsdb(7) the states of a cluster's servers.
"""

from __future__ import annotations

from typing import Any

COLUMNS = ("name", "model", "connected", "leader", "cid", "index")
"""The columns of its table Database that are looked at."""


class Membership:
    """Whether the server that one is connected to will do for a database."""

    def __init__(self, database: str, *, leader_only: bool) -> None:
        """Starts knowing nothing.

        Args:
            database: The database's name on the server (``OVN_Northbound``).
            leader_only: Of a cluster, only the leader will do.
        """
        self._database = database
        self._leader_only = leader_only
        self._rows: dict[str, dict[str, Any]] = {}
        self._newest: tuple[Any, int] = (None, 0)

    def begin(self) -> None:
        """Forgets what another server said, but for how new the cluster's data was there."""
        self._rows = {}

    def forget_index(self) -> None:
        """Takes a cluster's data as it comes, though it be older than what was read."""
        self._newest = (None, 0)

    def take(self, updates: dict[str, Any]) -> None:
        """Takes rows of the table Database, and changes of them, as ``monitor_cond`` tells them."""
        for uuid, change in updates.get("Database", {}).items():
            if "delete" in change:
                self._rows.pop(uuid, None)
            else:
                new = change.get("modify") or change.get("insert") or change.get("initial") or {}
                self._rows[uuid] = {**self._rows.get(uuid, {}), **new}

    def lacking(self) -> str:
        """That the server doesn't have the database; empty when it has."""
        if self._row is not None:
            return ""
        others = sorted(str(r.get("name")) for r in self._rows.values() if r.get("name") != "_Server")
        has = f"; it has {', '.join(others)}" if others else ""
        return f"the server has no database {self._database}{has}"

    def unfit(self) -> str:
        """Why a cluster's server won't do now; empty when it will."""
        row = self._row or {}
        if row.get("model", "standalone") == "standalone":
            return ""
        if not row.get("connected", False):
            return "the server is not connected to its cluster"
        if self._leader_only and not row.get("leader", False):
            return "the server is not its cluster's leader"
        cluster, index = row.get("cid"), row.get("index", 0)
        if isinstance(index, int):
            known_cluster, known_index = self._newest
            if cluster == known_cluster and index < known_index:
                return "the server's data is older than what was read already"
            self._newest = (cluster, index)
        return ""

    @property
    def _row(self) -> dict[str, Any] | None:
        return next((r for r in self._rows.values() if r.get("name") == self._database), None)
