"""Proofs as pictures: facts, and between them the rules that made them."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from ovn_rules.cli.verbs.facts import fact_text, is_uuid, shortened, value_text
from ovn_rules.cli.verbs.verb import Edge, Graph, Node

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Document

VALUE = 44
"""Characters of a value in a box; the whole of it is shown on demand."""
TITLE = 120
"""Characters of a fact in the title."""
COLUMNS = 7
"""Columns in a box."""


def proof_graph(document: Document) -> Graph:
    """Proofs as one picture: what they share is there once.

    Args:
        document: what ``why`` answered.
    """
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for name, step in document["facts"].items():
        kind: Literal["row", "fact"] = "row" if "table" in step else "fact"
        nodes[name] = Node(name, fact_label(step), kind, fact_details(step))
        for i, derivation in enumerate(step.get("derivations", ())):
            rule = document["rules"][derivation["rule"]]
            own = f"{name}/{i}"
            circular = ["circular: needs the fact itself"] * derivation["circular"]
            label = "\n".join([rule_label(derivation["rule"], rule), *circular])
            details = f"{rule['reason']}\n{rule['source']}\n\n{rule['code']}"
            nodes[own] = Node(own, label, "rule", details)
            edges.append(Edge(name, own))
            for j, premise in enumerate(derivation["premises"]):
                if "absent" in premise:
                    pattern = [f"{c} = {_value(c, v)}" for c, v in premise["pattern"].items()]
                    nodes[f"{own}/{j}"] = Node(f"{own}/{j}", "\n".join([f"no {premise['absent']}", *pattern]), "absent")
                    edges.append(Edge(own, f"{own}/{j}"))
                else:
                    edges.append(Edge(own, premise["fact"]))
        numbering = step.get("numbering")
        if numbering is not None and numbering["from"] is not None and "derivations" in step:
            edges.append(Edge(name, numbering["from"], numbering["column"]))
        note = _note(name, step)
        if note:
            nodes[f"{name}/more"] = Node(f"{name}/more", note, "note")
            edges.append(Edge(name, f"{name}/more"))
    tops = (fact_text(document["facts"][root], width=TITLE, brief=True).plain for root in document["roots"])
    title = f"Why {'; '.join(tops)}"
    return Graph(title, tuple(nodes.values()), tuple(edges))


def _note(name: str, step: Document) -> str:
    if step["state"] == "cut":
        return f"… why {name}"
    if step.get("more"):
        return f"… and {step['more']:,} more {'inputs' if step['collected'] else 'derivations'}"
    return ""


def fact_label(document: Document) -> str:
    """A fact in a box: its relation, then a line for each column; a row's name beside its table.

    Args:
        document: what ``fact_document`` made.
    """
    name = document.get("name")
    lines = [f"{document['relation']} [{shortened(name, VALUE)}]" if name else document["relation"]]
    values = [(c, v) for c, v in document["fact"].items() if v not in ("", [])]
    lines += [f"{column} = {_value(column, value)}" for column, value in values[:COLUMNS]]
    return "\n".join(lines + ["…"] * (len(values) > COLUMNS))


def rule_label(name: str, rule: Document) -> str:
    """A rule in a box: its name, what it says, where it stands.

    Args:
        name: the rule's.
        rule: with ``reason`` and ``source``.
    """
    return "\n".join([name, *wrap(rule["reason"], VALUE), rule["source"]])


def fact_details(document: Document) -> str:
    """A fact, or a pattern of facts, in full: every column, and for a row where it is."""
    lines = []
    if "table" in document:
        row = f", row {document['row']}" if "row" in document else ""
        lines.append(f"database {document['database']}, table {document['table']}{row}\n")
    lines += [f"{column} = {json.dumps(value, ensure_ascii=False)}" for column, value in document["fact"].items()]
    lines += [f"kept over {value_text(list(r['fact'].values()))}" for r in document.get("rivals", ())]
    return "\n".join(lines)


def _value(column: str, value: object) -> str:
    return shortened(value[:8] if column != "_uuid" and is_uuid(value) else value_text(value), VALUE)
