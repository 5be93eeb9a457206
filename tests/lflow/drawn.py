"""Hypothesis strategies: expressions with their meaning, and packets.

An expression is drawn as its text together with a function that says whether it holds for a packet, so that neither
the library's parser nor its conversion has a part in the expected answer. The facts about symbols (where a value
stands in a packet, prerequisites, predicates) are written out here again, from ovn-sb(5).
"""

import ipaddress
import json
import operator
from typing import NamedTuple

from hypothesis import strategies as st

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
IPV4 = tuple(map(number, ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.0", "10.255.255.255", "224.0.0.1", "0.0.0.0")))
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


OVN = Language(
    {f"reg{i}": Field(32, False, at(f"reg{i}"), always, NUMBERS) for i in range(10)}
    | {
        f"xreg{i}": Field(64, False, registers(f"reg{2 * i}", f"reg{2 * i + 1}"), always, (0, 1, 1 << 32, (1 << 64) - 1))
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
        "ct_mark.blocked": Field(1, False, at("ct_mark", 0, 1), always, (0, 1)),
        "ct_label.natted": Field(1, False, at("ct_label", 1, 1), always, (0, 1)),
        "flags": Field(32, False, at("reg10"), always, NUMBERS),
        "flags.loopback": Field(1, False, at("reg10", 0, 1), always, (0, 1)),
        "eth.mcast": Field(1, False, at("dl_dst", 40, 1), always, (0, 1)),
        "ct.trk": Field(1, False, at("ct_state", 5, 1), always, (0, 1)),
        "nd.target": Field(128, False, at("nd_target"), discovery(135, 136), IPV6),
        "nd.sll": Field(48, False, at("nd_sll"), discovery(135), MACS),
        "nd.tll": Field(48, False, at("nd_tll"), discovery(136), MACS),
        "rarp.op": Field(16, True, at("arp_op"), RARP, (3, 4)),
        "rarp.spa": Field(32, False, at("arp_spa"), RARP, IPV4),
    }
    | {f"ct.{n}": Field(1, False, at("ct_state", b, 1), lambda p: p["ct_state"] & 0x20, (0, 1)) for n, b in TRACKED.items()},
    PREDICATES
    | {
        "rarp": RARP,
        "nd": discovery(135, 136),
        "nd_ns": discovery(135),
        "nd_na": discovery(136),
        "nd_rs": discovery(133),
        "nd_ra": discovery(134),
        "igmp": lambda p: IP4(p) and p["nw_proto"] == 2 and p["nw_dst"] >> 28 == 14 and p["dl_dst"] >> 40 & 1,
        "mldv1": lambda p: ICMP6(p) and multicast6(p) and p["ipv6_src"] >> 118 == 0x3FA and p["icmp_type"] in (130, 131, 132),
        "mldv2": lambda p: ICMP6(p) and multicast6(p) and p["ipv6_dst"] == number("ff02::16") and p["icmp_type"] == 143,
    },
    BOOLEANS
    | {
        "eth.bcast": lambda p, positive: (p["dl_dst"] == 0xFFFFFFFFFFFF) == positive,
        "ip4.src_mcast": lambda p, positive: IP4(p) and (p["nw_src"] >> 28 == 14) == positive,
    },
    "reg14",
    "reg15",
)


class Drawn(NamedTuple):
    """An expression: its text, what it means (``holds(packet, positive)``), whether ``!`` may stand before it."""

    text: str
    holds: object
    atomic: bool

    def __repr__(self):
        """Its text, for reports of failures."""
        return self.text


ORDER = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@st.composite
def constant(draw, value, width):
    """A way to write a number."""
    forms = ["hex"] if value >= 1 << 64 else ["hex", "decimal"]
    forms += ["address"] if width in (32, 48, 128) else []
    form = draw(st.sampled_from(forms))
    if form != "address":
        return hex(value) if form == "hex" else str(value)
    if width == 48:
        return value.to_bytes(6, "big").hex(":")
    return str(ipaddress.IPv4Address(value) if width == 32 else ipaddress.IPv6Address(value))


@st.composite
def compared(draw, language, positive):
    """A comparison of a field, a part of it, with a number, a masked number, a set, or a range."""
    name = draw(st.sampled_from(sorted(n for n in language.fields)))
    field = language.fields[name]
    low, width, part = 0, field.width, ""
    if not field.nominal and width > 1 and draw(st.integers(0, 3)) == 0:
        low = draw(st.integers(0, width - 1))
        width = draw(st.integers(1, min(width - low, 20)))
        part = f"[{low}]" if width == 1 else f"[{low}..{low + width - 1}]"
    ones = (1 << width) - 1
    pool = st.sampled_from(sorted({v >> low & ones for v in field.values})) | st.integers(0, ones)

    def compare(op, wanted, mask=ones):
        def holds(p, positive):
            found = field.read(p) >> low & mask
            return bool(field.needs(p)) and ORDER[op](found, wanted & mask) == positive

        return holds

    kinds = ["one", "set", "turned"]
    if not field.nominal:
        kinds += ["order", "range", "mask"]
        kinds += ["name"] if width == 1 or not positive else []
    kind = draw(st.sampled_from(kinds))
    equality = ("==" if positive else "!=") if field.nominal else draw(st.sampled_from(("==", "!=")))
    if kind == "name":
        return Drawn(f"{name}{part}", compare("!=", 0), True)
    if kind == "set":
        values = draw(st.lists(pool, min_size=1, max_size=6))
        texts = [draw(constant(v, width if not part else 0)) for v in values]
        several = [compare(equality, v) for v in values]
        join = any if equality == "==" else all
        other = all if equality == "==" else any
        text = f"{name}{part} {equality} {{{draw(st.sampled_from((', ', ' ', ',')))  .join(texts)}}}"
        return Drawn(text, lambda p, pos: (join if pos else other)(h(p, pos) for h in several), False)
    value = draw(pool)
    text = draw(constant(value, width if not part else 0))
    if kind == "mask":
        mask = draw(st.integers(0, ones))
        return Drawn(f"{name}{part} {equality} {value:#x}/{mask:#x}", compare(equality, value, mask), False)
    if kind == "one":
        return Drawn(f"{name}{part} {equality} {text}", compare(equality, value), False)
    if kind == "turned":
        op = equality if field.nominal else draw(st.sampled_from(sorted(ORDER)))
        return Drawn(f"{text} {op} {name}{part}", compare(TURNED[op], value), False)
    if kind == "order":
        op = draw(st.sampled_from(("<", "<=", ">", ">=")))
        return Drawn(f"{name}{part} {op} {text}", compare(op, value), False)
    ops = draw(st.sampled_from((("<", "<"), ("<=", "<"), ("<=", "<="), (">", ">="), (">=", ">="))))
    second = draw(pool)
    both = compare(TURNED[ops[0]], value), compare(ops[1], second)
    text = f"{text} {ops[0]} {name}{part} {ops[1]} {second:#x}"
    return Drawn(text, lambda p, pos: (all if pos else any)(h(p, pos) for h in both), False)


@st.composite
def equalities(draw, language):
    """An equality with one of a few values of a field, so that what is drawn has many in common."""
    name = draw(st.sampled_from(("ip4.src", "ip4.dst", "ip6.src", "tcp.src", "tcp.dst", "udp.dst", "eth.src", "reg0")))
    field = language.fields[name]
    value = draw(st.sampled_from(field.values))
    return Drawn(f"{name} == {value:#x}", lambda p, pos: bool(field.needs(p)) and (field.read(p) == value) == pos, False)


@st.composite
def named(draw, language, positive):
    """A predicate, or a port."""
    names = sorted(language.booleans) + (sorted(language.predicates) + ["inport", "outport"]) * positive
    name = draw(st.sampled_from(names))
    if name in language.booleans:
        return Drawn(name, language.booleans[name], True)
    if name in language.predicates:
        check = language.predicates[name]
        return Drawn(name, lambda p, pos: pos and bool(check(p)), True)
    ports = draw(st.lists(st.sampled_from([*PORTS, UNKNOWN]), min_size=1, max_size=3))
    keys = {PORTS.get(p) for p in ports}
    register = language.inport if name == "inport" else language.outport
    quoted = [json.dumps(p, ensure_ascii=draw(st.booleans())) for p in ports]
    text = f"{name} == {quoted[0]}" if len(ports) == 1 else f"{name} == {{{', '.join(quoted)}}}"
    return Drawn(text, lambda p, pos: pos and p[register] in keys, False)


@st.composite
def expressions(draw, language, depth=3, positive=True):
    """An expression; ``positive`` is false inside an odd number of ``!``."""
    kind = draw(st.sampled_from(("leaf", "leaf", "and", "or", "not", "truth"))) if depth else "leaf"
    if kind == "leaf":
        return draw(compared(language, positive) | named(language, positive))
    if kind == "truth":
        value = draw(st.booleans())
        return Drawn(str(int(value)), lambda _p, pos: value == pos, True)
    if kind == "not":
        inner = draw(expressions(language, depth - 1, not positive))
        text = f"!{inner.text}" if inner.atomic and " " not in inner.text else f"!({inner.text})"
        return Drawn(text, lambda p, pos: inner.holds(p, not pos), False)
    parts = draw(st.lists(expressions(language, depth - 1, positive), min_size=2, max_size=4))
    joined = f" {'&&' if kind == 'and' else '||'} ".join(f"({d.text})" for d in parts)

    def holds(p, pos):
        join = all if (kind == "and") == pos else any
        return join(d.holds(p, pos) for d in parts)

    return Drawn(joined, holds, False)


@st.composite
def packets(draw, language):
    """A packet that a switch may see: what goes together goes together, and other fields are 0."""
    pool = {f: st.sampled_from(language.fields[f].values) for f in COMMON}
    p = dict.fromkeys(
        "pkt_mark ct_state ct_mark ct_label vlan_tci dl_src dl_dst dl_type nw_src nw_dst ipv6_src ipv6_dst ipv6_label "
        "arp_spa arp_tpa nw_proto arp_op arp_sha arp_tha nw_tos nw_ecn nw_ttl nw_frag icmp_type icmp_code tp_src "
        "tp_dst tcp_flags nd_target nd_sll nd_tll".split(),
        0,
    ) | {f"reg{i}": 0 for i in range(16)}
    for name in p:
        if name.startswith("reg") or name in ("pkt_mark", "ct_mark"):
            p[name] = draw(st.sampled_from(NUMBERS))
    p["ct_label"] = draw(st.sampled_from(IPV6))
    p["ct_state"] = draw(st.sampled_from((0, 0x21, 0x22, 0x2A, 0x30, 0xA2)))
    p[language.inport] = draw(st.sampled_from([*PORTS.values(), 99]))
    p[language.outport] = draw(st.sampled_from([*PORTS.values(), 0]))
    p["dl_src"], p["dl_dst"] = draw(st.tuples(pool["eth.src"], pool["eth.dst"]))
    p["vlan_tci"] = draw(st.sampled_from((0, 0, 0x1000, 0x1005, 0x7005, 0xFFFF)))
    p["dl_type"] = draw(st.sampled_from((0x800, 0x800, 0x86DD, 0x86DD, 0x806, 0x8035, 0x88CC)))
    if p["dl_type"] in (0x806, 0x8035):
        p["arp_op"] = draw(st.sampled_from((1, 2, 3, 255)))
        p["arp_spa"], p["arp_tpa"] = draw(st.tuples(pool["arp.spa"], pool["arp.tpa"]))
        p["arp_sha"], p["arp_tha"] = draw(st.tuples(pool["arp.sha"], pool["arp.tha"]))
    elif p["dl_type"] in (0x800, 0x86DD):
        network(draw, p, pool)
    return p


def network(draw, p, pool):
    """Draws the fields of an IP packet."""
    six = p["dl_type"] == 0x86DD
    if six:
        p["ipv6_src"], p["ipv6_dst"] = draw(st.tuples(pool["ip6.src"], pool["ip6.dst"]))
        p["ipv6_label"] = draw(pool["ip6.label"])
    else:
        p["nw_src"], p["nw_dst"] = draw(st.tuples(pool["ip4.src"], pool["ip4.dst"]))
    p["nw_proto"] = draw(st.sampled_from((6, 6, 17, 132, 58 if six else 1, 58 if six else 1, 2, 47)))
    p["nw_tos"] = draw(st.sampled_from((0, 40, 252)))
    p["nw_ecn"], p["nw_ttl"] = draw(st.tuples(pool["ip.ecn"], pool["ip.ttl"]))
    p["nw_frag"] = draw(st.sampled_from((0, 0, 0, 1, 3)))
    if p["nw_frag"] == 3:
        return  # a later fragment has no transport header
    if p["nw_proto"] in (6, 17, 132):
        p["tp_src"], p["tp_dst"] = draw(st.tuples(pool["tcp.src"], pool["tcp.dst"]))
        p["tcp_flags"] = draw(pool["tcp.flags"]) if p["nw_proto"] == 6 else 0
    elif p["nw_proto"] == (58 if six else 1):
        p["icmp_type"] = draw(pool["icmp6.type" if six else "icmp4.type"])
        p["icmp_code"] = draw(pool["icmp4.code"])
        if six and p["icmp_type"] in (135, 136):
            p["nw_ttl"] = draw(st.sampled_from((255, 255, 64)))
            p["nd_target"] = draw(st.sampled_from(IPV6))
            p["nd_sll" if p["icmp_type"] == 135 else "nd_tll"] = draw(st.sampled_from(MACS))
