"""The source of rules: each file is parsed once, and functions are found by their first line."""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovn_rules.engine.errors import LoadError, Problem
from ovn_rules.engine.ir import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovn_rules.engine.language import Rule

POSITIONED = ast.expr | ast.stmt | ast.arg | ast.keyword


@dataclass
class Source:
    """A parsed file.

    Attributes:
        file: Its path.
        lines: Its lines.
        functions: Every function in it by first line, decorators counted.
    """

    file: str
    lines: list[str]
    tree: ast.Module = field(repr=False)
    functions: dict[int, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Finds the functions."""
        for node in _statements(self.tree.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions[min([node.lineno, *(d.lineno for d in node.decorator_list)])] = node

    def location(self, node: POSITIONED) -> Location:
        """Where a node is; one over several lines ends with its first."""
        text = self.lines[node.lineno - 1].rstrip("\n")
        start = _characters(text, node.col_offset)
        end = len(text)
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = _characters(text, node.end_col_offset)
        return Location(self.file, node.lineno, start, end, text)

    def text(self, node: ast.expr) -> str:
        """The node's source on one line."""
        if node.end_lineno != node.lineno:
            return ast.unparse(node)
        place = self.location(node)
        return place.text[place.column : place.end_column]

    def parenthesised(self, node: ast.expr) -> bool:
        """Whether parentheses stand directly around a node."""
        before = self.lines[node.lineno - 1].encode()[: node.col_offset].decode().rstrip()
        after = self.lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset :].decode().lstrip()
        line = node.lineno - 1
        while not before and line > 0:
            line -= 1
            before = self.lines[line].rstrip()
        line = node.end_lineno or node.lineno
        while not after and line < len(self.lines):
            after = self.lines[line].lstrip()
            line += 1
        return before.endswith("(") and after.startswith(")")


def _statements(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Statements and what is between them and those inside, such as a handler; not their expressions."""
    for statement in statements:
        yield statement
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(statement, inner, ()))


def _characters(text: str, offset: int) -> int:
    """The character at a byte offset, which is what ``ast`` counts in."""
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


_PARSED: dict[str, tuple[list[str], Source]] = {}


def read(rule: Rule) -> tuple[Source, ast.FunctionDef]:
    """The parsed file of a rule and its function in it.

    Raises:
        LoadError: There is no source, or it is no longer the one that was imported.
    """
    code = rule.function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, rule.function.__globals__)
    place = f"{code.co_filename}, line {code.co_firstlineno}"
    if not lines:
        message = f"no source for rule {rule.name} ({place})"
        hint = "rules are read from their source: define them in a file"
        raise LoadError([Problem(message, hint=hint, rule=rule.name)])
    known = _PARSED.get(code.co_filename)
    if known is None or known[0] is not lines:
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            tree = ast.Module([], [])
        known = _PARSED[code.co_filename] = (lines, Source(code.co_filename, lines, tree))
    source = known[1]
    node = source.functions.get(code.co_firstlineno)
    if isinstance(node, ast.AsyncFunctionDef):
        message = f"rule {rule.name} is an async function"
        raise LoadError([Problem(message, source.location(node), "write def", rule.name)])
    if node is None or node.name != code.co_name:
        message = f"the source of rule {rule.name} ({place}) has changed"
        hint = "start again: the file is no longer the one that was imported"
        raise LoadError([Problem(message, hint=hint, rule=rule.name)])
    return source, node
