"""What an expression means and costs, for people and for ``ovn-rules expr``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.conjunctions import Flow, flows
from ovn_rules.rules.lflow.errors import LflowError
from ovn_rules.rules.lflow.expressions import format_expression
from ovn_rules.rules.lflow.matches import match_text
from ovn_rules.rules.lflow.normal import Setting, prerequisites
from ovn_rules.rules.lflow.parser import NO_SETS, Sets, parse
from ovn_rules.rules.lflow.tables import OVN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.rules.lflow.symbols import Table


@dataclass(frozen=True, slots=True)
class Description:
    """What became of one expression.

    Attributes:
        expression: the text, as given.
        parsed: its canonical form; empty when there is an error before that.
        prerequisites: the conditions that its symbols imply, each once.
        flows: one line a flow: the match, empty for the one that everything is in; ``MATCH: conjunction(ID, k/n)``
            for a share in a conjunctive match (k from 0), whose end matches ``conj_id=ID``. IDs count from 1.
        error: what is wrong, as one sentence; empty for nothing.
        position: the place of the error, in characters from 0; the length of the text for its end.
        rendering: the error with the text and a caret under the place, as three lines.
    """

    expression: str
    parsed: str = ""
    prerequisites: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    error: str = ""
    position: int | None = None
    rendering: str = ""


def describe(
    expression: str,
    symbols: Table = OVN,
    ports: Mapping[str, int] | None = None,
    residents: frozenset[str] = frozenset(),
    sets: Sets = NO_SETS,
) -> Description:
    """Canonical form, prerequisites and flows of an expression, or what is wrong with it; raises nothing.

    Ports that ``ports`` doesn't have are accepted and match nothing.
    """
    try:
        tree = parse(expression, symbols, sets)
        found = flows(tree, Setting(symbols, ports or {}, residents))
    except LflowError as e:
        rendering = LflowError(e.message, e.position, expression).render()
        return Description(expression, error=e.message, position=e.position, rendering=rendering)
    lines = tuple(line for flow in found for line in _lines(flow))
    return Description(expression, format_expression(tree), prerequisites(tree, symbols), lines)


def _lines(flow: Flow) -> list[str]:
    if flow.parts:
        match = match_text(flow.cube)
        return [f"{match}: conjunction({p.number + 1}, {p.k}/{p.n})" for p in flow.parts]
    return [match_text(flow.cube, None if flow.number is None else flow.number + 1)]
