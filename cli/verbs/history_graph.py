"""A fact's history as a picture: what happened to it, in which transactions, and the rows behind it."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from ovn_rules.cli.verbs.facts import fact_text, shortened
from ovn_rules.cli.verbs.history_shown import entry_text, row_text, said
from ovn_rules.cli.verbs.proof_graph import fact_details, fact_label
from ovn_rules.cli.verbs.verb import Edge, Graph, Node

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Document

WIDEST = 64
"""Characters of a line of a transaction."""
ROWS = 4
"""Rows in a box; all that the answer has are shown on demand."""


def history_graph(document: Document) -> Graph:
    """The facts on top, below each its transactions, newest first, below them the rows that changed.

    Args:
        document: what ``history`` answered.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    for i, fact in enumerate(document["facts"]):
        label = f"{fact_label(fact)}\n{'holds' if fact['holds'] else 'does not hold'}"
        nodes.append(Node(f"{i}", label, "fact" if fact["holds"] else "absent", fact_details(fact)))
        for j, entry in enumerate(fact["entries"]):
            own = f"{i}/{j}"
            lines = [entry_text(entry).plain, *(line for source in entry["sources"] for line in said(source))]
            label = "\n".join(part for line in lines for part in wrap(line, WIDEST))
            nodes.append(Node(own, label, "rule"))
            edges.append(Edge(f"{i}", own))
            for relation in dict.fromkeys(row["relation"] for row in entry["rows"]):
                rows = [row_text(row).plain for row in entry["rows"] if row["relation"] == relation]
                changed = [shortened(row.replace(relation, "", 1), WIDEST) for row in rows]
                label = "\n".join([relation, *changed[:ROWS], *["…"] * (len(rows) > ROWS)])
                nodes.append(Node(f"{own}/{relation}", label, "row", "\n".join(rows)))
                edges.append(Edge(own, f"{own}/{relation}"))
        if fact["older"]:
            nodes.append(Node(f"{i}/older", "\n".join(wrap(fact["older"], WIDEST)), "note"))
            edges.append(Edge(f"{i}", f"{i}/older"))
    facts = "; ".join(fact_text(fact, width=120, brief=True).plain for fact in document["facts"])
    return Graph(f"History of {facts}", tuple(nodes), tuple(edges))
