"""In which order the literals of a clause are joined, and how each one is looked up.

A clause has one plan for every body atom whose relation can change: that atom is *pinned* to the changed
fact, and the others are looked up from there. The order is greedy: what filters comes before what fans out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from ovn_rules.engine.ir import Atom, Bind, Clause, Const, Expr, Filter, Literal_, Member, Program, Var

HEAD = -1
"""Pinned: the head's variables are known (a fact is to be explained)."""
NOTHING = -2
"""Pinned: nothing is known (a clause without positive atoms, or a count from scratch)."""


class Access(Enum):
    """How the facts of an atom are found."""

    SCAN = "scan"
    INDEX = "index"
    KEY = "key"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Step:
    """One literal of a plan: its position in the body, and for an atom how it is looked up and by what."""

    literal: int
    access: Access | None = None
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of a clause's literals once ``pinned`` (a body position, HEAD or NOTHING) is known."""

    clause: Clause
    pinned: int
    steps: tuple[Step, ...]


Lookup = Callable[[int, Atom, tuple[int, ...]], tuple[Access, tuple[int, ...]]]
"""Chooses the access for an atom (body position, atom, bound positions)."""


def calls(expr: Expr) -> bool:
    """Whether the expression calls anything, or could otherwise cost more than a comparison."""
    return any(isinstance(n, ast.Call | ast.ListComp | ast.GeneratorExp) for n in ast.walk(expr.tree))


def renames(bind: Bind) -> bool:
    """Whether the bind is ``x == y`` between two variables, which can be read both ways."""
    return isinstance(bind.expr.tree, ast.Name) and bind.expr.variables == (bind.expr.tree.id,)


def variables_of(atom: Atom) -> set[str]:
    """The variables in an atom's terms."""
    return {t.name for t in atom.terms if isinstance(t, Var)}


def bound_positions(atom: Atom, bound: set[str]) -> tuple[int, ...]:
    """The positions of an atom that hold a constant or a variable with a value."""
    return tuple(
        i for i, t in enumerate(atom.terms) if isinstance(t, Const) or (isinstance(t, Var) and t.name in bound)
    )


def default_lookup(program: Program, forced: Callable[[int], bool]) -> Lookup:
    """The accesses of an engine that makes an index wherever one is asked for.

    ``forced`` says for a body position that its relation's table may not be read directly (it is in the
    middle of an update, or recursive), only an index that is kept for the purpose.
    """

    def lookup(position: int, atom: Atom, bound: tuple[int, ...]) -> tuple[Access, tuple[int, ...]]:
        definition = program.relations[atom.relation]
        if forced(position):
            whole_key = definition.key is not None and set(definition.key) <= set(bound) and not atom.negated
            return Access.INDEX, definition.key if whole_key and definition.key else bound
        if definition.key is not None and set(definition.key) <= set(bound):
            if not atom.negated or set(definition.key) == set(bound):
                return Access.KEY, definition.key
        elif len(bound) == len(atom.terms) and definition.key is None:
            return Access.MEMBER, bound
        return (Access.INDEX, bound) if bound else (Access.SCAN, ())

    return lookup


def head_variables(clause: Clause) -> set[str]:
    """The variables that a known head fact gives values to."""
    return {t.name for t in clause.terms if isinstance(t, Var)}


def make_plan(clause: Clause, pinned: int, lookup: Lookup) -> Plan:
    """Order the literals of a clause.

    Args:
        clause: the clause.
        pinned: the body position whose fact is given, HEAD or NOTHING.
        lookup: chooses how an atom is looked up.
    """
    bound: set[str] = set()
    if pinned == HEAD:
        bound |= head_variables(clause)
    elif pinned >= 0:
        atom = clause.body[pinned]
        assert isinstance(atom, Atom)  # noqa: S101 - only atoms are pinned
        bound |= variables_of(atom)
    left = [i for i in range(len(clause.body)) if i != pinned]
    steps: list[Step] = []
    while left:
        ranked = [(r, i) for i in left if (r := _rank(clause.body, i, bound, lookup)) is not None]
        if not ranked:
            raise AssertionError(f"{clause.name}: literals {left} can't be ordered")
        _, best = min(ranked)
        left.remove(best)
        steps.append(_step(clause.body, best, bound, lookup))
        bound |= binds(clause.body[best])
    return Plan(clause, pinned, tuple(steps))


def needs(literal: Literal_, bound: set[str]) -> set[str]:
    """The variables that must have a value before a literal can be evaluated, given those that have one."""
    if isinstance(literal, Atom):
        return variables_of(literal) if literal.negated else set()
    if isinstance(literal, Bind) and renames(literal) and literal.variable in bound:
        return set()
    return set(literal.expr.variables)


def binds(literal: Literal_) -> set[str]:
    """The variables that have a value once a literal has been evaluated."""
    if isinstance(literal, Atom):
        return set() if literal.negated else variables_of(literal)
    if isinstance(literal, Bind):
        return {literal.variable, *(literal.expr.variables if renames(literal) else ())}
    if isinstance(literal, Member):
        return {v for v in literal.variables if v is not None}
    return set()


def _step(body: Iterable[Literal_], position: int, bound: set[str], lookup: Lookup) -> Step:
    literal = tuple(body)[position]
    if isinstance(literal, Atom):
        return Step(position, *lookup(position, literal, bound_positions(literal, bound)))
    return Step(position)


def _rank(body: tuple[Literal_, ...], position: int, bound: set[str], lookup: Lookup) -> tuple[float, ...] | None:
    """How soon a literal should come, smallest first; None while it can't be evaluated."""
    literal = body[position]
    if not needs(literal, bound) <= bound:
        return None
    if isinstance(literal, Atom):
        return _rank_atom(position, literal, bound, lookup)
    if isinstance(literal, Filter):
        return (4 if calls(literal.expr) else 0, position)
    if isinstance(literal, Bind):
        return (-1 if renames(literal) else 5 if calls(literal.expr) else 1, position)
    return (7, position)


def _rank_atom(position: int, atom: Atom, bound: set[str], lookup: Lookup) -> tuple[float, ...]:
    where = bound_positions(atom, bound)
    if atom.negated:
        return (2, position)
    access, _ = lookup(position, atom, where)
    if access is Access.MEMBER:
        return (2, position)
    if access is Access.KEY:
        return (3, position)
    if any(isinstance(atom.terms[i], Var) for i in where) or (where and not variables_of(atom)):
        return (6, -len(where), position)
    return (9, -len(where), position)
