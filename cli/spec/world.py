"""A case's rows in an engine: each step as a transaction, held to evaluation from scratch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.spec.expectations import Found
from ovn_rules.engine import Engine
from ovn_rules.engine.ir import Allocate
from ovn_rules.engine.tables import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.cli.spec.programs import Feed, Rules
    from ovn_rules.cli.spec.rows import Row, State
    from ovn_rules.engine import Fact, Program
    from ovn_rules.engine.runtime import Changes

Facts = dict[str, set["Fact"]]


class Disagreement(Exception):  # noqa: N818 - what it says is that the engine has a fault
    """A transaction's result differs from evaluation from scratch; the text says where and how."""


@dataclass
class Loaded:
    """An engine and the base facts that it was given."""

    engine: Engine
    facts: Facts

    def give(self, wanted: Facts) -> Changes:
        """Make these its base facts.

        Raises:
            RuleFailure: a function in a rule raised; nothing has changed.
        """
        changes = {}
        for name in wanted.keys() | self.facts.keys():
            before, now = self.facts.get(name, set()), wanted.get(name, set())
            changes[name] = (before - now, now - before)
        done = self.engine.transact(changes)
        self.facts = {n: set(facts) for n, facts in wanted.items()}
        return done

    def clear(self) -> None:
        """Take everything away: the engine is as new."""
        self.give({})
        for member in self.engine.network.members.values():
            for allocator in member.allocators:
                allocator.restart()


class World:
    """Runs the steps of cases in one role, one case after another on the same engines.

    Args:
        rules: the program.
        role: the role.
        program: stands in for the role's rules.
        checked: whether every step is compared with evaluation from scratch.
    """

    def __init__(self, rules: Rules, role: str, program: Program | None = None, *, checked: bool = True) -> None:
        self.program = program or rules.program(role)
        self.here = Loaded(Engine(self.program), {})
        self.scratch = Loaded(Engine(self.program), {}) if checked else None
        self.feed = rules.feeds.get(role)
        self.central = Loaded(Engine(rules.program(self.feed.role)), {}) if self.feed else None
        self.reports = [(r, form) for r, form in rules.reports if r in self.program.relations]
        self.changes: list[Found] = []
        self.here.give({})
        self.always = {r: frozenset(self.engine.facts(r)) for r in self.program.relations}

    @property
    def engine(self) -> Engine:
        """The engine of the role."""
        return self.here.engine

    def commit(self, state: State) -> None:
        """Make the rows and facts of a state those that are there.

        Raises:
            RuleFailure: a function in a rule raised; nothing has changed.
            Disagreement: the engine has a fault.
        """
        engine = self.engine
        before = {r: set(engine.facts(r)) for r in self.program.derived} if self.scratch else {}
        rows = {table: list(found.values()) for table, found in state.rows.items()}
        if self.central is not None and self.feed is not None:
            rows = self._fed(self.central, self.feed, rows)
        wanted = {r: set(facts) for r, facts in facts_of(self.program, rows).items()}
        wanted |= {r: facts for r, facts in state.facts.items() if r in self.program.relations}
        changes = self.here.give(wanted)
        self.changes = [
            Found(r, fact, sign)
            for r, (gone, come) in changes.items()
            for sign, facts in (("-", gone), ("+", come))
            for fact in facts
        ]
        if self.scratch is not None:
            self._check(before, self.scratch)

    def _fed(self, central: Loaded, feed: Feed, rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """The rows, with those that another role writes in the place of those given; as they are, where it has none."""
        wanted = {r: set(facts) for r, facts in facts_of(central.engine.program, rows).items()}
        own = {t for t in rows if rows[t] and not any(t == f"{s.database}.{s.table}" for s in feed.sinks)}
        reads = {f"{d.table.database}.{d.table.table}" for d in central.engine.program.relations.values() if d.table}
        if not own & reads:
            return rows
        central.give(wanted)
        made = dict(rows)
        for sink in feed.sinks:
            columns = [c.name for c in central.engine.program.relations[sink.relation].columns]
            made[f"{sink.database}.{sink.table}"] = [
                _row({**sink.columns, **sink.insert_only}, sink.key, dict(zip(columns, fact, strict=True)))
                for fact in central.engine.facts(sink.relation)
            ]
        return made

    def _check(self, before: Facts, scratch: Loaded) -> None:
        engine = self.engine
        for relation in self.program.derived:
            now = set(engine.facts(relation))
            for sign, facts in (("-", before[relation] - now), ("+", now - before[relation])):
                said = {f.fact for f in self.changes if f.relation == relation and f.sign == sign}
                if said != facts:
                    raise Disagreement(f"{relation}: the engine says that {sign}{said}, but it is {sign}{facts}")
        for relation, member in scratch.engine.network.members.items():
            for allocator in member.allocators:
                allocator.given = engine.allocations(relation)
        scratch.give(self.here.facts)
        try:
            for relation in self.program.relations:
                here, fresh = (
                    {f: each.count(relation, f) for f in each.facts(relation)} for each in (engine, scratch.engine)
                )
                if here != fresh:
                    raise Disagreement(f"{relation}: {_difference(here, fresh)}")
        finally:
            scratch.clear()

    def clear(self) -> list[str]:
        """Take everything away; the relations that have other facts than without any rows."""
        for each in filter(None, (self.here, self.central)):
            each.clear()
        self.changes = []
        return [r for r, facts in self.always.items() if facts != set(self.engine.facts(r))]

    # -- what is found ---------------------------------------------------------------------------------------------

    def found(self, kind: str, relation: str) -> list[Found]:
        """What an expectation is about.

        Args:
            kind: its kind.
            relation: its relation; empty for all.
        """
        if kind == "changes":
            return self.changes
        if kind == "conflicts":
            return [
                Found(c.relation, fact, sign)
                for c in self.engine.conflicts()
                for sign, fact in (("+", c.kept), *(("-", f) for f in c.rejected))
            ]
        if kind == "exhausted":
            return [Found(e.relation, self._waiting(e.relation, g)) for e in self.engine.exhausted() for g in e.groups]
        if kind == "problems":
            return [Found("", (self._text(r, form, f),)) for r, form in self.reports for f in self.engine.facts(r)]
        return [Found(relation, fact) for fact in self.engine.facts(relation)]

    def _waiting(self, relation: str, group: Fact) -> Fact:
        (allocator, *_) = self.engine.network.members[relation].allocators
        fact: list[Any] = list(group)
        fact.insert(allocator.position, None)
        return tuple(fact)

    def _text(self, relation: str, form: str, fact: Fact) -> str:
        columns = self.program.relations[relation].columns
        return form.format(**{c.name: v for c, v in zip(columns, fact, strict=True)})


def _row(columns: Mapping[str, Any], key: tuple[str, ...], fact: dict[str, Any]) -> Row:
    row = {column: fact[source] for column, source in columns.items() if source in fact}
    return {"_uuid": "/".join(str(row[c]) for c in key), **row}


def _difference(here: dict[Fact, int], fresh: dict[Fact, int]) -> str:
    facts = sorted(f for f in here.keys() | fresh.keys() if here.get(f) != fresh.get(f))
    fact = facts[0]
    return (
        f"{fact} has {here.get(fact, 0)} derivations here and {fresh.get(fact, 0)} from scratch"
        f"{f', and {len(facts) - 1} more differ' if len(facts) > 1 else ''}"
    )


def narrowed(program: Program, ranges: Mapping[str, tuple[int, int]]) -> Program:
    """A program whose ``allocate`` gives other numbers; functions that are generated don't depend on them.

    Args:
        program: the program.
        ranges: relation → least and greatest number.
    """

    def clause(each: Any) -> Any:
        if each.relation not in ranges:
            return each
        low, high = ranges[each.relation]
        terms = (replace(t, low=low, high=high) if isinstance(t, Allocate) else t for t in each.terms)
        return replace(each, terms=tuple(terms))

    narrow = replace(program, clauses=tuple(map(clause, program.clauses)))
    narrow.functions.update(program.functions)
    return narrow
