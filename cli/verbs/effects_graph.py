"""Pictures of consequences: what changes in each relation, and from which relations it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.verbs.facts import fact_text, shortened
from ovn_rules.cli.verbs.verb import Edge, Graph, Node
from ovn_rules.engine.ir import Atom

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine

EXAMPLES = 3
"""Facts in a box; all that the answer has are shown on demand."""
WIDEST = 60
"""Characters of a line in a box."""


def comes_from(engine: Engine, relation: str, shown: Collection[str], changed: Collection[str]) -> list[str]:
    """The shown relations from which changes come to a relation, straight or through others that aren't shown.

    Args:
        engine: whose rules it is about.
        relation: where the changes come to.
        shown: relations that have a box.
        changed: relations that change.
    """
    found: set[str] = set()
    seen = {relation}
    waiting = [relation]
    while waiting:
        name = waiting.pop()
        for clause in engine.program.clauses:
            if clause.relation != name:
                continue
            for read in {literal.relation for literal in clause.body if isinstance(literal, Atom)} - seen:
                seen.add(read)
                if read in shown:
                    found.add(read)
                elif read in changed:
                    waiting.append(read)
    return sorted(found)


class Painter:
    """Collects a box for each relation, and arrows to it from those that its changes come from."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []

    def relation(self, name: str, count: str, facts: Iterable[tuple[str, Document]], sources: Iterable[str]) -> None:
        """Add a box.

        Args:
            name: the relation.
            count: how much changes.
            facts: some that change, each after its sign.
            sources: the relations that the changes come from; none for a given one.
        """
        lines = [f"{sign} {fact_text(fact, brief=True).plain.removeprefix(name)}" for sign, fact in facts]
        label = [f"{name}  {count}".rstrip(), *(shortened(line, WIDEST) for line in lines[:EXAMPLES])]
        label += ["…"] * (len(lines) > EXAMPLES)
        sources = list(sources)
        self._nodes.append(Node(name, "\n".join(label), "fact" if sources else "row", "\n".join(lines)))
        self._edges += [Edge(source, name) for source in sources]

    def graph(self, title: str) -> Graph:
        """The picture."""
        names = {node.name for node in self._nodes}
        return Graph(title, tuple(self._nodes), tuple(e for e in self._edges if e.tail in names))
