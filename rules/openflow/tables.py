"""Which flow of a table a packet meets.

A table may hold ten thousand flows, and a packet meets one. So a flow is found by the first and the last item of its
match (``reg6=0x1`` … ``dl_src=…``): where an item has one value, the packet's own text for that field says which
flows to read; only those are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ovn_rules.rules.lflow.fields import FIELDS
from ovn_rules.rules.openflow.actions import Share, parse_action, split
from ovn_rules.rules.openflow.fields import PLACES
from ovn_rules.rules.openflow.match import Differing, differing, item_cube, match_cube
from ovn_rules.rules.openflow.packet import SPELLED, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Flow(NamedTuple):
    """A flow, as ``ovs-ofctl dump-flows`` prints it."""

    table: int
    priority: int
    match: str
    actions: str

    @property
    def is_share(self) -> bool:
        """Whether it is one dimension of conjunctive matches, and does nothing itself."""
        return self.actions.startswith("conjunction(")


@dataclass(frozen=True, slots=True)
class Hit:
    """The flow that a packet meets; where that ends a conjunctive match, the flows of its dimensions."""

    flow: Flow
    shares: tuple[Flow, ...] = ()


_SINGLE = {name for name, field in FIELDS.items() if field.form in SPELLED}
_SINGLE |= {f"reg{number}" for number in range(16)} | {"in_port", "tun_id", "conj_id", "dl_vlan"}

Row = tuple[int, int, str, str]
"""Table, priority, match, actions, of which a Flow is made when it is needed."""


class FlowTable:
    """The flows of one table.

    Args:
        flows: they may be tens of thousands; a match is only read when a packet may satisfy it.
    """

    def __init__(self, flows: Iterable[Row]) -> None:
        self._groups: dict[tuple[str, str], list[Row]] = {}
        self._kinds: dict[tuple[str, str], None] = {}
        groups, kinds, single = self._groups, self._kinds, _SINGLE
        for flow in flows:  # all in one loop, since it is what takes the time
            match = flow[2]
            first = last = match
            if "," in match:
                first, last = match.partition(",")[0], match.rpartition(",")[2]
            ends = first, last
            if ends in groups:
                groups[ends].append(flow)
                continue
            groups[ends] = [flow]
            # The name of a field that the item has one value of, with "="; else the item itself.
            name, equal, text = first.partition("=")
            start = end = name + equal if name in single and "/" not in text else first
            if first is not last:
                name, equal, text = last.partition("=")
                end = name + equal if name in single and "/" not in text else last
            kinds[start, end] = None

    def lookup(self, bits: int) -> Hit | None:
        """The flow that a packet meets: the one of highest priority that it satisfies.

        Of a conjunctive match every dimension must be satisfied, by flows of one priority, and then a flow with its
        ``conj_id``; a plain flow of the same priority comes first (ovs-fields(7), "Conjunctive Match Fields"). Of
        several flows of one priority a switch may take any; this is the first by the text of its match.

        Args:
            bits: what is matched of the packet (``Packet.matched``).

        Raises:
            MatchError, ActionError: a flow that may be met isn't in the canonical form.
        """
        found = sorted(self.satisfied(bits), key=lambda flow: (-flow.priority, flow.match))
        plain = next((flow for flow in found if not flow.is_share), None)
        shares = [f for f in found if f.is_share and (plain is None or f.priority > plain.priority)]
        for priority in dict.fromkeys(f.priority for f in shares):
            for number, members in _complete([f for f in shares if f.priority == priority]):
                place = PLACES["conj_id"]
                ends = [f for f in self.satisfied(bits | number << place.offset) if not f.is_share]
                if ends:
                    return Hit(max(ends, key=lambda flow: flow.priority), members)
        return None if plain is None else Hit(plain)

    def satisfied(self, bits: int) -> Iterator[Flow]:
        """The flows whose match a packet satisfies, in no order; dimensions of conjunctive matches included."""
        texts: dict[str, str] = {}
        for first, last in self._kinds:
            start, end = _own(first, bits, texts), _own(last, bits, texts)
            if start is None or end is None:
                continue
            for flow in self._groups.get((start, end), ()):
                value, mask = match_cube(flow[2])
                if bits & mask == value:
                    yield Flow._make(flow)

    def nearest(self, bits: int, least: int, most: int) -> tuple[list[tuple[Flow, tuple[Differing, ...]]], int]:
        """The flows that let packets pass and whose matches a packet fails in the fewest items.

        Flows that end a conjunctive match, or take part in one, are left out: which of their dimensions fails is more
        than one item.

        Args:
            bits: what is matched of the packet.
            least: the lowest priority that counts.
            most: how many to give.

        Returns:
            Those of highest priority, each with the items that fail; and how many others fail in as few.
        """
        fewest = 1 << 30
        found: list[Row] = []
        holds: dict[str, bool] = {"": True}
        for group in self._groups.values():
            for row in group:
                _, priority, match, actions = row
                if priority < least or actions == "drop" or actions[:12] == "conjunction(" or match[:8] == "conj_id=":
                    continue
                failing = 0
                for item in match.split(","):
                    if item not in holds:
                        value, mask = item_cube(item)
                        holds[item] = bits & mask == value
                    if not holds[item]:
                        failing += 1
                if failing < fewest:
                    fewest, found = failing, [row]
                elif failing == fewest:
                    found.append(row)
        found.sort(key=lambda row: (-row[1], row[2]))
        best = [Flow._make(row) for row in found[:most]]
        return [(flow, differing(flow.match, bits)) for flow in best], len(found) - len(best)


def _own(kind: str, bits: int, texts: dict[str, str]) -> str | None:
    """The item of that kind that a packet satisfies; None for none. What was found is kept in ``texts``."""
    if not kind:
        return kind
    if kind[-1] != "=":
        value, mask = item_cube(kind)
        return kind if bits & mask == value else None
    if kind not in texts:
        texts[kind] = _item(kind[:-1], bits)
    return texts[kind]


def _item(name: str, bits: int) -> str:
    """The item that says the value a packet has of a field."""
    if name == "dl_vlan":
        return f"dl_vlan={bits >> PLACES['vlan_tci'].offset & 0xFFF}"
    place = PLACES[name]
    value = bits >> place.offset & (1 << place.width) - 1
    return f"{name}={value_text(name, value)}"


def _complete(flows: list[Flow]) -> Iterator[tuple[int, tuple[Flow, ...]]]:
    """The conjunctive matches of which flows make up every dimension, each with those flows."""
    dimensions: dict[tuple[int, int], dict[int, Flow]] = {}
    for flow in flows:
        for text in split(flow.actions):
            share = parse_action(text)
            if isinstance(share, Share):
                dimensions.setdefault((share.number, share.n), {}).setdefault(share.k, flow)
    for (number, n), members in sorted(dimensions.items()):
        if len(members) == n:
            yield number, tuple(members[k] for k in sorted(members))
