"""Python expressions in rules: which are allowed, and what the names in them stand for."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any, TypeVar

from ovn_rules.engine import language
from ovn_rules.engine.frontend_purity import BUILTINS, METHODS, impurity, known, lacks_annotation
from ovn_rules.engine.frontend_scope import NOTHING, Refused, Scope, relation_of
from ovn_rules.engine.frontend_types import plain
from ovn_rules.engine.ir import Expr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from ovn_rules.engine.frontend_source import Source

N = TypeVar("N", bound=ast.AST)

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)

_PLAIN = (
    ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.JoinedStr | ast.FormattedValue
    | ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Subscript | ast.Slice | ast.Starred | ast.keyword
    | ast.operator | ast.unaryop | ast.boolop | ast.cmpop | ast.expr_context
)  # fmt: skip
_REFUSED = {
    ast.Lambda: ("a lambda has no name to show in a derivation", "define a function with @pure"),
    ast.NamedExpr: (
        "an assignment expression (:=) has no meaning in a rule",
        "write (x == expression) as a literal of its own",
    ),
    ast.Await: ("await has no meaning in a rule", "rules call pure functions only"),
    ast.Yield: ("yield has no meaning in a rule", "rules call pure functions only"),
    ast.YieldFrom: ("yield has no meaning in a rule", "rules call pure functions only"),
}
_ONLY_HEADS = (language.collect, language.count, language.allocate)


def refuse_syntax(node: ast.expr) -> None:
    """Refuses what no part of a rule may be.

    Raises:
        Refused: The node is a lambda, an assignment expression or an await.
    """
    if type(node) in _REFUSED:
        raise Refused(node, *_REFUSED[type(node)])


def read_expression(
    node: ast.expr, scope: Scope, source: Source, replaced: Mapping[ast.expr, str] | None = None
) -> Expr:
    """Reads an expression.

    Args:
        node: Its syntax, which is left as it is.
        scope: What the rule's names mean.
        source: The file, for the expression's text.
        replaced: Nodes that a variable is to stand for.

    Raises:
        Refused: Something in it is not allowed or not defined.
    """
    reader = _Reader(scope, replaced or {}, _comprehension_names(node))
    tree = reader.walk(node, frozenset())
    return Expr(tree, source.text(node), tuple(reader.variables), reader.names)


def _comprehension_names(node: ast.expr) -> frozenset[str]:
    """Names that comprehensions inside an expression bind."""
    targets = [n.target for n in ast.walk(node) if isinstance(n, ast.comprehension)]
    return frozenset(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))


class _Reader:
    """One expression: its variables and outside names in the order they are met."""

    def __init__(self, scope: Scope, replaced: Mapping[ast.expr, str], reserved: frozenset[str]) -> None:
        self.scope = scope
        self.replaced = replaced
        self.reserved = reserved
        self.variables: dict[str, None] = {}
        self.names: dict[str, Any] = {}
        self.handlers: dict[type[ast.AST], Callable[[Any, frozenset[str]], Any]] = {
            ast.Name: self.name,
            ast.Constant: self.constant,
            ast.Attribute: self.attribute,
            ast.Call: self.call,
            **dict.fromkeys(_COMPREHENSIONS, self.comprehension),
        }

    def walk(self, node: Any, inner: frozenset[str]) -> Any:
        """The node with outside names made plain; ``inner`` are the names bound inside the expression."""
        if node in self.replaced:
            name = self.replaced[node]
            self.variables[name] = None
            return ast.copy_location(ast.Name(name, ast.Load()), node)
        if (handler := self.handlers.get(type(node))) is not None:
            return handler(node, inner)
        if isinstance(node, _PLAIN):
            return self.plain(node, inner)
        refuse_syntax(node)
        raise Refused(node, f"{type(node).__name__} is not an expression of rules")

    def plain(self, node: ast.AST, inner: frozenset[str]) -> ast.AST:
        """A node that stays as it is but for what is inside it."""
        changed: dict[str, Any] = {}
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                new = self.walk(value, inner)
                if new is not value:
                    changed[field] = new
            elif isinstance(value, list):
                items = [self.walk(v, inner) if isinstance(v, ast.AST) else v for v in value]
                if any(a is not b for a, b in zip(items, value, strict=True)):
                    changed[field] = items
        return _with(node, changed)

    def constant(self, node: ast.Constant, _inner: frozenset[str]) -> ast.Constant:
        if not isinstance(node.value, str | int | float | bool | None):
            raise Refused(node, f"a {type(node.value).__name__} constant has no meaning in a rule")
        return node

    def name(self, node: ast.Name, inner: frozenset[str]) -> ast.expr:
        if node.id in inner:
            return node
        if node.id in self.scope.parameters and node.id != "_":
            self.variables[node.id] = None
            return node
        if node.id == "_":
            raise Refused(node, "_ has no value in an expression", "name a parameter of the rule")
        return self.outside(node, self.scope.resolve(node))

    def attribute(self, node: ast.Attribute, inner: frozenset[str]) -> ast.expr:
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        value = NOTHING
        if not (isinstance(root, ast.Name) and root.id in inner):
            value = self.scope.resolve(node)
        if value is NOTHING:
            raise Refused(
                node,
                f"attribute {node.attr!r} of a value can't be read in a rule",
                "use a @pure function for it",
            )
        return self.outside(node, value)

    def outside(self, node: ast.Name | ast.Attribute, value: Any) -> ast.expr:
        """A constant or function of the module."""
        if relation := relation_of(value):
            raise Refused(
                node,
                f"relation {relation.name} stands where a value is expected",
                "an atom is a literal of its own, joined with &",
            )
        if callable(value) or _is_module(value):
            self.check_function(node, value)
        value = plain(value)
        if isinstance(node, ast.Name) and BUILTINS.get(node.id) is value:
            return node
        name = node.id if isinstance(node, ast.Name) else ast.unparse(node).replace(".", "_")
        while name in self.reserved or name in self.scope.parameters or self.names.get(name, value) is not value:
            name += "_"
        self.names[name] = value
        if isinstance(node, ast.Name) and name == node.id:
            return node
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def function(self, node: ast.Name | ast.Attribute, value: Any) -> ast.expr:
        """What is called."""
        if not callable(value) and not _is_module(value):
            raise Refused(node, f"{ast.unparse(node)!r} is not a function")
        return self.outside(node, value)

    def check_function(self, node: ast.expr, value: Callable[..., Any] | ModuleType) -> None:
        """Refuses a function that rules may not call."""
        text = ast.unparse(node)
        if value in _ONLY_HEADS:
            raise Refused(node, f"{text} stands in heads only", "derive a relation with it, and use that relation here")
        if value is language.every:
            raise Refused(node, "every() goes around an atom of a body")
        if not known(value):
            raise Refused(
                node,
                f"impure or unknown function {text!r}",
                "mark it with @pure when it always gives the same value for the same arguments",
            )
        assert callable(value)  # noqa: S101 - modules are not known
        if found := impurity(value):
            raise Refused(
                node,
                f"impure function {text!r}: it {found}",
                "a rule's value may depend on its arguments only",
            )
        if lacks_annotation(value):
            raise Refused(
                node,
                f"pure function {text!r} has no return annotation",
                f"write def {text}(…) -> type: the annotation gives the value's type",
            )

    def call(self, node: ast.Call, inner: frozenset[str]) -> ast.expr:
        func = node.func
        changed: dict[str, Any] = {}
        if isinstance(func, ast.Name) and func.id in self.scope.parameters:
            raise Refused(
                func,
                f"parameter {func.id!r} is used as a function or relation",
                "parameters are logic variables: rename it",
            )
        if isinstance(func, ast.Name) and func.id not in inner:
            new = self.function(func, self.scope.resolve(func, "function"))
        elif isinstance(func, ast.Attribute):
            new = self.method(func, inner)
        else:
            refuse_syntax(func)
            raise Refused(func, "only functions and methods with a name can be called in a rule")
        if new is not func:
            changed["func"] = new
        for field in ("args", "keywords"):
            items = [self.walk(v, inner) for v in getattr(node, field)]
            if any(a is not b for a, b in zip(items, getattr(node, field), strict=True)):
                changed[field] = items
        return _with(node, changed)

    def method(self, func: ast.Attribute, inner: frozenset[str]) -> ast.expr:
        """The function part of ``a.b(…)``: a module's function, or a method of a value."""
        root: ast.expr = func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in inner:
            value = self.scope.resolve(func, "function")
            if value is not NOTHING:
                return self.function(func, value)
        if func.attr not in METHODS:
            raise Refused(
                func,
                f"method {func.attr!r} may not be called in a rule",
                "methods of str, int and tuple may; use a @pure function for others",
            )
        inside = self.walk(func.value, inner)
        return func if inside is func.value else _with(func, {"value": inside})

    def comprehension(self, node: Comprehension, inner: frozenset[str]) -> ast.expr:
        generators = []
        for each in node.generators:
            if each.is_async:
                raise Refused(node, "async has no meaning in a rule")
            source = self.walk(each.iter, inner)
            for target in ast.walk(each.target):
                if isinstance(target, ast.Name):
                    self.check_target(target)
                    inner |= {target.id}
            conditions = [self.walk(c, inner) for c in each.ifs]
            generators.append(_with(each, {"iter": source, "ifs": conditions}))
        changed: dict[str, Any] = {"generators": generators}
        for field in ("key", "value", "elt"):
            if (part := getattr(node, field, None)) is not None:
                changed[field] = self.walk(part, inner)
        return _with(node, changed)

    def check_target(self, target: ast.Name) -> None:
        if target.id in self.scope.parameters:
            raise Refused(
                target,
                f"{target.id!r} is a logic variable, and can't be the variable of a comprehension as well",
                "rename one of them",
            )


def _is_module(value: Any) -> bool:
    return type(value).__name__ == "module"


def _with(node: N, changed: Mapping[str, Any]) -> N:
    """A node with some fields changed; the node itself when none is."""
    if not changed:
        return node
    new = copy.copy(node)
    for field, value in changed.items():
        setattr(new, field, value)
    return new
