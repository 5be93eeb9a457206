"""Changes of given facts that might make what is absent hold, read off its nearest misses.

What is missing is put in, what stands in the way is taken out, down to given facts. Whether a change works is for
others to try.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.edits import Edit, is_optional, referred
from ovn_rules.engine.findings import Finding, NearMiss, Status, Wanted, given_by, known_in, pattern_of
from ovn_rules.engine.inverse import Inverter
from ovn_rules.engine.ir import Aggregate, Atom, Bind, Column, Fact, Filter, Member, RelationDef, Type, Var
from ovn_rules.engine.plan import variables_of
from ovn_rules.engine.present import FREE, known_of
from ovn_rules.engine.tables import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ovn_rules.engine.whynot import Absence, Reason, WhyNot

LARGEST = 4
"""Facts that a change concerns at most."""
KEPT = 12
"""Changes of each size that are kept."""
WAYS = 4
"""Ways looked at for each thing that is lacking."""
DEPTH = 8
"""Levels of relations gone down."""
NEW_ROW = "ffffffff-ffff-4fff-8fff-"
"""How the UUIDs of new rows begin."""

Plan = tuple[Edit, ...]


class Planner:
    """Reads candidates off an explanation."""

    def __init__(self, whynot: WhyNot) -> None:
        self.whynot = whynot
        self.present = whynot.present
        self.engine = whynot.engine
        self.derived = self.engine.program.derived
        self.rows = 0
        self.inside: set[int] = set()
        self.known: dict[int, list[Plan]] = {}

    def plans(self, absence: Absence) -> list[Plan]:
        """Changes that might make what is absent hold, each once; of the smallest ones some of each size."""
        return _few(p for p in self._absent(absence, DEPTH) if p and len(p) <= LARGEST and _sound(p))

    def _absent(self, absence: Absence, depth: int) -> list[Plan]:
        """Ways to make a fact of a pattern."""
        if absence.found:
            return [()]
        if absence.relation not in self.derived:
            return list(islice(self._missing(absence.relation, absence.pattern, absence.nearest, set()), WAYS))
        if id(absence) in self.known:
            return self.known[id(absence)]
        if depth <= 0 or id(absence) in self.inside:
            return []
        self.inside.add(id(absence))
        plans: list[Plan] = []
        for _, winner in absence.rivals[:1]:
            plans += self._gone(absence.relation, winner, depth)
        for reason in [r for r in absence.reasons if not r.hopeless][:WAYS]:
            if reason.miss is not None:
                for miss in (reason.miss, *reason.miss.others):
                    plans += _few(self._closed(reason, miss, depth), WAYS)
                plans += self._afresh(reason.miss)
            plans = self._without_surplus(reason, plans, depth)
        self.inside.discard(id(absence))
        self.known[id(absence)] = _few(plans)
        return self.known[id(absence)]

    def _without_surplus(self, reason: Reason, plans: list[Plan], depth: int) -> list[Plan]:
        """Ways to take from a group what it has too much, with the ways to give it what it lacks."""
        outcome = reason.outcome
        if outcome is None or outcome.fact is None or not outcome.surplus or len(outcome.surplus) > 2:
            return plans
        ways: list[list[Plan]] = [plans] if plans else []
        term = reason.clause.terms[outcome.column]
        assert isinstance(term, Aggregate)  # noqa: S101 - nothing else has a surplus
        for derivation in self.whynot.explainer.derivations(reason.clause.relation, outcome.fact):
            if derivation.clause is not reason.clause:
                continue
            value = self.whynot.evaluator.value(term.value, derivation.variables)
            if value in outcome.surplus:
                ways.append(self._broken(derivation.premises, depth))
        return [_joined(parts) for parts in islice(product(*ways), WAYS)]

    # -- closing the gaps of a miss ------------------------------------------------------------------------

    def _closed(self, reason: Reason, miss: NearMiss, depth: int) -> Iterator[Plan]:
        """Ways to make everything hold that fails."""
        values, made_up = self._filled(miss)
        ways: list[list[Plan]] = []
        for i, finding in enumerate(miss.findings):
            if finding.status is Status.HOLDS or i in reason.follows:
                continue
            if finding.status is Status.OPEN and not self._lacking(finding, values):
                continue
            here = _few(self._mended(reason, i, finding, miss, values, made_up, depth), WAYS)
            if not here:
                return
            ways.append(here)
        yield from (_joined(parts) for parts in islice(product(*ways), 4 * KEPT))

    def _lacking(self, finding: Finding, values: Mapping[str, Any]) -> bool:
        """Whether an open atom has no fact either, now that everything has a value."""
        atom = finding.condition
        if not isinstance(atom, Atom) or atom.negated:
            return False
        return not self.present.matching(atom.relation, known_in(atom, values))

    def _filled(self, miss: NearMiss) -> tuple[dict[str, Any], set[str]]:
        """Values for all variables, and those made up: from facts where open atoms have some, else new ones."""
        values, made_up = dict(miss.values), set[str]()
        atoms = [f.condition for f in miss.findings if isinstance(f.condition, Atom) and not f.condition.negated]
        for finding in miss.findings:
            atom = finding.condition
            if finding.status is Status.OPEN and isinstance(atom, Atom) and not atom.negated:
                fact = next(iter(self.present.matching(atom.relation, known_in(atom, values))), None)
                if fact is not None:
                    new = given_by(atom, fact, values)
                    made_up |= new.keys()
                    values.update(new)
        for atom in atoms:
            if variables_of(atom) <= values.keys():
                continue
            near = self.present.nearest(atom.relation, pattern_of(atom, values))
            columns = self.engine.program.relations[atom.relation].columns
            for i, (term, column) in enumerate(zip(atom.terms, columns, strict=True)):
                if isinstance(term, Var) and term.name not in values:
                    made_up.add(term.name)
                    if column.name == "_uuid":
                        values[term.name] = self._value(column.type)
                    else:
                        values[term.name] = near[0][i] if near else self._some(atom.relation, column)
        return values, made_up

    def _mended(
        self,
        reason: Reason,
        position: int,
        finding: Finding,
        miss: NearMiss,
        values: Mapping[str, Any],
        made_up: set[str],
        depth: int,
    ) -> Iterator[Plan]:
        """Ways to make one condition hold."""
        condition = finding.condition
        if isinstance(condition, Atom) and condition.negated:
            if finding.fact is not None:
                yield from self._gone(condition.relation, finding.fact, depth)
        elif isinstance(condition, Atom):
            pattern = pattern_of(condition, values)
            if condition.relation in self.derived:
                if position in reason.absences:
                    yield from self._absent(reason.absences[position], depth - 1)
            else:
                near = self.present.nearest(condition.relation, pattern)
                chosen = _places(condition, miss.values.keys() - miss.determined)
                for plan in self._missing(condition.relation, pattern, near, _places(condition, made_up)):
                    yield tuple(replace(e, made_up=tuple(sorted(chosen.union(e.made_up)))) for e in plan)
        else:
            yield from self._otherwise(condition, finding, miss)

    def _otherwise(self, condition: Any, finding: Finding, miss: NearMiss) -> Iterator[Plan]:
        """Changes of one column of a given fact under which a condition comes out as it should."""
        for variable, value in finding.values.items():
            for other in miss.findings:
                atom = other.condition
                if (
                    not isinstance(atom, Atom)
                    or atom.relation in self.derived
                    or other.fact is None
                    or Var(variable) not in atom.terms
                ):
                    continue
                column = atom.terms.index(Var(variable))
                for new, free in self._instead(condition, finding, variable, value, atom, column):
                    fact = (*other.fact[:column], new, *other.fact[column + 1 :])
                    yield (Edit(atom.relation, other.fact, fact, (column,) if free else ()),)

    def _instead(
        self, condition: Any, finding: Finding, variable: str, value: Any, atom: Atom, column: int
    ) -> Iterator[tuple[Any, bool]]:
        """Values of a variable that would do, and whether others would as well."""
        evaluator = self.whynot.evaluator
        if isinstance(condition, Bind | Wanted) and finding.wanted is not FREE:
            known = {v: x for v, x in finding.values.items() if v != variable}
            types = {variable: self.engine.program.relations[atom.relation].columns[column].type}
            for solution in Inverter(evaluator, types).solutions(condition.expr, finding.wanted, known):
                if variable in solution:
                    yield solution[variable], False
        elif isinstance(condition, Member) and isinstance(value, tuple) and condition.expr.source == variable:
            wanted = finding.wanted
            if wanted is not FREE and (not isinstance(wanted, tuple) or FREE not in wanted):
                yield tuple(sorted({*value, wanted})), False
        elif isinstance(condition, Filter):
            others = {f[column] for f in islice(self.engine.facts(atom.relation), 200)} | {_other(value)}
            for new in sorted(others - {value}, key=repr):
                if _true(evaluator, condition, {**finding.values, variable: new}):
                    yield new, True
                    return

    def _afresh(self, miss: NearMiss) -> list[Plan]:
        """Rows of its own for all that the wanted fact doesn't decide: a new interface, not another one's."""
        missing = [f.condition for f in miss.failures if isinstance(f.condition, Atom) and not f.condition.negated]
        if not missing or any(a.relation in self.derived for a in missing):
            return []
        values: dict[str, Any] = {v: miss.values[v] for v in miss.determined if v in miss.values}
        atoms = [f.condition for f in miss.findings if isinstance(f.condition, Atom) and not f.condition.negated]
        made_up: set[str] = set()
        edits: list[Edit] = []
        for atom, term, column in sorted(self._variables(atoms), key=lambda v: v[2].name != "_uuid"):
            if term.name not in values:
                made_up.add(term.name)
                other = miss.values.get(term.name, FREE)
                if other is FREE and (near := self.present.nearest(atom.relation, pattern_of(atom, values))):
                    other = near[0][atom.terms.index(term)]
                new = column.name == "_uuid" or column.type.name in ("str", "int") or other is FREE
                values[term.name] = self._unused(atom, term, column.type) if new else other
        for atom in atoms:
            pattern = pattern_of(atom, values)
            if not self.present.matching(atom.relation, known_of(pattern)):
                if atom.relation in self.derived:
                    return []
                definition = self.engine.program.relations[atom.relation]
                fact, shown = self._new(definition, pattern, (), _places(atom, made_up))
                edits.append(Edit(atom.relation, None, fact, shown))
        return [tuple(edits)]

    def _variables(self, atoms: Iterable[Atom]) -> Iterator[tuple[Atom, Var, Column]]:
        for atom in atoms:
            columns = self.engine.program.relations[atom.relation].columns
            for term, column in zip(atom.terms, columns, strict=True):
                if isinstance(term, Var):
                    yield atom, term, column

    def _unused(self, atom: Atom, term: Var, kind: Type) -> Any:
        """A value that no fact has in an atom's column."""
        if kind.name != "int":
            return self._value(kind)
        column = atom.terms.index(term)
        return 1 + max((f[column] for f in self.engine.facts(atom.relation)), default=0)

    # -- single facts --------------------------------------------------------------------------------------

    def _missing(self, relation: str, pattern: Fact, nearest: tuple[Fact, ...], made_up: set[int]) -> Iterator[Plan]:
        """Ways to have a given fact of a pattern: an element more, one column changed, or a new row."""
        definition = self.engine.program.relations[relation]
        unknown = {i for i, v in enumerate(pattern) if v is FREE} | made_up
        afresh: Plan = (Edit(relation, None, *self._new(definition, pattern, nearest, unknown)),)
        whole = definition.table is not None and definition.table.column is None
        if whole and 0 in unknown:
            yield afresh  # a row more does less harm than another's name
        for near in nearest:
            same = definition.table is None or near[0] == pattern[0] or 0 in unknown
            new = tuple(
                n if w is FREE or (i == 0 and i in made_up) else w
                for i, (w, n) in enumerate(zip(pattern, near, strict=True))
            )
            changed = [i for i, (a, b) in enumerate(zip(near, new, strict=True)) if a != b]
            if same and len(changed) == 1:
                if self._adds(definition):
                    yield (Edit(relation, None, new, tuple(sorted({0} & unknown))),)
                yield (Edit(relation, near, new, tuple(i for i in changed if i in made_up)),)
        if not whole or 0 not in unknown:
            yield afresh

    def _adds(self, definition: RelationDef) -> bool:
        """Whether a fact can be added beside the one that is there: an element of a set, a fact of no table."""
        if definition.table is None:
            return True
        if definition.table.column is None or len(definition.columns) > 2:
            return False
        return not is_optional(self.engine.program, definition)

    def _new(
        self, definition: RelationDef, pattern: Fact, nearest: tuple[Fact, ...], unknown: set[int]
    ) -> tuple[Fact, tuple[int, ...]]:
        """A new fact of a pattern, and where it was made up."""
        values = []
        for i, (column, value) in enumerate(zip(definition.columns, pattern, strict=True)):
            if value is not FREE:
                values.append(value)
            elif column.name == "_uuid" and definition.table is not None and definition.table.column is None:
                values.append(self._value(column.type))
            elif nearest and column.type.name not in ("tuple", "bool"):
                values.append(nearest[0][i])
            else:
                values.append(self._some(definition.name, column))
        shown = tuple(sorted(i for i in unknown if definition.columns[i].type.name not in ("tuple", "bool")))
        return tuple(values), shown

    def _some(self, relation: str, column: Column) -> Any:
        """A value for a column: where it refers to rows, one that is there."""
        program = self.engine.program
        table = referred(program, program.relations[relation], column.name) if column.type.name == "uuid" else None
        row = min(self.engine.facts(table), default=None) if table is not None else None
        return self._value(column.type) if row is None else row[0]

    def _value(self, kind: Type) -> Any:
        """A value of a type; for a UUID one that no row has."""
        if kind.name == "uuid":
            self.rows += 1
            return f"{NEW_ROW}{self.rows:012x}"
        return {"str": "any", "int": 1}.get(kind.name, DEFAULTS.get(kind.name))

    def _gone(self, relation: str, fact: Fact, depth: int) -> list[Plan]:
        """Ways to take a fact out: a given one is deleted, of a derived one every derivation is broken."""
        if relation not in self.derived:
            return [(Edit(relation, fact, None),)]
        if depth <= 0:
            return []
        derivations = list(islice(self.whynot.explainer.derivations(relation, fact), LARGEST + 1))
        if not derivations or len(derivations) > LARGEST:
            return []
        ways = [self._broken(d.premises, depth) for d in derivations]
        return [_joined(parts) for parts in islice(product(*ways), WAYS)]

    def _broken(self, premises: Iterable[Any], depth: int) -> list[Plan]:
        """Ways to break a derivation: each premise's, elements of columns before whole rows."""
        plans: list[Plan] = []
        for premise in premises:
            if premise.fact is not None:
                plans += self._gone(premise.relation, premise.fact, depth - 1)
        return sorted(plans, key=lambda p: (len(p), self._weight(p)))[:WAYS]

    def _weight(self, plan: Plan) -> int:
        """Rows that go with all they hold count more than an element of a column."""
        tables = [self.engine.program.relations[e.relation].table for e in plan]
        return sum(t is not None and t.column is None for t in tables)


def _joined(parts: Iterable[Plan]) -> Plan:
    return tuple(dict.fromkeys(edit for plan in parts for edit in plan))


def _sound(plan: Plan) -> bool:
    """Whether no fact goes twice, and none that goes comes."""
    gone = [(e.relation, e.old) for e in plan if e.old is not None]
    return len(set(gone)) == len(gone) and not any((e.relation, e.new) in gone for e in plan)


def _places(atom: Atom, variables: set[str]) -> set[int]:
    return {i for i, t in enumerate(atom.terms) if isinstance(t, Var) and t.name in variables & variables_of(atom)}


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else "any" if isinstance(value, str) else value


def _true(evaluator: Any, condition: Filter, values: Mapping[str, Any]) -> bool:
    try:
        return bool(evaluator.value(condition.expr, values))
    except Exception:  # noqa: BLE001 - a rule's function may raise anything; then it isn't true
        return False


def _few(plans: Iterable[Plan], most: int = KEPT) -> list[Plan]:
    """The plans that change little, so many of each size."""
    sizes: dict[int, list[Plan]] = {}
    for plan in sorted(dict.fromkeys(plans), key=len):
        sizes.setdefault(len(plan), []).append(plan)
    return [p for same in sizes.values() for p in same[:most]]
