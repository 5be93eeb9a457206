"""Flow text to OpenFlow 1.4 flow_mod messages.

Covers what the rules produce. Text outside it raises UnknownTextError, and the caller lets ``ovs-ofctl``
encode it (see ``ofctl.assemble``), so a gap here costs time, never a flow.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from ovn_rules.io.openflow_fields import (
    FIELDS,
    KEYWORDS,
    RANK,
    SET_FIELDS,
    SUBFIELDS,
    Field,
    UnknownTextError,
    match_name,
    number,
    port,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovn_rules.io.flows import FlowKey

VERSION = 5
"""OpenFlow 1.4 on the wire."""

FLOW_MOD = 14
ADD, MODIFY_STRICT, DELETE_STRICT = 0, 2, 4
NICIRA = 0x00002320
NO_BUFFER = ANY_PORT = ANY_GROUP = 0xFFFFFFFF
VLAN_PRESENT = 0x1000
"""The bit of a VLAN TCI that says "there is a tag" in Open vSwitch (ovs-fields(7))."""

LONGEST = 0xFFFF - 16
"""Bytes that a flow_mod may have: what the 16-bit length of the bundle message around it leaves."""

_FLOW_MOD = struct.Struct("!BBHI QQ BBHHH III HH")
_VLAN_WORDS = ("vlan_tci", "dl_vlan", "dl_vlan_pcp")


class FlowTooLongError(ValueError):
    """A flow that doesn't fit into an OpenFlow message."""


def encode_flow(key: FlowKey, actions: str | None, xid: int, *, modify: bool = False) -> bytes:
    """A flow_mod for one flow.

    Args:
        key: Table, priority and match.
        actions: What the flow should do, or None to delete exactly the flow with this key.
        xid: The message's transaction id.
        modify: Change the actions of an existing flow, which keeps its age and counters. Without it, a flow
            is made, or takes the place of the one with this key. Neither leaves a moment without the flow
            (OpenFlow 1.4, section 6.4).

    Raises:
        UnknownTextError: Match or actions hold something this encoder doesn't know.
        FlowTooLongError: No message can hold it (some 2000 ports in one flood).
    """
    table, priority, match = key
    body = encode_match(match)
    if actions is None:
        command = DELETE_STRICT
    else:
        command = MODIFY_STRICT if modify else ADD
        body += encode_actions(actions)
    length = _FLOW_MOD.size + len(body)
    if length > LONGEST:
        raise FlowTooLongError(f"the flow takes {length} bytes, and an OpenFlow message holds {LONGEST}")
    head = (VERSION, FLOW_MOD, length, xid, 0, 0, table, command, 0, 0, priority)
    return _FLOW_MOD.pack(*head, NO_BUFFER, ANY_PORT, ANY_GROUP, 0, 0) + body


@lru_cache(maxsize=4096)
def _number(text: str) -> int:
    return number(text)


def encode_match(text: str) -> bytes:
    """An OXM match, padded, from ``reg6=0x1,tcp,nw_src=10.0.0.0/8``.

    Raises:
        UnknownTextError: A word that is no field, or a value that is none of the field's.
    """
    words = [word.partition("=") for word in text.split(",")] if text else []
    implied: list[tuple[str, int]] = []
    for name, equal, value in words:
        if not equal:
            implied += KEYWORDS.get(name) or _unknown(name)
        elif name in ("dl_type", "nw_proto"):
            implied.append((name, _number(value)))
    context = dict(implied)
    fields = [(RANK[name], FIELDS[name].oxm(constant)) for name, constant in implied]
    tci = mask = 0
    for name, equal, value in words:
        if name in _VLAN_WORDS:
            more, bits = _vlan(name, value)
            tci |= more
            mask |= bits
        elif equal and name not in context:
            fields.append(_match_field(name, value, context.get("dl_type", 0), context.get("nw_proto", 0)))
    if mask:
        fields.append((RANK["vlan_tci"], FIELDS["vlan_tci"].oxm(tci, None if mask == 0xFFFF else mask)))
    fields.sort()
    oxms = b"".join([oxm for _, oxm in fields])
    length = 4 + len(oxms)
    return b"\0\1" + length.to_bytes(2, "big") + oxms + bytes(-length % 8)


def _unknown(word: str) -> tuple[tuple[str, int], ...]:
    raise UnknownTextError(f"unknown word {word!r} in a match")


@lru_cache(maxsize=65536)
def _match_field(name: str, text: str, ethernet: int, protocol: int) -> tuple[int, bytes]:
    """A field's place among the others and its OXM."""
    name = match_name(name, ethernet, protocol)
    field = FIELDS.get(name)
    if field is None:
        raise UnknownTextError(f"unknown field {name!r}")
    value, mask = field.parse(text)
    return RANK[name], field.oxm(value, mask)


def _vlan(name: str, text: str) -> tuple[int, int]:
    """Value and mask that a VLAN word puts on the TCI."""
    value, slash, mask = text.partition("/")
    if name == "vlan_tci":
        return number(value), number(mask) if slash else 0xFFFF
    if slash:
        raise UnknownTextError(f"{name}={text}")
    if name == "dl_vlan":
        return number(value) | VLAN_PRESENT, 0x0FFF | VLAN_PRESENT
    return number(value) << 13 | VLAN_PRESENT, 0xE000 | VLAN_PRESENT


@lru_cache(maxsize=65536)
def encode_actions(text: str) -> bytes:
    """An apply-actions instruction from ``set_field:0x1->reg7,resubmit(,18)``; nothing for ``drop``.

    Raises:
        UnknownTextError: An action that this encoder doesn't know.
    """
    if text == "drop":
        return b""
    body = b"".join([_action(part) for part in split_actions(text)])
    if len(body) > LONGEST:
        raise FlowTooLongError(f"the actions take {len(body)} bytes, and an OpenFlow message holds {LONGEST}")
    return struct.pack("!HH4x", 4, 8 + len(body)) + body


def split_actions(text: str) -> list[str]:
    """Splits at the commas that stand outside parentheses."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
        else:
            depth += (c == "(") - (c == ")")
    parts.append(text[start:])
    return parts


@lru_cache(maxsize=65536)
def _action(text: str) -> bytes:
    word = _WORD.match(text)
    name, rest = (word[0], text[word.end() :]) if word else ("", "")
    if name in _ACTIONS and rest[:1] == ":":
        return _ACTIONS[name](rest[1:])
    if name in _CALLS and rest[:1] == "(" and rest[-1:] == ")":
        return _CALLS[name](rest[1:-1])
    if text == "pop_vlan":
        return struct.pack("!HH4x", 18, 8)
    return _output(text)


_WORD = re.compile(r"[a-z_]+")


def _nicira(subtype: int, body: bytes) -> bytes:
    """An Open vSwitch extension action, padded to eight bytes."""
    length = 10 + len(body)
    return struct.pack("!HHIH", 0xFFFF, length + -length % 8, NICIRA, subtype) + body + bytes(-length % 8)


def _output(text: str) -> bytes:
    """``output:5``, or the bare name of a reserved port."""
    if text.isdigit():
        raise UnknownTextError(f"unknown action {text!r}")
    return _output_to(text)


def _output_to(text: str) -> bytes:
    return struct.pack("!HHIH6x", 0, 16, port(text), 0)


def _push_vlan(text: str) -> bytes:
    return struct.pack("!HHH2x", 17, 8, number(text))


def _set_field(text: str) -> bytes:
    value, arrow, name = text.partition("->")
    field = SET_FIELDS.get(name)
    if not arrow or field is None:
        raise UnknownTextError(f"unknown action set_field:{text}")
    constant, mask = field.parse(value)
    if mask not in (None, (1 << field.bits) - 1):
        return _set_bits(field, constant, mask)
    oxm = field.oxm(constant)
    length = 4 + len(oxm)
    return struct.pack("!HH", 25, length + -length % 8) + oxm + bytes(-length % 8)


def _set_bits(field: Field, value: int, mask: int) -> bytes:
    """OpenFlow 1.4's set_field takes no mask: one load for each run of bits, as ovs-ofctl does it."""
    if not mask or max(value, mask) >> field.bits:
        raise UnknownTextError(f"set_field:{value:#x}/{mask:#x} of {field.bits} bits")
    loads = []
    for run in re.finditer("1+", f"{mask:b}"[::-1]):
        first, bits = run.start(), len(run[0])
        loads.append(_load_bits(field, first, bits, value >> first & ((1 << bits) - 1)))
    return b"".join(loads)


_SUBFIELD = re.compile(r"([A-Z0-9_]+)\[(?:(\d+)(?:\.\.(\d+))?)?\]")


def _subfield(text: str) -> tuple[Field, int, int]:
    """Field, first bit and number of bits of ``NXM_NX_REG0[4..7]``."""
    found = _SUBFIELD.fullmatch(text)
    field = SUBFIELDS.get(found[1]) if found else None
    if found is None or field is None:
        raise UnknownTextError(f"unknown subfield {text!r}")
    if found[2] is None:
        return field, 0, field.bits
    first = int(found[2])
    last = int(found[3]) if found[3] else first
    if not first <= last < field.bits:
        raise UnknownTextError(f"{text!r} lies outside the field")
    return field, first, last - first + 1


def _load(text: str) -> bytes:
    value, _, name = text.partition("->")
    field, first, bits = _subfield(name)
    constant = number(value)
    return _load_bits(field, first, bits, constant)


def _load_bits(field: Field, first: int, bits: int, constant: int) -> bytes:
    if bits > 64 or constant >> bits:
        raise UnknownTextError(f"{constant:#x} in {bits} bits")
    return _nicira(7, struct.pack("!HIQ", first << 6 | (bits - 1), field.header(), constant))


def _move(text: str) -> bytes:
    source, _, target = text.partition("->")
    field, first, bits = _subfield(source)
    to, to_first, to_bits = _subfield(target)
    if bits != to_bits:
        raise UnknownTextError(f"move:{text}")
    return _nicira(6, struct.pack("!HHHII", bits, first, to_first, field.header(), to.header()))


def _stack(subtype: int) -> Callable[[str], bytes]:
    def encode(text: str) -> bytes:
        field, first, bits = _subfield(text)
        return _nicira(subtype, struct.pack("!HIH6x", first, field.header(), bits))

    return encode


def _resubmit(text: str) -> bytes:
    """``resubmit(,18)``; the port before the comma, when there is one, replaces in_port for the lookup."""
    source, comma, table = text.partition(",")
    if not comma or number(table) > 254:
        raise UnknownTextError(f"resubmit({text})")
    in_port = 0xFFF8 if not source else port(source) & 0xFFFF
    return _nicira(14, struct.pack("!HB3x", in_port, number(table)))


_CONJUNCTION = re.compile(r"(\d+),(\d+)/(\d+)")


def _conjunction(text: str) -> bytes:
    found = _CONJUNCTION.fullmatch(text)
    if not found:
        raise UnknownTextError(f"conjunction({text})")
    identifier, clause, clauses = map(int, found.groups())
    if not 1 <= clause <= clauses <= 64 or identifier > 0xFFFFFFFF:
        raise UnknownTextError(f"conjunction({text})")
    return _nicira(34, struct.pack("!BBI", clause - 1, clauses, identifier))


_ACTIONS: dict[str, Callable[[str], bytes]] = {
    "output": _output_to,
    "push_vlan": _push_vlan,
    "set_field": _set_field,
    "load": _load,
    "move": _move,
    "push": _stack(27),
    "pop": _stack(28),
}
_CALLS: dict[str, Callable[[str], bytes]] = {"resubmit": _resubmit, "conjunction": _conjunction}
