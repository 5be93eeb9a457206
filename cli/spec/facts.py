"""Facts as specs write them: tables, lines of text, lists of values; all columns or some."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.spec.calls import parse_call
from ovn_rules.cli.spec.values import ANYTHING, from_node, from_text, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovn_rules.cli.spec.document import Mistakes, Node
    from ovn_rules.engine.ir import Fact, RelationDef

BAR = re.compile(r"(?:^|\s)\|(?:\s|$)")
"""What stands between the cells of a table."""


@dataclass(frozen=True, eq=False)
class FactRow:
    """A fact, or what is known of one.

    Attributes:
        values: position of a column → its value.
        line: where it stands.
        sign: ``+``, ``-``, or empty where there are no signs.
        start: where its list's item begins in the file's text, in characters; 0 for a line of a block.
    """

    values: Mapping[int, Any]
    line: int
    sign: str = ""
    start: int = 0

    def fits(self, fact: Fact) -> bool:
        """Whether a fact is of this kind."""
        return all(same(fact[i], v) for i, v in self.values.items())


def fact_rows(
    relation: RelationDef, node: Node, fixed: Mapping[int, Any], mistakes: Mistakes, *, signed: bool = False
) -> list[FactRow]:
    """The facts that a node lists.

    Args:
        relation: theirs.
        node: a block of lines that is a table, a list of texts, lists or mappings, or nothing.
        fixed: columns whose value was said before: the facts have it, and tables and lists go without it.
        mistakes: takes what is wrong.
        signed: every fact begins with ``+`` or ``-``.
    """
    reader = _FactReader(relation, fixed, mistakes, signed=signed)
    if node.empty:
        return []
    if node.kind == "text" and node.style == "|":
        return list(reader.table(node))
    if node.kind == "mapping":
        mistakes.add(node.line, f"facts of {relation.name} are a table or a list, not a mapping")
        return []
    items = node.items if node.kind == "list" else (node,)
    return [row for item in items if (row := reader.item(item)) is not None]


def selection(relation: RelationDef, text: str, line: int, mistakes: Mistakes) -> dict[int, Any]:
    """The columns that ``Relation(column=value, ...)`` gives.

    Args:
        relation: the one that it names.
        text: all of it.
        line: where it stands.
        mistakes: takes what is wrong.
    """
    try:
        call = parse_call(text)
    except ValueError as error:
        mistakes.add(line, str(error))
        return {}
    if len(call.values) > len(relation.columns):
        mistakes.add(line, f"{relation.name} has {len(relation.columns)} columns, not {len(call.values)}")
    columns = [c.name for c in relation.columns]
    given = list(zip(columns, call.values, strict=False)) + list(call.named.items())
    values: dict[int, Any] = {}
    for name, value in given:
        position = column_position(relation, name, line, mistakes)
        if position is None or value == "_":
            continue
        if position in values:
            mistakes.add(line, f"{name} is given twice")
        try:
            values[position] = from_text(value, relation.columns[position].type)
        except ValueError as error:
            mistakes.add(line, f"{relation.name} {name}: {error}")
    return values


def column_position(relation: RelationDef, name: str, line: int, mistakes: Mistakes) -> int | None:
    """The position of a column; None, and a mistake, when there is none of that name."""
    try:
        return relation.position(name)
    except KeyError:
        mistakes.unknown(line, f"column of {relation.name}", name, [c.name for c in relation.columns])
        return None


def table_lines(node: Node) -> list[tuple[int, list[str]]]:
    """The lines of a table, blank ones left out: where each stands, and its cells."""
    lines = enumerate(node.text.splitlines(), node.line)
    return [(line, [cell.strip() for cell in BAR.split(text.strip())]) for line, text in lines if text.strip()]


class _FactReader:
    def __init__(self, relation: RelationDef, fixed: Mapping[int, Any], mistakes: Mistakes, *, signed: bool) -> None:
        self.relation = relation
        self.fixed = fixed
        self.mistakes = mistakes
        self.signed = signed
        self.free = [i for i in range(len(relation.columns)) if i not in fixed]

    def table(self, node: Node) -> Iterator[FactRow]:
        """The rows of a table: a line of column names, then a line for each fact, with bars between."""
        lines = [(node.line + i, text) for i, text in enumerate(node.text.splitlines()) if text.strip()]
        if lines and (header := self._header(*lines[0])) is not None:
            for line, text in lines[1:]:
                sign, rest = self._sign(text, line)
                yield from self._cells(header, [cell.strip() for cell in BAR.split(rest)], line, sign)

    def _header(self, line: int, text: str) -> list[int] | None:
        text = text.strip()
        if self.signed:
            if not text.startswith("±"):
                self.mistakes.add(line, f"the line of column names begins with ±, not {text!r}")
            text = text.removeprefix("±")
        names = [name.strip() for name in BAR.split(text)]
        found = [column_position(self.relation, name, line, self.mistakes) for name in names]
        positions = [p for p in found if p is not None]
        for i, p in enumerate(positions):
            if p in positions[:i] or (p in self.fixed and ANYTHING not in str(self.fixed[p])):
                self.mistakes.add(line, f"column {self.relation.columns[p].name} is given twice")
        return positions if len(positions) == len(found) else None

    def _cells(self, header: list[int], cells: list[str], line: int, sign: str) -> Iterator[FactRow]:
        if len(cells) != len(header):
            self.mistakes.add(line, f"{len(cells)} cells under {len(header)} columns")
            return
        values = dict(self.fixed)
        for position, cell in zip(header, cells, strict=True):
            column = self.relation.columns[position]
            try:
                values[position] = from_text(cell, column.type)
            except ValueError as error:
                self.mistakes.add(line, f"{self.relation.name} {column.name}: {error}")
        yield FactRow(values, line, sign)

    def _sign(self, text: str, line: int) -> tuple[str, str]:
        text = text.strip()
        if not self.signed:
            return "", text
        if text[:1] not in ("+", "-") or text[1:2].strip():
            self.mistakes.add(line, f"{text!r} begins with neither + nor -")
            return "+", text
        return text[0], text[1:].strip()

    def item(self, node: Node) -> FactRow | None:
        """A fact in a list: text, values in the columns' order, or values by column."""
        sign = ""
        if self.signed and node.kind == "text":
            sign, text = self._sign(node.text, node.line)
            node = replace(node, text=text)
        if node.kind == "text" and re.match(rf"{re.escape(self.relation.name)}\s*\(", node.text):
            values = dict(self.fixed) | selection(self.relation, node.text, node.line, self.mistakes)
        elif node.kind == "mapping":
            values = self._named(node)
        else:
            values = self._positional(node.items if node.kind == "list" else (node,), node.line)
        return FactRow(values, node.line, sign, node.start)

    def _named(self, node: Node) -> dict[int, Any]:
        values = dict(self.fixed)
        for name, value in node.pairs:
            position = column_position(self.relation, name.text, name.line, self.mistakes)
            if position is not None:
                self._put(values, position, value)
        return values

    def _positional(self, nodes: tuple[Node, ...], line: int) -> dict[int, Any]:
        values = dict(self.fixed)
        if len(nodes) > len(self.free):
            self.mistakes.add(line, f"{self.relation.name} has {len(self.free)} columns here, not {len(nodes)}")
        for position, node in zip(self.free, nodes, strict=False):
            self._put(values, position, node)
        return values

    def _put(self, values: dict[int, Any], position: int, node: Node) -> None:
        column = self.relation.columns[position]
        try:
            values[position] = from_node(node, column.type)
        except ValueError as error:
            self.mistakes.add(node.line, f"{self.relation.name} {column.name}: {error}")
