"""Terms of heads and bodies, matched to a relation's columns."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any, Literal, cast

from ovn_rules.engine import language
from ovn_rules.engine.errors import did_you_mean, listed
from ovn_rules.engine.frontend_draft import AGGREGATE, Draft, Part
from ovn_rules.engine.frontend_expressions import read_expression
from ovn_rules.engine.frontend_purity import BUILTINS
from ovn_rules.engine.frontend_scope import Refused, relation_of
from ovn_rules.engine.frontend_types import plain, storable
from ovn_rules.engine.ir import FLOAT, INT, Aggregate, Allocate, Bind, Column, Const, Expr, Term, Var, Wild

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine.ir import After, HeadTerm, RelationDef

_AGGREGATES: dict[Any, Literal["collect", "count", "min", "max", "sum"]] = {
    language.collect: "collect",
    language.count: "count",
    builtins.min: "min",
    builtins.max: "max",
    builtins.sum: "sum",
}

_NUMBERS = {"hints": "hints", "wanted": "wanted numbers"}
"""Relations that say numbers for ``allocate``, and what they are called in messages."""


def by_column(call: ast.Call, relation: RelationDef) -> list[ast.expr | None]:
    """The node given for each column of a relation, None for a column that isn't given.

    Raises:
        Refused: Too many terms, an unknown column, or a column given twice.
    """
    columns = relation.columns
    names = [c.name for c in columns]
    if len(call.args) > len(columns):
        raise Refused(
            call,
            f"wrong arity: {relation.name} has {_counted(len(columns), 'column')}, not {len(call.args)}",
            f"its columns are {', '.join(names)}",
        )
    found: list[ast.expr | None] = [None] * len(columns)
    for i, node in enumerate(call.args):
        if isinstance(node, ast.Starred):
            raise Refused(node, "* and ** have no meaning in an atom", "write every term, or name the columns")
        found[i] = node
    for keyword in call.keywords:
        if keyword.arg is None:
            raise Refused(keyword, "* and ** have no meaning in an atom", "write every term, or name the columns")
        if keyword.arg not in names:
            raise Refused(
                keyword,
                f"unknown column {keyword.arg!r} of relation {relation.name}",
                did_you_mean(keyword.arg, names) or f"its columns are {', '.join(names)}",
            )
        if found[names.index(keyword.arg)] is not None:
            raise Refused(keyword, f"column {keyword.arg!r} of {relation.name} is given twice")
        found[names.index(keyword.arg)] = keyword.value
    return found


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def constant(node: ast.expr, expr: Expr, column: Column) -> Const:
    """The value of an expression without variables.

    Raises:
        Refused: It fails, or its value can't be stored.
    """
    if isinstance(expr.tree, ast.Constant):
        value = expr.tree.value
    else:
        code = compile(ast.Expression(expr.tree), "<constant>", "eval")
        try:
            # The rule's own source, found pure: it could as well have been run at import.
            value = eval(code, {"__builtins__": BUILTINS, **expr.names})  # noqa: S307 - see above
        except Exception as e:
            raise Refused(node, f"this constant fails: {type(e).__name__}: {e}") from e
    value = plain(value)
    if not storable(value):
        raise Refused(
            node,
            f"wrong type: {value!r} can't be the value of a column",
            "columns hold str, int, float, bool and tuples of them",
        )
    if column.type == FLOAT and type(value) is int:
        value = float(value)
    return Const(value)


def body_term(draft: Draft, node: ast.expr | None, column: Column) -> Term:
    """A term of an atom; an expression becomes a fresh variable and a ``Bind`` of it.

    Raises:
        Refused: The expression is not allowed.
    """
    if node is None or _anonymous(node):
        return Wild()
    if isinstance(node, ast.Name) and node.id in draft.scope.parameters:
        return Var(node.id)
    expr = read_expression(node, draft.scope, draft.source)
    if not expr.variables:
        return constant(node, expr, column)
    name = draft.fresh()
    draft.parts.append(Part(Bind(name, expr, draft.source.location(node)), node, (node,)))
    return Var(name)


def _anonymous(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "_"


def read_head(draft: Draft, call: ast.Call) -> None:
    """Reads a head's terms into a draft; what is refused is noted in it."""
    try:
        nodes = by_column(call, draft.head)
    except Refused as e:
        draft.note(e)
        return
    lacking = [c.name for c, n in zip(draft.head.columns, nodes, strict=True) if n is None]
    if lacking:
        given = len(nodes) - len(lacking)
        draft.refuse(
            call,
            f"wrong arity: {draft.head.name} has {_counted(len(nodes), 'column')}, not {given}",
            f"a head needs all of them; {listed(lacking)} {'is' if len(lacking) == 1 else 'are'} missing",
        )
        return
    for node, column in zip(nodes, draft.head.columns, strict=True):
        assert node is not None  # noqa: S101 - none is lacking
        try:
            draft.terms.append(_head_term(draft, node, column, nodes))
            draft.nodes.append(node)
        except Refused as e:
            draft.note(e)
    if not draft.problems:
        _check_aggregate(draft)


def _head_term(draft: Draft, node: ast.expr, column: Column, head: list[ast.expr | None]) -> HeadTerm:
    if _anonymous(node):
        raise Refused(node, "_ in a head has no value", f"give column {column.name!r} a variable or a constant")
    if isinstance(node, ast.Name) and node.id in draft.scope.parameters:
        return Var(node.id)
    if isinstance(node, ast.Call) and _called(draft, node) is language.allocate:
        return _allocate(draft, node, head)
    if aggregates := [n for n in ast.walk(node) if _is_aggregate(draft, n)]:
        return _aggregate(draft, node, cast("list[ast.Call]", aggregates))
    expr = read_expression(node, draft.scope, draft.source)
    return expr if expr.variables else constant(node, expr, column)


def _called(draft: Draft, call: ast.Call) -> Any:
    try:
        return draft.scope.resolve(call.func)
    except Refused:
        return None


def _is_aggregate(draft: Draft, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = _called(draft, node)
    if function is language.collect or function is language.count:
        return True
    one = len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.GeneratorExp)
    return one and any(function is f for f in _AGGREGATES)


def _aggregate(draft: Draft, node: ast.expr, calls: list[ast.Call]) -> Aggregate:
    call = calls[0]
    if len(calls) > 1:
        raise Refused(calls[1], "two aggregates in one head", "derive a relation with each, and join them")
    name = ast.unparse(call.func)
    if len(call.args) != 1 or call.keywords:
        raise Refused(call, f"{name}() takes one value, {len(call.args) + len(call.keywords)} are given")
    value = read_expression(call.args[0], draft.scope, draft.source)
    if not value.variables:
        raise Refused(call.args[0], f"{name}() of a constant", "aggregate a variable of the body")
    wrap = None
    if node is not call:
        wrap = read_expression(node, draft.scope, draft.source, {call: AGGREGATE})
        if wrap.variables != (AGGREGATE,):
            raise Refused(
                node,
                f"variable {next(v for v in wrap.variables if v != AGGREGATE)!r} beside an aggregate",
                "derive a relation with the aggregate, and use its column in another rule",
            )
    return Aggregate(_AGGREGATES[_called(draft, call)], value, wrap)


def _allocate(draft: Draft, call: ast.Call, head: list[ast.expr | None]) -> Allocate:
    given: dict[str, ast.expr] = dict(zip(("low", "high", "hints"), call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in ("low", "high", "hints", "within", "wanted", "after") or keyword.arg in given:
            raise Refused(keyword, "allocate() takes low, high, hints, within, wanted and after")
        given[keyword.arg] = keyword.value
    if len(call.args) > 3 or not {"low", "high"} <= set(given):
        raise Refused(call, "allocate() takes a lowest and a highest number, and a relation of hints if there is one")
    low, high = (_number(draft, given[n]) for n in ("low", "high"))
    if low > high:
        raise Refused(call, f"allocate({low}, {high}) has no number to give", "the lowest number comes first")
    hints, wanted = (_numbers(draft, given.get(n), what) for n, what in _NUMBERS.items())
    return Allocate(low, high, hints, _within(draft, given.get("within"), head), wanted, _after(draft, given))


def _numbers(draft: Draft, node: ast.expr | None, what: str) -> str | None:
    """The relation that says numbers."""
    if node is None:
        return None
    relation = relation_of(draft.scope.resolve(node, "relation"))
    if relation is None:
        raise Refused(node, f"the {what} of allocate() are a relation")
    draft.used[relation.name] = relation
    return relation.name


def _within(draft: Draft, node: ast.expr | None, head: list[ast.expr | None]) -> tuple[int, ...]:
    """The columns of the head that have the variables of ``within``."""
    if node is None:
        return ()
    variables = [n.id if isinstance(n, ast.Name) and n.id in draft.scope.parameters else None for n in head]
    known = list(dict.fromkeys(v for v in variables if v is not None))
    hint = f"variables of the head are {listed(known)}" if known else "the head has none"
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    if not parts:
        raise Refused(node, "within of allocate() names no variable", hint)
    found: set[int] = set()
    for part in parts:
        if not isinstance(part, ast.Name):
            raise Refused(part, "within of allocate() is a variable of the head, or a tuple of some", hint)
        if part.id not in known:
            raise Refused(
                part, f"{part.id!r} of within is no variable of the head", did_you_mean(part.id, known) or hint
            )
        found.update(i for i, v in enumerate(variables) if v == part.id)
    if len(found) == len(head) - 1:
        raise Refused(
            node, "within of allocate() is the whole group, so every number would be the lowest", "leave some of it out"
        )
    return tuple(sorted(found))


def _after(draft: Draft, given: Mapping[str, ast.expr]) -> After:
    node = given.get("after")
    if node is None:
        return "last"
    expr = read_expression(node, draft.scope, draft.source)
    if isinstance(expr.tree, ast.Constant) and expr.tree.value in ("last", "largest", "hint", None):
        if expr.tree.value == "hint" and "hints" not in given:
            raise Refused(node, "allocate() has no hints to search after", "name a relation of hints")
        return cast("After", expr.tree.value)
    raise Refused(node, "after of allocate() is 'last', 'largest', 'hint' or None")


def _number(draft: Draft, node: ast.expr) -> int:
    expr = read_expression(node, draft.scope, draft.source)
    if not expr.variables:
        value = constant(node, expr, Column("number", INT)).value
        if type(value) is int:
            return value
    raise Refused(node, "the bounds of allocate() are constant numbers")


def _check_aggregate(draft: Draft) -> None:
    special = [(t, n) for t, n in zip(draft.terms, draft.nodes, strict=True) if isinstance(t, Aggregate | Allocate)]
    if len(special) > 1:
        what = "aggregates" if all(isinstance(t, Aggregate) for t, _ in special) else "aggregates or allocations"
        draft.refuse(special[1][1], f"two {what} in one head", "derive a relation with each, and join them")
        return
    group = {t.name for t in draft.terms if isinstance(t, Var)}
    for term, node in special:
        if isinstance(term, Aggregate) and set(term.value.variables) <= group:
            draft.refuse(
                node,
                f"aggregated variable {term.value.variables[0]!r} is also in the group",
                "the group is every other term of the head: leave the variable out of them",
            )
        elif isinstance(term, Allocate):
            for what, name in zip(_NUMBERS.values(), (term.hints, term.wanted), strict=True):
                if name is not None:
                    _check_numbers(draft, term, node, what, draft.used[name])


def _check_numbers(draft: Draft, term: Allocate, node: ast.expr, what: str, relation: RelationDef) -> None:
    group = [c for c, t in zip(draft.head.columns, draft.terms, strict=True) if t is not term]
    if [c.type for c in relation.columns] != [*(c.type for c in group), INT]:
        draft.refuse(
            node,
            f"{what} {relation.name} has the columns ({_typed(relation.columns)})",
            f"they are the group's, followed by the number: "
            f"({', '.join(f'{c.name}: {c.type}' for c in group)}{', ' if group else ''}int)",
        )


def _typed(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"{c.name}: {c.type}" for c in columns)
