"""What a Switch reports: its connection, its flows, what went wrong. ``str`` of each is a log line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.io.flows import format_flow

if TYPE_CHECKING:
    from ovn_rules.io.flows import Flow


@dataclass(frozen=True, slots=True)
class Waiting:
    """There is no bridge to connect to (or it can't be used); said once for each reason."""

    reason: str

    def __str__(self) -> str:
        """One line for the log."""
        return f"waiting: {self.reason}"


@dataclass(frozen=True, slots=True)
class Connected:
    """The bridge answers. ``monitored``: it will report changes that others make to its flows."""

    bridge: str
    monitored: bool

    def __str__(self) -> str:
        """One line for the log."""
        return f"{self.bridge}: connected" + ("" if self.monitored else "; it can't report flow changes by others")


@dataclass(frozen=True, slots=True)
class Adopted:
    """The flows that our tables held when the bridge was first reached."""

    flows: tuple[Flow, ...]

    def __str__(self) -> str:
        """One line for the log."""
        return f"found {len(self.flows)} flows"


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended."""

    bridge: str
    reason: str

    def __str__(self) -> str:
        """One line for the log."""
        return f"{self.bridge}: connection lost ({self.reason})"


@dataclass(frozen=True, slots=True)
class Synced:
    """The switch holds what was wanted when the last changes were sent; how many flows that took."""

    added: int
    deleted: int
    modified: int

    def __str__(self) -> str:
        """One line for the log."""
        return f"flows: {self.added} added, {self.deleted} deleted, {self.modified} modified"


@dataclass(frozen=True, slots=True)
class Refused:
    """The switch didn't take this flow; it is left out until it changes or the connection is made anew."""

    flow: Flow
    reason: str

    def __str__(self) -> str:
        """One line for the log."""
        return f"flow refused: {self.reason}: {format_flow(self.flow)}"


Event = Waiting | Connected | Adopted | Lost | Synced | Refused
