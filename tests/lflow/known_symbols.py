"""The symbols of the language as the tests know them, written out again from ovn-sb(5).

Where a symbol's value stands in a packet, what it needs, what a predicate means: nothing here comes from the library.
"""

import ipaddress
from typing import NamedTuple

PORTS = {"a": 1, "b": 2, "lport with space": 3, 'qu"ote': 0x10000, "é": 65535}
UNKNOWN = "gone"


def ip(p):
    return p["dl_type"] in (0x800, 0x86DD)


def protocol(number, *kinds):
    return lambda p: p["dl_type"] in (kinds or (0x800, 0x86DD)) and p["nw_proto"] == number


def always(_packet):
    return True


def typed(number):
    return lambda p: p["dl_type"] == number


IP4, IP6, ARP, RARP = typed(0x800), typed(0x86DD), typed(0x806), typed(0x8035)
ICMP4, ICMP6, TCP, UDP, SCTP = protocol(1, 0x800), protocol(58, 0x86DD), protocol(6), protocol(17), protocol(132)


def discovery(*types, hops=True):
    def check(p):
        return ICMP6(p) and p["icmp_type"] in types and p["icmp_code"] == 0 and (not hops or p["nw_ttl"] == 255)

    return check


class Field(NamedTuple):
    """A field: bits, whether it is nominal, how to read it from a packet, its prerequisite, telling values."""

    width: int
    nominal: bool
    read: object
    needs: object
    values: tuple


def at(name, low=0, width=None):
    return lambda p: p[name] >> low & (1 << width) - 1 if width else p[name]


def registers(*names):
    return lambda p: int("".join(f"{p[n]:08x}" for n in names), 16)


def number(address):
    return int(ipaddress.ip_address(address))


NUMBERS = (0, 1, 2, 3, 5, 0x7FFFFFFF, 0xFFFFFFFF)
IPV4 = (0, *map(number, ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.0", "10.255.255.255", "224.0.0.1")))
IPV6 = tuple(map(number, ("::", "fe80::1", "ff02::1", "ff02::16", "2001:db8::1", "2001:db8::2", "::ffff:1.2.3.4")))
MACS = (0, 1, 2, 0x0A0000000001, 0x333300000001, 0x01005E000001, 0xFFFFFFFFFFFF)
TCP_PORTS = (0, 1, 79, 80, 81, 443, 1023, 1024, 8080, 65534, 65535)

COMMON = {
    "eth.src": Field(48, False, at("dl_src"), always, MACS),
    "eth.dst": Field(48, False, at("dl_dst"), always, MACS),
    "eth.type": Field(16, True, at("dl_type"), always, (0x800, 0x806, 0x86DD, 0x8035, 0x88CC, 0)),
    "vlan.tci": Field(16, False, at("vlan_tci"), always, (0, 0x1000, 0x1005, 0x7005, 0xFFFF)),
    "vlan.pcp": Field(3, False, at("vlan_tci", 13, 3), lambda p: p["vlan_tci"] & 0x1000, tuple(range(8))),
    "vlan.vid": Field(12, False, at("vlan_tci", 0, 12), lambda p: p["vlan_tci"] & 0x1000, (0, 1, 5, 0xFFF)),
    "ip.proto": Field(8, True, at("nw_proto"), ip, (0, 1, 6, 17, 58, 132, 255)),
    "ip.dscp": Field(6, True, at("nw_tos", 2, 6), ip, (0, 10, 63)),
    "ip.ecn": Field(2, True, at("nw_ecn"), ip, (0, 1, 3)),
    "ip.ttl": Field(8, True, at("nw_ttl"), ip, (0, 1, 64, 255)),
    "ip.frag": Field(2, False, at("nw_frag"), ip, (0, 1, 2, 3)),
    "ip4.src": Field(32, False, at("nw_src"), IP4, IPV4),
    "ip4.dst": Field(32, False, at("nw_dst"), IP4, IPV4),
    "ip6.src": Field(128, False, at("ipv6_src"), IP6, IPV6),
    "ip6.dst": Field(128, False, at("ipv6_dst"), IP6, IPV6),
    "ip6.label": Field(20, False, at("ipv6_label"), IP6, (0, 1, 0xFFFFF)),
    "icmp4.type": Field(8, True, at("icmp_type"), ICMP4, (0, 3, 8)),
    "icmp4.code": Field(8, True, at("icmp_code"), ICMP4, (0, 1)),
    "icmp6.type": Field(8, True, at("icmp_type"), ICMP6, (1, 130, 133, 135, 136, 143)),
    "icmp6.code": Field(8, True, at("icmp_code"), ICMP6, (0, 1)),
    "arp.op": Field(16, True, at("arp_op"), ARP, (0, 1, 2, 255, 256)),
    "arp.spa": Field(32, False, at("arp_spa"), ARP, IPV4),
    "arp.tpa": Field(32, False, at("arp_tpa"), ARP, IPV4),
    "arp.sha": Field(48, False, at("arp_sha"), ARP, MACS),
    "arp.tha": Field(48, False, at("arp_tha"), ARP, MACS),
    "tcp.src": Field(16, False, at("tp_src"), TCP, TCP_PORTS),
    "tcp.dst": Field(16, False, at("tp_dst"), TCP, TCP_PORTS),
    "tcp.flags": Field(12, False, at("tcp_flags"), TCP, (0, 1, 2, 0x12, 0xFFF)),
    "udp.src": Field(16, False, at("tp_src"), UDP, TCP_PORTS),
    "udp.dst": Field(16, False, at("tp_dst"), UDP, TCP_PORTS),
    "sctp.src": Field(16, False, at("tp_src"), SCTP, TCP_PORTS),
    "sctp.dst": Field(16, False, at("tp_dst"), SCTP, TCP_PORTS),
}
PREDICATES = {
    "ip4": IP4, "ip6": IP6, "ip": ip, "arp": ARP, "icmp4": ICMP4, "icmp6": ICMP6, "tcp": TCP, "udp": UDP,
    "sctp": SCTP, "icmp": lambda p: ICMP4(p) or ICMP6(p),
}  # fmt: skip


def fragment(values):
    return lambda p, positive: ip(p) and (p["nw_frag"] in values) == positive


def first(p, positive):
    return ip(p) and (p["nw_frag"] == 1) == positive


BOOLEANS = {
    "vlan.present": lambda p, positive: bool(p["vlan_tci"] & 0x1000) == positive,
    "ip.is_frag": fragment((1, 3)),
    "ip.later_frag": fragment((3,)),
    "ip.first_frag": first,
}


class Language(NamedTuple):
    """A symbol table, as the tests know it."""

    fields: dict
    predicates: dict
    booleans: dict
    inport: str
    outport: str


EZBAKE = Language(
    {f"reg{i}": Field(32, False, at(f"reg{i}"), always, NUMBERS) for i in range(6)}
    | COMMON
    | {
        "nd.target": Field(128, False, at("nd_target"), discovery(135, 136, hops=False), IPV6),
        "nd.sll": Field(48, False, at("nd_sll"), discovery(135, hops=False), MACS),
        "nd.tll": Field(48, False, at("nd_tll"), discovery(136, hops=False), MACS),
    },
    PREDICATES | {"nd": discovery(135, 136, hops=False)},
    BOOLEANS,
    "reg6",
    "reg7",
)
TRACKED = {"new": 0, "est": 1, "rel": 2, "rpl": 3, "inv": 4, "snat": 6, "dnat": 7}


def multicast6(p):
    return p["dl_dst"] >> 32 == 0x3333


def either(check, needs=always):
    """What may be tested both ways: its negation keeps what it needs."""
    return lambda p, positive: bool(needs(p)) and bool(check(p)) == positive


GROUPS = {
    "mcast_all_nodes": [number("ff01::1"), number("ff02::1")],
    "mcast_all_rtrs": [number("ff01::2"), number("ff02::2"), number("ff05::2")],
}


def reserved(p):
    return p["ipv6_dst"] >> 116 == 0xFF0 and p["ipv6_dst"] & (1 << 112) - 1 == 0


def solicited(p):
    return p["ipv6_dst"] >> 24 == number("ff02::1:ff00:0") >> 24


def flooded(p):
    return reserved(p) or solicited(p) or any(p["ipv6_dst"] in group for group in GROUPS.values())


def both(first, second, needs):
    """``first && second``, of which only the second needs something: so ``!`` of it is ``!first || !second``."""

    def holds(p, positive):
        parts = bool(first(p)) == positive, bool(needs(p)) and bool(second(p)) == positive
        return all(parts) if positive else any(parts)

    return holds


MULTICAST = {
    "eth.bcast": either(lambda p: p["dl_dst"] == 0xFFFFFFFFFFFF),
    "eth.mcastv6": either(multicast6),
    "ip4.src_mcast": either(lambda p: p["nw_src"] >> 28 == 14, IP4),
    "ip4.mcast": both(lambda p: p["dl_dst"] >> 40 & 1, lambda p: p["nw_dst"] >> 28 == 14, IP4),
    "ip6.mcast": both(multicast6, lambda p: p["ipv6_dst"] >> 120 == 0xFF, IP6),
    "ip6.mcast_rsvd": either(reserved, IP6),
    "ip6.mcast_sol_node": either(solicited, IP6),
    "ip6.mcast_flood": both(multicast6, flooded, IP6),
} | {f"ip6.{n}": either(lambda p, group=group: p["ipv6_dst"] in group, IP6) for n, group in GROUPS.items()}

OVN = Language(
    {f"reg{i}": Field(32, False, at(f"reg{i}"), always, NUMBERS) for i in range(10)}
    | {
        f"xreg{i}": Field(
            64, False, registers(f"reg{2 * i}", f"reg{2 * i + 1}"), always, (0, 1, 1 << 32, (1 << 64) - 1)
        )
        for i in range(5)
    }
    | {
        f"xxreg{i}": Field(128, False, registers(*(f"reg{4 * i + j}" for j in range(4))), always, IPV6)
        for i in range(2)
    }
    | COMMON
    | {
        "pkt.mark": Field(32, False, at("pkt_mark"), always, NUMBERS),
        "ct_mark": Field(32, False, at("ct_mark"), always, NUMBERS),
        "ct_label": Field(128, False, at("ct_label"), always, IPV6),
        "ct_state": Field(32, False, at("ct_state"), always, (0, 0x20, 0x21, 0xFF, 0x100)),
        "ct_label.label": Field(32, False, at("ct_label", 96, 32), always, NUMBERS),
        "ct_label.ecmp_reply_eth": Field(48, False, at("ct_label", 32, 48), always, MACS),
        "ct_label.ecmp_reply_port": Field(16, False, at("ct_label", 80, 16), always, TCP_PORTS),
        "ct_mark.ecmp_reply_port": Field(16, False, at("ct_mark", 16, 16), always, TCP_PORTS),
        "flags": Field(32, False, at("reg10"), always, NUMBERS),
        "eth.mcast": Field(1, False, at("dl_dst", 40, 1), always, (0, 1)),
        "ct.trk": Field(1, False, at("ct_state", 5, 1), always, (0, 1)),
        "nd.target": Field(128, False, at("nd_target"), discovery(135, 136), IPV6),
        "nd.sll": Field(48, False, at("nd_sll"), discovery(135), MACS),
        "nd.tll": Field(48, False, at("nd_tll"), discovery(136), MACS),
        "rarp.op": Field(16, True, at("arp_op"), RARP, (3, 4)),
        "rarp.spa": Field(32, False, at("arp_spa"), RARP, IPV4),
        "rarp.tpa": Field(32, False, at("arp_tpa"), RARP, IPV4),
        "rarp.sha": Field(48, False, at("arp_sha"), RARP, MACS),
        "rarp.tha": Field(48, False, at("arp_tha"), RARP, MACS),
    }
    | {
        f"flags.{n}": Field(1, False, at("reg10", b, 1), always, (0, 1))
        for n, b in {"loopback": 0, "force_snat_for_dnat": 2, "force_snat_for_lb": 3, "skip_snat_for_lb": 9}.items()
    }
    | {"flags.use_snat_zone": Field(1, False, at("reg10", 11, 1), always, (0, 1))}
    | {
        f"{where}.{n}": Field(1, False, at(where, b, 1), always, (0, 1))
        for where in ("ct_mark", "ct_label")
        for b, n in enumerate(("blocked", "natted", "skip_snat", "force_snat"))
    }
    | {
        f"ct.{n}": Field(1, False, at("ct_state", b, 1), lambda p: p["ct_state"] & 0x20, (0, 1))
        for n, b in TRACKED.items()
    },
    PREDICATES
    | {
        "rarp": RARP,
        "nd": discovery(135, 136),
        "nd_ns": discovery(135),
        "nd_na": discovery(136),
        "nd_rs": discovery(133),
        "nd_ra": discovery(134),
        "igmp": lambda p: IP4(p) and p["nw_proto"] == 2 and p["nw_dst"] >> 28 == 14 and p["dl_dst"] >> 40 & 1,
        "mldv1": lambda p: (
            ICMP6(p) and multicast6(p) and p["ipv6_src"] >> 118 == 0x3FA and p["icmp_type"] in (130, 131, 132)
        ),
        "mldv2": lambda p: ICMP6(p) and multicast6(p) and p["ipv6_dst"] == number("ff02::16") and p["icmp_type"] == 143,
    },
    BOOLEANS | MULTICAST,
    "reg14",
    "reg15",
)
