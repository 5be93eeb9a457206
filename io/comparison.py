"""One sink's facts against the stored rows: which keys may differ, and the operations for one key.

Changes of facts (``note``) and of rows (watchers of the replica) say which keys to look at, so the cost of a
change doesn't depend on how many rows there are.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import AllRows, OwnRows, RowsWith, Sink, split_column
from ovn_rules.io.cells import Cell, Cells
from ovn_rules.io.children import ChildRows
from ovn_rules.io.parents import ParentRows
from ovn_rules.io.value_text import UnsendableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.io.rows import Replica, Row
    from ovn_rules.io.transaction import Transaction

Key = Any
"""A sink's key: the value of its only key column, or a tuple of several."""


class Comparison:
    """What one sink wants and what is stored for it.

    Attributes:
        sink: The sink.
        wanted: The fact of each key.
        to_write: Keys with a fact that must be compared: it or its rows have changed since they were.
        to_remove: The same without a fact.
        by_uuid: Keys are the UUIDs of rows.
        key_columns: What the values of a key are of, in their order.
        carried: Rows of its table stay only while others refer to them, so they must be made with those.
    """

    def __init__(
        self,
        sink: Sink,
        columns: Sequence[str],
        replica: Replica,
        schema: Schema,
        awaited: Callable[[Key], bool],
    ) -> None:
        """Reads what is stored and follows it from now on; every stored key is dirty.

        Args:
            sink: The sink, found right by ``sinks.problems``.
            columns: The relation's columns.
            replica: The stored rows.
            schema: The server's schema.
            awaited: Whether somebody waits for a key to be compared, though its row comes as its fact wants it.
        """
        self.sink = sink
        self.to_write: dict[Key, None] = {}
        self.to_remove: dict[Key, None] = {}
        self.wanted: dict[Key, Fact] = {}
        self._further: dict[Key, list[Fact]] = {}
        self._table = replica.tables[sink.table]
        table = schema.tables[sink.table]
        self.by_uuid = sink.key == ("_uuid",)
        self._uuid_from = list(columns).index(str(sink.columns["_uuid"])) if self.by_uuid else -1
        key = [Cell(k, sink.columns[k], columns, self._table, table) for k in sink.key if k != "_uuid"]
        key.sort(key=lambda c: (not c.plain, c.map_key is not None))  # so that most are taken at once
        self.key_columns = tuple(c.name for c in key) or sink.key
        self._key_of_fact = _fact_key(key, len(columns)) if key else itemgetter(self._uuid_from)
        self._key_of_row = _row_key(key) if key else itemgetter(0)
        beyond_key = {c: s for c, s in sink.columns.items() if c not in sink.key}
        self._cells = Cells(beyond_key, columns, self._table, table)
        self._along = Cells(sink.along, columns, self._table, table) if sink.along else None
        self._new = Cells({**sink.insert_only, **sink.columns}, columns, self._table, table)
        self._stored: dict[Key, str | tuple[str, ...]] = {}
        self._ever: set[Key] = set()
        self._is_root = table.is_root
        self.carried = self.by_uuid and sink.insert and not table.is_root and sink.parent is None
        self._orphans: dict[Key, None] = {}
        cells = [Cell(n, s, columns, self._table, table) for n, s in sink.columns.items() if n != "_uuid"]
        strings = [c for c in cells if c.plain and table.columns[c.column].key_type == "string"]
        self._strings = [] if self._table.is_fact else [(c.at, c.source_at) for c in strings]
        self._children = [ChildRows(c, columns, sink.table, (replica, schema), self._touched) for c in sink.children]
        self._parent = ParentRows(sink.parent, columns, replica, self._touched) if sink.parent else None
        self._awaited = awaited
        self._alone = not self._children and self._parent is None
        names = [split_column(c)[0] for c in sink.columns] + [c.column for c in sink.children]
        if isinstance(sink.mine, RowsWith):
            names.append(sink.mine.column)
        self._looked_at = itemgetter(0, *sorted({self._table.position[n] for n in names}))
        for uuid, row in self._table.rows.items():
            self._row_changed(uuid, None, row)
        self._table.watchers.append(self._row_changed)

    def note(self, deleted: Iterable[Fact], inserted: Iterable[Fact]) -> list[Key]:
        """Takes changes of facts and returns the keys that they touch."""
        touched = []
        for fact in deleted:
            key = self._key_of_fact(fact)
            self._forget(key, fact)
            touched.append(key)
        for fact in inserted:
            if self._along is not None:
                self._along.see(fact)
            key = self._key_of_fact(fact)
            known = self.wanted.get(key)
            if known is None:
                self.wanted[key] = fact
            else:
                self._further.setdefault(key, []).append(max(known, fact, key=_order))
                self.wanted[key] = min(known, fact, key=_order)
            touched.append(key)
        if isinstance(self.sink.mine, OwnRows):
            self._ever.update(touched)
        for key in touched:
            self.mark(key)
        return touched

    def facts(self) -> list[Fact]:
        """All facts, those that stand back behind another with the same key included."""
        return [*self.wanted.values(), *(f for more in self._further.values() for f in more)]

    def mark(self, key: Key) -> None:
        """Has a key compared."""
        if key in self.wanted:
            self.to_write[key] = None
            self.to_remove.pop(key, None)
        else:
            self.to_remove[key] = None
            self.to_write.pop(key, None)

    def unmark(self, key: Key) -> bool:
        """Whether a key was to be compared; it is not any more."""
        waiting = self.to_write if key in self.wanted else self.to_remove
        return waiting.pop(key, self) is None

    def waits(self, keys: set[Key]) -> bool:
        """Whether any of some keys is to be compared."""
        return not (self.to_write.keys().isdisjoint(keys) and self.to_remove.keys().isdisjoint(keys))

    def changing(self) -> list[Key]:
        """The keys that are to be compared and have rows."""
        stored = self._table.rows if self.by_uuid else self._stored
        return [key for waiting in (self.to_write, self.to_remove) for key in waiting if key in stored]

    def everything(self) -> list[Key]:
        """Every key that is wanted or stored, in a stable order: what is to be deleted first."""
        stored = [u for u, row in self._table.rows.items() if self._is_mine(row)] if self.by_uuid else self._stored
        return [*(k for k in stored if k not in self.wanted), *self.wanted]

    def compare(self, key: Key, transaction: Transaction) -> None:
        """Adds the operations that bring the stored rows of a key to its fact; none when they are."""
        fact = self.wanted.get(key)
        rows = self.rows(key)
        if fact is None:
            if self.sink.delete and (key in self._ever or not isinstance(self.sink.mine, OwnRows)):
                for row in rows:
                    self._delete(row, transaction)
            if not rows:
                self._stored.pop(key, None)
        elif self._parent is not None and self._parent.wanted(fact) is None:
            self._orphans[key] = None
        elif not rows:
            if self.sink.insert:
                if not self.by_uuid:
                    self._stored.setdefault(key, ())  # so that one tuple is the key of the fact and of the row
                self._insert(fact, transaction)
        else:
            row = rows[0] if len(rows) == 1 else self._keep_one(fact, rows, transaction)
            self._bring(key, fact, row, transaction)

    def _keep_one(self, fact: Fact, rows: list[Row], transaction: Transaction) -> Row:
        """Of several rows with one key, the one that is right already, or else the first; others go."""
        kept = next((r for r in rows if not self._differs(fact, r)), rows[0])
        if self.sink.delete:
            for row in rows:
                if row is not kept:
                    self._delete(row, transaction)
        return kept

    def _bring(self, key: Key, fact: Fact, row: Row, transaction: Transaction) -> None:
        """Brings one stored row to what the fact asks for."""
        if self.sink.replace:
            if self._differs(fact, row):
                self._insert(fact, transaction)
                self._delete(row, transaction)
            return
        if not self._cells.update(fact, row, transaction, self._along) and self._strings:
            self._share(key, fact, row)
        for child in self._children:
            child.update(fact, row, transaction)
        if self._parent:
            self._parent.move(fact, row[0], transaction)

    def _share(self, key: Key, fact: Fact, row: Row) -> None:
        """Lets a stored row hold a fact's strings in the place of copies that were read from the server."""
        copies = [(at, fact[given]) for at, given in self._strings if row[at] is not fact[given] == row[at]]
        if copies:
            shared = list(row)
            for at, string in copies:
                shared[at] = string
            self._table.rows[row[0]] = tuple(shared)
            if key in self._stored:
                self._stored[key] = self._stored.pop(key)  # the old key may hold the copies

    def wanted_values(self, key: Key, index: Sequence[str]) -> tuple[Any, ...] | None:
        """What the fact of a key wants in the columns of an index; None when it doesn't say."""
        fact = self.wanted.get(key)
        try:
            return self._new.values(fact, index) if fact is not None else None
        except UnsendableError:
            return None

    def row_values(self, row: Row, index: Sequence[str]) -> tuple[Any, ...] | None:
        """What a row has in the columns of an index; None when they are not read."""
        position = self._table.position
        return tuple(row[position[c]] for c in index) if all(c in position for c in index) else None

    def stored_values(self, key: Key, index: Sequence[str]) -> list[tuple[Any, ...]]:
        """What the stored rows of a key have in the columns of an index."""
        values = (self.row_values(row, index) for row in self.rows(key))
        return [v for v in values if v is not None]

    @property
    def targets(self) -> set[str]:
        """The tables that its rows refer to, but for children."""
        return self._new.targets

    def stored_references(self, key: Key) -> Iterator[str]:
        """What the stored rows of a key refer to, but for children."""
        return (uuid for row in self.rows(key) for uuid in self._new.stored_references(row))

    def wanted_references(self, key: Key, table: str) -> Iterator[str]:
        """The rows of a table to which the fact of a key makes a row refer."""
        fact = self.wanted.get(key)
        return self._new.references(fact, table) if fact is not None else iter(())

    def rebuild(self) -> None:
        """Reads the index of stored rows anew from the rows themselves."""
        self._stored.clear()
        for uuid, row in self._table.rows.items():
            self._row_changed(uuid, None, row)

    def rows(self, key: Key) -> list[Row]:
        """The stored rows of a key."""
        if self.by_uuid:
            row = self._table.rows.get(key)
            return [] if row is None or (key not in self.wanted and not self._is_mine(row)) else [row]
        uuids = self._uuids(key)
        return [self._table.rows[u] for u in uuids] if uuids else []

    def _uuids(self, key: Key) -> tuple[str, ...]:
        """The stored rows with a key; the index holds a single one bare, which is most of its size."""
        uuids = self._stored.get(key, ())
        return (uuids,) if isinstance(uuids, str) else uuids

    def _index(self, key: Key, uuids: list[str]) -> None:
        if not uuids:
            self._stored.pop(key, None)
        else:
            self._stored[key] = uuids[0] if len(uuids) == 1 else tuple(sorted(uuids))

    def _differs(self, fact: Fact, row: Row) -> bool:
        if self._cells.differs(fact, row) or any(c.differs(fact, row) for c in self._children):
            return True
        return self._parent is not None and self._parent.differs(fact, row[0])

    def _insert(self, fact: Fact, transaction: Transaction) -> None:
        row = self._new.row(fact)
        for child in self._children:
            child.insert_into(row, fact, transaction)
        uuid = fact[self._uuid_from] if self.by_uuid else None
        reference = transaction.insert(self.sink.table, row, uuid=uuid, named=self._parent is not None)
        if self._parent is not None:
            self._parent.add(fact, reference, transaction)

    def _delete(self, row: Row, transaction: Transaction) -> None:
        if self._parent is not None:
            self._parent.remove(row[0], transaction)
        if self._is_root or (self._parent is None and not self.carried):
            transaction.delete(self.sink.table, row[0])

    def _forget(self, key: Key, fact: Fact) -> None:
        further = self._further.get(key)
        if self.wanted.get(key) == fact:
            if further:
                further.sort(key=_order)
                self.wanted[key] = further.pop(0)
            else:
                del self.wanted[key]
        elif further and fact in further:
            further.remove(fact)
        if not further:
            self._further.pop(key, None)

    def _is_mine(self, row: Row) -> bool:
        mine = self.sink.mine
        if isinstance(mine, RowsWith):
            return any(k == mine.key for k, _ in row[self._table.position[mine.column]])
        return isinstance(mine, AllRows | OwnRows)

    def _row_changed(self, uuid: str, old: Row | None, new: Row | None) -> None:
        if old is not None and new is not None and self._looked_at(old) == self._looked_at(new):
            return
        if self.by_uuid:
            if uuid in self.wanted or (self.sink.delete and new is not None and self._is_mine(new)):
                self.mark(uuid)
            return
        was = self._key_of_row(old) if old is not None and self._is_mine(old) else None
        now = self._key_of_row(new) if new is not None and self._is_mine(new) else None
        if was != now:
            if was is not None:
                self._index(was, [u for u in self._uuids(was) if u != uuid])
                self.mark(was)
            if now is not None:
                self._index(now, [*self._uuids(now), uuid])
        if now is not None and new is not None and not (old is None and self._is_right(now, new)):
            self.mark(now)

    def _is_right(self, key: Key, row: Row) -> bool:
        """Whether a row that has come is as the fact of its key wants it, so that there is nothing more to do."""
        fact = self.wanted.get(key)
        if fact is None or not self._alone or key in self.to_write or self._awaited(key):
            return False
        return self._stored[key] == row[0] and not self._cells.differs(fact, row)

    def _touched(self, uuid: str) -> None:
        """Something that belongs to a row has changed, or a parent may have come."""
        row = self._table.rows.get(uuid)
        if row is not None and self._is_mine(row):
            key = self._key_of_row(row)
            if not self.by_uuid or self.sink.delete or key in self.wanted:
                self.mark(key)
        orphans, self._orphans = self._orphans, {}
        for key in orphans:
            self.mark(key)


def _fact_key(key: list[Cell], arity: int) -> Callable[[Fact], Key]:
    """From a fact to its key; a fact that is its own key is not copied."""
    places = [c.source_at for c in key if c.plain]
    if places == list(range(arity)) and arity > 1:
        return _same
    return _together(places, [c.identity for c in key if not c.plain])


def _row_key(key: list[Cell]) -> Callable[[Row], Key]:
    """From a row to its key."""
    return _together([c.at for c in key if c.map_key is None], [c.stored for c in key if c.map_key is not None])


def _together(places: list[int], parts: list[Callable[[Any], Any]]) -> Callable[[Any], Key]:
    """What stands in some places of a whole, then what some functions find in it; bare, where it is one value."""
    if not parts:
        return itemgetter(*places)
    if len(places) > 1:
        placed = itemgetter(*places)
        return lambda whole: (*placed(whole), *[part(whole) for part in parts])
    parts = [*map(itemgetter, places), *parts]
    return parts[0] if len(parts) == 1 else lambda whole: tuple([part(whole) for part in parts])


def _same(fact: Fact) -> Key:
    return fact


def _order(fact: Fact) -> Any:
    return tuple((v is not None, v) for v in fact)
