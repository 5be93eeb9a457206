"""Microflows: a packet described by an expression, as ovn-trace(8) has them.

A microflow is a conjunction of conditions that leave one packet; fields that it doesn't mention are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.cubes import EVERYTHING, Cube, Work
from ovn_rules.rules.lflow.errors import LflowError
from ovn_rules.rules.lflow.expressions import Comparison, Expression, comparisons
from ovn_rules.rules.lflow.fields import FIELDS
from ovn_rules.rules.lflow.lexer import Reader
from ovn_rules.rules.lflow.matches import settled
from ovn_rules.rules.lflow.normal import Setting, cubes_of
from ovn_rules.rules.lflow.parser import DEPTH, Parser

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.symbols import Table

OWN = ("registers", "metadata", "pkt_mark", "ct_state", "ct_mark", "ct_label")
"""Fields that a packet doesn't bring along: flows and connection tracking set them."""

KIND = FIELDS["dl_type"].mask


@dataclass(frozen=True, slots=True)
class Microflow:
    """One packet.

    Attributes:
        text: the text that was read.
        inport: the name of the port it comes from.
        position: where that name's condition stands in the text.
        cube: the packet's fields, as in ``fields``; what the mask leaves open is 0.
    """

    text: str
    inport: str
    position: int
    cube: Cube


def parse_microflow(text: str, table: Table) -> Microflow:
    """Reads a microflow.

    Raises:
        LflowError: the text isn't one: no expression of the language, with ``||``, contradictory, ambiguous, without
            ``inport``, or about what no packet brings along.
    """
    parser = _Parser(Reader(text), table)
    parser.conjunction()
    if parser.reader.token.kind != "end":
        raise parser.reader.expected("`&&' or end of input")
    if not parser.ports:
        raise LflowError('A microflow says which port the packet comes from: inport == "NAME".', len(text), text)
    name, position = parser.ports[0]
    for other, place in parser.ports[1:]:
        if other != name:
            raise LflowError(f"The packet can't come from {name} and from {other}.", place, text)
    return Microflow(text, name, position, _one_cube(parser.terms, text, table))


def _one_cube(terms: list[tuple[list[Cube], int]], text: str, table: Table) -> Cube:
    """The one cube that all terms agree on."""
    work = Work(table.maskable)
    found = [EVERYTHING]
    for cubes, position in terms:
        found = work.product(found, cubes)
        if not any(settled(cube) for cube in found):
            raise LflowError("No packet is so: this contradicts what stands before it, or itself.", position, text)
    found = work.minimize(found)
    if len(found) > 1:
        for cubes, position in terms:
            left = [c for c in cubes if work.product(found, [c])]
            if len(left) > 1:
                kinds = {v & KIND for v, m in left if m & KIND}
                advice = "say ip4 or ip6" if len(kinds) > 1 else "give one value"
                raise LflowError(f"Ambiguous: a microflow is one packet; {advice}.", position, text)
    return found[0]


class _Parser(Parser):
    """Reads the terms of a conjunction one by one, with their places."""

    __slots__ = ("ports", "terms")

    def __init__(self, reader: Reader, table: Table) -> None:
        super().__init__(reader, table)
        self.terms: list[tuple[list[Cube], int]] = []
        self.ports: list[tuple[str, int]] = []

    def conjunction(self) -> None:
        """Terms joined by ``&&``, which may be in parentheses."""
        reader = self.reader
        while True:
            if reader.token.kind == "(":
                if self.depth >= DEPTH:
                    raise reader.error("Parentheses nested too deeply.", reader.token.start)
                self.depth += 1
                reader.advance()
                self.conjunction()
                reader.need(")")
                self.depth -= 1
            else:
                start = reader.token.start
                self.term(self._negation(), start)
            if reader.token.kind == "||":
                raise reader.error("A microflow is one packet: || is not allowed.", reader.token.start)
            if not reader.take("&&"):
                return

    def term(self, expression: Expression, start: int) -> None:
        """Notes what one term says."""
        for comparison in comparisons(expression):
            symbol = comparison.symbol
            own = next((n for n in OWN if symbol.width and symbol.offset >= 0 and _inside(symbol.offset, n)), None)
            if own is not None or (not symbol.width and symbol.name != "inport"):
                raise self.reader.error(f"{symbol.name} is nothing that a packet brings along: flows set it.", start)
        if isinstance(expression, Comparison) and expression.text is not None:
            self.ports.append((expression.text, start))
            return
        if any(c.text is not None for c in comparisons(expression)):
            raise self.reader.error("A packet comes from one port.", start)
        self.terms.append((cubes_of(expression, Setting(self.table)), start))


def _inside(offset: int, name: str) -> bool:
    field = FIELDS[name]
    return field.offset <= offset < field.offset + field.width
