"""A packet on its way through a switch: its headers, and what the switch keeps with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovn_rules.rules.lflow.fields import FIELDS
from ovn_rules.rules.lflow.matches import FORMS, hexadecimal, match_text
from ovn_rules.rules.openflow.fields import FRAGMENT, LATER, NAMES, PLACES, PORTS, PRESENT, TCI, Place

OUTSIDE = ~sum(place.mask for place in PORTS)
FRAME = sum(p.mask for n, p in PLACES.items() if n not in ("in_port", "tun_id", "conj_id", "metadata")) & ~sum(
    PLACES[f"reg{number}"].mask for number in range(16)
)
"""The fields that are headers of the frame itself, and not the switch's own."""

TAGGED = 0x8100
"""The Ethernet type of a VLAN tag (IEEE 802.1Q)."""

SPELLED = ("hex", "decimal", "ethernet", "ipv4", "ipv6", "port", "ethertype")
"""Forms of which a value has one text."""
DECIMAL = ("in_port", "conj_id")
"""Fields of physical flows whose numbers are decimal."""

_TRANSPORTS = {
    17: (r"\btp_(src|dst)=", r"udp_\1="),
    132: (r"\btp_(src|dst)=", r"sctp_\1="),
    58: (r"\bicmp_", "icmpv6_"),
}
"""How the names of some protocols' fields differ in what is read from what is printed."""


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """A packet: all fields in one integer, and the VLAN tag below the outermost one, 0 for none.

    A switch knows of two tags of a packet; a third pushes the innermost out of what it knows.
    """

    bits: int = 0
    below: int = 0

    @classmethod
    def of(cls, **fields: int) -> Packet:
        """A packet with these fields, by their names in matches; all others are 0."""
        return cls(sum(value << PLACES[name].offset for name, value in fields.items()))

    def __repr__(self) -> str:
        """The fields that aren't 0."""
        return f"<{packet_text(self)}{f' over vlan_tci={self.below:#x}' if self.below else ''}>"

    def __getitem__(self, name: str) -> int:
        """The value of the field with that name in a match."""
        return self.read(PLACES[name])

    def read(self, place: Place) -> int:
        """The value of some bits."""
        return self.bits >> place.offset & (1 << place.width) - 1

    def with_bits(self, place: Place, value: int) -> Packet:
        """The packet with other bits in a place."""
        return Packet(self.bits & ~place.mask | value << place.offset, self.below)

    def with_fields(self, **fields: int) -> Packet:
        """The packet with other values of some fields."""
        packet = self
        for name, value in fields.items():
            packet = packet.with_bits(PLACES[name], value)
        return packet

    @property
    def matched(self) -> int:
        """What a table matches: of a fragment, ports and ICMP types are 0 (ovs-fields(7), nw_frag)."""
        return self.bits & OUTSIDE if self.bits & FRAGMENT else self.bits

    @property
    def later_fragment(self) -> bool:
        """Whether the packet is a fragment without transport header."""
        return bool(self.bits & LATER)

    def frame(self) -> Packet:
        """The packet as it leaves a switch: without registers, metadata, port and tunnel key."""
        return Packet(self.bits & FRAME, self.below)

    def push_vlan(self) -> Packet:
        """The packet with one more VLAN tag, of VLAN 0."""
        tci = self.read(TCI)
        return Packet(self.bits & ~TCI.mask | PRESENT, tci if self.bits & PRESENT else 0)

    def pop_vlan(self) -> Packet:
        """The packet without its outermost VLAN tag, if it has one."""
        if not self.bits & PRESENT:
            return self
        return Packet(self.bits & ~TCI.mask | self.below << TCI.offset)

    def tagged(self, vlan: int) -> Packet:
        """The frame that carries this one with one more tag, as a switch reads it that is to look at one tag.

        This is the default of other_config:vlan-limit, see ovs-vswitchd.conf.db(5): a second tag is an Ethernet type
        that nothing more is known of.
        """
        place = PLACES["dl_type"]
        if not self.bits & PRESENT:
            return self.with_bits(TCI, 0x1000 | vlan)
        kept = PLACES["dl_src"].mask | PLACES["dl_dst"].mask
        return Packet(self.bits & kept | TAGGED << place.offset | (0x1000 | vlan) << TCI.offset)


def value_text(field: str, value: int) -> str:
    """A field's value as flows write it: an address, a number.

    Args:
        field: the field's name in a match.
        value: its value.
    """
    known = FIELDS.get(field)
    if known is not None and known.form in SPELLED:
        return FORMS[known.form](known, value, (1 << known.width) - 1).partition("=")[2]
    return str(value) if field in DECIMAL else hexadecimal(value)


def place_name(place: Place) -> str:
    """What bits are called: a field's name, with the bits' numbers where they are a part of it."""
    if place in NAMES:
        return NAMES[place]
    for name, field in PLACES.items():
        if field.offset <= place.offset and place.offset + place.width <= field.offset + field.width:
            low = place.offset - field.offset
            return f"{name}[{low}]" if place.width == 1 else f"{name}[{low}..{low + place.width - 1}]"
    raise KeyError(place)


def packet_text(packet: Packet) -> str:
    """The fields of a packet that aren't 0, in the form that ``ovs-appctl ofproto/trace`` takes."""
    mask = sum(place.mask for n, place in PLACES.items() if n in FIELDS and packet[n])
    mask |= sum(PLACES[f"reg{n}"].mask for n in range(16) if packet[f"reg{n}"])
    bits = packet.bits
    if packet.later_fragment:
        bits, mask = bits & ~FRAGMENT, mask & ~FRAGMENT
    first = [f"{n}={packet[n]:{'#x' if n == 'tun_id' else ''}}" for n in ("in_port", "tun_id") if packet[n]]
    rest = match_text((bits & mask, mask))
    if packet["nw_proto"] in _TRANSPORTS:
        rest = re.sub(*_TRANSPORTS[packet["nw_proto"]], rest)
    return ",".join([*first, rest] if rest else first)
