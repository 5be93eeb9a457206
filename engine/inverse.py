"""Expressions read backwards: which values of the variables give a wanted result.

What is found is always checked by evaluating forwards; where nothing is found, nothing is claimed.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Expr, Type

Values = Mapping[str, Any]
"""Variables and what they stand for."""

MOST = 16
"""Solutions looked for."""

_TOKEN = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}|\d+(?:\.\d+){3}|\w+(?:-\w+)*|\s+|.", re.DOTALL)


class Evaluator:
    """Evaluates expressions; each is compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[ast.expr, Callable[..., Any]]] = {}

    def value(self, expr: Expr, values: Values) -> Any:
        """What an expression is; raises what its functions raise.

        Args:
            expr: the expression.
            values: a value for each of its variables.
        """
        return self.part(expr, expr.tree, expr.variables, values)

    def part(self, expr: Expr, tree: ast.expr, variables: tuple[str, ...], values: Values) -> Any:
        """What a part of an expression is.

        Args:
            expr: knows the functions that are called.
            tree: the part.
            variables: the part's variables.
            values: a value for each of them.
        """
        known = self._compiled.get(id(tree))
        if known is None:
            arguments = ast.arguments([], [ast.arg(v) for v in variables], None, [], [], None, [])
            function = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, tree)))
            names = {"__builtins__": builtins, **expr.names}
            known = tree, eval(compile(function, f"<{expr.source}>", "eval"), names)  # noqa: S307 - the rules' own
            self._compiled[id(tree)] = known
        return known[1](*(values[v] for v in variables))


class Inverter:
    """Finds values for the variables of an expression.

    Args:
        evaluator: checks what is found.
        types: the variables' types, as far as they are known.
    """

    def __init__(self, evaluator: Evaluator, types: Mapping[str, Type]) -> None:
        self.evaluator = evaluator
        self.types = types

    def solutions(self, expr: Expr, wanted: Any, known: Values) -> list[dict[str, Any]]:
        """Values of variables under which an expression may be what is wanted.

        Args:
            expr: the expression.
            wanted: its value.
            known: values that variables have already.

        Returns:
            Variables with values, ``known`` left out, for each solution; none when there can't be any. A variable
            about which nothing was found is left out; when all have values the solution has been checked.
        """
        found: list[dict[str, Any]] = []
        for solution in islice(self._node(expr, expr.tree, wanted, dict(known)), 4 * MOST):
            new = {v: x for v, x in solution.items() if v not in known}
            if new not in found and self._fits(expr, wanted, solution):
                found.append(new)
            if len(found) == MOST:
                break
        # A solution that says less than another is of use only when there is no other.
        return [s for s in found if not any(s.items() < o.items() for o in found)]

    def _fits(self, expr: Expr, wanted: Any, values: Values) -> bool:
        if not all(v in values for v in expr.variables):
            return True
        with suppress(Exception):  # a rule may raise anything; what raises isn't what is wanted
            return bool(self.evaluator.value(expr, values) == wanted)
        return False

    def _node(self, expr: Expr, node: ast.expr, wanted: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        unknown = [v for v in _variables(expr, node) if v not in known]
        if not unknown:
            with suppress(Exception):
                if self._evaluate(expr, node, known) == wanted:
                    yield known
        elif isinstance(node, ast.Name):
            yield {**known, node.id: wanted}
        elif isinstance(node, ast.JoinedStr):
            if isinstance(wanted, str):
                yield from self._text(expr, node.values, wanted, known)
        elif isinstance(node, ast.Tuple) and isinstance(wanted, tuple):
            if len(node.elts) == len(wanted):
                yield from self._each(expr, list(zip(node.elts, wanted, strict=True)), known)
        else:
            yield from self._computed(expr, node, wanted, known)

    def _computed(self, expr: Expr, node: ast.expr, wanted: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What has operators or calls in it, some of whose variables are unknown."""
        unknown = [v for v in _variables(expr, node) if v not in known]
        if isinstance(node, ast.BinOp):
            yield from self._sum(expr, node, wanted, known)
        elif isinstance(node, ast.IfExp):
            yield from self._node(expr, node.body, wanted, known)
            yield from self._node(expr, node.orelse, wanted, known)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name):
            yield from self._looked_up(expr, node, wanted, known)
        elif isinstance(node, ast.Call) and len(unknown) == 1 and isinstance(wanted, str):
            yield from self._guessed(expr, node, wanted, known, unknown[0])
        else:
            yield known

    def _evaluate(self, expr: Expr, node: ast.expr, known: Values) -> Any:
        return self.evaluator.part(expr, node, tuple(_variables(expr, node)), known)

    def _each(self, expr: Expr, pairs: list[tuple[ast.expr, Any]], known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not pairs:
            yield known
            return
        (node, wanted), *rest = pairs
        for solution in self._node(expr, node, wanted, known):
            yield from self._each(expr, rest, solution)

    def _sum(self, expr: Expr, node: ast.BinOp, wanted: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """``16 + table``, ``n - 1``, ``"sw-" + name``."""
        if isinstance(wanted, str) and isinstance(node.op, ast.Add):
            parts = [ast.FormattedValue(side, -1) for side in (node.left, node.right)]
            yield from self._text(expr, parts, wanted, known)
            return
        left, right = (all(v in known for v in _variables(expr, side)) for side in (node.left, node.right))
        if isinstance(wanted, bool) or not isinstance(wanted, int | float) or left is right:
            yield known
        elif isinstance(node.op, ast.Add):
            constant, other = (node.left, node.right) if left else (node.right, node.left)
            yield from self._node(expr, other, wanted - self._evaluate(expr, constant, known), known)
        elif isinstance(node.op, ast.Sub) and left:
            yield from self._node(expr, node.right, self._evaluate(expr, node.left, known) - wanted, known)
        elif isinstance(node.op, ast.Sub):
            yield from self._node(expr, node.left, wanted + self._evaluate(expr, node.right, known), known)
        else:
            yield known

    def _looked_up(
        self, expr: Expr, node: ast.Subscript, wanted: Any, known: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """``VERDICTS[action]``, where the table is a constant."""
        assert isinstance(node.slice, ast.Name)  # noqa: S101 - the caller has looked
        if _variables(expr, node.value):
            yield known
            return
        table = self._evaluate(expr, node.value, {})
        if isinstance(table, Mapping):
            yield from ({**known, node.slice.id: key} for key, value in table.items() if value == wanted)
        else:
            yield known

    def _guessed(
        self, expr: Expr, node: ast.Call, wanted: str, known: dict[str, Any], variable: str
    ) -> Iterator[dict[str, Any]]:
        """A function of one unknown: what its result spells, if that gives the result."""
        guesses: list[Any] = [wanted, wanted.strip("\"'()[]{} ")]
        with suppress(ValueError):
            guesses.append(json.loads(wanted))
        sure = False
        for guess in guesses:
            with suppress(Exception):
                if guess.__class__ in (str, int) and self._evaluate(expr, node, {**known, variable: guess}) == wanted:
                    sure = True
                    yield {**known, variable: guess}
        if not sure:
            yield known

    # -- text ----------------------------------------------------------------------------------------------

    def _text(self, expr: Expr, parts: list[Any], wanted: str, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The parts of an f-string, one after another, split in every way that they may be."""
        if not parts:
            if not wanted:
                yield known
            return
        part, rest = parts[0], parts[1:]
        if isinstance(part, ast.Constant):
            if wanted.startswith(text := str(part.value)):
                yield from self._text(expr, rest, wanted[len(text) :], known)
            return
        for end in _ends(wanted, rest):
            for solution in self._piece(expr, part, wanted[:end], known):
                yield from self._text(expr, rest, wanted[end:], solution)

    def _piece(
        self, expr: Expr, part: ast.FormattedValue, text: str, known: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """A value in an f-string, as the text it has become."""
        node = part.value
        if all(v in known for v in _variables(expr, node)) or not isinstance(node, ast.Name):
            if part.format_spec is None and part.conversion == -1 and not _number(node, self.types):
                yield from self._node(expr, node, text, known)
            else:
                yield known
            return
        kind = self.types.get(node.id)
        if kind is None or kind.name in ("str", "uuid", "any"):
            yield {**known, node.id: text}
        if kind is not None and kind.name == "int":
            with suppress(ValueError):
                number = int(text, 16 if text.startswith("0x") else 10)
                yield {**known, node.id: number}


def _number(node: ast.expr, types: Mapping[str, Type]) -> bool:
    """Whether a value in an f-string is a number, which is no text before it is formatted."""
    return isinstance(node, ast.Name) and node.id in types and types[node.id].name not in ("str", "uuid")


def _ends(text: str, rest: list[Any]) -> list[int]:
    """Where the first part may end when the rest follows, nearest first."""
    if not rest:
        return [len(text)]
    if not isinstance(rest[0], ast.Constant):
        return list(range(len(text) + 1))
    anchor = re.escape(str(rest[0].value))
    return [m.start() for m in re.finditer(f"(?={anchor})", text)]


def _variables(expr: Expr, node: ast.expr) -> list[str]:
    names = dict.fromkeys(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return [v for v in names if v in expr.variables]


# -- by analogy ------------------------------------------------------------------------------------------------


def analogy(given: Any, wanted: Any, values: Values) -> Iterator[dict[str, Any]]:
    """Changes of values that might turn what they give now into what is wanted.

    Where the two texts differ in a word, the same word is replaced in the values: what gives
    ``dl_dst=00:00:00:00:00:01`` from ``eth.dst == 00:00:00:00:00:01`` may give the next address from the next.

    Args:
        given: what comes of the values now.
        wanted: what should come of them.
        values: variables and their values.

    Returns:
        The variables that change, with new values: all of them first, then each alone. Nothing has been checked.
    """
    words: dict[str, str] = {}
    if not _differences(given, wanted, words) or not words:
        return
    changed = {v: new for v, x in values.items() if (new := _replaced(x, words)) != x}
    if changed:
        yield changed
    if len(changed) > 1:
        yield from ({v: x} for v, x in changed.items())


def _differences(given: Any, wanted: Any, words: dict[str, str]) -> bool:
    """Collect the words that differ; whether the two are alike but for those."""
    if given == wanted:
        return True
    if isinstance(given, tuple) and isinstance(wanted, tuple):
        return len(given) == len(wanted) and all(_differences(g, w, words) for g, w in zip(given, wanted, strict=True))
    if isinstance(given, tuple) or isinstance(wanted, tuple):
        return False
    old, new = _TOKEN.findall(str(given)), _TOKEN.findall(str(wanted))
    if len(old) != len(new):
        return False
    return all(a == b or words.setdefault(a, b) == b for a, b in zip(old, new, strict=True))


def _replaced(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return "".join(words.get(t, t) for t in _TOKEN.findall(value))
    if isinstance(value, tuple):
        return tuple(_replaced(v, words) for v in value)
    if isinstance(value, int) and not isinstance(value, bool):
        for old, new in words.items():
            with suppress(ValueError):
                if int(old, 0) == value:
                    return int(new, 0)
    return value
