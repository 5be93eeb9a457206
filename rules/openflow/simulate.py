"""The way of a packet through the tables of a switch, as a tree.

What a flow writes stays written when the look-up in another table that it asked for is over (ovs-actions(7),
"resubmit"); the simulation does the same, so one packet is followed through the tree in its order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ovn_rules.rules.openflow.actions import (
    Copy,
    Pop,
    PopVlan,
    Push,
    PushVlan,
    Resubmit,
    Send,
    Share,
    Write,
    is_tag,
    is_transport,
    parse_action,
    split,
)
from ovn_rules.rules.openflow.fields import PRESENT, TCI, Place
from ovn_rules.rules.openflow.tables import Hit

if TYPE_CHECKING:
    from ovn_rules.rules.openflow.packet import Packet

DEPTH = 64
RESUBMITS = 4096
"""How deep resubmits may nest that don't go to a higher table, and how many there may be for one packet; one more, and
it is dropped wherever it was to go (ovs-actions(7), "resubmit")."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """An action changed bits of the packet."""

    place: Place
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Output:
    """The packet is sent out of a port; not if ``back``, since it came in there."""

    port: int
    packet: Packet
    back: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """An action that has no effect on this packet."""

    action: str
    reason: str


@dataclass(slots=True)
class Step:
    """A look-up in a table and what came of it.

    Attributes:
        table: the table.
        packet: the packet as it came there.
        hit: the flow that it met; None for none.
        results: what the flow's actions did, in order.
    """

    table: int
    packet: Packet
    hit: Hit | None = None
    results: list[Wrote | Output | Ignored | Step] = field(default_factory=list)


@dataclass(slots=True)
class Way:
    """A packet's whole way through a switch.

    Attributes:
        first: the look-up in the first table.
        last: the packet after all actions.
        failure: why the switch drops the packet wherever it was to go; empty when it doesn't.
    """

    first: Step
    last: Packet
    failure: str = ""

    def outputs(self) -> list[Output]:
        """What leaves the switch, in order."""
        return [] if self.failure else list(_outputs(self.first))


def _outputs(step: Step) -> list[Output]:
    found = []
    for result in step.results:
        if isinstance(result, Step):
            found += _outputs(result)
        elif isinstance(result, Output) and not result.back:
            found.append(result)
    return found


Lookup = Callable[[int, int], Hit | None]
"""Finds the flow of a table that a packet's bits meet."""


class _StopError(Exception):
    """The switch gives a packet up: why."""


def simulate(packet: Packet, lookup: Lookup, table: int = 0) -> Way:
    """Follow a packet through the tables.

    Args:
        packet: the packet as it comes, with ``in_port`` and for one from a tunnel ``tun_id``.
        lookup: the tables.
        table: where it begins.

    Raises:
        MatchError, ActionError: a flow on the way isn't in the canonical form, or does what isn't simulated.
    """
    run = _Run(packet, lookup)
    way = Way(Step(table, packet), packet)
    try:
        run.visit(way.first, 0)
    except _StopError as stop:
        way.failure = str(stop)
    way.last = run.packet
    return way


class _Run:
    """The packet as it is now, and the stack."""

    def __init__(self, packet: Packet, lookup: Lookup) -> None:
        self.packet = packet
        self.lookup = lookup
        self.stack: list[int] = []
        self.resubmits = 0

    def visit(self, step: Step, depth: int) -> None:
        step.hit = self.lookup(step.table, self.packet.matched)
        for text in split(step.hit.flow.actions) if step.hit else ():
            action = parse_action(text)
            if isinstance(action, Resubmit):
                if depth >= DEPTH:
                    raise _StopError(f"look-ups in tables nest more than {DEPTH} deep")
                if self.resubmits >= RESUBMITS:
                    raise _StopError(f"it takes more than {RESUBMITS} look-ups in tables")
                self.resubmits += 1
                step.results.append(inner := Step(action.table, self.packet))
                self.visit(inner, depth + (action.table <= step.table))
            elif isinstance(action, Send):
                back = action.port == self.packet["in_port"]
                step.results.append(Output(action.port, self.packet, back))
            elif isinstance(action, Share):
                continue
            else:
                step.results += self.change(text, action)

    def change(self, text: str, action: Write | Copy | Push | Pop | PushVlan | PopVlan) -> list[Wrote | Ignored]:
        """Carry out an action that changes the packet."""
        if reason := self.obstacle(action):
            return [Ignored(text, reason)]
        packet = self.packet
        match action:
            case Push(source):
                self.stack.append(packet.read(source))
                return []
            case Pop(to):
                return self.write(to, self.stack.pop())
            case Copy(source, to):
                return self.write(to, packet.read(source))
            case Write(place, value, mask):
                return self.write(place, packet.read(place) & ~mask | value & mask)
            case _:
                self.packet = packet.push_vlan() if isinstance(action, PushVlan) else packet.pop_vlan()
                return [Wrote(TCI, packet.read(TCI), self.packet.read(TCI))]

    def obstacle(self, action: Write | Copy | Push | Pop | PushVlan | PopVlan) -> str:
        """Why an action has no effect on the packet; empty when it has."""
        places = [p for p in (getattr(action, n, None) for n in ("place", "source", "to")) if p is not None]
        if isinstance(action, Write | Copy) and self.packet.later_fragment and any(map(is_transport, places)):
            return "a later fragment has no transport header"
        if isinstance(action, Write) and action.needs_tag and not self.packet.bits & PRESENT:
            return "the packet has no VLAN tag"
        return "nothing was pushed" if isinstance(action, Pop) and not self.stack else ""

    def write(self, place: Place, value: int) -> list[Wrote | Ignored]:
        """Write bits; what stood there and what stands there now."""
        kept = value & (1 << place.width) - 1
        before = self.packet.read(place)
        self.packet = self.packet.with_bits(place, kept)
        if is_tag(place) and not self.packet.bits & PRESENT:
            self.packet = replace(self.packet, below=0)
        return [Wrote(place, before, kept)]
