"""Hypothesis strategies: expressions with their meaning, and packets.

An expression is drawn as its text together with a function that says whether it holds for a packet, so that neither
the library's parser nor its conversion has a part in the expected answer.
"""

import ipaddress
import json
import operator
from typing import NamedTuple

from hypothesis import strategies as st
from known_symbols import COMMON, EZBAKE, IPV6, MACS, NUMBERS, OVN, PORTS, UNKNOWN

__all__ = ["EZBAKE", "OVN", "PORTS"]


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


class Operand(NamedTuple):
    """A field, or some bits of it, to be compared."""

    field: object
    low: int
    width: int
    text: str

    @property
    def ones(self):
        """A mask of all its bits."""
        return (1 << self.width) - 1

    def compare(self, op, wanted, mask=None):
        """Whether its value, within the mask, is so for a packet."""
        mask = self.ones if mask is None else mask

        def holds(p, positive):
            found = self.field.read(p) >> self.low & mask
            return bool(self.field.needs(p)) and ORDER[op](found, wanted & mask) == positive

        return holds


@st.composite
def operands(draw, language):
    """A field; one that can be taken apart sometimes in part."""
    name = draw(st.sampled_from(sorted(language.fields)))
    field = language.fields[name]
    if field.nominal or field.width == 1 or draw(st.integers(0, 3)):
        return Operand(field, 0, field.width, name)
    low = draw(st.integers(0, field.width - 1))
    width = draw(st.integers(1, min(field.width - low, 20)))
    return Operand(field, low, width, f"{name}[{low}]" if width == 1 else f"{name}[{low}..{low + width - 1}]")


@st.composite
def compared(draw, language, positive):
    """A comparison of a field, a part of it, with a number, a masked number, a set, or a range."""
    operand = draw(operands(language))
    kinds = [one, several]
    if not operand.field.nominal:
        kinds += [ordered, between, masked]
        if operand.width == 1 or not positive:
            kinds.append(alone)
    equality = ("==" if positive else "!=") if operand.field.nominal else draw(st.sampled_from(("==", "!=")))
    return draw(st.sampled_from(kinds))(draw, operand, equality)


def value_of(draw, operand):
    """A number for an operand, and a text for it."""
    telling = {v >> operand.low & operand.ones for v in operand.field.values}
    value = draw(st.sampled_from(sorted(telling)) | st.integers(0, operand.ones))
    return value, draw(constant(value, operand.width if operand.width == operand.field.width else 0))


def alone(_draw, operand, _equality):
    return Drawn(operand.text, operand.compare("!=", 0), True)


def one(draw, operand, equality):
    value, text = value_of(draw, operand)
    turned = draw(st.booleans())
    return Drawn(
        f"{text} {equality} {operand.text}" if turned else f"{operand.text} {equality} {text}",
        operand.compare(equality, value),
        False,
    )


def several(draw, operand, equality):
    values = [value_of(draw, operand) for _ in range(draw(st.integers(1, 6)))]
    each = [operand.compare(equality, v) for v, _ in values]
    between = draw(st.sampled_from((", ", " ", ",")))
    text = f"{operand.text} {equality} {{{between.join(t for _, t in values)}}}"
    return Drawn(text, lambda p, pos: (any if (equality == "==") == pos else all)(h(p, pos) for h in each), False)


def masked(draw, operand, equality):
    value, _ = value_of(draw, operand)
    mask = draw(st.integers(0, operand.ones))
    text = f"{operand.text} {equality} {value:#x}/{mask:#x}"
    return Drawn(text, operand.compare(equality, value, mask), False)


def ordered(draw, operand, _equality):
    value, text = value_of(draw, operand)
    op = draw(st.sampled_from(("<", "<=", ">", ">=")))
    if draw(st.booleans()):
        return Drawn(f"{text} {op} {operand.text}", operand.compare(TURNED[op], value), False)
    return Drawn(f"{operand.text} {op} {text}", operand.compare(op, value), False)


def between(draw, operand, _equality):
    (first, text), (second, other) = value_of(draw, operand), value_of(draw, operand)
    ops = draw(st.sampled_from((("<", "<"), ("<=", "<"), ("<=", "<="), (">", ">="), (">=", ">="))))
    both = operand.compare(TURNED[ops[0]], first), operand.compare(ops[1], second)
    text = f"{text} {ops[0]} {operand.text} {ops[1]} {other}"
    return Drawn(text, lambda p, pos: (all if pos else any)(h(p, pos) for h in both), False)


@st.composite
def equalities(draw, language):
    """An equality with one of a few values of a field, so that what is drawn has many in common."""
    name = draw(st.sampled_from(("ip4.src", "ip4.dst", "ip6.src", "tcp.src", "tcp.dst", "udp.dst", "eth.src", "reg0")))
    field = language.fields[name]
    value = draw(st.sampled_from(field.values))
    return Drawn(
        f"{name} == {value:#x}", lambda p, pos: bool(field.needs(p)) and (field.read(p) == value) == pos, False
    )


@st.composite
def named(draw, language, positive):
    """A predicate, or a port."""
    names = sorted(language.booleans)
    if positive:
        names += [*sorted(language.predicates), "inport", "outport"]
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


QUOTED = ['"a"', '"b"', '"gone"', '""', '"qu\\"ote"']


@st.composite
def assignments(draw, language):
    """An action that sets, copies or exchanges fields or parts of them, with the library free to refuse it."""
    fields = sorted(language.fields)
    name, other = draw(st.tuples(st.sampled_from(fields), st.sampled_from(fields)))
    width = language.fields[name].width
    kind = draw(st.sampled_from(("constant", "part", "masked", "copy", "part copy", "exchange", "port", "pass")))
    value = draw(st.sampled_from(language.fields[name].values))
    low = draw(st.integers(0, width - 1))
    high = draw(st.integers(low, width - 1))
    end = min(high - low, language.fields[other].width - 1)
    return {
        "constant": f"{name} = {value:#x};",
        "part": f"{name}[{low}..{high}] = {value >> low & (1 << high - low + 1) - 1:#x};",
        "masked": f"{name} = {value:#x}/{draw(st.integers(0, (1 << width) - 1)):#x};",
        "copy": f"{name} = {other};",
        "part copy": f"{name}[{low}..{low + end}] = {other}[0..{end}];",
        "exchange": f"{name} <-> {other};",
        "port": f"{draw(st.sampled_from(('inport', 'outport')))} = {draw(st.sampled_from(QUOTED))};",
        "pass": draw(st.sampled_from(("next;", "output;", "inport <-> outport;", "outport = inport;"))),
    }[kind]


PLACES = """
    pkt_mark ct_state ct_mark ct_label vlan_tci dl_src dl_dst dl_type nw_src nw_dst ipv6_src ipv6_dst ipv6_label arp_spa
    arp_tpa nw_proto arp_op arp_sha arp_tha nw_tos nw_ecn nw_ttl nw_frag icmp_type icmp_code tp_src tp_dst tcp_flags
    nd_target nd_sll nd_tll reg0 reg1 reg2 reg3 reg4 reg5 reg6 reg7 reg8 reg9 reg10 reg11 reg12 reg13 reg14 reg15
""".split()  # noqa: SIM905 -- a list of 47 quoted names is harder to read


@st.composite
def packets(draw, language):
    """A packet that a switch may see: what goes together goes together, and other fields are 0."""
    pool = {f: st.sampled_from(language.fields[f].values) for f in COMMON}
    p = dict.fromkeys(PLACES, 0)
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
