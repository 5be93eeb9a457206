"""Proofs as documents: each fact once, under its short name, and each rule once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.rule_source import rule_place, rule_text
from ovn_rules.cli.verbs.facts import fact_document, plain

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine
    from ovn_rules.engine.ir import Clause
    from ovn_rules.engine.proof import Proof, Reason, Step


def proofs_document(engine: Engine, proofs: list[Proof]) -> Document:
    """Proofs as a document: each fact once, under its short name, and each rule once.

    Args:
        engine: where the facts hold.
        proofs: what ``prove`` found.
    """
    facts: dict[str, Document] = {}
    rules: dict[str, Document] = {}
    for proof in proofs:
        for step in proof.steps.values():
            if step.name not in facts or facts[step.name]["state"] == "cut":
                facts[step.name] = _step(engine, step, proof)
            for reason in step.reasons:
                clause = reason.derivation.clause
                if clause.name not in rules:
                    rules[clause.name] = rule_document(clause)
    return {"roots": [p.steps[p.root].name for p in proofs], "facts": facts, "rules": rules}


def _step(engine: Engine, step: Step, proof: Proof) -> Document:
    document = {**fact_document(engine, step.relation, step.fact), "state": step.state}
    if step.reasons or step.more:
        document["derivations"] = [_reason(engine, reason, proof) for reason in step.reasons]
        document["more"] = step.more
        document["collected"] = step.collected
    if (numbering := step.numbering) is not None:
        hint = numbering.hint
        document["numbering"] = {
            "column": engine.program.relations[step.relation].columns[numbering.column].name,
            "low": numbering.low,
            "high": numbering.high,
            "hint": None if hint is None else fact_document(engine, *hint),
            "from": None if hint is None or hint not in proof.steps else proof.steps[hint].name,
            "wanted": numbering.wanted,
            "given": numbering.given,
        }
    if step.rivals:
        document["rivals"] = [fact_document(engine, step.relation, f) for f in step.rivals]
    if step.kept is not None:
        document["kept"] = fact_document(engine, step.relation, step.kept)
    return document


def _reason(engine: Engine, reason: Reason, proof: Proof) -> Document:
    premises: list[Document] = []
    for premise in reason.derivation.premises:
        columns = [c.name for c in engine.program.relations[premise.relation].columns]
        seen = {c: plain(v) for c, v in zip(columns, premise.pattern, strict=True) if v is not None}
        if premise.fact is None:
            premises.append({"absent": premise.relation, "pattern": seen})
        else:
            premises.append({"fact": proof.steps[premise.relation, premise.fact].name, "columns": list(seen)})
    derivation = reason.derivation
    return {
        "rule": derivation.clause.name,
        "circular": reason.circular,
        "premises": premises,
        "variables": {name: plain(value) for name, value in derivation.variables.items()},
    }


def rule_document(clause: Clause) -> Document:
    """A rule: what it says, where it stands, and its source."""
    return {
        "reason": " ".join(clause.doc.split()),
        "source": rule_place(clause),
        "code": rule_text(clause),
    }
