"""What a rule program is once it has been read: relations, clauses, terms.

The front end (``frontend.py``) makes these from Python source; the planner, the naive evaluator and the
pyDatalog reference start from them. Nothing here knows how a program is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NewType

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from ovn_rules.engine.functions import Function

Uuid = NewType("Uuid", str)
"""A database row's UUID, as text. At run time a string; rules never mix it with other text."""

Fact = tuple[Any, ...]
"""One row of a relation: a value for each column, in order."""


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column, variable or expression.

    Names: ``str int float bool uuid tuple any``. ``tuple`` with one argument is a homogeneous tuple of any
    length (a database set), with several a record of that many; a database map is a tuple of (key, value)
    records. ``any`` is what could not be inferred; it agrees with everything.
    """

    name: str
    args: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if not self.args:
            return self.name
        inside = ", ".join(str(a) for a in self.args) + (", ..." if len(self.args) == 1 else "")
        return f"{self.name}[{inside}]"


STR, INT, FLOAT, BOOL, UUID, ANY = (Type(n) for n in ("str", "int", "float", "bool", "uuid", "any"))


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed, documented position of a relation."""

    name: str
    type: Type
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Where a database relation's facts come from.

    ``column`` is None for the relation of whole rows, and names the set or map column whose elements the
    relation lists otherwise (``nb.Logical_Port.macs``).
    """

    database: str
    table: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class RelationDef:
    """A relation's name (``Pipeline``, ``nb.Logical_Port``, ``nb.Logical_Port.macs``) and shape.

    ``key`` holds column positions. Two facts with the same key are a conflict: the smallest fact is kept
    (compared by the columns outside the key, in order), the others are reported.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...] | None = None
    doc: str = ""
    table: Table | None = None

    def position(self, column: str) -> int:
        """The position of the named column; KeyError when there is none."""
        for i, c in enumerate(self.columns):
            if c.name == column:
                return i
        raise KeyError(column)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source file: 1-based line and 0-based columns, with the text of the line for carets."""

    file: str
    line: int
    column: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Var:
    """A logic variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Const:
    """A constant of a column's type."""

    value: Any


@dataclass(frozen=True, slots=True)
class Wild:
    """A position that doesn't matter: ``_``, or a column that was not named."""


@dataclass(frozen=True, slots=True)
class Expr:
    """A pure Python expression over logic variables.

    ``tree`` is its syntax; each Name in it is either one of ``variables`` (a logic variable) or a key of
    ``names`` (a function or constant that the rule's module defines, captured when the rule was read) or one
    of the allowed builtins. Names bound inside it (comprehensions) appear in neither.
    """

    tree: ast.expr = field(compare=False)
    source: str
    variables: tuple[str, ...]
    names: Mapping[str, Any] = field(compare=False, default_factory=dict)
    type: Type = ANY


Term = Var | Const | Wild


@dataclass(frozen=True, slots=True)
class Atom:
    """``R(...)`` or ``~R(...)`` in a body. A negated atom binds nothing: its variables are bound elsewhere.

    ``every`` marks a literal that is meant to combine with all others (``every(R(x))``), so that sharing no
    variable with them is not a mistake.
    """

    relation: str
    terms: tuple[Term, ...]
    negated: bool = False
    every: bool = False
    location: Location | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Filter:
    """A comparison or call that must be true."""

    expr: Expr
    location: Location | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Bind:
    """``variable == expression``: gives the variable its value, or compares when it has one."""

    variable: str
    expr: Expr
    location: Location | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Member:
    """``x in f(y)`` or ``(a, b) in f(y)``: once for each distinct element of the expression's value.

    A variable that is bound already (or a repeated one) must be equal to the element's part; ``_`` (None
    here) takes anything.
    """

    variables: tuple[str | None, ...]
    unpack: bool
    expr: Expr
    location: Location | None = field(compare=False, default=None)


Literal_ = Atom | Filter | Bind | Member


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate in a head, over the distinct values that ``value`` takes in each group.

    The group is every other head term. ``collect`` gives a sorted tuple, ``count`` the number of distinct
    values, ``min``/``max`` the extremes, ``sum`` the sum of the distinct values. ``wrap``, when present, is
    an expression over the single variable ``_aggregate`` that makes the head's value from the result:
    ``" ".join(collect(name))``.
    """

    function: Literal["collect", "count", "min", "max", "sum"]
    value: Expr
    wrap: Expr | None = None


After = Literal["last", "largest", "hint"] | None
"""Where the search for a free number begins."""


@dataclass(frozen=True, slots=True)
class Allocate:
    """``allocate(low, high, hints)`` in a head: a number of its own for each group (all other head terms).

    ``hints`` names a relation with the group's columns followed by the number that the group had before a
    restart; it is taken when it is in range and free. ``wanted`` names one of the same shape, with numbers that are
    taken from groups that don't want them. ``within`` are the columns of the head whose values are a group's scope:
    numbers are unique in a scope. A free number is searched ``after`` the last one given, the largest in use or the
    group's hint, or from the lowest.
    """

    low: int
    high: int
    hints: str | None = None
    within: tuple[int, ...] = ()
    wanted: str | None = None
    after: After = "last"

    @property
    def reads(self) -> tuple[str, ...]:
        """The relations that say numbers."""
        return tuple(name for name in (self.hints, self.wanted) if name is not None)


HeadTerm = Var | Const | Expr | Aggregate | Allocate


@dataclass(frozen=True, slots=True)
class Clause:
    """``head <= body`` of a rule function.

    ``rule`` is the function's name, unique in a program; ``index`` counts the statements of one function
    from 0.
    """

    rule: str
    index: int
    relation: str
    terms: tuple[HeadTerm, ...]
    body: tuple[Literal_, ...]
    doc: str = ""
    module: str = ""
    location: Location | None = field(compare=False, default=None)

    @property
    def name(self) -> str:
        """The rule's name, with the statement's number when it is not the first."""
        return self.rule if self.index == 0 else f"{self.rule}#{self.index + 1}"


@dataclass(frozen=True)
class Program:
    """Relations and the clauses that derive some of them.

    A relation with clauses is derived; every other one is a base relation, whose facts are given.
    """

    relations: Mapping[str, RelationDef]
    clauses: tuple[Clause, ...]

    @cached_property
    def texts(self) -> dict[int, tuple[Expr, str, dict[str, Any]]]:
        """Source text of expressions as generated code has it (codegen.py), by identity; filled as they are used."""
        return {}

    @cached_property
    def functions(self) -> dict[tuple[int, int], Function]:
        """Generated functions by clause number and pinned literal (network.py); filled by the first engine."""
        return {}

    @cached_property
    def derived(self) -> frozenset[str]:
        """Names of the relations that clauses derive."""
        return frozenset(c.relation for c in self.clauses)
