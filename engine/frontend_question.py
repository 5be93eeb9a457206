"""The front end for questions: a conjunction from a text, read as the body of a rule is."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.checks_binding import check_binding
from ovn_rules.engine.checks_types import check_types
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.frontend_clauses import read_body
from ovn_rules.engine.frontend_draft import Draft
from ovn_rules.engine.frontend_scope import Refused, Scope, relation_of
from ovn_rules.engine.frontend_source import Source
from ovn_rules.engine.frontend_terms import read_head
from ovn_rules.engine.ir import ANY, Atom, Column, RelationDef, Var, Wild
from ovn_rules.engine.language import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovn_rules.engine.ir import Program

ANSWER = "(answer)"
"""The relation that a question derives: no rule can name it."""


def _query() -> None:
    """What was asked."""


_RULE = rule(_query)


def read_question(program: Program, text: str, outside: Mapping[str, Any]) -> Draft:
    """Reads a question.

    Args:
        program: What is asked about.
        text: ``literal & literal & …``, or ``(term, …) <= literal & …``.
        outside: What names stand for. Any other name is a logic variable.

    Returns:
        The draft of a clause that derives ``ANSWER``. Without a head its columns are the variables in the order in
        which they appear, those that begin with ``_`` left out.

    Raises:
        QuestionError: The first thing that is wrong with it.
    """
    start = len(text) - len(text.lstrip())
    line = re.sub(r"\s", " ", text.strip())
    if not line:
        raise QuestionError("nothing is asked", text, 0, len(text), "write Relation(column=variable) & ...")
    try:
        draft = _read(_parsed(line), line, outside)
        _check(draft, program)
    except Refused as e:
        place = Source("", [line], ast.Module([], [])).location(e.node)
        raise QuestionError(e.message, text, start + place.column, start + place.end_column, e.hint) from None
    except SyntaxError as e:
        at = start + min(max((e.offset or 1) - 1, 0), len(line))
        raise QuestionError(f"this is no query: {e.msg}", text, at, at + 1) from None
    except (RecursionError, MemoryError, ValueError):
        raise QuestionError("this can't be read: it is nested too deeply, or no text", text, 0, len(text)) from None
    if draft.problems:
        first = min(draft.problems, key=lambda p: p.location.column if p.location else 0)
        at, end = (first.location.column, first.location.end_column) if first.location else (0, len(line))
        raise QuestionError(first.message, text, start + at, start + end, first.hint)
    return draft


def _parsed(line: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python doesn't know
        return ast.parse(line, mode="eval").body


def _read(node: ast.expr, line: str, outside: Mapping[str, Any]) -> Draft:
    source = Source("", [line], ast.Module([], []))
    scope = Scope(outside, _variables(node, outside))
    head, body = None, node
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.LtE) and not source.parenthesised(node):
        if len(node.ops) > 1:
            raise Refused(node.comparators[-1], "missing parentheses around a comparison", "& binds tighter than it")
        head, body = node.left, node.comparators[0]
    terms = head.elts if isinstance(head, ast.Tuple) else [head] if head is not None else []
    columns = tuple(Column(source.text(t), ANY) for t in terms)
    statement = ast.copy_location(ast.Expr(node), node)
    draft = Draft(_RULE, 0, statement, source, scope, RelationDef(ANSWER, columns))
    if head is not None:
        read_head(draft, ast.copy_location(ast.Call(ast.Name(ANSWER), terms, []), head))
    read_body(draft, body)
    if head is None:
        _answer_all(draft)
    return draft


def _variables(node: ast.expr, outside: Mapping[str, Any]) -> Iterator[str]:
    """Names that stand for no relation, function or module, and are bound nowhere inside."""
    nodes = list(ast.walk(node))
    taken = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for each in nodes:
        if isinstance(each, ast.Call | ast.Attribute):
            inside = each.func if isinstance(each, ast.Call) else each.value
            if isinstance(inside, ast.Name) and (isinstance(each, ast.Call) or inside.id in outside):
                taken.add(inside.id)
    for each in nodes:
        if isinstance(each, ast.Name) and each.id not in taken and relation_of(outside.get(each.id)) is None:
            yield each.id


def _answer_all(draft: Draft) -> None:
    """Gives a question without a head one: its variables in the order in which they appear."""
    found: dict[str, ast.expr] = {}
    for part in draft.parts:
        for use in draft.literal_uses(part):
            if not use.name.startswith("_"):
                before = found.setdefault(use.name, use.node)
                if (use.node.lineno, use.node.col_offset) < (before.lineno, before.col_offset):
                    found[use.name] = use.node
    order = sorted(found, key=lambda n: (found[n].lineno, found[n].col_offset))
    draft.head = RelationDef(ANSWER, tuple(Column(n, ANY) for n in order))
    draft.terms = [Var(n) for n in order]
    draft.nodes = [found[n] for n in order]


def _check(draft: Draft, program: Program) -> None:
    """Notes what is wrong as in a rule, cross products apart; and what the program doesn't read."""
    for part in draft.parts:
        literal = part.literal
        if not isinstance(literal, Atom):
            continue
        known = program.relations.get(literal.relation)
        whole = draft.used[literal.relation]
        if known is None:
            message = f"{literal.relation} is in the database, but this program doesn't read it"
            draft.refuse(part.node, message)
            continue
        names = {c.name for c in known.columns}
        for term, node, column in zip(literal.terms, part.nodes, whole.columns, strict=True):
            if not isinstance(term, Wild) and column.name not in names:
                message = f"{literal.relation} has a column {column.name}, but this program doesn't read it"
                draft.refuse(node or part.node, message)
    if not draft.problems:
        check_binding(draft)
        check_types(draft)
