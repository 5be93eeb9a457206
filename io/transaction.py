"""One transaction while it is put together: its operations (RFC 7047, 5.2), and what each is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ovn_rules.io.value_text import UnsendableError, as_text, set_text, string_text, uuid_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Item = tuple[int, Any]
"""What an operation is for: a sink's number and a key."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character in JSON text, as it is encoded there; not a backslash that u0000 follows."""


class UnsendableItemError(UnsendableError):
    """An operation can't be sent."""

    def __init__(self, item: Item, why: str) -> None:
        """Takes what the operation is for, and what is wrong with it."""
        super().__init__(why)
        self.item = item


class Transaction:
    """Operations for several items (``begin``), as JSON text; those that refer to one row merged into one.

    Attributes:
        items: The items that have operations, in order.
        carried: Items whose rows are made for the sake of others, as part of those.
        size: How many operations there are.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self.items: dict[Item, None] = {}
        self.carried: set[Item] = set()
        self.size = 0
        self._operations: list[str] = []
        self._owners: list[Item] = []
        self._links: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
        self._item: Item = (-1, None)
        self._names = 0

    def same_as(self, other: Transaction) -> bool:
        """Whether it has the same operations, in the same order."""
        return self._operations == other._operations and self._links == other._links

    def begin(self, item: Item) -> None:
        """The operations that follow are for this item."""
        self._item = item

    def insert(self, table: str, row: Mapping[str, str], *, uuid: str | None = None, named: bool = False) -> str:
        """Inserts a row.

        Args:
            table: The table.
            row: JSON texts of values by column.
            uuid: The UUID that the row is to have (ovsdb-server(7) section 5.2.1); None to let the server choose.
            named: Other operations are to refer to the row.

        Returns:
            JSON text of a reference to the row; empty when it has neither a UUID nor a name.
        """
        name = reference = ""
        if uuid is not None:
            name, reference = f'"uuid":{string_text(uuid)},', uuid_text(uuid)
        elif named:
            self._names += 1
            name, reference = f'"uuid-name":"r{self._names}",', f'["named-uuid","r{self._names}"]'
        self._add(f'{{"op":"insert","table":"{table}",{name}"row":{_object(row)}}}')
        return reference

    def update(self, table: str, uuid: str, row: Mapping[str, str]) -> None:
        """Sets columns of a row: JSON texts of values by column."""
        self._add(f'{{"op":"update","table":"{table}",{_where(uuid)},"row":{_object(row)}}}')

    def mutate(self, table: str, uuid: str, mutations: Iterable[str]) -> None:
        """Changes columns of a row in part."""
        self._add(f'{{"op":"mutate","table":"{table}",{_where(uuid)},"mutations":[{",".join(mutations)}]}}')

    def delete(self, table: str, uuid: str) -> None:
        """Deletes a row."""
        self._add(f'{{"op":"delete","table":"{table}",{_where(uuid)}}}')

    def link(self, table: str, uuid: str, column: str, reference: str) -> None:
        """Adds a reference (``uuid_text``, or what ``insert`` returned) to a row's set column."""
        self._linked(table, uuid, column)[1].append(reference)

    def unlink(self, table: str, uuid: str, column: str, target: str) -> None:
        """Takes a row's UUID out of another row's set column."""
        self._linked(table, uuid, column)[0].append(uuid_text(target))

    def owner(self, index: int, *, locked: bool) -> Item | None:
        """The item that the operation at this index of the reply is for; None when it is for several."""
        index -= locked
        return self._owners[index] if 0 <= index < len(self._owners) else None

    def encode(self, lock: str | None, comment: str = "") -> bytes:
        """The operations as JSON, separated by commas.

        Args:
            lock: A lock that the server must find held (RFC 7047 section 5.2.10).
            comment: What the database's log says of the transaction (section 5.2.9); empty for nothing.

        Raises:
            UnsendableItemError: A value has no JSON form that ovsdb-server reads.
        """
        operations = [f'{{"op":"assert","lock":{as_text(lock)}}}'] if lock is not None else []
        operations += self._operations
        for (table, uuid, column), (out, into) in self._links.items():
            mutations = [f'["{column}","delete",{set_text(out)}]'] if out else []
            if into:
                mutations.append(f'["{column}","insert",{set_text(into)}]')
            operations.append(f'{{"op":"mutate","table":"{table}",{_where(uuid)},"mutations":[{",".join(mutations)}]}}')
        if comment:
            operations.append(f'{{"op":"comment","comment":{as_text(comment)}}}')
        try:
            encoded = ",".join(operations).encode()
        except UnicodeEncodeError:
            encoded = b""
        if not encoded or b"\\u0000" in encoded:
            self._blame()
        return encoded

    def _add(self, operation: str) -> None:
        self._operations.append(operation)
        self._owners.append(self._item)
        self.items[self._item] = None
        self.size += 1

    def _linked(self, table: str, uuid: str, column: str) -> tuple[list[str], list[str]]:
        self.items[self._item] = None
        links = self._links.setdefault((table, uuid, column), ([], []))
        self.size = len(self._operations) + len(self._links)
        return links

    def _blame(self) -> None:
        """Finds the operation that can't be sent."""
        for operation, item in zip(self._operations, self._owners, strict=True):
            try:
                operation.encode()
            except UnicodeEncodeError as e:
                raise UnsendableItemError(item, f"a value can't be sent: {e}") from e
            if _NUL.search(operation):
                raise UnsendableItemError(item, "a string holds a NUL character, which OVSDB can't store")


def _where(uuid: str) -> str:
    return f'"where":[["_uuid","==",{uuid_text(uuid)}]]'


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join([f'"{name}":{text}' for name, text in members.items()]) + "}"
