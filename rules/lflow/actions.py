"""The actions of a logical flow: ``next; output; drop;``, assignments and exchanges (ovn-sb(5), "actions")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.lexer import Number, Reader
from ovn_rules.rules.lflow.matches import ethernet, hexadecimal, ipv4, ipv6
from ovn_rules.rules.lflow.parser import Chosen, Constant, Constants, Parser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ovn_rules.rules.lflow.symbols import Table

FLOOD = re.compile(r' *+(?:(inport|outport) = "([^"\\]*+)"|(next|output));')
FLOODS = re.compile(r'(?: *+(?:(?:inport|outport) = "[^"\\]*+"|next|output);)+ *+')


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Where logical tables stand in OpenFlow's.

    Attributes:
        first: the OpenFlow table of logical table 0.
        output: the table that ``output;`` goes on to.
        length: how many logical tables there are; ``next;`` in the last is an error. 0 for no limit.
    """

    first: int = 16
    output: int = 64
    length: int = 0


EZBAKE_PIPELINE = Pipeline()
"""Logical table N is OpenFlow table 16+N, output is table 64 (behaviour of May 2015)."""


@dataclass(frozen=True, slots=True)
class Do:
    """``next;`` or ``output;``."""

    what: str


@dataclass(frozen=True, slots=True)
class Set:
    """An assignment of a constant: ``field = constant;``."""

    field: Chosen
    value: Number | str


@dataclass(frozen=True, slots=True)
class Move:
    """A copy, ``field = field;``, or with ``exchange`` two: ``field <-> field;``."""

    to: Chosen
    source: Chosen
    exchange: bool


Action = Do | Set | Move


@dataclass(frozen=True, slots=True)
class Actions:
    """What a row does: its actions in order, and what assigning to its fields implies for the match.

    No actions drop. ``needs`` are expressions.
    """

    actions: tuple[Action, ...]
    needs: tuple[str, ...]


def parse_actions(text: str, table: Table, logical_table: int = 0, pipeline: Pipeline = EZBAKE_PIPELINE) -> Actions:
    """Reads actions.

    Raises:
        LflowError: the text is not a sequence of actions, a field can't be written, or sizes differ.
    """
    parser = _Parser(Reader(text), table)
    reader = parser.reader
    found: list[Action] = []
    if reader.token.kind == "id" and reader.token.value == "drop":
        reader.advance()
        reader.need(";")
        if reader.token.kind != "end":
            raise reader.expected("end of input")
    while reader.token.kind != "end":
        token = reader.token
        if token.kind != "id":
            raise reader.expected("action")
        if reader.ahead() in ("=", "<->", "["):
            found.append(parser.assignment())
        elif token.value in ("next", "output"):
            if token.value == "next" and pipeline.length and logical_table + 1 >= pipeline.length:
                raise reader.error('"next" action not allowed in last flow table.', token.start)
            reader.advance()
            found.append(Do(str(token.value)))
        elif token.value in table.symbols:
            reader.advance()
            raise reader.expected("`=' or `<->'")
        else:
            raise reader.expected("action")
        reader.need(";")
    return Actions(tuple(found), tuple(dict.fromkeys(parser.needs)))


class _Parser(Parser):
    """Reads assignments and exchanges as well."""

    __slots__ = ("needs",)

    def __init__(self, reader: Reader, table: Table) -> None:
        super().__init__(reader, table)
        self.needs: list[str] = []

    def assignment(self) -> Action:
        """One ``field = constant``, ``field = field`` or ``field <-> field``, without its semicolon."""
        reader = self.reader
        to = self._written()
        if reader.take("<->"):
            source = self._written()
            self._agree(to, source, "exchange")
            return Move(to, source, exchange=True)
        if not reader.take("="):
            raise reader.expected("`=' or `<->'")
        if reader.token.kind == "id":
            source = self._field()
            self._agree(to, source, "assign")
            return Move(to, source, exchange=False)
        values: list[Constant] = []
        position = reader.token.start
        if reader.token.kind in ("$", "@"):
            raise reader.expected("constant")
        self.constant(values)
        self.check_types(to, Constants(values, False, position))
        value = values[0].value
        if isinstance(value, Number):
            self._check_fit(to, value, position)
        return Set(to, value)

    def _field(self) -> Chosen:
        chosen = self.field()
        symbol = chosen.symbol
        if symbol.expansion:
            message = f"Predicate symbol {symbol.name} used where lvalue required."
            raise self.reader.error(message, chosen.position)
        if symbol.needs:
            self.needs.append(symbol.needs)
        return chosen

    def _written(self) -> Chosen:
        chosen = self._field()
        if not chosen.symbol.root or not chosen.symbol.root.set:
            raise self.reader.error(f"Field {chosen.symbol.name} is not modifiable.", chosen.position)
        return chosen

    def _agree(self, to: Chosen, source: Chosen, verb: str) -> None:
        kinds = ["integer" if c.symbol.width else "string" for c in (to, source)]
        names = [describe(c) for c in (to, source)]
        if kinds[0] != kinds[1]:
            message = f"Can't {verb} {kinds[1]} field ({names[1]}) to {kinds[0]} field ({names[0]})."
            if verb == "exchange":
                message = f"Can't exchange {kinds[0]} field ({names[0]}) with {kinds[1]} field ({names[1]})."
            raise self.reader.error(message, source.position)
        if to.width != source.width:
            message = f"Can't {verb} {source.width}-bit value to {to.width}-bit destination."
            if verb == "exchange":
                message = f"Can't exchange {to.width}-bit field with {source.width}-bit field."
            raise self.reader.error(message, source.position)

    def _check_fit(self, to: Chosen, value: Number, position: int) -> None:
        """What OpenFlow can't write: part of a field that is written whole, a VLAN of a frame that must have one."""
        ones = (1 << to.width) - 1
        if to.symbol.level == "nominal" and value.mask is not None and value.mask & ones != ones:
            message = f"Field {to.symbol.name} can only be assigned as a whole."
            raise self.reader.error(message, position)
        if to.symbol.name in ("arp.op", "rarp.op") and value.value > 0xFF:
            raise self.reader.error(f"Field {to.symbol.name} takes values up to 255.", position)


def describe(chosen: Chosen) -> str:
    """A field with its bits, as the language writes it."""
    symbol, low, width, _ = chosen
    if width == symbol.width:
        return symbol.name
    return f"{symbol.name}[{low}]" if width == 1 else f"{symbol.name}[{low}..{low + width - 1}]"


def actions_text(
    actions: Actions, ports: Mapping[str, int], logical_table: int, pipeline: Pipeline = EZBAKE_PIPELINE
) -> str:
    """The OpenFlow actions, as ``ovs-ofctl -O OpenFlow13 dump-flows`` prints them; ``drop`` for none.

    A port that ``ports`` doesn't have is 0, which is no port's key.
    """
    out: list[str] = []
    for action in actions.actions:
        match action:
            case Do(what):
                out.append(_resubmit(what, logical_table, pipeline))
            case Set(field, value):
                out += _set(field, value, ports)
            case Move(to, source, exchange):
                names = _range_name(to), _range_name(source)
                if exchange:
                    out += [f"push:{names[0]}", f"push:{names[1]}", f"pop:{names[0]}", f"pop:{names[1]}"]
                else:
                    out.append(f"move:{names[1]}->{names[0]}")
    return ",".join(out) or "drop"


def is_flood(text: str, logical_table: int, pipeline: Pipeline) -> bool:
    """Whether actions are nothing but ports, ``next;`` and ``output;`` in plain form, and right."""
    last = pipeline.length and logical_table + 1 >= pipeline.length
    return not (last and "next;" in text) and FLOODS.fullmatch(text) is not None


def flood_text(text: str, table: Table, ports: Mapping[str, int], logical_table: int, pipeline: Pipeline) -> str | None:
    """The same as ``actions_text`` for actions in plain form; None for others.

    A broadcast goes to every port of a switch, so such texts are long: this takes a fraction of the time.
    """
    if not is_flood(text, logical_table, pipeline):
        return None
    roots = {n: table.symbols[n].root for n in ("inport", "outport")}
    plain = {w: _resubmit(w, logical_table, pipeline) for w in ("next", "output")}
    after = {n: f"->{root.set}" for n, root in roots.items() if root}
    key = ports.get
    return ",".join(
        [
            plain[what] if what else f"set_field:{hexadecimal(key(port, 0))}{after[field]}"
            for field, port, what in FLOOD.findall(text)
        ]
    )


def _resubmit(what: str, logical_table: int, pipeline: Pipeline) -> str:
    table = pipeline.first + logical_table + 1 if what == "next" else pipeline.output
    return f"resubmit(,{table})"


def _set(chosen: Chosen, constant: Number | str, ports: Mapping[str, int]) -> list[str]:
    symbol, low, width, _ = chosen
    root = symbol.root
    assert root is not None  # noqa: S101 -- predicates are refused when actions are read
    if isinstance(constant, str):
        return [f"set_field:{hexadecimal(ports.get(constant, 0))}->{root.set}"]
    mask = (1 << width) - 1
    value = constant.value & mask
    if constant.mask is not None:
        mask &= constant.mask
    low += symbol.low
    if mask == (1 << root.width) - 1:
        return [f"set_field:{VALUES.get(root.form, str)(value)}->{root.set}"]
    return [
        f"load:{hexadecimal(value >> start & (1 << count) - 1)}->{root.nxm}{_bits(low + start, count, root.width)}"
        for start, count in _runs(mask)
    ]


def _runs(mask: int) -> list[tuple[int, int]]:
    """The runs of 1-bits in a mask, at most 64 bits each, from the lowest: first bit and length."""
    out = []
    start = 0
    while mask >> start:
        start += (mask >> start & -(mask >> start)).bit_length() - 1
        count = min(((mask >> start) + 1 & -((mask >> start) + 1)).bit_length() - 1, 64)
        out.append((start, count))
        start += count
    return out


def _range_name(chosen: Chosen) -> str:
    symbol, low, width, _ = chosen
    root = symbol.root
    assert root is not None  # noqa: S101 -- predicates are refused when actions are read
    return f"{root.nxm}{_bits(symbol.low + low, width or root.width, root.width)}"


def _bits(low: int, count: int, width: int) -> str:
    return "[]" if count == width else f"[{low}]" if count == 1 else f"[{low}..{low + count - 1}]"


VALUES: dict[str, Callable[[int], str]] = {
    "hex": hexadecimal,
    "label": hexadecimal,
    "ethernet": ethernet,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "vlan": hexadecimal,
}
