"""Types of expressions: inferred where Python's own rules and annotations make it easy, ``any`` elsewhere."""

from __future__ import annotations

import ast
import contextlib
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.frontend_scope import Refused
from ovn_rules.engine.frontend_types import (
    accepts,
    agree,
    element,
    from_annotation,
    hints_of,
    listing,
    meet,
    of_value,
)
from ovn_rules.engine.ir import ANY, BOOL, FLOAT, INT, STR, UUID, Type, Uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ovn_rules.engine.ir import Expr

_NUMBERS = {"int": 0, "bool": 0, "float": 1}
_TEXT = (
    "capitalize casefold center expandtabs format join ljust lower lstrip removeprefix removesuffix replace "
    "rjust rstrip strip swapcase title translate upper zfill"
)
_TESTS = (
    "endswith startswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isspace "
    "istitle isupper issubset issuperset is_integer"
)
_METHODS = {
    **dict.fromkeys(_TEXT.split(), STR),
    **dict.fromkeys(_TESTS.split(), BOOL),
    **dict.fromkeys(("bit_count", "bit_length", "count", "find", "index", "rfind", "rindex"), INT),
    **dict.fromkeys(("rsplit", "split", "splitlines"), listing(STR)),
    **dict.fromkeys(("partition", "rpartition"), Type("tuple", (STR, STR, STR))),
}
_FIXED = {
    **dict.fromkeys(("ascii", "bin", "chr", "format", "hex", "oct", "repr", "str"), STR),
    **dict.fromkeys(("int", "len", "ord"), INT),
    **dict.fromkeys(("all", "any", "bool", "isinstance"), BOOL),
    "float": FLOAT,
    "range": listing(INT),
}
_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.MatMult: "@",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


def infer(expr: Expr, variables: Mapping[str, Type]) -> Type:
    """The type of an expression.

    Args:
        expr: The expression.
        variables: The types of its variables, as far as they are known.

    Raises:
        Refused: Operands or arguments are of types that don't go together.
    """
    return _Inference(expr.names).of(expr.tree, dict(variables))


class _Inference:
    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def of(self, node: ast.expr, env: dict[str, Type]) -> Type:
        method = getattr(self, f"of_{type(node).__name__.lower()}", None)
        found: Type = method(node, env) if method is not None else ANY
        return found

    def of_constant(self, node: ast.Constant, _env: dict[str, Type]) -> Type:
        return of_value(node.value)

    def of_name(self, node: ast.Name, env: dict[str, Type]) -> Type:
        if node.id in env:
            return env[node.id]
        return of_value(self.names[node.id]) if node.id in self.names else ANY

    def of_joinedstr(self, node: ast.JoinedStr, env: dict[str, Type]) -> Type:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.of(part.value, env)
        return STR

    def of_tuple(self, node: ast.Tuple, env: dict[str, Type]) -> Type:
        inside = tuple(self.of(e, env) for e in node.elts)
        return Type("tuple", () if any(isinstance(e, ast.Starred) for e in node.elts) else inside)

    def of_list(self, node: ast.List | ast.Set, env: dict[str, Type]) -> Type:
        inside = {self.of(e, env) for e in node.elts}
        return listing(inside.pop() if len(inside) == 1 else ANY)

    of_set = of_list

    def of_ifexp(self, node: ast.IfExp, env: dict[str, Type]) -> Type:
        self.of(node.test, env)
        return meet(self.of(node.body, env), self.of(node.orelse, env))

    def of_boolop(self, node: ast.BoolOp, env: dict[str, Type]) -> Type:
        first, *others = [self.of(v, env) for v in node.values]
        for other in others:
            first = meet(first, other)
        return first

    def of_unaryop(self, node: ast.UnaryOp, env: dict[str, Type]) -> Type:
        operand = self.of(node.operand, env)
        if isinstance(node.op, ast.Not):
            return BOOL
        return INT if operand == BOOL else operand

    def of_binop(self, node: ast.BinOp, env: dict[str, Type]) -> Type:
        left, right = self.of(node.left, env), self.of(node.right, env)
        if "any" in (left.name, right.name):
            return STR if left == STR and isinstance(node.op, ast.Mod) else ANY
        found = _arithmetic(node.op, left, right)
        if found is None:
            symbol = _SYMBOLS[type(node.op)]
            hint = "write an f-string, or str() around the number" if STR in (left, right) else ""
            raise Refused(node, f"wrong type: {left} {symbol} {right}", hint)
        return found

    def of_compare(self, node: ast.Compare, env: dict[str, Type]) -> Type:
        operands = [node.left, *node.comparators]
        types = [self.of(o, env) for o in operands]
        for i, op in enumerate(node.ops):
            left, right = types[i], types[i + 1]
            if isinstance(op, ast.In | ast.NotIn):
                inside = element(right)
                fine = inside is not None and _comparable(left, inside)
            else:
                fine = _comparable(left, right) or _literal(operands[i], right) or _literal(operands[i + 1], left)
            if not fine:
                raise Refused(
                    node,
                    f"wrong type: {left} {_SYMBOLS.get(type(op), 'is')} {right}",
                    "values of different types are never equal and have no order",
                )
        return BOOL

    def of_subscript(self, node: ast.Subscript, env: dict[str, Type]) -> Type:
        base = self.of(node.value, env)
        if base.name in ("int", "float", "bool"):
            raise Refused(node, f"wrong type: {base} has no elements")
        if base.name in ("str", "uuid"):
            return STR
        if base.name == "list":
            return base if isinstance(node.slice, ast.Slice) else base.args[0]
        if base.name != "tuple" or not base.args:
            return ANY
        if len(base.args) == 1:
            return base if isinstance(node.slice, ast.Slice) else base.args[0]
        return self.record_part(node, base)

    def record_part(self, node: ast.Subscript, base: Type) -> Type:
        """The type of one position of a record."""
        try:
            position = ast.literal_eval(node.slice)
        except ValueError:
            return ANY
        if type(position) is not int:
            return ANY
        if not -len(base.args) <= position < len(base.args):
            raise Refused(node, f"wrong type: {base} has no position {position}")
        return base.args[position]

    def of_generatorexp(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, env: dict[str, Type]) -> Type:
        for each in node.generators:
            inside = element(self.of(each.iter, env)) or ANY
            env = {**env, **_targets(each.target, inside)}
            for condition in each.ifs:
                self.of(condition, env)
        return listing(self.of(node.elt, env))

    of_listcomp = of_setcomp = of_generatorexp

    def of_call(self, node: ast.Call, env: dict[str, Type]) -> Type:
        args = [self.of(a, env) for a in node.args]
        keywords = {k.arg: self.of(k.value, env) for k in node.keywords}
        if isinstance(node.func, ast.Attribute):
            self.of(node.func.value, env)
            return _METHODS.get(node.func.attr, ANY)
        assert isinstance(node.func, ast.Name)  # noqa: S101 - the reader lets no other through
        if node.func.id not in self.names:
            return _builtin(node.func.id, args)
        function = self.names[node.func.id]
        if function is Uuid:
            return UUID
        plain = not any(isinstance(a, ast.Starred) for a in node.args) and None not in keywords
        return _called(node, function, args if plain else None, keywords)


def _called(node: ast.Call, function: Callable[..., Any], args: list[Type] | None, keywords: dict[Any, Type]) -> Type:
    """Checks the arguments of a call (unless there are starred ones), and gives its annotation's type."""
    signature, hints = _signature(function)
    name = ast.unparse(node.func)
    if signature is not None and args is not None:
        try:
            given = signature.bind(*args, **keywords).arguments
        except TypeError as e:
            raise Refused(node, f"wrong arity: {name}(): {e}") from e
        for parameter, type_ in given.items():
            wanted = hints.get(parameter)
            if isinstance(type_, Type) and wanted is not None and not accepts(wanted, type_):
                raise Refused(node, f"wrong type: {type_} for parameter {parameter!r} of {name}(), which is {wanted}")
    return hints.get("return", ANY)


_SIGNATURES: dict[Any, tuple[inspect.Signature | None, dict[str, Type]]] = {}


def _signature(function: Callable[..., Any]) -> tuple[inspect.Signature | None, dict[str, Type]]:
    if function not in _SIGNATURES:
        hints: dict[str, Type] = {}
        signature = None
        if not isinstance(function, type):
            with contextlib.suppress(TypeError, ValueError):  # some builtins have none
                signature = inspect.signature(function)
            hints = {n: from_annotation(a) or ANY for n, a in hints_of(function).items()}
        _SIGNATURES[function] = (signature, hints)
    return _SIGNATURES[function]


def _builtin(name: str, args: list[Type]) -> Type:
    if name in _FIXED:
        return _FIXED[name]
    first = args[0] if args else ANY
    inside = (element(first) or ANY) if args else ANY
    several = partial(_met, args)
    results: dict[str, Callable[[], Type]] = {
        "abs": lambda: first,
        "round": lambda: INT if len(args) == 1 else first,
        "sum": lambda: inside,
        "min": lambda: inside if len(args) == 1 else several(),
        "max": lambda: inside if len(args) == 1 else several(),
        "sorted": lambda: listing(inside),
        "list": lambda: listing(inside),
        "set": lambda: listing(inside),
        "frozenset": lambda: listing(inside),
        "reversed": lambda: listing(inside),
        "tuple": lambda: Type("tuple", (inside,) if args else ()),
        "enumerate": lambda: listing(Type("tuple", (INT, inside))),
        "zip": lambda: listing(Type("tuple", tuple(element(a) or ANY for a in args))),
        "divmod": lambda: Type("tuple", (INT, INT)) if args == [INT, INT] else ANY,
    }
    return results[name]() if name in results else ANY


def _met(types: list[Type]) -> Type:
    found = types[0] if types else ANY
    for each in types[1:]:
        found = meet(found, each)
    return found


def _targets(target: ast.expr, inside: Type) -> dict[str, Type]:
    """The types of a comprehension's variables."""
    if isinstance(target, ast.Name):
        return {target.id: inside}
    if isinstance(target, ast.Tuple) and inside.name == "tuple" and len(inside.args) in (1, len(target.elts)):
        types = inside.args * len(target.elts) if len(inside.args) == 1 else inside.args
        return {n: t for e, a in zip(target.elts, types, strict=True) for n, t in _targets(e, a).items()}
    return {n.id: ANY for n in ast.walk(target) if isinstance(n, ast.Name)}


def _literal(node: ast.expr, other: Type) -> bool:
    """Whether a text constant is compared with a UUID."""
    return other == UUID and isinstance(node, ast.Constant) and isinstance(node.value, str)


def _comparable(left: Type, right: Type) -> bool:
    return {left, right} == {INT, FLOAT} or agree(left, right) or agree(right, left)


def _arithmetic(op: ast.operator, left: Type, right: Type) -> Type | None:
    """The type of a binary operation's result, None when there is none for these operands."""
    if left.name in _NUMBERS and right.name in _NUMBERS:
        return _numeric(op, left, right)
    if left.name in ("str", "uuid"):
        if isinstance(op, ast.Mod):
            return STR
        fits = right.name in (("str", "uuid") if isinstance(op, ast.Add) else ("int", "bool"))
        return STR if isinstance(op, ast.Add | ast.Mult) and fits else None
    if left.name == right.name == "tuple" and isinstance(op, ast.Add):
        if left.args == right.args and len(left.args) == 1:
            return left
        return Type("tuple", left.args + right.args if min(len(left.args), len(right.args)) > 1 else ())
    return ANY if {left.name, right.name} & {"tuple", "list"} else None


def _numeric(op: ast.operator, left: Type, right: Type) -> Type:
    if isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor) and left == right == BOOL:
        return BOOL
    if isinstance(op, ast.Pow):
        return ANY
    return FLOAT if isinstance(op, ast.Div) or FLOAT in (left, right) else INT
