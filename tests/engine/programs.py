"""Random rule programs and transactions, for Hypothesis to draw and to shrink.

A program is built relation by relation. A relation is derived from those before it, so that negation,
aggregates, ``allocate`` and keys can't come into a cycle; a recursive group may also use itself. Values come
from small sets, so that joins find partners and facts come back after they were deleted.
"""

from dataclasses import dataclass, field
from itertools import product

from clauses import INTS, PAIR, PAIRS, expression
from hypothesis import strategies as st

from ovn_rules.engine.ir import (
    BOOL,
    INT,
    STR,
    UUID,
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Clause,
    Column,
    Const,
    Fact,
    Filter,
    Member,
    Program,
    RelationDef,
    Type,
    Var,
    Wild,
)

VALUES = {
    INT: (0, 1, 2, 3),
    STR: ("a", "b", "c"),
    BOOL: (False, True),
    UUID: ("u1", "u2", "u3"),
    INTS: ((), (0,), (1, 2), (3, 3, 0)),
    PAIR: (("a", 0), ("a", 1), ("b", 1)),
    PAIRS: ((), (("a", 0),), (("a", 1), ("b", 1)), (("b", 2), ("b", 3), ("b", 2))),
}
"""The values of each type; expressions that are ``closed`` give no others, save for longer tuples."""

TYPES = (STR, INTS, PAIRS, BOOL, UUID, PAIR)
"""What columns may hold besides integers; a program uses few of them, so that joins find partners."""


# -- what expressions may call -----------------------------------------------------------------------------


def odd(number: int) -> bool:
    return number % 2 == 1


def letter(number: int) -> str:
    return "abc"[number % 3]


def span(number: int) -> tuple[int, ...]:
    return (*range(number), 0)


def pairs(number: int) -> tuple[tuple[str, int], ...]:
    return tuple((letter(i), i // 2) for i in range(number)) * 2


def fragile(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def ragged(number: int) -> tuple[tuple[str | int, ...], ...]:
    return (("a", number), ("b",)) if number == 3 else (("a", number), ("b", 1))


@dataclass(frozen=True)
class Form:
    """An expression with places for variables: its type, its source and the types of the variables.

    Attributes:
        closed: gives only values of ``VALUES``, so that recursion ends.
        fails: raises for some values.
        names: functions that it calls.
        record: for the right side of ``in``, the types of an element's parts if it is taken apart.
    """

    type: Type
    source: str
    parameters: tuple[Type, ...] = ()
    names: dict = field(default_factory=dict)
    closed: bool = True
    fails: bool = False
    record: tuple[Type, ...] = ()


FORMS = (
    Form(INT, "({} + {}) % 4", (INT, INT)),
    Form(INT, "({} * 2 + 1) % 4", (INT,)),
    Form(INT, "abs({} - {})", (INT, INT)),
    Form(INT, "len({})", (STR,)),
    Form(INT, "{} if {} else 3", (INT, BOOL)),
    Form(INT, "fragile({})", (INT,), {"fragile": fragile}, fails=True),
    Form(INT, "6 // {} % 4", (INT,), fails=True),
    Form(STR, "letter({})", (INT,), {"letter": letter}),
    Form(STR, "{}.upper()", (STR,), closed=False),
    Form(STR, "f'{{{}}}-{{{}}}'", (STR, INT), closed=False),
    Form(STR, "{}[0]", (PAIR,)),
    Form(STR, "letter(fragile({}))", (INT,), {"letter": letter, "fragile": fragile}, fails=True),
    Form(BOOL, "{} < {}", (INT, INT)),
    Form(BOOL, "not {}", (BOOL,)),
    Form(BOOL, "odd({})", (INT,), {"odd": odd}),
    Form(BOOL, "{} in {}", (INT, INTS)),
    Form(BOOL, "fragile({}) > 0", (INT,), {"fragile": fragile}, fails=True),
    Form(INTS, "span({})", (INT,), {"span": span}),
    Form(INTS, "({}, {})", (INT, INT)),
    Form(PAIR, "({}, {})", (STR, INT)),
    Form(PAIRS, "pairs({})", (INT,), {"pairs": pairs}),
)

FILTERS = (
    *(f for f in FORMS if f.type == BOOL),
    Form(BOOL, "{} != {}", (INT, INT)),
    Form(BOOL, "{} != 2", (INT,)),
    Form(BOOL, "{} <= {}", (STR, STR)),
    Form(BOOL, "{} == {}", (UUID, UUID)),
    Form(BOOL, "{} != {}", (INTS, INTS)),
    Form(BOOL, "{}", (BOOL,)),
)

FANS = (
    Form(INT, "{}", (INTS,)),
    Form(INT, "span({})", (INT,), {"span": span}),
    Form(INT, "[(v + {}) % 4 for v in {}]", (INT, INTS)),
    Form(INT, "(1, 2, 2)"),
    Form(INT, "range(fragile({}))", (INT,), {"fragile": fragile}, fails=True),
    Form(PAIR, "{}", (PAIRS,)),
    Form(PAIR, "{}", (PAIRS,), record=(STR, INT)),
    Form(PAIR, "pairs({})", (INT,), {"pairs": pairs}, record=(STR, INT)),
    Form(PAIR, "ragged({})", (INT,), {"ragged": ragged}, fails=True, record=(STR, INT)),
    Form(PAIR, "(({}, {}), (1, 2), (2, 2))", (INT, INT), record=(INT, INT)),
)

AGGREGATES = (
    ("collect", INT, INTS, None),
    ("count", INT, INT, None),
    ("count", STR, INT, None),
    ("count", PAIR, INT, "_aggregate % 2"),
    ("min", INT, INT, None),
    ("max", INT, INT, None),
    ("min", STR, STR, None),
    ("max", PAIR, PAIR, None),
    ("sum", INT, INT, "_aggregate % 4"),
    ("sum", INT, INT, None),
    ("collect", STR, STR, "' '.join(_aggregate)"),
    ("collect", BOOL, BOOL, "all(_aggregate)"),
    ("max", INT, INT, "6 // (3 - _aggregate)"),
)
"""Function, type of the values, type of the column, wrapping expression. The last fails for 3."""


_ATOM_TERMS = ("known",) * 4 + ("new",) * 5 + ("wild",) * 2 + ("constant",)
_NEGATED_TERMS = ("known",) * 8 + ("wild",) + ("constant",)
_HEAD_TERMS = ("variable",) * 6 + ("expression",) * 2 + ("constant",)


# -- clauses -----------------------------------------------------------------------------------------------


class Body:
    """A clause's body as it grows, with the variables that have a value.

    A body that ``may_fail`` calls functions that raise for some values.
    """

    def __init__(self, draw, *, recursive, may_fail):
        """Start with nothing; a body that is ``recursive`` makes no new values without end."""
        self.draw = draw
        self.recursive = recursive
        self.may_fail = may_fail
        self.literals = []
        self.types = {}

    def pick(self, choices):
        """Any of the choices."""
        return self.draw(st.sampled_from(choices))

    def variables(self, wanted):
        """The variables of a type."""
        return [v for v, t in self.types.items() if t == wanted]

    def new(self, wanted):
        """A new variable of a type."""
        name = f"v{len(self.types)}"
        self.types[name] = wanted
        return name

    def variable(self, wanted):
        """A variable with a value if there is one, or a new one."""
        known = self.variables(wanted)
        return self.pick(known) if known and self.pick((True, True, False)) else self.new(wanted)

    def atom(self, definition):
        """A positive atom."""
        joined = not self.literals
        terms = []
        for column in definition.columns:
            known = self.variables(column.type)
            kind = self.pick(_ATOM_TERMS)
            if known and not joined and kind == "new":
                kind = "known"
            if kind == "constant":
                terms.append(Const(self.pick(VALUES[column.type])))
            elif kind == "wild":
                terms.append(Wild())
            elif kind == "known" and known:
                terms.append(Var(self.pick(known)))
                joined = True
            else:
                terms.append(Var(self.new(column.type)))
        self.literals.append(Atom(definition.name, tuple(terms), every=True))

    def negation(self, definition):
        """A negated atom, over variables that have a value."""
        terms = []
        for column in definition.columns:
            known = self.variables(column.type)
            kind = self.pick(_NEGATED_TERMS)
            if kind == "constant":
                terms.append(Const(self.pick(VALUES[column.type])))
            else:
                terms.append(Var(self.pick(known)) if known and kind == "known" else Wild())
        self.literals.append(Atom(definition.name, tuple(terms), negated=True))

    def expression(self, forms, wanted=None):
        """An expression of one of some forms over variables that have a value, and its form."""
        usable = [
            f
            for f in forms
            if (wanted is None or f.type == wanted)
            and (f.closed or not self.recursive)
            and (self.may_fail or not f.fails)
            and all(len(self.variables(p)) >= f.parameters.count(p) for p in f.parameters)
        ]
        if not usable:
            return None, None
        failing = [f for f in usable if f.fails]
        form = self.pick(failing if failing and self.pick((True, False)) else usable)
        chosen = []
        for parameter in form.parameters:
            chosen.append(self.pick([v for v in self.variables(parameter) if v not in chosen]))
        source = form.source.format(*chosen)
        return expression(source, form.type, **form.names), form

    def filter(self):
        """A condition."""
        expr, _ = self.expression(FILTERS)
        if expr is not None:
            self.literals.append(Filter(expr))

    def bind(self):
        """``x == expression``, for a new variable or one that has a value."""
        expr, form = self.expression(FORMS)
        if expr is not None:
            self.literals.append(Bind(self.variable(form.type), expr))

    def rename(self):
        """``x == y``, where only one of them has a value, whichever it is."""
        known = self.pick(tuple(self.types) or ("",))
        if not known:
            return
        wanted = self.types[known]
        left, right = self.draw(st.permutations((self.new(wanted), known)))
        self.literals.append(Bind(left, expression(right, wanted)))

    def member(self):
        """``x in expression`` or ``(x, y) in expression``."""
        expr, form = self.expression(FANS)
        if expr is None:
            return
        parts = form.record or (form.type,)
        variables = tuple(None if form.record and self.pick((False, False, True)) else self.variable(t) for t in parts)
        self.literals.append(Member(variables, bool(form.record), expr))

    def value(self, wanted):
        """A head term: a variable, an expression or a constant."""
        kind = self.pick(_HEAD_TERMS)
        expr, _ = self.expression(FORMS, wanted) if kind == "expression" else (None, None)
        if expr is not None:
            return expr
        known = self.variables(wanted)
        return Var(self.pick(known)) if known and kind != "constant" else Const(self.pick(VALUES[wanted]))


def _body(draw, known, group=(), *, recursive=False):
    """A body over known relations; with a ``group``, one that uses the group itself."""
    body = Body(draw, recursive=recursive, may_fail=draw(st.integers(0, 3)) == 3)
    sources = [*known, *group]
    first = draw(st.sampled_from(group or known))
    body.atom(first)
    for _ in range(draw(st.integers(0, 2))):
        body.atom(draw(st.sampled_from(sources)))
    steps = st.sampled_from(("filter", "bind", "rename", "member", "negation", "atom"))
    for step in draw(st.lists(steps, max_size=3)):
        if step == "negation":
            body.negation(draw(st.sampled_from(known)))
        elif step == "atom":
            body.atom(draw(st.sampled_from(sources)))
        else:
            getattr(body, step)()
    if draw(st.booleans()):
        body.literals = draw(st.permutations(body.literals))
    return body


# -- programs ----------------------------------------------------------------------------------------------


class Builder:
    """A program as it grows."""

    def __init__(self, draw):
        """Start with nothing."""
        self.draw = draw
        self.relations = {}
        self.clauses = []
        self.used = (INT, INT, *draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2)))
        self.column_types = st.sampled_from(self.used)

    def relation(self, prefix, types, key=None):
        """Add a relation."""
        definition = RelationDef(
            f"{prefix}{len(self.relations)}", tuple(Column(f"c{i}", t) for i, t in enumerate(types)), key
        )
        self.relations[definition.name] = definition
        return definition

    def types(self):
        """Types for the columns of a relation."""
        return self.draw(st.lists(self.column_types, min_size=1, max_size=3))

    def key(self, types):
        """No key, most of the time, or some of the columns."""
        if len(types) < 2 or self.draw(st.integers(0, 2)):
            return None
        chosen = self.draw(st.sets(st.integers(0, len(types) - 1), min_size=1, max_size=len(types) - 1))
        return tuple(sorted(chosen))

    def clause(self, relation, terms, body):
        """Add a clause, as a rule of its own."""
        name = f"rule{len(self.clauses)}"
        self.clauses.append(Clause(name, 0, relation.name, tuple(terms), tuple(body.literals)))

    def known(self):
        """The relations so far."""
        return list(self.relations.values())

    def base(self):
        """Add a base relation."""
        types = self.types()
        self.relation("B", types, self.key(types))

    def plain(self):
        """Add a relation with clauses that have nothing special in their heads."""
        known, types = self.known(), self.types()
        target = self.relation("D", types, self.key(types))
        for _ in range(self.draw(st.integers(1, 3))):
            body = _body(self.draw, known)
            self.clause(target, [body.value(t) for t in types], body)

    def recursive(self):
        """One relation or two that are derived from each other."""
        known = self.known()
        group = [self.relation("R", self.types()) for _ in range(self.draw(st.integers(1, 2)))]
        for target in group:
            types = [c.type for c in target.columns]
            start = _body(self.draw, known, recursive=True)
            self.clause(target, [start.value(t) for t in types], start)
            for _ in range(self.draw(st.integers(1, 2))):
                body = _body(self.draw, known, group, recursive=True)
                self.clause(target, [body.value(t) for t in types], body)

    def aggregate(self):
        """Add a relation of aggregates."""
        usable = [a for a in AGGREGATES if a[1] in self.used]
        function, values, result, wrap = self.draw(st.sampled_from(usable))
        known = self.known()
        types = self.draw(st.lists(self.column_types, max_size=2))
        place = self.draw(st.integers(0, len(types)))
        columns = [*types[:place], result, *types[place:]]
        target = self.relation("A", columns, self.key(columns))
        for _ in range(self.draw(st.integers(1, 2))):
            body = _body(self.draw, known)
            value = body.value(values)
            if not hasattr(value, "tree"):
                value = expression(value.name if isinstance(value, Var) else repr(value.value), values)
            wrapped = None if wrap is None else expression(wrap, result)
            group = [body.value(t) for t in types]
            self.clause(target, [*group[:place], Aggregate(function, value, wrapped), *group[place:]], body)

    def allocate(self):
        """Add a relation of allocated numbers, perhaps with hints, scopes and numbers that are wanted."""
        known = self.known()
        types = self.draw(st.lists(self.column_types, min_size=1, max_size=2))
        place = self.draw(st.integers(0, len(types)))
        hints, wanted = (self.relation(r, [*types, INT]).name if self.draw(st.booleans()) else None for r in "HW")
        target = self.relation("N", [*types[:place], INT, *types[place:]])
        columns = [i for i in range(len(types) + 1) if i != place]
        within = self.draw(st.sampled_from(((), *((c,) for c in columns if len(columns) > 1))))
        after = self.draw(st.sampled_from(("last", "largest", None)))
        number = Allocate(1, self.draw(st.sampled_from((1, 2, 2, 3))), hints, within, wanted, after)
        for _ in range(self.draw(st.integers(1, 2))):
            body = _body(self.draw, known)
            group = [body.value(t) for t in types]
            self.clause(target, [*group[:place], number, *group[place:]], body)


@st.composite
def programs(draw):
    """A program of two or three base relations and a few derived ones, of every kind."""
    builder = Builder(draw)
    for _ in range(draw(st.integers(2, 3))):
        builder.base()
    kinds = st.sampled_from(("plain", "plain", "recursive", "aggregate", "allocate"))
    for kind in draw(st.lists(kinds, min_size=1, max_size=4)):
        getattr(builder, kind)()
    return Program(builder.relations, tuple(builder.clauses))


# -- transactions ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One change: ``insert`` or ``delete`` a fact, ``drop`` or ``update`` the nth that is there."""

    kind: str
    place: tuple[RelationDef, Fact]
    nth: int = 0


def transactions(program, number):
    """A number of transactions of a few changes each, some of none; the first quarter of them only inserts."""
    base = [d for n, d in program.relations.items() if n not in program.derived]
    facts = [[(d, f) for f in product(*(VALUES[c.type] for c in d.columns))] for d in base]
    place = st.one_of(map(st.sampled_from, facts))
    load = st.lists(st.builds(Step, st.just("insert"), place), min_size=2, max_size=8, unique=True)
    loads = number // 4
    return st.tuples(*[load] * loads, *[transaction(place)] * (number - loads))


def transaction(place):
    """A few changes, or none, of facts that a strategy draws with their relations."""
    kinds = st.sampled_from(("insert", "insert", "insert", "delete", "drop", "update"))
    return st.lists(st.builds(Step, kinds, place, st.integers(0, 7)), max_size=4)


def changes(transaction, base):
    """What a transaction deletes and inserts, given what is there."""
    given = {}
    for step in transaction:
        relation, fact = step.place
        deleted, inserted = given.setdefault(relation.name, ([], []))
        present = sorted(base[relation.name])
        chosen = present[step.nth % len(present)] if present else None
        if step.kind == "insert":
            inserted.append(fact)
        elif step.kind == "delete":
            deleted.append(fact)
        elif chosen is not None:
            deleted.append(chosen)
            if step.kind == "update":
                key = relation.key or ()
                inserted.append(tuple(chosen[i] if i in key else v for i, v in enumerate(fact)))
    return given
