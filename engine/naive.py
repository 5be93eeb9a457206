"""What a program means, by brute force: the page that the engine is held to.

Nothing here is clever, shared with the engine, or fast. Every relation is computed from nothing, by trying
every fact for every literal, until nothing more follows.
"""

from __future__ import annotations

import ast
import builtins
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ir import (
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Clause,
    Const,
    Expr,
    Fact,
    Filter,
    Literal_,
    Member,
    Program,
    RelationDef,
    Term,
    Var,
    Wild,
)

if TYPE_CHECKING:
    from types import CodeType

Binding = dict[str, Any]
"""What the logic variables stand for."""

Facts = Mapping[str, Collection[Fact]]


@dataclass(frozen=True, slots=True)
class State:
    """What holds, given some base facts.

    Attributes:
        facts: for each relation the facts that rules and users see, with their numbers of derivations.
        losers: for each relation the facts that another one with the same key keeps out.
        groups: for each relation with an ``allocate`` the groups that want a number.
    """

    facts: dict[str, dict[Fact, int]] = field(default_factory=dict)
    losers: dict[str, dict[Fact, int]] = field(default_factory=dict)
    groups: dict[str, set[Fact]] = field(default_factory=dict)


class Failure(Exception):  # noqa: N818 - what happened, not a mistake in the program
    """A function that a rule calls raised for values that nothing else in the rule excludes.

    The arguments are the clause's name and the error.
    """


def evaluate(program: Program, base: Facts, allocated: Mapping[str, Mapping[Fact, int]] | None = None) -> State:
    """Everything that follows from the base facts.

    Args:
        program: relations and clauses.
        base: the facts given for base relations.
        allocated: for relations with an ``allocate``, the number of each group: they depend on the past. A
            group without one has no fact.

    Raises:
        Failure: a function in a rule raised.
        ValueError: negation, an aggregate, ``allocate`` or a key in a cycle of rules.
    """
    state = State()
    level = levels(program)
    for name, definition in program.relations.items():
        if name not in program.derived:
            _publish(definition, Counter(set(base.get(name, ()))), state)
    for now in range(max(level.values(), default=0) + 1):
        names = [n for n in program.relations if n in program.derived and level[n] == now]
        state.facts.update((n, {}) for n in names)
        while True:
            before = {n: state.facts[n] for n in names}
            for name, counts in _derive(program, names, state, allocated or {}).items():
                _publish(program.relations[name], counts, state)
            if before == {n: state.facts[n] for n in names}:
                break
    return state


def levels(program: Program) -> dict[str, int]:
    """How many times something must be finished before each relation can be started.

    Raises:
        ValueError: never, because a relation would have to be finished before it is started.
    """
    level = dict.fromkeys(program.relations, 0)
    changed = True
    while changed:
        changed = False
        for clause in program.clauses:
            grouped = any(isinstance(t, Aggregate | Allocate) for t in clause.terms)
            for atom in (lit for lit in clause.body if isinstance(lit, Atom)):
                finished = grouped or atom.negated or program.relations[atom.relation].key is not None
                if level[clause.relation] < level[atom.relation] + finished:
                    level[clause.relation] = level[atom.relation] + finished
                    changed = True
                if level[clause.relation] > len(level):
                    raise ValueError(f"{clause.name} needs {clause.relation} finished before it is started")
    return level


def winners(definition: RelationDef, facts: Collection[Fact]) -> Collection[Fact]:
    """The facts that a relation shows: of those that share a key, the smallest by its other columns."""
    if definition.key is None:
        return facts
    rest = [i for i in range(len(definition.columns)) if i not in definition.key]
    best: dict[Fact, Fact] = {}
    for fact in sorted(facts, key=lambda f: [f[i] for i in rest]):
        best.setdefault(tuple(fact[i] for i in definition.key), fact)
    return set(best.values())


def _publish(definition: RelationDef, counts: Mapping[Fact, int], state: State) -> None:
    shown = winners(definition, counts)
    state.facts[definition.name] = {f: counts[f] for f in shown}
    state.losers[definition.name] = {f: n for f, n in counts.items() if f not in shown}


def _derive(
    program: Program, names: list[str], state: State, allocated: Mapping[str, Mapping[Fact, int]]
) -> dict[str, Counter[Fact]]:
    """The derivations that relations have in a state."""
    derived: dict[str, Counter[Fact]] = {n: Counter() for n in names}
    for name in names:
        clauses = [c for c in program.clauses if c.relation == name]
        for clause in clauses:
            try:
                derived[name].update(_facts(clause, state.facts))
            except Exception as error:
                raise Failure(clause.name, repr(error)) from error
        place = next((i for c in clauses for i, t in enumerate(c.terms) if isinstance(t, Allocate)), None)
        if place is not None:
            state.groups[name] = set(derived[name])
            numbers = [(g, n) for g, n in allocated.get(name, {}).items() if g in derived[name]]
            derived[name] = Counter((*g[:place], n, *g[place:]) for g, n in numbers)
    return derived


def _facts(clause: Clause, facts: Facts) -> Iterator[Fact]:
    """A clause's head facts, once for each derivation; for ``allocate`` the groups."""
    groups: dict[Fact, set[Any]] = {}
    aggregates = [(i, t) for i, t in enumerate(clause.terms) if isinstance(t, Aggregate)]
    others = [t for t in clause.terms if not isinstance(t, Aggregate | Allocate)]
    for binding in _bindings(ordered(clause.body), facts, {}):
        group = tuple(value(t, binding) for t in others)
        if aggregates:
            groups.setdefault(group, set()).add(value(aggregates[0][1].value, binding))
        else:
            yield group
    for group, values in groups.items():
        place, aggregate = aggregates[0]
        yield (*group[:place], _result(aggregate, sorted(values)), *group[place:])


def _result(aggregate: Aggregate, values: list[Any]) -> Any:
    total = math.fsum if isinstance(values[0], float) else sum
    functions = {"collect": tuple, "count": len, "min": min, "max": max, "sum": total}
    result = functions[aggregate.function](values)  # type: ignore[operator]
    return result if aggregate.wrap is None else value(aggregate.wrap, {"_aggregate": result})


def ordered(body: Iterable[Literal_], bound: Iterable[str] = ()) -> list[Literal_]:
    """An order in which a body's literals can be tried; what needs a variable that gets no value is left out.

    Atoms that share variables come first, negated ones as soon as their variables have a value; then
    expressions in the order written, and after each of them the atoms that it has become possible to join.
    """
    result: list[Literal_] = []
    left, bound = list(body), set(bound)
    while left:
        left = [_turned(lit, bound) for lit in left]
        given = {v for lit in left if not isinstance(lit, Atom) for v in binds(lit)}
        atoms = [lit for lit in left if isinstance(lit, Atom) and not lit.negated]
        joined: list[Literal_] = [a for a in atoms if not binds(a) or binds(a) & bound]
        start = [a for a in atoms if not bound and not binds(a) & given]
        others = [lit for lit in left if lit not in atoms and _needs(lit) <= bound]
        negated = [lit for lit in others if isinstance(lit, Atom)]
        renames = [lit for lit in others if isinstance(lit, Bind) and isinstance(lit.expr.tree, ast.Name)]
        literal = next(iter(joined or start or negated or renames or others or atoms), None)
        if literal is None:
            break
        left.remove(literal)
        result.append(literal)
        bound |= binds(literal)
    return result


def _turned(literal: Literal_, bound: set[str]) -> Literal_:
    """``x == y`` gives x the value of y, but y that of x when only x has one."""
    if not isinstance(literal, Bind) or not isinstance(literal.expr.tree, ast.Name):
        return literal
    given, other = literal.variable, literal.expr.tree.id
    if given not in bound or other in bound or other not in literal.expr.variables:
        return literal
    return Bind(other, replace(literal.expr, tree=ast.Name(given, ast.Load()), source=given, variables=(given,)))


def binds(literal: Literal_) -> set[str]:
    """Variables that the literal can give a value to."""
    if isinstance(literal, Atom):
        return set() if literal.negated else {t.name for t in literal.terms if isinstance(t, Var)}
    if isinstance(literal, Bind):
        return {literal.variable}
    return {v for v in literal.variables if v is not None} if isinstance(literal, Member) else set()


def _needs(literal: Literal_) -> set[str]:
    """Variables that must have a value before the literal can be tried."""
    if isinstance(literal, Atom):
        return {t.name for t in literal.terms if isinstance(t, Var)} if literal.negated else set()
    return set(literal.expr.variables)


def _bindings(
    body: list[Literal_], facts: Facts, binding: Binding, error: Exception | None = None
) -> Iterator[Binding]:
    """Every way to make the literals true, one after another.

    A function that raises is a failure only if all literals that don't need its value can be made true.
    """
    if not body:
        if error is not None:
            raise error
        yield binding
        return
    try:
        found = list(attempts(body[0], facts, binding))
    except Exception as raised:  # noqa: BLE001 - a rule may raise anything
        yield from _bindings(ordered(body[1:], binding), facts, binding, raised)
    else:
        for extended in found:
            yield from _bindings(body[1:], facts, extended, error)


def attempts(literal: Literal_, facts: Facts, binding: Binding) -> Iterator[Binding]:
    """Every way to make one literal true."""
    if isinstance(literal, Filter):
        if value(literal.expr, binding):
            yield binding
        return
    terms: tuple[Term, ...]
    if isinstance(literal, Atom):
        terms, rows = literal.terms, facts[literal.relation]
    elif isinstance(literal, Bind):
        terms, rows = (Var(literal.variable),), [(value(literal.expr, binding),)]
    else:
        terms = tuple(Wild() if v is None else Var(v) for v in literal.variables)
        items = dict.fromkeys(value(literal.expr, binding))
        rows = [item if literal.unpack else (item,) for item in items]
        for row in rows:
            if not isinstance(row, tuple) or len(row) != len(terms):
                raise TypeError(f"expected {len(terms)} values, got {row!r}")
    matches = (m for m in (_match(terms, row, binding) for row in rows) if m is not None)
    if not (isinstance(literal, Atom) and literal.negated):
        yield from matches
    elif next(matches, None) is None:
        yield binding


def _match(terms: tuple[Term, ...], row: Fact, binding: Binding) -> Binding | None:
    """The binding under which the terms are the row."""
    extended = dict(binding)
    for term, value in zip(terms, row, strict=True):
        if isinstance(term, Const) and term.value != value:
            return None
        if isinstance(term, Var) and extended.setdefault(term.name, value) != value:
            return None
    return extended


def value(term: Var | Const | Expr | Any, binding: Binding) -> Any:
    """What a variable, a constant or an expression stands for."""
    if isinstance(term, Const):
        return term.value
    if isinstance(term, Var):
        return binding[term.name]
    names = {"__builtins__": builtins, **term.names, **binding}
    return eval(_code(term.tree), names)  # noqa: S307 - the program's own expressions


@lru_cache(maxsize=10_000)
def _code(tree: ast.expr) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Expression(tree)), "<expression>", "eval")
