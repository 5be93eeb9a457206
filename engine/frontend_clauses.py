"""Rule functions to drafts of clauses: statements, heads, literals."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ovn_rules.engine import language
from ovn_rules.engine.errors import Problem
from ovn_rules.engine.frontend_draft import Draft, Part
from ovn_rules.engine.frontend_expressions import read_expression, refuse_syntax
from ovn_rules.engine.frontend_scope import Refused, Scope, outside, relation_of
from ovn_rules.engine.frontend_source import Source, read
from ovn_rules.engine.frontend_terms import body_term, by_column, read_head
from ovn_rules.engine.ir import Atom, Bind, Filter, Member

if TYPE_CHECKING:
    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.engine.language import Rule

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


def read_rule(rule: Rule, problems: list[Problem]) -> list[Draft]:
    """Reads a rule function's statements.

    Args:
        rule: The rule.
        problems: Where problems of the function itself go; those of a statement are in its draft.

    Raises:
        LoadError: The function's source can't be found.
    """
    source, node = read(rule)
    try:
        scope = Scope(outside(rule), _parameters(rule, node), rule.name)
    except Refused as e:
        problems.append(Problem(e.message, source.location(e.node), e.hint, rule.name))
        return []
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    drafts = []
    for index, statement in enumerate(body):
        try:
            drafts.append(_read_statement(rule, index, statement, source, scope))
        except Refused as e:
            problems.append(Problem(e.message, source.location(e.node), e.hint, rule.name))
    if not body:
        problems.append(
            Problem(f"rule {rule.name} derives nothing", source.location(node), "write Head(…) <= (…)", rule.name)
        )
    if len(drafts) == len(body):
        hint = "leave it out, or start its name with _"
        problems += [
            Problem(f"parameter {a.arg!r} is never used", source.location(a), hint, rule.name) for a in _unused(node)
        ]
    return drafts


def _parameters(rule: Rule, node: ast.FunctionDef) -> list[str]:
    arguments = node.args
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            raise Refused(extra, "* and ** have no meaning in a rule", "name every logic variable")
    for default in (*arguments.defaults, *arguments.kw_defaults):
        if default is not None:
            raise Refused(default, "a logic variable has no default value", "write (variable == value) as a literal")
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for each in found:
        if relation := relation_of(rule.names.get(each.arg, rule.function.__globals__.get(each.arg))):
            raise Refused(each, f"parameter {each.arg!r} hides relation {relation.name}", "rename the parameter")
    return [a.arg for a in found]


def _unused(node: ast.FunctionDef) -> list[ast.arg]:
    used = {n.id for s in node.body for n in ast.walk(s) if isinstance(n, ast.Name)}
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a for a in arguments if a.arg not in used and not a.arg.startswith("_")]


def _read_statement(rule: Rule, index: int, node: ast.stmt, source: Source, scope: Scope) -> Draft:
    call, body = _head_and_body(node, source)
    head = _head_relation(call, scope)
    draft = Draft(rule, index, node, source, scope, head)
    draft.used[head.name] = head
    read_head(draft, call)
    if body is not None:
        read_body(draft, body)
    return draft


def read_body(draft: Draft, body: ast.expr) -> None:
    """Reads literals joined by ``&`` into a draft; what is refused is noted in it."""
    for literal in _literals(body):
        try:
            _read_literal(draft, literal)
        except Refused as e:
            draft.note(e)


def _head_and_body(node: ast.stmt, source: Source) -> tuple[ast.Call, ast.expr | None]:
    if not isinstance(node, ast.Expr):
        what = {ast.Assign: "an assignment", ast.AnnAssign: "an assignment", ast.AugAssign: "an assignment"}
        raise Refused(
            node,
            f"{what.get(type(node), 'this statement')} has no meaning in a rule",
            "a rule holds statements of the form Head(…) <= (…)",
        )
    value = node.value
    refuse_syntax(value)
    if isinstance(value, ast.Call):
        return value, None
    if isinstance(value, ast.BoolOp):
        _refuse_boolean(value)
    if isinstance(value, ast.Compare) and isinstance(value.left, ast.Call):
        if isinstance(value.ops[0], ast.LtE):
            if len(value.ops) > 1:
                raise _parentheses(value, 1, source)
            return value.left, value.comparators[0]
        raise Refused(value, f"{_OPERATORS[type(value.ops[0])]!r} between head and body", "write Head(…) <= (…)")
    raise Refused(value, "this is not a clause", "a rule holds statements of the form Head(…) <= (…)")


def _refuse_boolean(node: ast.BoolOp) -> None:
    if isinstance(node.op, ast.And):
        raise Refused(node, "'and' between literals", "join literals with &, each comparison in parentheses")
    raise Refused(node, "'or' between literals", "write a statement for each case")


def _parentheses(node: ast.Compare, start: int, source: Source) -> Refused:
    """What to say of a comparison that swallowed the literals beside it."""
    operands = [node.left, *node.comparators]
    at = next(
        (i for i in range(start, len(node.ops)) if any(_joined(o, source) for o in operands[i : i + 2])),
        start,
    )
    left, right = operands[at], operands[at + 1]
    while isinstance(left, ast.BinOp) and _joined(left, source):
        left = left.right
    while isinstance(right, ast.BinOp) and _joined(right, source):
        right = right.left
    operator = _OPERATORS[type(node.ops[at])]
    span = ast.copy_location(ast.Name("_"), left)
    span.end_lineno, span.end_col_offset = right.end_lineno, right.end_col_offset
    return Refused(
        span,
        f"missing parentheses: & binds tighter than {operator}",
        f"write ({source.text(left)} {operator} {source.text(right)})",
    )


def _joined(node: ast.expr, source: Source) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd) and not source.parenthesised(node)


def _head_relation(call: ast.Call, scope: Scope) -> RelationDef:
    if isinstance(call.func, ast.Name) and call.func.id in scope.parameters:
        raise _parameter_called(call.func)
    value = scope.resolve(call.func, "relation")
    relation = relation_of(value)
    if relation is None:
        raise Refused(
            call.func,
            f"{ast.unparse(call.func)!r} is not a relation",
            "a head is a relation that the rule derives",
        )
    if relation.table is not None:
        raise Refused(
            call.func,
            f"{relation.name} is read from a database, and can't be derived",
            "derive a Relation of your own",
        )
    return relation


def _parameter_called(node: ast.Name) -> Refused:
    return Refused(
        node,
        f"parameter {node.id!r} is used as a function or relation",
        "parameters are logic variables: rename it",
    )


def _literals(node: ast.expr) -> list[ast.expr]:
    """The operands of ``&``, left to right."""
    found: list[ast.expr] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.BitAnd):
            waiting += [each.right, each.left]
        else:
            found.append(each)
    return found


def _read_literal(draft: Draft, node: ast.expr) -> None:
    refuse_syntax(node)
    if isinstance(node, ast.BoolOp):
        _refuse_boolean(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        raise Refused(node, "'|' between literals", "write a statement for each case")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        raise Refused(node, "'not' before a literal", f"write ~{draft.source.text(node.operand)}")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        _read_negated(draft, node)
    elif isinstance(node, ast.Call):
        _read_call(draft, node)
    elif isinstance(node, ast.Compare):
        _read_comparison(draft, node)
    elif isinstance(node, ast.Constant | ast.Tuple | ast.BinOp) or _is_relation(draft, node):
        raise Refused(node, "this is not a literal", "literals are atoms, comparisons and calls of pure functions")
    else:
        _filter(draft, node)


def _is_relation(draft: Draft, node: ast.expr) -> bool:
    return relation_of(draft.scope.resolve(node)) is not None


def _filter(draft: Draft, node: ast.expr) -> None:
    expr = read_expression(node, draft.scope, draft.source)
    draft.parts.append(Part(Filter(expr, draft.source.location(node)), node))


def _callee(draft: Draft, call: ast.Call, kind: str = "") -> object:
    last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return draft.scope.resolve(call.func, kind or ("relation" if last[:1].isupper() else "function"))


def _read_negated(draft: Draft, node: ast.UnaryOp) -> None:
    inside = node.operand
    if isinstance(inside, ast.Call):
        found = _callee(draft, inside)
        relation = relation_of(found)
        if relation is not None:
            _atom(draft, node, inside, relation, negated=True)
            return
        if found is not language.every:
            negation = ast.copy_location(ast.UnaryOp(ast.Not(), inside), node)
            _filter(draft, negation)
            return
        raise Refused(inside, "every() around a negated literal", "a negated literal combines with nothing")
    hint = "write != for ==, and 'not in' for 'in'" if isinstance(inside, ast.Compare) else "write ~R(…)"
    raise Refused(node, "~ goes before an atom or the call of a function", hint)


def _read_call(draft: Draft, node: ast.Call) -> None:
    found = _callee(draft, node)
    relation = relation_of(found)
    if relation is not None:
        _atom(draft, node, node, relation)
    elif found is language.every:
        inside = node.args[0] if len(node.args) == 1 and not node.keywords else None
        relation = relation_of(_callee(draft, inside, "relation")) if isinstance(inside, ast.Call) else None
        if relation is None or not isinstance(inside, ast.Call):
            raise Refused(node, "every() goes around one atom", "write every(R(…))")
        _atom(draft, node, inside, relation, every=True)
    else:
        _filter(draft, node)


def _atom(
    draft: Draft,
    node: ast.expr,
    call: ast.Call,
    relation: RelationDef,
    *,
    negated: bool = False,
    every: bool = False,
) -> None:
    nodes = by_column(call, relation)
    draft.used[relation.name] = relation
    terms = tuple(body_term(draft, n, c) for n, c in zip(nodes, relation.columns, strict=True))
    place = draft.source.location(node)
    draft.parts.append(Part(Atom(relation.name, terms, negated, every, place), node, tuple(nodes)))


def _read_comparison(draft: Draft, node: ast.Compare) -> None:
    if any(_joined(o, draft.source) for o in (node.left, *node.comparators)):
        raise _parentheses(node, 0, draft.source)
    left, right = node.left, node.comparators[0]
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.In) and _pattern(draft, left):
        _member(draft, node, left, right)
        return
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        for variable, value in ((left, right), (right, left)):
            if not isinstance(variable, ast.Name) or not _pattern(draft, variable) or variable.id == "_":
                continue
            expr = read_expression(value, draft.scope, draft.source)
            if variable.id not in expr.variables:
                place = draft.source.location(node)
                draft.parts.append(Part(Bind(variable.id, expr, place), node, (variable,)))
                return
    _filter(draft, node)


def _pattern(draft: Draft, node: ast.expr) -> bool:
    """Whether a node stands for variables that ``in`` or ``==`` may bind."""
    return isinstance(node, ast.Tuple) or (
        isinstance(node, ast.Name) and (node.id == "_" or node.id in draft.scope.parameters)
    )


def _member(draft: Draft, node: ast.Compare, left: ast.expr, right: ast.expr) -> None:
    expr = read_expression(right, draft.scope, draft.source)
    items = left.elts if isinstance(left, ast.Tuple) else [left]
    names: list[str | None] = []
    for item in items:
        if isinstance(item, ast.Name) and _pattern(draft, item):
            names.append(None if item.id == "_" else item.id)
        elif isinstance(item, ast.Tuple | ast.Starred):
            raise Refused(item, "a pattern inside a pattern", "bind it to a variable, and take that apart")
        else:
            part = read_expression(item, draft.scope, draft.source)
            name = draft.fresh()
            draft.parts.append(Part(Bind(name, part, draft.source.location(item)), item, (item,)))
            names.append(name)
    place = draft.source.location(node)
    literal = Member(tuple(names), isinstance(left, ast.Tuple), expr, place)
    draft.parts.append(Part(literal, node, tuple(items)))
