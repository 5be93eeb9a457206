"""A match as a value and a mask of the integer that a packet is (ovs-fields(7), ovs-ofctl(8) "Flow Syntax")."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ovn_rules.rules.lflow.matches import CT_STATES, FRAGMENTS, PROTOCOLS, TCP_FLAGS, TYPES
from ovn_rules.rules.openflow.fields import PLACES, PRESENT, TCI, Place

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.cubes import Cube

ETHERNET = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
FLAGS = {"ct_state": CT_STATES, "tcp_flags": TCP_FLAGS}
KINDS = {name: value for value, name in reversed(FRAGMENTS.items())}


class MatchError(ValueError):
    """A match that isn't in the canonical form, or of a field that isn't known here."""


class Differing(NamedTuple):
    """A part of a match that a packet doesn't satisfy: the part, and the field with the packet's value."""

    wanted: str
    field: str
    value: int


def _protocols() -> dict[str, Cube]:
    kind, protocol = PLACES["dl_type"], PLACES["nw_proto"]
    words = {name: (value << kind.offset, kind.mask) for value, name in TYPES.items()}
    for (ethernet, number), name in PROTOCOLS.items():
        words[name] = ethernet << kind.offset | number << protocol.offset, kind.mask | protocol.mask
    return words


WORDS = _protocols()
"""The words for protocols (``tcp``), as values and masks."""


@lru_cache(maxsize=65536)
def item_cube(item: str) -> Cube:
    """The value and mask of one item of a match: ``tcp``, ``reg6=0x1``, ``nw_src=10.0.0.0/8``.

    Raises:
        MatchError: the item isn't known.
    """
    if item in WORDS:
        return WORDS[item]
    name, _, text = item.partition("=")
    if name == "nw_frag" and text in KINDS:
        place = PLACES[name]
        value, mask = KINDS[text]
        return value << place.offset, mask << place.offset
    if name in ("dl_vlan", "dl_vlan_pcp"):
        low, width = (TCI.offset, 12) if name == "dl_vlan" else (TCI.offset + 13, 3)
        return PRESENT | number(text, width) << low, PRESENT | Place(low, width).mask
    if name not in PLACES:
        raise MatchError(f"{item!r} is no part of a match that is known here")
    place = PLACES[name]
    if name in FLAGS and not text[:1].isdigit():
        value, mask = _flags(text, FLAGS[name], place.width)
    else:
        shown, slash, masked = text.partition("/")
        value = number(shown, place.width)
        mask = _mask(masked, shown, place.width) if slash else (1 << place.width) - 1
    return (value & mask) << place.offset, mask << place.offset


def match_cube(match: str) -> Cube:
    """The value and mask of a match; a packet satisfies it when it has the value's bits under the mask.

    Raises:
        MatchError: an item isn't known.
    """
    value = mask = 0
    if match:
        for item in match.split(","):
            v, m = item_cube(item)
            value |= v
            mask |= m
    return value, mask


def number(text: str, width: int) -> int:
    """A number of at most so many bits: decimal, hexadecimal, an Ethernet or an IP address.

    Raises:
        MatchError: it is none, or too large.
    """
    try:
        if width == 48 and ETHERNET.fullmatch(text):
            value = int(text.replace(":", ""), 16)
        elif "." in text or ":" in text:
            value = int(ipaddress.ip_address(text))
        else:
            value = int(text, 0)
    except ValueError:
        raise MatchError(f"{text!r} is no number") from None
    if value >> width:
        raise MatchError(f"{text} needs more than {width} bits")
    return value


def _mask(text: str, value: str, width: int) -> int:
    """A mask, which after an IP address may be the length of a prefix."""
    if text.isdigit() and (("." in value and width == 32) or (":" in value and width == 128)):
        return ((1 << width) - 1) ^ ((1 << width - int(text)) - 1)
    return number(text, width)


def _flags(text: str, names: tuple[str, ...], width: int) -> tuple[int, int]:
    """``syn|ack`` is the exact state, ``+syn-ack`` asks for some flags only."""
    try:
        if text[:1] not in "+-":
            return sum(1 << names.index(n) for n in text.split("|")), (1 << width) - 1
        found = [(sign, 1 << names.index(n)) for sign, n in re.findall(r"([+-])([^+-]+)", text)]
    except ValueError:
        raise MatchError(f"no such flags: {text}") from None
    return sum(b for sign, b in found if sign == "+"), sum(b for _, b in found)


def differing(match: str, bits: int) -> tuple[Differing, ...]:
    """The items of a match that a packet doesn't satisfy.

    Args:
        match: a match in the canonical form.
        bits: what is matched of the packet (``Packet.matched``).
    """
    found = []
    for item in match.split(",") if match else ():
        value, mask = item_cube(item)
        if bits & mask != value:
            name = item.partition("=")[0]
            name = {"dl_vlan": "vlan_tci", "dl_vlan_pcp": "vlan_tci"}.get(name, name)
            if item in WORDS:
                kind = PLACES["dl_type"]
                name = "dl_type" if (bits ^ value) & mask & kind.mask else "nw_proto"
            place = PLACES[name]
            found.append(Differing(item, name, bits >> place.offset & (1 << place.width) - 1))
    return tuple(found)
