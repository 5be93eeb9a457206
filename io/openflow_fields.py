"""The packet fields and registers that flows match and set, as ovs-fields(7) describes them.

Each field has its name in flow text, the class and number of its OXM or NXM encoding (OpenFlow 1.4, section
7.2.2.7; the Nicira extensions for registers and fragments) and its width.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NXM0, NXM1, OXM = 0x0000, 0x0001, 0x8000
"""OXM classes: the Nicira basic and extended fields, and OpenFlow's own."""

IP, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
"""Ethernet types (IANA)."""

ICMP, TCP, UDP, ICMP6, SCTP = 1, 6, 17, 58, 132
"""IP protocol numbers (IANA)."""


class UnknownTextError(ValueError):
    """Flow text that this encoder doesn't know; ``ovs-ofctl`` may."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: OXM class and number, width in bits, and how its value is spelled."""

    oxm_class: int
    number: int
    bits: int
    parse: Callable[[str], tuple[int, int | None]]

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return 4 if self.bits == 20 else (self.bits + 7) // 8

    def header(self, *, masked: bool = False) -> int:
        """The field's 32-bit OXM header."""
        size = self.size * 2 if masked else self.size
        return self.oxm_class << 16 | self.number << 9 | masked << 8 | size

    def oxm(self, value: int, mask: int | None = None) -> bytes:
        """The field's OXM: header, value and, unless it is None, mask.

        Raises:
            UnknownTextError: The value is wider than the field, or the mask is empty.
        """
        if value >> self.bits or (mask or 0) >> self.bits:
            raise UnknownTextError(f"{value:#x} is wider than {self.bits} bits")
        if mask is not None:
            if not mask:
                raise UnknownTextError("an empty mask")
            value &= mask  # the switch refuses bits outside the mask
        head = self.header(masked=mask is not None).to_bytes(4, "big")
        body = value.to_bytes(self.size, "big")
        return head + body if mask is None else head + body + mask.to_bytes(self.size, "big")


def number(text: str) -> int:
    """An unsigned decimal or ``0x`` number.

    Raises:
        UnknownTextError: It is something else.
    """
    try:
        value = int(text, 0)
    except ValueError:
        raise UnknownTextError(f"{text!r} is not a number") from None
    if value < 0:
        raise UnknownTextError(f"{text!r} is negative")
    return value


def _masked(text: str, one: Callable[[str], int]) -> tuple[int, int | None]:
    value, slash, mask = text.partition("/")
    return one(value), one(mask) if slash else None


def _integer(text: str) -> tuple[int, int | None]:
    return _masked(text, number)


def _ethernet(text: str) -> tuple[int, int | None]:
    def one(part: str) -> int:
        octets = part.split(":")
        if len(octets) != 6 or not all(len(o) == 2 for o in octets):
            raise UnknownTextError(f"{part!r} is not an Ethernet address")
        try:
            return int("".join(octets), 16)
        except ValueError:
            raise UnknownTextError(f"{part!r} is not an Ethernet address") from None

    return _masked(text, one)


def _address(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> tuple[int, int | None]:
    """An IP address; after a slash a prefix length or a mask."""
    bits = 32 if kind is ipaddress.IPv4Address else 128
    value, slash, mask = text.partition("/")
    try:
        address = int(kind(value))
        if not slash:
            return address, None
        if mask.isdigit():
            length = int(mask)
            return address, ((1 << length) - 1) << (bits - length)
        return address, int(kind(mask))
    except ValueError as error:
        raise UnknownTextError(str(error)) from None


def _ipv4(text: str) -> tuple[int, int | None]:
    return _address(text, ipaddress.IPv4Address)


def _ipv6(text: str) -> tuple[int, int | None]:
    return _address(text, ipaddress.IPv6Address)


PORTS = {
    "IN_PORT": 0xFFFFFFF8,
    "NORMAL": 0xFFFFFFFA,
    "FLOOD": 0xFFFFFFFB,
    "ALL": 0xFFFFFFFC,
    "LOCAL": 0xFFFFFFFE,
}
"""OpenFlow's reserved ports, by the names ovs-ofctl prints."""


def port(text: str) -> int:
    """The 32-bit number of an OpenFlow port; those above 0xfeff are reserved and must be named.

    Raises:
        UnknownTextError: Neither a port number nor a reserved port's name.
    """
    if text in PORTS:
        return PORTS[text]
    value = number(text)
    if value >= 0xFF00:
        raise UnknownTextError(f"no port {text}")
    return value


def _port(text: str) -> tuple[int, int | None]:
    return port(text), None


_FRAGMENTS = {"no": (0, None), "yes": (1, 1), "first": (1, None), "later": (3, None), "not_later": (0, 2)}
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")


def _fragment(text: str) -> tuple[int, int | None]:
    if text not in _FRAGMENTS:
        raise UnknownTextError(f"no kind of fragment {text!r}")
    return _FRAGMENTS[text]


def _tcp_flags(text: str) -> tuple[int, int | None]:
    """``+syn-ack``, ``syn|ack`` or a number with an optional mask."""
    if text[:1] not in "+-":
        if text[:1].isdigit():
            return _integer(text)
        return sum(1 << _flag(name) for name in set(text.split("|"))), None
    value = mask = 0
    for part in text.replace("+", " +").replace("-", " -").split():
        bit = 1 << _flag(part[1:])
        mask |= bit
        value |= bit if part[0] == "+" else 0
    return value, mask


def _flag(name: str) -> int:
    if name not in _FLAGS:
        raise UnknownTextError(f"no TCP flag {name!r}")
    return _FLAGS.index(name)


def _dscp(text: str) -> tuple[int, int | None]:
    """``nw_tos`` is the whole octet of RFC 2474 in text, its upper six bits on the wire."""
    value, mask = _integer(text)
    if value & 3 or mask is not None:
        raise UnknownTextError(f"nw_tos={text}")
    return value >> 2, None


FIELDS: dict[str, Field] = {
    "conj_id": Field(NXM1, 37, 32, _integer),
    "tun_id": Field(OXM, 38, 64, _integer),
    "metadata": Field(OXM, 2, 64, _integer),
    "in_port": Field(OXM, 0, 32, _port),
    **{f"reg{i}": Field(NXM1, i, 32, _integer) for i in range(16)},
    "dl_dst": Field(OXM, 3, 48, _ethernet),
    "dl_src": Field(OXM, 4, 48, _ethernet),
    "dl_type": Field(OXM, 5, 16, _integer),
    # One field of four in text (vlan_tci, dl_vlan, dl_vlan_pcp, vlan_vid); matched as a whole because
    # OpenFlow's own VLAN fields can't say "these priority bits" (ovs-fields(7), "VLAN Fields").
    "vlan_tci": Field(NXM0, 4, 16, _integer),
    "nw_proto": Field(OXM, 10, 8, _integer),
    "nw_tos": Field(OXM, 8, 6, _dscp),
    "nw_ecn": Field(OXM, 9, 2, _integer),
    "nw_ttl": Field(NXM1, 29, 8, _integer),
    "nw_frag": Field(NXM1, 26, 8, _fragment),
    "ip_src": Field(OXM, 11, 32, _ipv4),
    "ip_dst": Field(OXM, 12, 32, _ipv4),
    "ipv6_src": Field(OXM, 26, 128, _ipv6),
    "ipv6_dst": Field(OXM, 27, 128, _ipv6),
    "ipv6_label": Field(OXM, 28, 20, _integer),
    "tcp_src": Field(OXM, 13, 16, _integer),
    "tcp_dst": Field(OXM, 14, 16, _integer),
    "tcp_flags": Field(NXM1, 34, 12, _tcp_flags),
    "udp_src": Field(OXM, 15, 16, _integer),
    "udp_dst": Field(OXM, 16, 16, _integer),
    "sctp_src": Field(OXM, 17, 16, _integer),
    "sctp_dst": Field(OXM, 18, 16, _integer),
    "icmp_type": Field(OXM, 19, 8, _integer),
    "icmp_code": Field(OXM, 20, 8, _integer),
    "icmpv6_type": Field(OXM, 29, 8, _integer),
    "icmpv6_code": Field(OXM, 30, 8, _integer),
    "arp_op": Field(OXM, 21, 16, _integer),
    "arp_spa": Field(OXM, 22, 32, _ipv4),
    "arp_tpa": Field(OXM, 23, 32, _ipv4),
    "arp_sha": Field(OXM, 24, 48, _ethernet),
    "arp_tha": Field(OXM, 25, 48, _ethernet),
    "nd_target": Field(OXM, 31, 128, _ipv6),
    "nd_sll": Field(OXM, 32, 48, _ethernet),
    "nd_tll": Field(OXM, 33, 48, _ethernet),
}
"""Every field by its name in a match, in an order in which each comes after what it needs (an IPv4 address
after the Ethernet type); the switch insists on that order (OpenFlow 1.4, section 7.2.2.8)."""

RANK = {name: i for i, name in enumerate(FIELDS)}
"""Each field's place in FIELDS."""

KEYWORDS: dict[str, tuple[tuple[str, int], ...]] = {
    "ip": (("dl_type", IP),),
    "ipv6": (("dl_type", IPV6),),
    "arp": (("dl_type", ARP),),
    "icmp": (("dl_type", IP), ("nw_proto", ICMP)),
    "tcp": (("dl_type", IP), ("nw_proto", TCP)),
    "udp": (("dl_type", IP), ("nw_proto", UDP)),
    "sctp": (("dl_type", IP), ("nw_proto", SCTP)),
    "icmp6": (("dl_type", IPV6), ("nw_proto", ICMP6)),
    "tcp6": (("dl_type", IPV6), ("nw_proto", TCP)),
    "udp6": (("dl_type", IPV6), ("nw_proto", UDP)),
    "sctp6": (("dl_type", IPV6), ("nw_proto", SCTP)),
}
"""Protocol words of flow text and the fields they stand for (ovs-ofctl(8), "Flow Syntax")."""

SET_FIELDS: dict[str, Field] = {
    **{n: FIELDS[n] for n in FIELDS if n.startswith("reg")},
    **{n: FIELDS[n] for n in ("metadata", "tun_id", "nw_ecn", "nw_ttl", "ip_src", "ip_dst")},
    **{n: FIELDS[n] for n in ("ipv6_src", "ipv6_dst", "ipv6_label", "arp_op", "arp_spa", "arp_tpa")},
    **{n: FIELDS[n] for n in ("arp_sha", "arp_tha", "nd_target", "nd_sll", "nd_tll")},
    **{n: FIELDS[n] for n in ("tcp_src", "tcp_dst", "udp_src", "udp_dst", "sctp_src", "sctp_dst")},
    **{n: FIELDS[n] for n in ("icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code")},
    # A 16-bit port, as Open vSwitch's own field has it; in_port is read-only in OpenFlow.
    "in_port": Field(NXM0, 0, 16, _integer),
    "eth_src": FIELDS["dl_src"],
    "eth_dst": FIELDS["dl_dst"],
    "ip_dscp": Field(OXM, 8, 6, _integer),
    "vlan_vid": Field(OXM, 6, 13, _integer),
    "vlan_pcp": Field(OXM, 7, 3, _integer),
    "vlan_tci": FIELDS["vlan_tci"],
}
"""What ``set_field`` sets, by the names it is printed with."""

SUBFIELDS: dict[str, Field] = {
    **{f"NXM_NX_REG{i}": FIELDS[f"reg{i}"] for i in range(16)},
    "OXM_OF_METADATA": FIELDS["metadata"],
    "NXM_NX_TUN_ID": Field(NXM1, 16, 64, _integer),
    "NXM_OF_IN_PORT": Field(NXM0, 0, 16, _integer),
    "NXM_OF_ETH_DST": Field(NXM0, 1, 48, _integer),
    "NXM_OF_ETH_SRC": Field(NXM0, 2, 48, _integer),
    "NXM_OF_ETH_TYPE": Field(NXM0, 3, 16, _integer),
    "NXM_OF_VLAN_TCI": FIELDS["vlan_tci"],
    "OXM_OF_VLAN_VID": Field(OXM, 6, 12, _integer),
    "OXM_OF_VLAN_PCP": SET_FIELDS["vlan_pcp"],
    "NXM_OF_IP_TOS": Field(NXM0, 5, 8, _integer),
    "NXM_NX_IP_ECN": Field(NXM1, 28, 8, _integer),
    "NXM_NX_IP_TTL": Field(NXM1, 29, 8, _integer),
    "NXM_OF_IP_PROTO": Field(NXM0, 6, 8, _integer),
    "NXM_OF_IP_SRC": Field(NXM0, 7, 32, _integer),
    "NXM_OF_IP_DST": Field(NXM0, 8, 32, _integer),
    "NXM_OF_TCP_SRC": Field(NXM0, 9, 16, _integer),
    "NXM_OF_TCP_DST": Field(NXM0, 10, 16, _integer),
    "NXM_OF_UDP_SRC": Field(NXM0, 11, 16, _integer),
    "NXM_OF_UDP_DST": Field(NXM0, 12, 16, _integer),
    "NXM_OF_ARP_OP": Field(NXM0, 15, 16, _integer),
    "NXM_OF_ARP_SPA": Field(NXM0, 16, 32, _integer),
    "NXM_OF_ARP_TPA": Field(NXM0, 17, 32, _integer),
    "NXM_NX_ARP_SHA": Field(NXM1, 17, 48, _integer),
    "NXM_NX_ARP_THA": Field(NXM1, 18, 48, _integer),
    "NXM_NX_IPV6_SRC": Field(NXM1, 19, 128, _integer),
    "NXM_NX_IPV6_DST": Field(NXM1, 20, 128, _integer),
    "NXM_NX_ND_TARGET": Field(NXM1, 23, 128, _integer),
    "NXM_NX_ND_SLL": Field(NXM1, 24, 48, _integer),
    "NXM_NX_ND_TLL": Field(NXM1, 25, 48, _integer),
}
"""What ``load``, ``move``, ``push`` and ``pop`` work on, by the names they are printed with."""


@cache
def match_name(name: str, ethernet: int, protocol: int) -> str:
    """The field a match's word means, given the Ethernet type and the IP protocol it comes with.

    ``tp_src`` is the source port of whatever transport the match names, ``icmp_type`` that of either ICMP.

    Raises:
        UnknownTextError: No such field.
    """
    if name in ("nw_src", "nw_dst"):
        return {IP: f"ip_{name[3:]}", ARP: f"arp_{name[3]}pa"}.get(ethernet, name)
    if name in ("tp_src", "tp_dst"):
        return {TCP: "tcp", UDP: "udp", SCTP: "sctp"}.get(protocol, "?") + name[2:]
    if name in ("icmp_type", "icmp_code"):
        return name if protocol == ICMP else f"icmpv6{name[4:]}"
    return "nw_frag" if name == "ip_frag" else name
