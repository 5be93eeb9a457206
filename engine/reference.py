"""The same program on pyDatalog, from scratch: an implementation of Datalog that others have written.

Clauses become pyDatalog clauses, one for one. What pyDatalog does not have is put around it:

- An expression is a *resolver*, a predicate that a Python function answers: it is given the variables that
  the expression reads and gives its value.
- An aggregate is a pyDatalog function (``total[G] == sum_(V, ...)``) of the clause's groups and values.
  One that raises gives none: whether that is a failure of the rule is not for pyDatalog to say.
- Keys and ``allocate`` are applied to a relation's answers, before they are stored as facts.

Relations are asked for in the order in which they depend on each other, and their answers stored as facts,
since pyDatalog forgets what it derived when a question has been answered.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import networkx as nx
from pyDatalog import pyDatalog, pyEngine, pyParser

from ovn_rules.engine.ir import (
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Clause,
    Const,
    Expr,
    Fact,
    Literal_,
    Member,
    Program,
    Term,
    Var,
)
from ovn_rules.engine.naive import attempts, binds, levels, ordered, value, winners

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_FUNCTIONS = {
    "collect": "tuple_({0}, order_by={0})",
    "count": "len_({0})",
    "min": "min_({0}, order_by={0})",
    "max": "max_({0}, order_by={0})",
    "sum": "sum_({0}, for_each={0})",
}


_NOTHING = pyEngine.Const(0)
"""The first argument of helper predicates, which would have none at all without it."""


class Unsupported(Exception):  # noqa: N818 - an answer, not a mistake
    """The program has something that pyDatalog can't express; the message names it."""


def evaluate(
    program: Program,
    base: Mapping[str, Collection[Fact]],
    allocated: Mapping[str, Mapping[Fact, int]] | None = None,
) -> dict[str, set[Fact]]:
    """The visible facts of every relation, as pyDatalog derives them.

    Args:
        program: relations and clauses.
        base: the facts given for base relations.
        allocated: for relations with an ``allocate``, the number of each group: they depend on the past.

    Raises:
        Unsupported: a relation without columns, or an aggregate of floating-point numbers.
        ValueError: negation, an aggregate, ``allocate`` or a key in a cycle of rules.
        Exception: what an expression around an aggregate raises.
    """
    _check(program)
    levels(program)
    resolvers = dict(pyEngine.Python_resolvers)
    pyDatalog.clear()
    try:
        return _Reference(program, allocated or {}).run(base)
    finally:
        pyDatalog.clear()
        pyEngine.Python_resolvers.clear()
        pyEngine.Python_resolvers.update(resolvers)


def _check(program: Program) -> None:
    for name, definition in program.relations.items():
        if not definition.columns:
            raise Unsupported(f"{name}: a relation without columns")
    for clause in program.clauses:
        for term in clause.terms:
            if isinstance(term, Aggregate) and "float" in str(term.value.type):
                raise Unsupported(f"{clause.name}: {term.function} of floating-point numbers, which are rounded")


def _assert(head: Any, body: list[Any]) -> None:
    pyEngine.assert_(pyEngine.Clause(head, body))  # noqa: PT009 - pyDatalog's word for adding a clause


class _Reference:
    """One run. pyDatalog's state belongs to the thread; so does this."""

    def __init__(self, program: Program, allocated: Mapping[str, Mapping[Fact, int]]) -> None:
        self.program = program
        self.allocated = allocated
        self.names = {relation: f"r{i}" for i, relation in enumerate(program.relations)}
        self.allocating: dict[str, int] = {}
        self.numbers = count()
        reads: nx.DiGraph[str] = nx.DiGraph()
        reads.add_nodes_from(program.relations)
        for clause in program.clauses:
            atoms = [lit for lit in clause.body if isinstance(lit, Atom)]
            reads.add_edges_from((clause.relation, atom.relation) for atom in atoms)
        groups = nx.condensation(reads)
        self.groups = [groups.nodes[g]["members"] for g in reversed(list(nx.topological_sort(groups)))]
        for relation, definition in program.relations.items():
            pyEngine.insert(pyEngine.Pred(self.names[relation], len(definition.columns)))
        for relation in chain.from_iterable(g for g in self.groups if len(g) > 1):
            columns = tuple(Var(c.name) for c in program.relations[relation].columns)
            head = pyEngine.Literal(self.names[relation], [self.term(c) for c in columns])
            _assert(head, list(self.recursive(Atom(relation, columns), set())))
        for clause in program.clauses:
            self.add(clause)

    # -- asking --------------------------------------------------------------------------------------------

    def run(self, base: Mapping[str, Collection[Fact]]) -> dict[str, set[Fact]]:
        """Ask for every relation, those that others are derived from first."""
        found: dict[str, set[Fact]] = {}
        for relation in chain.from_iterable(self.groups):
            derived = relation in self.program.derived
            facts = self.ask(relation) if derived else set(base.get(relation, ()))
            found[relation] = set(winners(self.program.relations[relation], facts))
            self.store(relation, found[relation])
        return found

    def ask(self, relation: str) -> set[Fact]:
        """What pyDatalog derives for a relation; for ``allocate`` the numbers of the groups it derives."""
        place = self.allocating.get(relation)
        name, arity = self.names[relation], len(self.program.relations[relation].columns)
        if place is None:
            return set(pyEngine.Literal(name, [self.fresh() for _ in range(arity)]).ask())
        groups = pyEngine.Literal(f"g_{name}", [_NOTHING, *(self.fresh() for _ in range(arity - 1))]).ask()
        given = self.allocated.get(relation, {})
        return {(*g[1 : place + 1], given[g[1:]], *g[place + 1 :]) for g in groups if g[1:] in given}

    def store(self, relation: str, facts: Iterable[Fact]) -> None:
        """Replace a relation's clauses by facts."""
        predicate = pyEngine.Pred(self.names[relation], len(self.program.relations[relation].columns))
        for clause in list(predicate.clauses.values()):
            pyEngine.retract(clause)
        predicate.recursive = False
        for fact in facts:
            terms = [pyEngine.Const(part) for part in fact]
            _assert(pyEngine.Literal(predicate.name, terms), [])

    # -- translating ---------------------------------------------------------------------------------------

    def add(self, clause: Clause) -> None:
        """Add a clause to pyDatalog's program."""
        name, head_terms = self.joint(clause.relation, clause.terms)
        body: list[Any] = []
        bound: set[str] = set()
        group = self.group(clause.relation)
        for literal in ordered(clause.body):
            if isinstance(literal, Atom) and literal.relation in group:
                body += self.recursive(literal, bound)
            else:
                body.append(self.literal(literal))
            bound |= binds(literal)

        def head(term: Term | Expr) -> Any:
            if not isinstance(term, Expr):
                return self.term(term)
            variable = f"head {next(self.numbers)}"
            body.append(self.literal(Bind(variable, term)))
            return pyEngine.Var(variable)

        terms = [head(t) for t in head_terms if not isinstance(t, Aggregate | Allocate)]
        for place, term in enumerate(clause.terms):
            if isinstance(term, Aggregate):
                self.aggregate(name, place, term, [*terms, head(term.value)], body)
                return
            if isinstance(term, Allocate):
                self.allocating[clause.relation] = place
                name, terms = f"g_{name}", [_NOTHING, *terms]
        _assert(pyEngine.Literal(name, terms), body)

    def aggregate(self, name: str, place: int, term: Aggregate, row: list[Any], body: list[Any]) -> None:
        """Add a clause with an aggregate: a predicate of groups and values, a function of it, the rows."""
        number = next(self.numbers)
        groups = [f"G{i}" for i in range(len(row))]
        _assert(pyEngine.Literal(f"b{number}", [_NOTHING, *row]), body)
        wrap = term.wrap

        def result(found: Any, _: Any) -> Iterator[Any]:
            yield found, pyEngine.Const(found.id if wrap is None else value(wrap, {"_aggregate": found.id}))

        pyEngine.Python_resolvers[f"w{number}/2"] = result
        keys, columns = ", ".join(groups), ", ".join([*groups[1 : place + 1], "R", *groups[place + 1 :]])
        function = _FUNCTIONS[term.function].format("V")
        pyParser.load(
            f"(a{number}[{keys}] == {function}) <= b{number}({keys}, V)\n"
            f"{name}({columns}) <= (a{number}[{keys}] == A) & w{number}(A, R)\n"
        )

    def literal(self, literal: Literal_) -> Any:
        """A body literal; an expression becomes a predicate of its variables and those it gives values."""
        if isinstance(literal, Atom):
            sign = "~" if literal.negated else ""
            return pyEngine.Literal(sign + self.names[literal.relation], [self.term(t) for t in literal.terms])
        inputs = literal.expr.variables
        outputs: tuple[str, ...] = ()
        if isinstance(literal, Bind):
            outputs = (literal.variable,)
        elif isinstance(literal, Member):
            outputs = tuple(dict.fromkeys(v for v in literal.variables if v is not None))

        def answers(first: Any, *terms: Any) -> Iterator[Any]:
            known = terms[: len(inputs)]
            binding = dict(zip(inputs, (t.id for t in known), strict=True))
            with suppress(Exception):
                for extended in attempts(literal, {}, binding):
                    yield (first, *known, *(pyEngine.Const(extended[v]) for v in outputs))

        terms = [_NOTHING, *map(pyEngine.Var, (*inputs, *outputs))]
        name = f"f{next(self.numbers)}"
        pyEngine.Python_resolvers[f"{name}/{len(terms)}"] = answers
        return pyEngine.Literal(name, terms)

    def group(self, relation: str) -> set[str]:
        """The relation and those that it derives and is derived from."""
        return next(g for g in self.groups if relation in g)

    def joint(self, relation: str, terms: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """The predicate of a relation; relations that derive each other share one, which says whose a fact is.

        pyDatalog answers each predicate and pattern of constants on its own, and never ends when three such
        answers wait for each other.
        """
        group = self.group(relation)
        name = self.names[relation]
        if len(group) == 1:
            return name, terms
        width = max(len(self.program.relations[r].columns) for r in group)
        padding = [Const(0)] * (width - len(terms))
        return f"m_{self.names[min(group)]}", (Const(name), *terms, *padding)

    def recursive(self, atom: Atom, bound: set[str]) -> Iterator[Any]:
        """An atom of a relation that is being derived: it is asked for as a whole, then compared."""
        name, wanted = self.joint(atom.relation, atom.terms)
        seen = set(bound)
        terms, equal = [], []
        for term in wanted:
            if isinstance(term, Const) or (isinstance(term, Var) and term.name in seen):
                terms.append(self.fresh())
                equal.append(pyEngine.Literal("==", [terms[-1], self.term(term)]))
            else:
                terms.append(self.term(term))
                seen |= {term.name} if isinstance(term, Var) else set()
        yield pyEngine.Literal(name, terms)
        yield from equal

    def term(self, term: Term) -> Any:
        """A variable, constant or wildcard; the last is a variable that is used once."""
        if isinstance(term, Const):
            return pyEngine.Const(term.value)
        return pyEngine.Var(term.name) if isinstance(term, Var) else self.fresh()

    def fresh(self) -> Any:
        """A variable that is used nowhere else."""
        return pyEngine.Var(f"any {next(self.numbers)}")
