"""The values of a clause are of the types of their columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.frontend_infer import infer
from ovn_rules.engine.frontend_scope import Refused
from ovn_rules.engine.frontend_types import agree, element, from_annotation, hints_of, of_value
from ovn_rules.engine.ir import (
    ANY,
    FLOAT,
    INT,
    STR,
    UUID,
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Const,
    Expr,
    Member,
    Type,
    Var,
)

if TYPE_CHECKING:
    import ast

    from ovn_rules.engine.frontend_draft import Draft, Part
    from ovn_rules.engine.ir import Column, HeadTerm


def check_types(draft: Draft) -> None:
    """Notes wrong types, and gives each expression its type."""
    checker = _Checker(draft)
    for part in draft.parts:
        if isinstance(part.literal, Atom):
            checker.atom(part, part.literal)
    waiting = [p for p in draft.parts if isinstance(p.literal, Bind | Member)]
    while waiting:
        ready = [p for p in waiting if checker.knows(p)] or waiting[:1]
        waiting = [p for p in waiting if p not in ready]
        for part in ready:
            checker.noted(checker.link, part)
    for part in draft.parts:
        if not isinstance(part.literal, Atom | Bind | Member):
            checker.noted(checker.filter, part)
    for i, column in enumerate(draft.head.columns):
        checker.noted(checker.head, i, column)


class _Checker:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.types: dict[str, Type] = {}
        for name, annotation in hints_of(draft.rule.function).items():
            if name in draft.scope.parameters:
                self.types[name] = from_annotation(annotation) or ANY

    def noted(self, method: Any, *args: Any) -> None:
        """Calls a method and notes what it refuses."""
        try:
            method(*args)
        except Refused as e:
            self.draft.note(e)

    def knows(self, part: Part) -> bool:
        literal = part.literal
        return isinstance(literal, Bind | Member) and all(v in self.types for v in literal.expr.variables)

    def atom(self, part: Part, atom: Atom) -> None:
        relation = self.draft.used[atom.relation]
        for term, node, column in zip(atom.terms, part.nodes, relation.columns, strict=True):
            where = f"column {column.name!r} of {relation.name}"
            if isinstance(term, Const) and not fits(column.type, term.value):
                self.draft.note(_wrong_constant(node or part.node, term, where, column))
            elif isinstance(term, Var):
                at = node or part.node
                self.noted(self.variable, term.name, at, column.type, where)

    def variable(self, name: str, node: ast.expr, wanted: Type, where: str) -> None:
        """Gives a variable a type, or compares it with the one it has."""
        known = self.types.get(name, ANY)
        if not agree(wanted, known):
            text = self.draft.source.text(node)
            raise _wrong(node, repr(name) if text == name else text, known, where, wanted)
        if known == ANY or (not known.args and wanted.args):
            self.types[name] = wanted

    def typed(self, expr: Expr) -> Expr:
        """The expression with its type, which may be a list."""
        return replace(expr, type=infer(expr, self.types))

    def stored(self, node: ast.expr, expr: Expr) -> Expr:
        """The expression with its type, which must be one that facts can hold."""
        typed = self.typed(expr)
        if _has_list(typed.type):
            raise Refused(node, "wrong type: a list or set can't be the value of a column", "put tuple(…) around it")
        return typed

    def link(self, part: Part) -> None:
        literal = part.literal
        if isinstance(literal, Bind):
            expr = self.stored(part.node, literal.expr)
            part.literal = replace(literal, expr=expr)
            known = self.types.get(literal.variable, ANY)
            if not agree(known, expr.type) and not _text_for_uuid(expr, known):
                source = part.nodes[0] or part.node
                name = self.draft.source.text(source)
                shown = f"variable {name!r}" if name == literal.variable else "the column"
                raise _wrong(part.node, expr.source, expr.type, shown, known)
            if known == ANY:
                self.types[literal.variable] = expr.type
        elif isinstance(literal, Member):
            self.member(part, literal)

    def member(self, part: Part, literal: Member) -> None:
        expr = self.typed(literal.expr)
        part.literal = replace(literal, expr=replace(expr, type=ANY if _has_list(expr.type) else expr.type))
        inside = element(expr.type)
        if inside is None:
            raise Refused(part.node, f"wrong type: {expr.source} is {expr.type}, which has no elements")
        size = len(literal.variables)
        types = _taken_apart(part.node, inside, size) if literal.unpack else (inside,)
        for name, node, type_ in zip(literal.variables, part.nodes, types, strict=True):
            if name is not None and not _has_list(type_):
                self.variable(name, node or part.node, type_, f"an element of {expr.source}")

    def filter(self, part: Part) -> None:
        literal = part.literal
        if not isinstance(literal, Atom | Bind | Member):
            expr = self.typed(literal.expr)
            part.literal = replace(literal, expr=replace(expr, type=ANY if _has_list(expr.type) else expr.type))

    def head(self, position: int, column: Column) -> None:
        term, node = self.draft.terms[position], self.draft.nodes[position]
        where = f"column {column.name!r} of {self.draft.head.name}"
        new, given = self.head_term(term, node)
        self.draft.terms[position] = new
        if isinstance(new, Const):
            if not fits(column.type, new.value):
                raise _wrong_constant(node, new, where, column)
        elif not agree(column.type, given) and not (isinstance(new, Expr) and _text_for_uuid(new, column.type)):
            name = repr(new.name) if isinstance(new, Var) else self.draft.source.text(node)
            raise _wrong(node, name, given, where, column.type)

    def head_term(self, term: HeadTerm, node: ast.expr) -> tuple[HeadTerm, Type]:
        """A head's term with its types filled in, and the type of its value."""
        if isinstance(term, Var):
            return term, self.types.get(term.name, ANY)
        if isinstance(term, Const):
            return term, of_value(term.value)
        if isinstance(term, Allocate):
            return term, INT
        if isinstance(term, Expr):
            expr = self.stored(node, term)
            return expr, expr.type
        return self.aggregate(term, node)

    def aggregate(self, term: Aggregate, node: ast.expr) -> tuple[Aggregate, Type]:
        value = self.stored(node, term.value)
        results = {"collect": Type("tuple", (value.type,)), "count": INT}
        if term.function == "sum" and value.type not in (INT, FLOAT, ANY):
            raise Refused(node, f"wrong type: sum() of {value.type}", "numbers can be summed")
        found = results.get(term.function, value.type)
        wrap = term.wrap
        if wrap is not None:
            (name,) = wrap.variables
            wrap = replace(wrap, type=infer(wrap, {name: found}))
            if _has_list(wrap.type):
                raise Refused(
                    node, "wrong type: a list or set can't be the value of a column", "put tuple(…) around it"
                )
            found = wrap.type
        return replace(term, value=value, wrap=wrap), found


def _has_list(type_: Type) -> bool:
    return type_.name == "list" or any(map(_has_list, type_.args))


def _text_for_uuid(expr: Expr, wanted: Type) -> bool:
    """Whether an expression is a text constant where a UUID is wanted."""
    return wanted == UUID and not expr.variables and expr.type == STR


def _taken_apart(node: ast.expr, inside: Type, size: int) -> tuple[Type, ...]:
    """The types of the parts of an element."""
    if inside == ANY or (inside.name == "tuple" and not inside.args):
        return (ANY,) * size
    if inside.name != "tuple" or len(inside.args) not in (1, size):
        raise Refused(node, f"wrong type: a pattern of {size} for elements of type {inside}")
    return inside.args * size if len(inside.args) == 1 else inside.args


def fits(wanted: Type, value: Any) -> bool:
    """Whether a constant is of a type; UUIDs are text."""
    if wanted.name == "any":
        return True
    if wanted.name != "tuple":
        classes = {"str": str, "uuid": str, "int": int, "float": float, "bool": bool}
        return type(value) is classes.get(wanted.name)
    if not isinstance(value, tuple):
        return False
    if len(wanted.args) < 2:
        return all(fits(wanted.args[0], v) for v in value) if wanted.args else True
    return len(value) == len(wanted.args) and all(map(fits, wanted.args, value))


def _wrong_constant(node: ast.expr, term: Const, where: str, column: Column) -> Refused:
    return Refused(node, f"wrong type: {show(term.value)} is {of_value(term.value)}, {where} is {column.type}")


def show(value: Any) -> str:
    """A constant as it is shown in a message, long ones cut."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


_CONVERSIONS = {"str": "str()", "int": "int()", "float": "float()", "uuid": "Uuid()", "tuple": "tuple()"}


def _wrong(node: ast.expr, what: str, given: Type, where: str, wanted: Type) -> Refused:
    conversion = _CONVERSIONS.get(wanted.name)
    hint = f"convert it with {conversion} if that is meant" if conversion and wanted.name != given.name else ""
    return Refused(node, f"wrong type: {what} is {given}, {where} is {wanted}", hint)
