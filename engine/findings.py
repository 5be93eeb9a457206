"""What became of a clause's literals when it nearly made a fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ir import Atom, Bind, Clause, Const, Expr, Fact, Literal_, Member, Var
from ovn_rules.engine.plan import binds, needs, variables_of
from ovn_rules.engine.present import FREE, known_of, likeness, similarity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Status(Enum):
    """What became of a literal."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A head term that must come out as something: a condition beside those of the body."""

    column: int
    expr: Expr
    value: Any


Condition = Literal_ | Wanted


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one condition of a clause.

    Attributes:
        condition: a literal of the body, or a head term that should come out as something.
        status: whether it holds.
        pattern: for an atom, the value of each column or FREE.
        fact: for an atom, the fact that makes it hold, or that stands in the way of a negated one.
        equal: for an atom, pairs of columns that must be equal, whatever they hold.
        choices: how many facts would have done as well.
        values: for an expression, the values of its variables.
        result: what the expression is; FREE when it raised or couldn't be evaluated.
        wanted: what it should be, as far as it should be something; for ``in`` what should be among the elements.
        error: what the expression raised.
    """

    condition: Condition
    status: Status
    pattern: Fact = ()
    fact: Fact | None = None
    equal: tuple[tuple[int, int], ...] = ()
    choices: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    result: Any = FREE
    wanted: Any = FREE
    error: str = ""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Values of a clause's variables under which it almost makes a fact.

    Attributes:
        clause: the clause.
        findings: what became of each condition, in the order of the clause.
        values: the variables that have a value.
        cost: failures that have a reason of their own.
        alike: misses with the same failures, this one included.
        others: some of those others.
        determined: the variables whose values nothing but the wanted fact decided.
    """

    clause: Clause
    findings: tuple[Finding, ...]
    values: Mapping[str, Any]
    cost: int
    alike: int = 1
    others: tuple[NearMiss, ...] = ()
    determined: frozenset[str] = frozenset()

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The conditions that fail."""
        return tuple(f for f in self.findings if f.status is Status.FAILS)


def mentioned(condition: Condition) -> set[str]:
    """All variables of a condition."""
    if isinstance(condition, Atom):
        return variables_of(condition)
    if isinstance(condition, Wanted):
        return set(condition.expr.variables)
    return needs(condition, set()) | binds(condition)


def known_in(atom: Atom, values: Mapping[str, Any]) -> dict[int, Any]:
    """The values of the atom's columns that are known, by position."""
    return known_of(pattern_of(atom, values))


def pattern_of(atom: Atom, values: Mapping[str, Any]) -> Fact:
    """The atom's columns as far as they are known."""
    return tuple(
        t.value if isinstance(t, Const) else values.get(t.name, FREE) if isinstance(t, Var) else FREE
        for t in atom.terms
    )


def repeated_in(atom: Atom, values: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Columns of one variable that has no value yet: they must be equal."""
    first: dict[str, int] = {}
    pairs = []
    for i, term in enumerate(atom.terms):
        if isinstance(term, Var) and term.name not in values and first.setdefault(term.name, i) != i:
            pairs.append((first[term.name], i))
    return pairs


def given_by(atom: Atom, fact: Fact, values: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a fact of an atom gives values to."""
    return {t.name: v for t, v in zip(atom.terms, fact, strict=True) if isinstance(t, Var) and t.name not in values}


def elements_of(member: Member, result: Any, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The new values that each element gives, of those that agree with the values there are.

    Raises:
        TypeError: an element isn't what it is taken apart into.
    """
    for element in dict.fromkeys(result):
        parts = element if member.unpack else (element,)
        if not isinstance(parts, tuple) or len(parts) != len(member.variables):
            raise TypeError(f"expected {len(member.variables)} values, got {element!r}")
        new: dict[str, Any] = {}
        for name, part in zip(member.variables, parts, strict=True):
            if name is not None and (values[name] if name in values else new.setdefault(name, part)) != part:
                break
        else:
            yield new


def wanted_of(condition: Condition, values: Mapping[str, Any]) -> Any:
    """What a condition's expression should be, or have among its elements; FREE where nothing is known."""
    if isinstance(condition, Wanted):
        return condition.value
    if isinstance(condition, Bind):
        return values.get(condition.variable, FREE)
    if isinstance(condition, Member):
        parts = tuple(FREE if v is None else values.get(v, FREE) for v in condition.variables)
        if all(p is FREE for p in parts):
            return FREE
        return parts if condition.unpack else parts[0]
    return FREE


def alike(option: Any, wanted: Any) -> float:
    """How alike a value is to the wanted one, of which parts may be anything."""
    if isinstance(wanted, tuple) and isinstance(option, tuple) and len(wanted) == len(option):
        return likeness(wanted, option)
    return similarity(option, wanted)


def masked(option: Any, wanted: Any) -> Any:
    """An element without the parts that may be anything."""
    if isinstance(wanted, tuple) and isinstance(option, tuple) and len(option) == len(wanted):
        return tuple(o for o, w in zip(option, wanted, strict=True) if w is not FREE)
    return option


def unmasked(wanted: Any) -> Any:
    """The parts of a wanted element that may not be anything."""
    return tuple(w for w in wanted if w is not FREE) if isinstance(wanted, tuple) else wanted
