"""From cubes to text: matches exactly as ``ovs-ofctl -O OpenFlow13 --no-names dump-flows`` prints them."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.fields import FIELDS, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovn_rules.rules.lflow.cubes import Cube

FIRST = ("pkt_mark", "ct_state", "ct_mark", "ct_label")
"""Printed before the name of a protocol, all others after it."""

CT_STATES = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]")
FRAGMENTS = {(1, 1): "yes", (0, 1): "no", (2, 2): "later", (0, 2): "not_later", (1, 3): "first", (0, 3): "no"}
TYPES = {0x800: "ip", 0x86DD: "ipv6", 0x806: "arp", 0x8035: "rarp", 0x8847: "mpls", 0x8848: "mplsm"}
PROTOCOLS = {
    (0x800, 1): "icmp",
    (0x800, 6): "tcp",
    (0x800, 17): "udp",
    (0x800, 132): "sctp",
    (0x86DD, 58): "icmp6",
    (0x86DD, 6): "tcp6",
    (0x86DD, 17): "udp6",
    (0x86DD, 132): "sctp6",
}
VID, PRESENT, PCP = 0x0FFF, 0x1000, 0xE000

TYPE, PROTOCOL, TCI, STATE, FRAG, OPERATION = (
    FIELDS[name] for name in ("dl_type", "nw_proto", "vlan_tci", "ct_state", "nw_frag", "arp_op")
)
ADDRESSES = tuple(FIELDS[name] for name in ("ipv6_src", "ipv6_dst", "nd_target"))
TRANSPORT = sum(
    FIELDS[name].mask
    for name in ("icmp_type", "icmp_code", "tp_src", "tp_dst", "tcp_flags", "nd_target", "nd_sll", "nd_tll")
)
HIGHEST = (1 << 127, 1 << 126)
PARTICULAR = TCI.mask | STATE.mask | FRAG.mask | OPERATION.mask | sum(f.mask for f in ADDRESSES)


def settled(cube: Cube) -> list[Cube]:
    """The cube as Open vSwitch can hold it: no cube for what no packet is, several where one can't say it.

    Source of each: ovs-fields(7), and what the switch answers.
    """
    value, mask = cube
    if not mask & PARTICULAR:
        return [cube]
    bits, known = value >> STATE.offset & (1 << 32) - 1, mask >> STATE.offset & (1 << 32) - 1
    operation = value >> OPERATION.offset & 0xFFFF
    fragment = (value >> FRAG.offset & 3, mask >> FRAG.offset & 3)
    if bits > 0xFF or operation > 0xFF or fragment == (2, 3):
        return []  # there are 8 bits of state; an ARP operation over 255 reads as 0; later fragments are fragments
    mask ^= (known & ~0xFF) << STATE.offset
    if fragment in ((2, 2), (3, 3)):
        if value & TRANSPORT:
            return []  # a later fragment has no transport header: its fields read as 0
        value, mask = value & ~(1 << FRAG.offset), mask & ~(1 << FRAG.offset | TRANSPORT)
    elif fragment == (0, 3):
        mask ^= 2 << FRAG.offset
    return [each for tagged in _tagged(value, mask) for each in _readable(tagged)]


def _tagged(value: int, mask: int) -> list[Cube]:
    """The cube as OpenFlow 1.3 has VLANs: no priority without a tag, and a priority only as a whole."""
    tci, care = value >> TCI.offset & 0xFFFF, mask >> TCI.offset & 0xFFFF
    if not care & PCP:
        return [(value, mask)]
    pcp, present = PCP << TCI.offset, PRESENT << TCI.offset
    out = []
    if tci & PRESENT or not care & PRESENT:
        wanted = {each << 13 for each in range(8) if (each << 13 ^ tci) & care & PCP == 0}
        out = [(value & ~pcp | each << TCI.offset | present, mask | pcp | present) for each in sorted(wanted)]
    if not tci & (PCP | PRESENT):
        out.append((value, mask & ~pcp | present))
    return out


def _readable(cube: Cube) -> list[Cube]:
    """Cubes with IPv6 masks that ovs-ofctl can read: one that starts with a digit it takes for a prefix length.

    The cube is divided by the highest bits of the address until the mask starts with a letter, or is a prefix.
    """
    value, mask = cube
    for field in ADDRESSES:
        bits = mask >> field.offset & (1 << 128) - 1
        inverse = bits ^ (1 << 128) - 1
        if bits and inverse & inverse + 1 and ipv6(bits)[0].isdigit():
            missing = next(bit for bit in HIGHEST if not bits & bit) << field.offset
            halves = [(value, mask | missing), (value | missing, mask | missing)]
            return [each for half in halves for each in _readable(half)]
    return [cube]


def match_text(cube: Cube, conj_id: int | None = None) -> str:
    """The canonical text of a settled cube; empty for the one that everything is in."""
    value, mask = cube
    kind = value >> TYPE.offset & 0xFFFF if mask & TYPE.mask else None
    protocol = value >> PROTOCOL.offset & 0xFF if mask & PROTOCOL.mask else None
    name = PROTOCOLS.get((kind, protocol))  # type: ignore[arg-type]
    hidden = 0
    if name:
        hidden = TYPE.mask | PROTOCOL.mask
    elif kind in TYPES:
        name, hidden = TYPES[kind], TYPE.mask
    first: list[str] = []
    last: list[str] = [name] if name else []
    for field, last_form, early in _shown(mask & ~hidden):
        v, m = value >> field.offset & (1 << field.width) - 1, mask >> field.offset & (1 << field.width) - 1
        (first if early else last).append(last_form(field, v, m))
    if conj_id is not None:
        first.insert(1 if mask & FIELDS["pkt_mark"].mask else 0, f"conj_id={conj_id}")
    return ",".join(first + last)


@lru_cache(maxsize=4096)
def _shown(mask: int) -> tuple[tuple[Field, Callable[[Field, int, int], str], bool], ...]:
    """The fields that a mask touches, in print order."""
    return tuple((f, FORMS[f.form], f.name in FIRST) for f in FIELDS.values() if mask & f.mask)


def hexadecimal(value: int) -> str:
    """A number as Open vSwitch prints it: 0 without prefix."""
    return f"{value:#x}" if value else "0"


def ethernet(value: int) -> str:
    """An Ethernet address."""
    return value.to_bytes(6, "big").hex(":")


def ipv4(value: int) -> str:
    """An IPv4 address."""
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def ipv6(value: int) -> str:
    """An IPv6 address, as the C library's inet_ntop prints it."""
    return socket.inet_ntop(socket.AF_INET6, value.to_bytes(16, "big"))


def _ones(field: Field) -> int:
    return (1 << field.width) - 1


def _hex(field: Field, value: int, mask: int) -> str:
    text = f"{field.name}={hexadecimal(value)}"
    return text if mask == _ones(field) else f"{text}/{mask:#x}"


def _decimal(field: Field, value: int, _mask: int) -> str:
    return f"{field.name}={value}"


def _ethertype(field: Field, value: int, _mask: int) -> str:
    return f"{field.name}=0x{value:04x}"


def _port(field: Field, value: int, mask: int) -> str:
    return f"{field.name}={value}" if mask == 0xFFFF else f"{field.name}={value:#x}/{mask:#x}"


def _label(field: Field, value: int, mask: int) -> str:
    text = f"{field.name}=0x{value:05x}"
    return text if mask == _ones(field) else f"{text}/0x{mask:05x}"


def _ethernet(field: Field, value: int, mask: int) -> str:
    text = f"{field.name}={ethernet(value)}"
    return text if mask == _ones(field) else f"{text}/{ethernet(mask)}"


def _address(field: Field, value: int, mask: int, show: Callable[[int], str]) -> str:
    text = f"{field.name}={show(value)}"
    if mask == _ones(field):
        return text
    inverse = mask ^ _ones(field)
    if inverse & inverse + 1 == 0:
        return f"{text}/{field.width - inverse.bit_length()}"
    return f"{text}/{show(mask)}"


def _ipv4(field: Field, value: int, mask: int) -> str:
    return _address(field, value, mask, ipv4)


def _ipv6(field: Field, value: int, mask: int) -> str:
    return _address(field, value, mask, ipv6)


def _registers(_field: Field, value: int, mask: int) -> str:
    out = []
    for number in range(16):
        shift = (15 - number) * 32
        m = mask >> shift & 0xFFFFFFFF
        if m:
            text = f"reg{number}={hexadecimal(value >> shift & 0xFFFFFFFF)}"
            out.append(text if m == 0xFFFFFFFF else f"{text}/{m:#x}")
    return ",".join(out)


def _vlan(_field: Field, value: int, mask: int) -> str:
    if value & PRESENT and mask & (VID | PCP) and mask & VID in (0, VID) and mask & PCP in (0, PCP):
        out = [f"dl_vlan={value & VID}"] if mask & VID else []
        if mask & PCP:
            out.append(f"dl_vlan_pcp={value >> 13}")
        return ",".join(out)
    return f"vlan_tci=0x{value:04x}" if mask == 0xFFFF else f"vlan_tci=0x{value:04x}/0x{mask:04x}"


def _fragment(_field: Field, value: int, mask: int) -> str:
    return f"nw_frag={FRAGMENTS[value, mask]}"


def _flags(field: Field, value: int, mask: int, names: tuple[str, ...]) -> str:
    if mask == (1 << len(names)) - 1:
        text = "|".join(n for i, n in enumerate(names) if value >> i & 1) or "0"
    else:
        text = "".join(("+" if value >> i & 1 else "-") + n for i, n in enumerate(names) if mask >> i & 1)
    return f"{field.name}={text}"


def _tcp_flags(field: Field, value: int, mask: int) -> str:
    return _flags(field, value, mask, TCP_FLAGS)


def _ct_state(field: Field, value: int, mask: int) -> str:
    return _flags(field, value, mask, CT_STATES)


FORMS: dict[str, Callable[[Field, int, int], str]] = {
    "hex": _hex,
    "decimal": _decimal,
    "ethertype": _ethertype,
    "protocol": _decimal,
    "port": _port,
    "label": _label,
    "ethernet": _ethernet,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "registers": _registers,
    "vlan": _vlan,
    "fragment": _fragment,
    "tcp_flags": _tcp_flags,
    "ct_state": _ct_state,
}
