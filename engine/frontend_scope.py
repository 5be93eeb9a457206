"""What the names in a rule mean: logic variables, or what the rule's module and closure define."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.frontend_purity import BUILTINS
from ovn_rules.engine.language import Pattern, Relation, closure
from ovn_rules.engine.schema import Database, DatabaseRelation, RowRelation, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.engine.language import Rule

NOTHING = object()
"""What ``Scope.resolve`` gives for an expression that is not a name of the module."""

_VALUES = (str, int, float, bool, tuple, list, dict, set, frozenset, type(None))


class Refused(Exception):  # noqa: N818 - it becomes a Problem; nobody outside sees it
    """A part of a rule that can't be read: where, why, and what to do."""

    def __init__(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword, message: str, hint: str = "") -> None:
        """Takes the node that the caret goes under."""
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint


def relation_of(value: Any) -> RelationDef | None:
    """The definition of a relation that a name stands for; None when it stands for something else."""
    if isinstance(value, DatabaseRelation) or (
        isinstance(value, type) and issubclass(value, Relation) and value is not Relation
    ):
        found: RelationDef = value.__relation__
        return found
    return None


class Scope:
    """The names of one rule or question."""

    def __init__(self, outside: Mapping[str, Any], parameters: Iterable[str], rule: str = "") -> None:
        """Takes what names stand for, builtins apart, the logic variables, and the rule's name, if it is one's."""
        self.rule = rule
        self.parameters = frozenset(parameters)
        self.outside = {**BUILTINS, **outside}

    def resolve(self, node: ast.expr, kind: str = "name") -> Any:
        """What a name or a chain of attributes stands for in the rule's module.

        Args:
            node: The expression.
            kind: What it ought to be, for the message: ``relation``, ``function`` or ``name``.

        Returns:
            The object, or ``NOTHING`` when the expression is a logic variable or no chain of names.

        Raises:
            Refused: The name is not defined.
        """
        if isinstance(node, ast.Name):
            if node.id in self.parameters:
                return NOTHING
            if node.id not in self.outside:
                what = "name" if kind == "module" else kind
                raise Refused(node, f"unknown {what} {node.id!r}", self.suggest(node.id, kind))
            return self.outside[node.id]
        if not isinstance(node, ast.Attribute):
            return NOTHING
        base = self.resolve(node.value, "module" if isinstance(node.value, ast.Name) else kind)
        if base is NOTHING or isinstance(base, _VALUES):
            return NOTHING
        found = getattr(base, node.attr, NOTHING)
        if found is NOTHING:
            raise _missing(node, base, kind)
        return found

    def suggest(self, name: str, kind: str) -> str:
        """A hint for a name that is not defined."""
        if kind == "relation":
            names = {n for n, v in self.outside.items() if relation_of(v)}
            for each in self.outside.values():
                if isinstance(each, Database):
                    names |= {f"{each.name}.{t}" for t in each.tables()}
            return did_you_mean(name, names) or self._elsewhere(
                "import it into this module, or declare it as a Relation"
            )
        if kind == "function":
            names = {n for n, v in self.outside.items() if callable(v)}
            return did_you_mean(name, names) or self._elsewhere("import it into this module, or define it with @pure")
        close = did_you_mean(name, self.parameters | set(self.outside))
        if kind == "module":
            return close or self._elsewhere("import it into this module")
        return close or self._elsewhere(f"a logic variable is a parameter: def {self.rule}(…, {name})")

    def _elsewhere(self, hint: str) -> str:
        """What to do about a name that isn't defined: in a rule's module something, about a question nothing."""
        return hint if self.rule else ""


def outside(rule: Rule) -> dict[str, Any]:
    """What the names in a rule stand for outside it.

    What a name meant when the function was decorated counts; names that were defined later count as they are
    now.
    """
    return {**rule.function.__globals__, **closure(rule.function), **rule.names}


def _missing(node: ast.Attribute, base: Any, kind: str) -> Refused:
    if isinstance(base, Database):
        full = f"{base.name}.{node.attr}"
        hint = did_you_mean(full, [f"{base.name}.{t}" for t in base.tables()])
        return Refused(node, f"unknown relation {full!r}", hint or f"the schema of {base.name} has no such table")
    if isinstance(base, RowRelation):
        columns = [c.name for c in base.__relation__.columns]
        if node.attr in columns:
            table = base.__relation__.name
            return Refused(node, missing(base, node.attr), f"write {table}({node.attr}=…)")
        hint = did_you_mean(node.attr, columns) or f"its columns are {', '.join(columns)}"
        return Refused(node, f"unknown column {node.attr!r} of relation {base.__relation__.name}", hint)
    if isinstance(base, Pattern):
        return Refused(node, f"{ast.unparse(node)!r} is not a relation or value")
    return Refused(node, f"unknown {kind} {ast.unparse(node)!r}", did_you_mean(node.attr, dir(base)))
