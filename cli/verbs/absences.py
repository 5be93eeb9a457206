"""Explanations of what isn't there as documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.rule_source import rule_place
from ovn_rules.cli.verbs.facts import fact_document, plain
from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.findings import Finding, Status, Wanted
from ovn_rules.engine.ir import Atom, Clause, Wild
from ovn_rules.engine.literals import literal_text
from ovn_rules.engine.present import FREE

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.outcomes import Outcome
    from ovn_rules.engine.whynot import Absence, Reason

SHOWN = 2
"""Rules that are explained for each thing that is missing, of those that came equally near."""
ELEMENTS = 4
"""Elements of a collection that are named."""


def absence_document(engine: Engine, absence: Absence, *, everything: bool = False) -> Document:
    """An absence, with all below it; one that comes again is ``{"see": id}``.

    Args:
        engine: where it was explained.
        absence: the explanation.
        everything: every rule, not only those that came nearest.
    """
    return _Writer(engine, everything=everything).absence(absence)


def pattern_document(engine: Engine, relation: str, pattern: Fact) -> Document:
    """A pattern, like a fact with only the columns that are known."""
    columns = engine.program.relations[relation].columns
    known = {c.name: plain(v) for c, v in zip(columns, pattern, strict=True) if v is not FREE}
    document: Document = {"relation": relation, "fact": known}
    table = engine.program.relations[relation].table
    if table is not None:
        document |= {"database": table.database, "table": table.table}
    return document


class _Writer:
    def __init__(self, engine: Engine, *, everything: bool) -> None:
        self.engine = engine
        self.everything = everything
        self.written: dict[int, int] = {}

    def absence(self, absence: Absence) -> Document:
        document = pattern_document(self.engine, absence.relation, absence.pattern)
        if id(absence) in self.written:
            return {**document, "see": self.written[id(absence)]}
        number = self.written[id(absence)] = len(self.written) + 1
        reasons = self._chosen(absence)
        return {
            **document,
            "id": number,
            "found": [fact_document(self.engine, absence.relation, f) for f in absence.found],
            "kept out": [
                {"fact": self._fact(absence, fact), "by": {**self._fact(absence, by), "rule": self._rule(absence, by)}}
                for fact, by in absence.rivals
            ],
            "nearest": [self._nearest(absence, f) for f in absence.nearest],
            "rules": [self._reason(r) for r in reasons],
            "further": [r.clause.name for r in absence.reasons if r not in reasons],
            "unfit": self._unfit(absence),
            "cut": absence.cut,
        }

    def _fact(self, absence: Absence, fact: Fact) -> Document:
        return fact_document(self.engine, absence.relation, fact)

    def _rule(self, absence: Absence, fact: Fact) -> str:
        derivation = next(Explainer(self.engine).derivations(absence.relation, fact), None)
        return derivation.clause.name if derivation is not None else ""

    def _chosen(self, absence: Absence) -> list[Reason]:
        """The reasons to tell: those that came nearest."""
        if self.everything or not absence.reasons:
            return absence.reasons
        best = absence.reasons[0]
        return [r for r in absence.reasons if r.distance == best.distance and r.hopeless is best.hopeless][:SHOWN]

    def _nearest(self, absence: Absence, fact: Fact) -> Document:
        columns = self.engine.program.relations[absence.relation].columns
        parts = zip(columns, absence.pattern, fact, strict=True)
        return {**self._fact(absence, fact), "differs": [c.name for c, w, v in parts if w is not FREE and w != v]}

    def _unfit(self, absence: Absence) -> Document:
        """Rules that can't make it, by the column in which what they make differs."""
        columns = self.engine.program.relations[absence.relation].columns
        unfit: dict[str, list[str]] = {}
        for clause, column in absence.unfit:
            unfit.setdefault(columns[column].name, []).append(clause.name)
        return unfit

    def _reason(self, reason: Reason) -> Document:
        document: Document = {**_clause(reason.clause), "alike": reason.miss.alike if reason.miss else 0}
        if reason.outcome is not None:
            document["outcome"] = self._outcome(reason, reason.outcome)
        document["conditions"] = [
            self._finding(reason, i, f) for i, f in enumerate(reason.miss.findings if reason.miss else ())
        ]
        return document

    def _outcome(self, reason: Reason, outcome: Outcome) -> Document:
        relation = reason.clause.relation
        return {
            "column": self.engine.program.relations[relation].columns[outcome.column].name,
            "makes": None if outcome.fact is None else fact_document(self.engine, relation, outcome.fact),
            "missing": [plain(v) for v in outcome.missing],
            "surplus": [plain(v) for v in outcome.surplus],
            "taken": None if outcome.holder is None else fact_document(self.engine, relation, outcome.holder),
        }

    def _finding(self, reason: Reason, position: int, finding: Finding) -> Document:
        condition = finding.condition
        document: Document = {"status": finding.status.value}
        if isinstance(condition, Atom):
            document |= {"negated": condition.negated, "pattern": self._pattern(condition, finding.pattern)}
            columns = self.engine.program.relations[condition.relation].columns
            document["equal"] = [[columns[i].name for i in pair] for pair in finding.equal]
            if finding.fact is not None:
                document["fact"] = self._seen(condition, finding.fact)
                document["choices"] = finding.choices
            if position in reason.absences and position not in reason.follows:
                document["because"] = self.absence(reason.absences[position])
            document["follows"] = position in reason.follows
            return document
        if isinstance(condition, Wanted):
            columns = self.engine.program.relations[reason.clause.relation].columns
            document |= {"head": columns[condition.column].name, "text": condition.expr.source}
        else:
            document["text"] = literal_text(self.engine.program, condition)
        document["values"] = {v: plain(x) for v, x in finding.values.items()}
        if finding.result is not FREE and finding.status is Status.FAILS:
            document["result"] = _listed(finding.result)
        if finding.wanted is not FREE:
            document["wanted"] = _known(finding.wanted)
        return {**document, "error": finding.error}

    def _pattern(self, atom: Atom, pattern: Fact) -> Document:
        return pattern_document(self.engine, atom.relation, pattern)

    def _seen(self, atom: Atom, fact: Fact) -> Document:
        """A fact, and the columns that the rule looks at."""
        columns = self.engine.program.relations[atom.relation].columns
        seen = [c.name for c, t in zip(columns, atom.terms, strict=True) if not isinstance(t, Wild)]
        return {**fact_document(self.engine, atom.relation, fact), "seen": seen}


def _clause(clause: Clause) -> Document:
    return {
        "rule": clause.name,
        "reason": " ".join(clause.doc.split()),
        "source": rule_place(clause),
    }


def _known(value: Any) -> Any:
    """A value of which parts may be anything: those are ``_``."""
    if isinstance(value, tuple):
        return ["_" if v is FREE else plain(v) for v in value]
    return plain(value)


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list | range) and len(value) > ELEMENTS:
        return [*(plain(v) for v in value[:ELEMENTS]), f"... {len(value) - ELEMENTS} more"]
    return plain(value) if isinstance(value, tuple | str | int | float | bool) else str(value)
