"""Trouble with single rows kept from the others: which row made a transaction fail, which is fought over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from ovn_rules.io.transaction import Item

CONTEST_SECONDS = 2.0
"""A row that is written over ``CONTEST_WRITES`` times for one fact in this time is written more slowly."""

CONTEST_WRITES = 5
MAX_DELAY = 60.0
"""Seconds between two writes of such a row, at most."""

_MANY = 8


class Isolation:
    """Finds the items that make a transaction fail, by sending parts of it.

    An item that fails alone is a suspect. At the end those suspects that may be right only together (two rows
    that swap the values of a unique column) are tried so once; what fails then is refused.
    """

    def __init__(self, group: Callable[[list[Item]], list[list[Item]]]) -> None:
        """Starts with nothing to find; ``group`` says which of some items stand in each other's way."""
        self._group = group
        self._batches: list[list[Item]] = []
        self._suspects: dict[Item, str] = {}
        self._apart: dict[Item, None] = {}
        self._failures = 0
        self._together = False

    @property
    def busy(self) -> bool:
        """Whether something is still to be decided."""
        return bool(self._batches or self._suspects)

    def next(self) -> list[Item] | None:
        """The items to send next; None when there are none."""
        if not self._batches and self._suspects and not self._together:
            self._together = True
            self._batches = [g for g in self._group(list(self._suspects)) if len(g) > 1]
        return self._batches.pop(0) if self._batches else None

    def failed(self, items: list[Item], culprit: Item | None, reason: str) -> None:
        """The transaction of these items failed.

        Args:
            items: All that it was for.
            culprit: The item whose operation failed, when the server said so.
            reason: The server's reason.
        """
        self._apart.update(dict.fromkeys(items))
        if self._together:
            return
        self._failures += 1
        if culprit is None and len(items) == 1:
            culprit = items[0]
        if culprit is not None:
            self._suspects[culprit] = reason
            items = [i for i in items if i != culprit]
        if culprit is not None and self._failures <= _MANY:
            parts = [items]
        else:
            parts = [items[: len(items) // 2], items[len(items) // 2 :]]
        self._batches[:0] = [p for p in parts if p]

    @property
    def suspects(self) -> Collection[Item]:
        """The items that failed alone."""
        return self._suspects.keys()

    def cleared(self, items: Iterable[Item]) -> None:
        """These items have been written, needed no writing, or what stood in their way has gone."""
        for item in items:
            self._suspects.pop(item, None)

    def settle(self) -> tuple[dict[Item, str], list[Item]]:
        """What came of it, once ``next`` gives nothing more.

        Returns:
            What is refused, with the server's reasons, and what was written in parts: it is to be compared again,
            because a server drops a weak reference to a row that comes only in a later part (RFC 7047 section 3.2).
        """
        refused, self._suspects = self._suspects, {}
        apart, self._apart = [i for i in self._apart if i not in refused], {}
        self._failures, self._together = 0, False
        return refused, apart

    def abandon(self) -> list[Item]:
        """Everything that was to be decided; forgotten here."""
        self._batches = []
        refused, apart = self.settle()
        return [*refused, *apart]


class Contest:
    """Rows that somebody else changes back as often as they are written: each is written ever more slowly."""

    def __init__(self) -> None:
        """Starts with no such row."""
        self._writes: dict[Item, int] = {}
        self._since = 0.0
        self._until: dict[Item, float] = {}
        self._delays: dict[Item, tuple[float, float]] = {}

    @property
    def watching(self) -> bool:
        """Whether there is anything to ``forget``."""
        return bool(self._writes or self._until)

    def forget(self, items: Iterable[Item]) -> None:
        """The facts of these items changed: writing them is no contest."""
        for item in items:
            self._writes.pop(item, None)
            self._until.pop(item, None)

    def holds(self, item: Item) -> bool:
        """Whether an item must wait."""
        return item in self._until

    def written(self, items: Iterable[Item]) -> dict[Item, float]:
        """Counts a write of each, and returns the seconds to wait before the next one, for those that must wait."""
        now = time.monotonic()
        if now - self._since > CONTEST_SECONDS:
            self._writes.clear()
            self._since = now
        held = {}
        for item in items:
            count = self._writes[item] = self._writes.get(item, 0) + 1
            if count > CONTEST_WRITES:
                delay, last = self._delays.get(item, (0.5, now))
                held[item] = delay = 1.0 if now - last > 2 * MAX_DELAY else min(2 * delay, MAX_DELAY)
                self._delays[item] = (delay, now)
                self._until[item] = now + delay
        return held

    def due(self) -> list[Item]:
        """The items that have waited long enough."""
        if not self._until:
            return []
        now = time.monotonic()
        due = [i for i, until in self._until.items() if until <= now]
        for item in due:
            del self._until[item]
        return due

    def wait(self, poller: Any) -> None:
        """Makes the poller wake when an item is due."""
        if self._until:
            poller.timer_wait(max(0, int(1000 * (min(self._until.values()) - time.monotonic())) + 1))
