"""Who changed a database, and why: the comments of its transactions, from the server's own file.

A monitor tells which rows changed, and not the transaction's comment (RFC 7047). The server's file has it, with the
time. Where the file can be read, each change is looked up there soon after it came; the record is there before the
change is told, and stays until the server compacts its file.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.history import Commit
from ovn_rules.io.files import FileError
from ovn_rules.io.transactions_log import LogTail, server_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine.history import Source
    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.io.transactions_log import Logged

INTERVAL = 1.0
"""Seconds between two looks into a file while changes come."""

DELAY = 0.1
"""Seconds from a change to the first look: what is to be written goes first."""

MOST = 1000
"""Changes that wait to be looked up, and rows of one change that are looked for."""

TOO_MANY = "too many changes came at once to look each up"
"""Why there is no comment for a change that isn't looked up."""

AGE = 60.0
"""Seconds for which a record that fits no change yet is kept."""

Key = tuple[str, str]
"""A table and a row's UUID."""


class _Wanted:
    """A change that is looked up.

    ``rows`` has the columns that changed by table and UUID: None for a new row, none for one that went.

    Args:
        number: its place in the order.
        source: the change.
        relations: those that it is of.
        read: the columns that are read, by table.
    """

    def __init__(
        self, number: int, source: Source, relations: Mapping[str, RelationDef], read: Mapping[str, set[str]]
    ) -> None:
        self.number = number
        self.source = source
        self._read = read
        self.rows: dict[Key, set[str] | None] = {}
        for name, (gone, come) in source.delta.items():
            table = relations[name].table
            if table is None:
                continue
            if table.column is not None:
                for facts in (gone, come):
                    for fact in list(facts)[:MOST]:
                        self._add((table.table, fact[0]), {table.column})
                continue
            columns = [c.name for c in relations[name].columns]
            before = {fact[0]: fact for fact in list(gone)[:MOST]}
            for fact in list(come)[:MOST]:
                old = before.pop(fact[0], None)
                changed = None if old is None else {c for c, a, b in zip(columns, old, fact, strict=True) if a != b}
                self._add((table.table, fact[0]), changed)
            for row in before:
                self._add((table.table, row), set())

    def _add(self, key: Key, columns: set[str] | None) -> None:
        known = self.rows.get(key, set())
        self.rows[key] = None if known is None or columns is None else known | columns

    def fits(self, key: Key, columns: frozenset[str] | None) -> bool:
        """Whether it may be what a record did to a row."""
        if columns is None:
            return True
        wanted = self.rows[key]
        if wanted is None:
            # A row that has come may have been changed again before it was told.
            return not self.source.commits or not self._read[key[0]].isdisjoint(columns)
        return not wanted.isdisjoint(columns)


class Comments:
    """Looks changes up in the files of their databases.

    Args:
        relations: those that changes are of.
        files: database → its file, where it was said.
    """

    def __init__(self, relations: Mapping[str, RelationDef], files: Mapping[str, str]) -> None:
        self._relations = relations
        self._read: dict[str, dict[str, set[str]]] = {}
        for relation in relations.values():
            if relation.table is not None:
                column = relation.table.column
                names = {c.name for c in relation.columns} if column is None else {column}
                tables = self._read.setdefault(relation.table.database, {})
                tables.setdefault(relation.table.table, set()).update(names)
        self._files = files
        self._tails: dict[str, LogTail] = {}
        self._why: dict[str, str] = {}
        self._waiting: deque[_Wanted] = deque()
        self._left: dict[str, list[Logged]] = {}
        self._number = 0
        self._due = 0.0

    def follow(self, name: str, remote: str, schema_name: str) -> None:
        """Find the file of a database that has been connected to; without one, what its changes lack is noted.

        Args:
            name: the database's name in the program.
            remote: the server.
            schema_name: the database's name on the server.
        """
        path = remote.removeprefix("unix:")
        try:
            if name in self._files:
                places: list[Any] = [self._files[name]]
            elif path != remote:
                places = server_files(path)
            else:
                raise FileError(f"its server is {remote}")  # noqa: TRY301 - the reasons are told in one place
            tail = self._tails.get(name)
            if tail is None or str(tail.path) not in map(str, places):
                self._drop(name)
                self._tails[name] = _open(places, schema_name)
        except (OSError, FileError) as error:
            self._drop(name)
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._why[name] = (
                f"the database's file isn't readable here ({reason}); --database-file {name}=FILE names it"
            )

    def _drop(self, name: str) -> None:
        tail = self._tails.pop(name, None)
        if tail is not None:
            tail.close()

    def expect(self, source: Source) -> None:
        """Look a change up in a moment."""
        if source.name not in self._tails:
            source.unknown = self._why.get(source.name, "")
            return
        if not self._waiting:
            self._due = max(self._due, time.monotonic() + DELAY)
        self._number += 1
        self._waiting.append(_Wanted(self._number, source, self._relations, self._read[source.name]))
        if len(self._waiting) > MOST:
            self._waiting.popleft().source.unknown = TOO_MANY

    def skip(self, name: str) -> None:
        """Pass over what a database's file says of a large load that nobody looks up; what waits is looked up first."""
        if name in self._tails and any(w.source.name == name for w in self._waiting):
            while self._look(name):
                pass
        if name in self._tails:
            self._tails[name].skip()

    def run(self, *, now: bool = False) -> None:
        """Look up what waits, if it is time.

        Args:
            now: even if it isn't.
        """
        if not self._waiting or (not now and time.monotonic() < self._due):
            return
        behind = [self._look(name) for name in {w.source.name for w in self._waiting}]
        self._due = time.monotonic() + (DELAY if any(behind) else INTERVAL)

    def wait(self, poller: Any) -> None:
        """Wake the poller when it is time."""
        if self._waiting:
            poller.timer_wait(max(0, int((self._due - time.monotonic()) * 1000) + 1))

    def _look(self, name: str) -> bool:
        """Read on in a file; whether there is more to read."""
        waiting = [w for w in self._waiting if w.source.name == name]
        tail = self._tails.get(name)
        behind = False
        why = self._why.get(name, "")
        if tail is not None:
            try:
                found = [*self._left.pop(name, ()), *tail.read()]
            except FileError as error:
                why = self._why[name] = str(error)
                self._drop(name)
            else:
                self._left[name] = _match(found, waiting)
                behind = not tail.caught_up
                why = f"not found in {tail.path}"
        if not behind:
            for each in waiting:
                each.source.unknown = "" if each.source.commits else why
            self._waiting = deque(w for w in self._waiting if w.source.name != name)
        return behind

    def places(self) -> list[str]:
        """Where comments come from, a line for each database."""
        lines = [f"comments of {name}: from {tail.path}" for name, tail in self._tails.items()]
        return sorted([*lines, *(f"comments of {n}: {why}" for n, why in self._why.items() if n not in self._tails)])

    def close(self) -> None:
        """Close the files."""
        for name in list(self._tails):
            self._drop(name)


def _open(places: list[Any], schema_name: str) -> LogTail:
    """The first of the files that is a database with this schema.

    Raises:
        FileError: none is.
    """
    reason = "the server has no file open"
    for place in places:
        try:
            return LogTail(place, schema_name)
        except FileError as error:
            reason = str(error)
    raise FileError(reason)


def _match(found: list[Logged], waiting: list[_Wanted]) -> list[Logged]:
    """Give each record to the change that it is of; those of none, if they are young.

    Records and changes are in the same order. Where several commits were told as one change, it gets all that no
    other change wants.
    """
    index: dict[Key, list[_Wanted]] = {}
    for each in waiting:
        for key in each.rows:
            index.setdefault(key, []).append(each)
    left = []
    for record in found:
        fitting = {
            w.number: w for key, columns in record.rows.items() for w in index.get(key, ()) if w.fits(key, columns)
        }
        chosen = None
        for number in sorted(fitting):
            chosen = fitting[number]
            if not chosen.source.commits:
                break
        if chosen is not None:
            chosen.source.commits.append(Commit(record.time, record.comment))
        elif record.time is not None and time.time() - record.time < AGE:
            left.append(record)
    return left[-MOST:]
