"""What a database connection reports: each event is data, and a line for the log as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovn_rules.io.rows import Delta


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to the connection with the database of this name (``nb``)."""

    database: str


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The database has been read (its facts came in ``Updated`` before) and is followed from now on."""

    remote: str
    schema: str
    version: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: connected to {self.remote} ({self.schema} {self.version})".replace(" )", ")")


@dataclass(frozen=True, slots=True)
class Updated(Event):
    """Facts changed: relation name to (deleted, inserted)."""

    delta: Delta

    def __str__(self) -> str:
        """A line for the log."""
        counts = (f"{name} -{len(gone)} +{len(come)}" for name, (gone, come) in self.delta.items())
        return f"{self.database}: {', '.join(counts)}"


@dataclass(frozen=True, slots=True)
class Lost(Event):
    """The connection ended; the facts stay as they were, and it is tried again."""

    remote: str
    reason: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: connection to {self.remote} lost: {self.reason}"


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """There is no usable server; tries go on in the background. Said once for each reason."""

    remote: str
    reason: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: waiting for {self.remote}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Unusable(Waiting):
    """A server answers, but not with the database that is needed."""

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: {self.remote} can't be used: {self.reason}"


@dataclass(frozen=True, slots=True)
class LockGained(Event):
    """This client holds the lock: it may write."""

    lock: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: lock {self.lock} acquired; this instance is active"


@dataclass(frozen=True, slots=True)
class LockLost(Event):
    """Another client holds the lock, or the connection that held it is gone."""

    lock: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: lock {self.lock} lost; this instance is standby"


@dataclass(frozen=True, slots=True)
class LockAwaited(Event):
    """Another client holds the lock; the server queues this one."""

    lock: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: lock {self.lock} is held by another instance; this one is standby"


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The server refused what a fact asks for; it is set aside until the fact or the stored rows change."""

    table: str
    reason: str
    fact: str

    def __str__(self) -> str:
        """A line for the log."""
        return f"{self.database}: table {self.table}: refused by the server: {self.reason}; wanted: {self.fact}"


@dataclass(frozen=True, slots=True)
class Contested(Event):
    """Somebody else changes a row back as often as it is written; it is written more slowly now."""

    table: str
    fact: str
    seconds: float

    def __str__(self) -> str:
        """A line for the log."""
        what = f"{self.database}: table {self.table}: somebody else keeps changing a row back"
        return f"{what}; next try in {self.seconds:g} s; wanted: {self.fact}"
