"""Explanations of what isn't there as pictures: what is missing, the rules that nearly make it, and what they lack."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from ovn_rules.cli.verbs.absences_shown import MARKS, Wording
from ovn_rules.cli.verbs.facts import fact_text, shortened
from ovn_rules.cli.verbs.proof_graph import fact_details, fact_label, rule_label
from ovn_rules.cli.verbs.verb import Edge, Graph, Node

if TYPE_CHECKING:
    from typing import Literal

    from ovn_rules.cli.verbs.verb import Document

WIDEST = 72
"""Characters of a line that isn't a column of a fact."""


def graph(document: Document) -> Graph:
    """What is missing at the top; what was found wrong, and the smallest change, below.

    Args:
        document: what ``whynot`` answered.
    """
    painter = _Painter(Wording(document.get("names", {})))
    if document.get("found"):
        for fact in document["found"]:
            painter.node(fact_label(painter.wording.readable(fact)), "fact", details=fact_details(fact))
        return Graph("It is there", tuple(painter.nodes), ())
    top = painter.absence(document["absence"])
    for i, change in enumerate(document["changes"]):
        painter.change(change, top, "or" if i else "smallest change found")
    asked = fact_text(painter.wording.readable(document["asked"])).plain
    return Graph(f"Why there is no {asked}", tuple(painter.nodes), tuple(painter.edges))


class _Painter:
    """Collects boxes and arrows.

    Args:
        wording: how facts and conditions are put.
    """

    def __init__(self, wording: Wording) -> None:
        self.wording = wording
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.absences: dict[int, str] = {}

    def node(
        self,
        label: str,
        kind: Literal["fact", "row", "rule", "absent", "note"],
        after: str = "",
        details: str = "",
        edge: str = "",
    ) -> str:
        """Add a box, with an arrow from another one; the box's name."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name, label, kind, details))
        if after:
            self.edges.append(Edge(after, name, edge))
        return name

    def absence(self, absence: Document, after: str = "") -> str:
        """What is missing, and below it the rules that nearly make it; drawn once."""
        if "see" in absence:
            self.edges.append(Edge(after, self.absences[absence["see"]]))
            return self.absences[absence["see"]]
        lines = [f"✗ no {fact_label(self.wording.readable(absence))}"]
        details = [fact_details(absence)]
        for near in absence["nearest"][:1]:
            values = self.wording.readable(near)["fact"]
            label = f" of {near['name']}" if near.get("name") else ""
            lines += [f"nearest{label}: {shortened(f'{c} = {values[c]}', WIDEST)}" for c in near["differs"]]
            details.append(f"\nnearest: {near['relation']}\n{fact_details(near)}")
        name = self.node("\n".join(lines), "absent", after, "\n".join(details))
        self.absences[absence["id"]] = name
        for reason in absence["rules"]:
            about = f"{reason['reason']}\n{reason['source']}"
            rule = self.node(rule_label(reason["rule"], reason), "rule", name, about)
            for line in self.wording.outcome(reason["outcome"]) if "outcome" in reason else ():
                self.node(shortened(line.plain, WIDEST), "absent", rule, line.plain)
            for condition in reason["conditions"]:
                self.condition(condition, rule)
        return name

    def condition(self, condition: Document, after: str) -> None:
        """A condition of a rule: the fact that fulfils it, or what is wrong with it."""
        if "because" in condition:
            self.absence(condition["because"], after)
            return
        mark = MARKS[condition["status"]][0]
        fails = condition["status"] == "fails"
        if "pattern" not in condition or condition["status"] == "open" or condition["follows"]:
            text = self.wording.condition(condition).plain
            self.node(shortened(text, WIDEST), "absent" if fails else "note", after, text)
        elif "fact" in condition:
            fact = condition["fact"]
            seen = {c: v for c, v in self.wording.readable(fact)["fact"].items() if c in fact["seen"]}
            label = f"{mark}{'there is ' if condition['negated'] else ''}{fact_label({**fact, 'fact': seen})}"
            kind: Literal["absent", "row", "fact"] = "absent" if fails else "row" if "table" in fact else "fact"
            self.node(label, kind, after, fact_details(fact))
        else:
            label = f"{mark}no {fact_label(self.wording.readable(condition['pattern']))}"
            self.node(label, "absent" if fails else "note", after, fact_details(condition["pattern"]))

    def change(self, change: Document, after: str, edge: str) -> None:
        """Rows that would have to go and to come."""
        self.wording.new.clear()
        lines = [line.plain.strip() for edit in change["edits"] for line in self.wording.edit(edit)]
        self.node(
            "\n".join("\n".join(wrap(line, WIDEST, subsequent_indent="    ")) for line in lines),
            "row",
            after,
            "\n".join(lines),
            edge,
        )
