"""Queries: what makes a conjunction of literals true, found in an engine that stays as it is.

A query is read as the body of a rule is, and answered by the same planner and generated code. What it looks up comes
from the engine's keys and indexes; where there is none, one is made for the query and goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.codegen import compile_expression, generate
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.explain import Existing, existing_lookup
from ovn_rules.engine.frontend import clause_of
from ovn_rules.engine.frontend_question import ANSWER, read_question
from ovn_rules.engine.groups import RESULTS
from ovn_rules.engine.ir import Aggregate, Atom, Clause, Const, Fact, Member, Program
from ovn_rules.engine.literals import literal_text
from ovn_rules.engine.order import in_order
from ovn_rules.engine.plan import HEAD, NOTHING, Access, Plan, Step, make_plan
from ovn_rules.engine.store import Index
from ovn_rules.engine.vocabulary import functions, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ovn_rules.engine.network import Network
    from ovn_rules.engine.runtime import Change, Engine

STEPS = 5_000_000
"""How many facts and elements a query may look at: a few seconds."""

_CROWDED = 8
"""An index with more facts than this to a value, on average, is no help where a query's own has fewer."""


@dataclass(frozen=True)
class Answers:
    """What makes a query true.

    Attributes:
        columns: their names: variables, or the head's terms as written.
        rows: the answers, each once, sorted; no more than the limit.
        total: how many there are.
        notes: what was left out, and why.
    """

    columns: tuple[str, ...]
    rows: list[Fact]
    total: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Query:
    """A question about a program's facts.

    Attributes:
        text: as it was asked.
        program: what it is about.
        clause: it as a clause, which derives a relation of its own.
        columns: the names of the answers' columns.
    """

    text: str
    program: Program
    clause: Clause
    columns: tuple[str, ...]

    def answers(self, engine: Engine, limit: int | None = None, steps: int = STEPS) -> Answers:
        """What makes the query true now.

        Args:
            engine: of the query's program; nothing about it changes.
            limit: how many rows to give, the first ones; all of them without.
            steps: how many facts and elements may be looked at.

        Raises:
            QuestionError: that were too few, or the query fails.
        """
        rows, failures = self._found(engine, steps)
        ordered = in_order(rows)
        return Answers(self.columns, ordered[:limit], len(ordered), failures.notes())

    def rows(self, engine: Engine, steps: int = STEPS) -> set[Fact]:
        """The answers, in no order; otherwise as ``answers``."""
        return set(self._found(engine, steps)[0])

    def _found(self, engine: Engine, steps: int) -> tuple[Iterable[Fact], _Failures]:
        failures = _Failures(self)
        budget = _Steps(steps)
        found: dict[Any, int] = {}
        try:
            plan = self.plan(engine)
            sources = _Sources(engine.network)
            run = generate(plan, self.program, failures.note, budget).link(sources)
            run((None,), found, 1)
            return self._aggregated(found, failures), failures
        except _Enough:
            hint = "join its literals through variables, or give more values"
            raise self._refused(f"given up after looking at {steps:,} facts", hint) from None
        except SyntaxError:
            raise self._refused("the query has too many literals") from None
        except Exception as error:
            raise self._refused(f"the query fails: {type(error).__name__}: {error}") from error

    def _refused(self, message: str, hint: str = "") -> QuestionError:
        return QuestionError(message, self.text, 0, len(self.text), hint)

    def plan(self, engine: Engine) -> Plan:
        """In which order the literals are joined, and how each is looked up."""
        plan = make_plan(self.clause, NOTHING, _lookup(engine.network))
        members = engine.network.members
        steps: list[Step] = []
        once = True
        for step in plan.steps:
            literal = self.clause.body[step.literal]
            if isinstance(literal, Atom) and not literal.negated:
                indexes = members[literal.relation].outer.indexes
                if once and step.access is Access.INDEX and step.positions not in indexes:
                    # Looked at once, so an index isn't worth it.
                    steps.append(Step(step.literal, Access.SCAN))
                    once = False
                    continue
                once = once and step.access in (Access.KEY, Access.MEMBER)
            elif isinstance(literal, Member):
                once = False
            steps.append(step)
        return replace(plan, steps=tuple(steps))

    def _aggregated(self, found: Iterable[Any], failures: _Failures) -> Iterable[Fact]:
        """The facts of what was derived: (group, value) where the head has an aggregate."""
        special = next(((i, t) for i, t in enumerate(self.clause.terms) if isinstance(t, Aggregate)), None)
        if special is None:
            return found
        position, term = special
        groups: dict[Fact, set[Any]] = {}
        for group, value in found:
            groups.setdefault(group, set()).add(value)
        wrap = compile_expression(term.wrap, self.program) if term.wrap is not None else _same
        rows: list[Fact] = []
        for group, values in groups.items():
            result = RESULTS[term.function]([v for (v,) in in_order((v,) for v in values)])
            try:
                rows.append((*group[:position], wrap(result), *group[position:]))
            except Exception as error:  # noqa: BLE001 - whatever the query's expression raises
                failures.note(HEAD, error, {})
        return rows


def _same(value: Any) -> Any:
    return value


def parse_query(program: Program, text: str) -> Query:
    """Read a query: a rule's body, with a head or without.

    ``nb.Logical_Port(_uuid=p, name=n) & nb.Logical_Port.macs(p, mac) & (n != "vm1")`` gives p, n and mac;
    ``(switch, count(port)) <= nb.Logical_Port(_uuid=port, lswitch=switch)`` what its head says. A name that stands for
    nothing else is a variable.

    Args:
        program: what it is about.
        text: the query.

    Raises:
        QuestionError: it can't be read; says where and why.
    """
    draft = read_question(program, text, {**functions(program), **names(program)})
    kept = {
        name: tuple(relation.position(c.name) for c in program.relations[name].columns)
        for name, relation in draft.used.items()
        if name in program.relations
    }
    relations = {**program.relations, ANSWER: draft.head}
    columns = tuple(c.name for c in draft.head.columns)
    return Query(text, replace(program, relations=relations), clause_of(draft, kept), columns)


class Watch:
    """A query's answers, kept up with an engine's transactions.

    Args:
        query: the query.
        engine: of the query's program.
        steps: as for ``Query.answers``.

    Attributes:
        rows: the answers.

    Raises:
        QuestionError: the query needs more steps, or fails.
    """

    def __init__(self, query: Query, engine: Engine, steps: int = STEPS) -> None:
        self.query = query
        self.engine = engine
        self.steps = steps
        self.rows = query.rows(engine, steps)

    def update(self, changes: Mapping[str, Change]) -> tuple[list[Fact], list[Fact]]:
        """Take a transaction in.

        Nothing is computed unless a fact that the query can use came or went.

        Args:
            changes: relation, given as well as derived → (deleted facts, inserted facts).

        Returns:
            The answers that are gone, and those that have come, sorted.

        Raises:
            QuestionError: as when it was made; the answers stay those of before.
        """
        if not any(self._concerned(atom, changes) for atom in self.query.clause.body if isinstance(atom, Atom)):
            return [], []
        before, self.rows = self.rows, self.query.rows(self.engine, self.steps)
        return in_order(before - self.rows), in_order(self.rows - before)

    def _concerned(self, atom: Atom, changes: Mapping[str, Change]) -> bool:
        wanted = [(i, t.value) for i, t in enumerate(atom.terms) if isinstance(t, Const)]
        return any(all(f[i] == v for i, v in wanted) for facts in changes.get(atom.relation, ()) for f in facts)


class _Enough(BaseException):
    """The steps are used up. No Exception, since what expressions raise is passed over."""


class _Steps:
    """Counts what a query looks at."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        """Count one."""
        self.left -= 1
        if self.left < 0:
            raise _Enough

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, each counted."""
        for item in items:
            self.step()
            yield item


class _Failures:
    """What expressions raised: such combinations of facts are no answers."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.number = 0
        self.first = ""

    def note(self, literal: int, error: Exception, values: Mapping[str, Any]) -> None:
        """Count what was left out, and remember the first."""
        self.number += 1
        if self.first:
            return
        query = self.query
        where = "the head" if literal == HEAD else literal_text(query.program, query.clause.body[literal])
        given = ", ".join(f"{n}={v!r}" for n, v in values.items() if not n.startswith("_"))
        self.first = f"{where} fails{' with ' if given else ''}{given}: {type(error).__name__}: {error}"

    def notes(self) -> list[str]:
        """A line if there was anything."""
        if not self.number:
            return []
        more = f"; so do {self.number - 1:,} more" if self.number > 1 else ""
        return [f"left out: {' '.join(self.first.split())}{more}"]


def _lookup(network: Network) -> Callable[[int, Atom, tuple[int, ...]], tuple[Access, tuple[int, ...]]]:
    """As ``existing_lookup``, and an index of the query's own where that has none that helps."""
    existing = existing_lookup(network)

    def lookup(position: int, atom: Atom, bound: tuple[int, ...]) -> tuple[Access, tuple[int, ...]]:
        access, positions = existing(position, atom, bound)
        if access in (Access.KEY, Access.MEMBER) or not bound or positions == bound:
            return access, positions
        if access is Access.INDEX:
            member = network.members[atom.relation]
            values = len(member.outer.indexes[positions].table)
            if len(member.store.visible()) <= _CROWDED * values:
                return access, positions
        return Access.INDEX, bound

    return lookup


class _Sources(Existing):
    """What is there anyway, and the query's own indexes."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.made: dict[tuple[str, tuple[int, ...]], Any] = {}

    def index(self, literal: int, relation: str, positions: tuple[int, ...]) -> Any:
        """An index, the engine's or one that is made when it is first looked into."""
        if positions in self.network.members[relation].outer.indexes:
            return super().index(literal, relation, positions)
        known = self.made.get((relation, positions))
        if known is None:
            known = self.made[relation, positions] = _Made(self.network, relation, positions)
        return known


class _Made:
    """An index for one query."""

    def __init__(self, network: Network, relation: str, positions: tuple[int, ...]) -> None:
        self.network = network
        self.relation = relation
        self.positions = positions

    @cached_property
    def table(self) -> dict[Any, Any]:
        """The index, filled."""
        index = Index(self.relation, self.positions)
        index.add(self.network.members[self.relation].store.visible())
        return index.table

    def get(self, key: Any) -> Any:
        """The facts with a key: one, a dict of several, or None."""
        return self.table.get(key)

    def __contains__(self, key: Any) -> bool:
        """Whether any fact has a key."""
        return key in self.table
