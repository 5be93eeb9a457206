"""Rule programs put together by hand, without the front end, for tests of the engine itself."""

import ast
import builtins
from dataclasses import replace

from ovn_rules.engine.ir import (
    ANY,
    BOOL,
    INT,
    STR,
    UUID,
    Atom,
    Bind,
    Clause,
    Column,
    Const,
    Expr,
    Filter,
    Member,
    Program,
    RelationDef,
    Type,
    Var,
    Wild,
)

INTS = Type("tuple", (INT,))
PAIR = Type("tuple", (STR, INT))
PAIRS = Type("tuple", (PAIR,))
TYPES = {"int": INT, "str": STR, "bool": BOOL, "uuid": UUID, "ints": INTS, "pair": PAIR, "pairs": PAIRS}

_ = Wild()


def relation(name, types, key=None):
    """A relation from its columns' types (``"int str"``) and the positions of its key."""
    columns = tuple(Column(f"c{i}", TYPES[t]) for i, t in enumerate(types.split()))
    return RelationDef(name, columns, key)


def expression(source, result=ANY, **names):
    """An expression; what is neither in ``names``, nor a builtin, nor bound inside is a logic variable."""
    tree = ast.parse(source, mode="eval").body
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    inside = {n.id for n in found if isinstance(n.ctx, ast.Store)}
    free = dict.fromkeys(n.id for n in found if n.id not in inside | names.keys() and not hasattr(builtins, n.id))
    return Expr(tree, source, tuple(v for v in free if v != "_aggregate"), names, result)


def term(value):
    """A term: text is a variable, ``_`` a wildcard, anything that isn't a term a constant."""
    if isinstance(value, str):
        return Var(value)
    return value if isinstance(value, Var | Const | Wild) else Const(value)


def atom(name, *terms):
    """``name(...)``."""
    return Atom(name, tuple(map(term, terms)), every=True)


def no(name, *terms):
    """``~name(...)``."""
    return Atom(name, tuple(map(term, terms)), negated=True)


def where(source, **names):
    """A filter."""
    return Filter(expression(source, BOOL, **names))


def bind(variable, source, result=ANY, **names):
    """``variable == source``."""
    return Bind(variable, expression(source, result, **names))


def member(variables, source, **names):
    """``variables in source``: one variable, or a tuple of them for records."""
    unpack = isinstance(variables, tuple)
    return Member(variables if unpack else (variables,), unpack, expression(source, **names))


def clause(rule, head, *body):
    """``head <= body``; the head is an atom whose terms may be expressions, aggregates or allocate."""
    name, *terms = head
    return Clause(rule, 0, name, tuple(term(t) if isinstance(t, str | int) else t for t in terms), body)


def program(relations, *clauses):
    """A program; clauses of the same rule are numbered."""
    seen = {}
    numbered = []
    for one in clauses:
        index = seen[one.rule] = seen.get(one.rule, -1) + 1
        numbered.append(replace(one, index=index))
    return Program({r.name: r for r in relations}, tuple(numbered))
