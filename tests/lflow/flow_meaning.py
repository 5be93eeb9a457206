"""What OpenFlow flows mean, read from their text alone: the tests' own reading, which shares nothing with the library.

A packet is a dict from field names as ovs-ofctl prints them to integers; a field that it doesn't mention is 0.
"""

import ipaddress
import re

TYPES = {
    "ip": {"dl_type": 0x800},
    "ipv6": {"dl_type": 0x86DD},
    "arp": {"dl_type": 0x806},
    "rarp": {"dl_type": 0x8035},
    "mpls": {"dl_type": 0x8847},
    "mplsm": {"dl_type": 0x8848},
    "icmp": {"dl_type": 0x800, "nw_proto": 1},
    "icmp6": {"dl_type": 0x86DD, "nw_proto": 58},
} | {
    name + suffix: {"dl_type": kind, "nw_proto": number}
    for name, number in (("tcp", 6), ("udp", 17), ("sctp", 132))
    for suffix, kind in (("", 0x800), ("6", 0x86DD))
}
FLAGS = {
    "ct_state": ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"],
    "tcp_flags": ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"],
}
FRAGMENTS = {"yes": {1, 3}, "no": {0}, "later": {3}, "not_later": {0, 1}, "first": {1}}
SHARE = re.compile(r"conjunction\((\d+),\s*(\d+)/(\d+)\)")


def number(text, full):
    """The integer that a value means in any of its forms; a prefix length becomes a mask."""
    if re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", text):
        return int(text.replace(":", ""), 16)
    if ":" in text or "." in text:
        return int(ipaddress.ip_address(text))
    return int(text, 0) if full is None else ((1 << full) - 1) ^ ((1 << (full - int(text))) - 1)


def holds(item, packet):
    """Whether a packet satisfies one item of a match."""
    if item in TYPES:
        return all(packet.get(f, 0) == v for f, v in TYPES[item].items())
    name, _, text = item.partition("=")
    value = packet.get(name, 0)
    if name in FLAGS:
        return flags_hold(FLAGS[name], text, value)
    if name == "nw_frag":
        return value in FRAGMENTS[text]
    if name in ("dl_vlan", "dl_vlan_pcp"):
        tci = packet.get("vlan_tci", 0)
        return bool(tci & 0x1000) and (tci & 0xFFF if name == "dl_vlan" else tci >> 13) == int(text)
    wanted, slash, mask = text.partition("/")
    if not slash:
        return value == number(wanted, None)
    prefix = mask.isdigit() and (128 if ":" in wanted else 32)
    bits = number(mask, prefix or None)
    assert number(wanted, None) & ~bits == 0, f"{item}: bits of the value outside the mask"
    return value & bits == number(wanted, None)


def flags_hold(names, text, value):
    """Flags joined by | are the exact state; +a-b asks for some only."""
    if text[:1] in "+-":
        parts = re.findall(r"([+-])([^+-]+)", text)
        return all(bool(value >> names.index(n) & 1) == (sign == "+") for sign, n in parts)
    set_flags = [] if text == "0" else text.split("|")
    return value & (1 << len(names)) - 1 == sum(1 << names.index(n) for n in set_flags)


def matches(match, packet):
    """Whether a packet satisfies a match."""
    return all(holds(item, packet) for item in match.split(",") if item)


def reach(flows, packet):
    """The actions that a table of (match, actions) of one priority takes on a packet; None when nothing matches.

    Conjunctive matches as ovs-fields(7) describes them: a plain flow comes first, then an id of which every dimension
    is there, if the flow with that conj_id matches too.
    """
    here = [(m, a) for m, a in flows if matches(m, packet)]
    plain = [a for m, a in here if not SHARE.match(a)]
    if plain:
        assert len(set(plain)) == 1
        return plain[0]
    dimensions = {}
    for _, actions in here:
        for number_, k, n in SHARE.findall(actions):
            assert 1 <= int(k) <= int(n)
            dimensions.setdefault((number_, int(n)), set()).add(int(k))
    for (number_, n), found in dimensions.items():
        if len(found) == n:
            ends = [a for m, a in flows if matches(m, packet | {"conj_id": int(number_)}) and not SHARE.match(a)]
            if ends:
                return ends[0]
    return None
