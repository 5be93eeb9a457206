"""One transaction while it is put together: its operations (RFC 7047, 5.2), and what each is for."""

from __future__ import annotations

import json
from typing import Any

Item = tuple[int, Any]
"""What an operation is for: a sink's number and a key."""

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class UnsendableError(ValueError):
    """A value can't be sent at all: ovsdb-server would drop the connection instead of refusing it."""

    def __init__(self, item: Item, why: str) -> None:
        """Takes what the value is for, and what is wrong with it."""
        super().__init__(why)
        self.item = item


class Transaction:
    """Operations for several items (``begin``), references to and from one row merged into one operation.

    Attributes:
        items: The items that have operations, in order.
        carried: Items whose rows are made for the sake of others, as part of those.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self.items: dict[Item, None] = {}
        self.carried: set[Item] = set()
        self._operations: list[dict[str, Any]] = []
        self._owners: list[Item] = []
        self._links: dict[tuple[str, str, str], tuple[list[Any], list[Any]]] = {}
        self._item: Item = (-1, None)
        self._names = 0

    def __len__(self) -> int:
        """How many operations there are."""
        return len(self._operations) + len(self._links)

    def same_as(self, other: Transaction) -> bool:
        """Whether it has the same operations, in the same order."""
        return self._operations == other._operations and self._links == other._links

    def begin(self, item: Item) -> None:
        """The operations that follow are for this item."""
        self._item = item

    def insert(self, table: str, row: dict[str, Any], uuid: str | None = None) -> list[str]:
        """Inserts a row of encoded values; returns a reference for other operations.

        Args:
            table: The table.
            row: The encoded values.
            uuid: The UUID that the row is to have (ovsdb-server(7) section 5.2.1); None to let the server choose.
        """
        if uuid is not None:
            self._add({"op": "insert", "table": table, "uuid": uuid, "row": row})
            return ["uuid", uuid]
        self._names += 1
        name = f"r{self._names}"
        self._add({"op": "insert", "table": table, "uuid-name": name, "row": row})
        return ["named-uuid", name]

    def update(self, table: str, uuid: str, row: dict[str, Any]) -> None:
        """Sets columns of a row to encoded values."""
        self._add({"op": "update", "table": table, "where": _is(uuid), "row": row})

    def mutate(self, table: str, uuid: str, mutations: list[list[Any]]) -> None:
        """Changes columns of a row in part."""
        self._add({"op": "mutate", "table": table, "where": _is(uuid), "mutations": mutations})

    def delete(self, table: str, uuid: str) -> None:
        """Deletes a row."""
        self._add({"op": "delete", "table": table, "where": _is(uuid)})

    def link(self, table: str, uuid: str, column: str, reference: Any) -> None:
        """Adds a reference (``["uuid", …]`` or what ``insert`` returned) to a row's set column."""
        self._links.setdefault((table, uuid, column), ([], []))[1].append(reference)
        self.items[self._item] = None

    def unlink(self, table: str, uuid: str, column: str, target: str) -> None:
        """Takes a row's UUID out of another row's set column."""
        self._links.setdefault((table, uuid, column), ([], []))[0].append(["uuid", target])
        self.items[self._item] = None

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
            UnsendableError: A value has no JSON form that ovsdb-server reads.
        """
        operations: list[dict[str, Any]] = [{"op": "assert", "lock": lock}] if lock is not None else []
        operations += self._operations
        for (table, uuid, column), (out, into) in self._links.items():
            mutations = [[column, "delete", ["set", out]]] if out else []
            if into:
                mutations.append([column, "insert", ["set", into]])
            where = _is(uuid)
            operations.append({"op": "mutate", "table": table, "where": where, "mutations": mutations})
        if comment:
            operations.append({"op": "comment", "comment": comment})
        try:
            encoded = _encode(operations)[1:-1].encode()
        except (TypeError, ValueError, RecursionError):
            encoded = b""
        if not encoded or b"\\u0000" in encoded:
            self._blame()
        return encoded

    def _add(self, operation: dict[str, Any]) -> None:
        self._operations.append(operation)
        self._owners.append(self._item)
        self.items[self._item] = None

    def _blame(self) -> None:
        """Finds the operation that can't be encoded."""
        for operation, item in zip(self._operations, self._owners, strict=True):
            try:
                encoded = _encode(operation).encode()
            except (TypeError, ValueError, RecursionError) as e:
                raise UnsendableError(item, f"a value can't be sent: {e}") from e
            if b"\\u0000" in encoded:
                raise UnsendableError(item, "a string holds a NUL character, which OVSDB can't store")


def _is(uuid: str) -> list[Any]:
    return [["_uuid", "==", ["uuid", uuid]]]
