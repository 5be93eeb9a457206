"""Expectations rewritten to what is: in place, so that comments and layout stay."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.spec.facts import BAR, FactRow
from ovn_rules.cli.spec.report import fact_text
from ovn_rules.cli.spec.values import element, same, written
from ovn_rules.engine.errors import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ovn_rules.cli.spec.document import Node
    from ovn_rules.cli.spec.expectations import Expectation, Found
    from ovn_rules.cli.spec.reader import SpecFile
    from ovn_rules.cli.spec.runner import Miss, Result
    from ovn_rules.engine.ir import RelationDef

Edit = tuple[int, int, str]
"""A place in the text, in characters, and what is to stand there."""


@dataclass(frozen=True)
class Rewritten:
    """A spec file with other expectations.

    Attributes:
        text: all of it.
        refused: failures that can't be rewritten, a line for each.
    """

    text: str
    refused: tuple[str, ...]


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """An expectation can't be rewritten; the text says why."""


def rewrite(file: SpecFile, results: Iterable[Result]) -> Rewritten:
    """A spec file whose expectations say what is.

    Args:
        file: the file.
        results: of every run of its cases, those that hold as well; every step must have been run.
    """
    runs: Counter[int] = Counter()
    found: dict[tuple[int, str], list[tuple[Result, Miss]]] = {}
    for result in results:
        runs[result.case.line] += 1
        for miss in result.misses:
            line = miss.expectation.line if miss.expectation else miss.step.line
            found.setdefault((line, miss.text), []).append((result, miss))
    edits: set[Edit] = set()
    refused: list[str] = []
    for (line, _), misses in found.items():
        try:
            edits |= _agreed(file.text, runs[misses[0][0].case.line], misses)
        except _Refused as why:
            refused.append(f"{shown_path(str(file.path))}:{line}: not rewritten: {why}")
    text = file.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return Rewritten(text, tuple(refused))


def _agreed(text: str, runs: int, misses: Sequence[tuple[Result, Miss]]) -> set[Edit]:
    """The edits that all runs of an expectation want."""
    wanted = [_edits(text, result, miss) for result, miss in misses]
    if len(misses) < runs:
        failed = sorted({", ".join([result.role, *result.case.values]) for result, _ in misses})
        raise _Refused(f"it fails in some runs and not in all: {'; '.join(failed)}")
    if any(each != wanted[0] for each in wanted):
        raise _Refused("its roles or parameters want different things")
    return set(wanted[0])


def _edits(text: str, result: Result, miss: Miss) -> list[Edit]:
    expected = miss.expectation
    if expected is None:
        raise _Refused(miss.text)
    if expected.kind in ("includes", "absent"):
        raise _Refused(f"{expected.kind} says what must or mustn't be; change it by hand")
    if expected.key == "others":
        raise _Refused("others: none says that nothing else changes; change it by hand")
    if "$" in text[slice(*_span(text, expected.node))]:
        raise _Refused("it has parameters; change it by hand")
    return _Rewriter(text, result.case.rules.program(result.role).relations, expected, miss).edits(expected.node)


def _span(text: str, node: Node) -> tuple[int, int]:
    """Where a node stands, in characters."""
    if node.style != "|":
        return node.start, node.end
    return node.start, _line_start(text, node.line + len(node.text.splitlines()))


def _line_start(text: str, line: int) -> int:
    """Where a line begins, in characters; lines count from 1."""
    return sum(map(len, text.splitlines(keepends=True)[: line - 1]))


class _Rewriter:
    def __init__(self, text: str, relations: Mapping[str, RelationDef], expected: Expectation, miss: Miss) -> None:
        self.text = text
        self.relations = relations
        self.expected = expected
        come = sorted(miss.unexpected, key=lambda f: (f.relation, f.sign == "+", f.fact))
        self.instead = {row: _nearest(row, come) for row in miss.missing}
        """What stands in the place of each row that isn't so; None for nothing."""
        self.come = come
        self.left = len(expected.rows) - len(miss.missing) + len(miss.unexpected)

    def edits(self, node: Node) -> list[Edit]:
        if node.kind == "text" and node.style == "|":
            return self._lines(node)
        if node.kind == "list" and node.items:
            return self._flow(node) if self.text[node.start] == "[" else self._items(node)
        indent = "\n" + " " * self._indent(node)
        lines = self._new_table() if self.expected.relation else [self._in_text(found) for found in self.come]
        return [(node.start, node.end, "|" + "".join(indent + line for line in lines))]

    def _indent(self, node: Node) -> int:
        """Two more than that of the line that the node stands in."""
        line = self.text[self.text.rfind("\n", 0, node.start) + 1 : node.start]
        return len(line) - len(line.lstrip(" -")) + 2

    # -- a block of lines ------------------------------------------------------------------------------------------

    def _lines(self, node: Node) -> list[Edit]:
        """Lines that aren't so go; what is so comes after the others."""
        start, end = _span(self.text, node)
        lines = self.text[start:end].splitlines()[1:]
        while not lines[-1].strip():
            lines.pop()
        if not self.left:
            if not self.expected.table:
                raise _Refused("no line of it is left; change it by hand")
            return [(start, end, "none\n")]
        first = next(line for line in lines if line.strip())
        indent = first[: len(first) - len(first.lstrip())]
        write = self._as_row(first.strip()) if self.expected.table else self._in_text
        edits = []
        for row, found in self.instead.items():
            new = f"{indent}{write(found)}\n" if found else ""
            edits.append((_line_start(self.text, row.line), _line_start(self.text, row.line + 1), new))
        after = _line_start(self.text, node.line + len(lines))
        new = "".join(f"{indent}{line}\n" for line in dict.fromkeys(map(write, self.come)))
        return [*edits, (after, after, new)]

    def _as_row(self, header: str) -> Callable[[Found], str]:
        """Writes rows of a table, as wide as its line of names is."""
        relation = self.relations[self.expected.relation]
        names = header.removeprefix("±").lstrip()
        columns = [relation.position(name.strip()) for name in BAR.split(names)]
        bars = [-3, *(bar.start() for bar in BAR.finditer(names)), len(names)]
        widths = [right - left - 3 for left, right in pairwise(bars)]

        def row(found: Found) -> str:
            cells = (written(found.fact[p], relation.columns[p].type) for p in columns)
            return _signed(found.sign, " | ".join(map(str.ljust, cells, widths)).rstrip())

        return row

    def _new_table(self) -> list[str]:
        relation = self.relations[self.expected.relation]
        columns = [p for p in range(len(relation.columns)) if p not in self.expected.fixed]
        cells = [[relation.columns[p].name for p in columns]]
        cells += [[written(f.fact[p], relation.columns[p].type) for p in columns] for f in self.come]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        signs = ["±" if self.come[0].sign else "", *(f.sign for f in self.come)]
        rows = (" | ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
        return list(map(_signed, signs, rows))

    def _in_text(self, found: Found) -> str:
        if not found.relation:
            return str(found.fact[0])
        return _signed(found.sign, fact_text(self.relations[found.relation], FactRow(dict(enumerate(found.fact)), 0)))

    # -- a list ----------------------------------------------------------------------------------------------------

    def _flow(self, node: Node) -> list[Edit]:
        edits = self._instead(node)
        items = []
        for n in node.items:
            written_as = edits.get(n.start, self.text[n.start : n.end])
            items += [written_as] if written_as else []
        items += [self._item(found, node) for found in self.come]
        return [(node.start, node.end, f"[{', '.join(items)}]" if items else "none")]

    def _instead(self, node: Node) -> dict[int, str]:
        """What stands in the place of items that aren't so, by where they begin; empty for nothing."""
        return {r.start: self._item(found, node) if found else "" for r, found in self.instead.items()}

    def _items(self, node: Node) -> list[Edit]:
        """Items of a list, each on lines of its own."""
        if not self.left:
            raise _Refused("no item of it is left; change it by hand")
        instead = self._instead(node)
        edits = []
        for item in node.items:
            end = _end(self.text, item)
            if new := instead.get(item.start):
                edits.append((item.start, end, new))
            elif item.start in instead:
                edits.append((_line_start(self.text, item.line), self.text.find("\n", end) + 1, ""))
        first = self.text.splitlines()[node.items[0].line - 1]
        indent = first[: len(first) - len(first.lstrip())]
        after = self.text.find("\n", _end(self.text, node.items[-1])) + 1 or len(self.text)
        new = "".join(f"{indent}- {self._item(found, node)}\n" for found in self.come)
        return [*edits, (after, after, new)]

    def _item(self, found: Found, node: Node) -> str:
        """A fact as the other items are written: a text, or values in the columns' order."""
        if self.expected.kind == "problems" or found.sign or any("(" in item.text for item in node.items):
            return _quoted(self._in_text(found))
        relation = self.relations[self.expected.relation]
        columns = [p for p in range(len(relation.columns)) if p not in self.expected.fixed]
        return "[" + ", ".join(_atom(found.fact[p]) for p in columns) + "]"


def _nearest(row: FactRow, come: list[Found]) -> Found | None:
    """Takes the fact that is most like a row out of those that are new; None when none is like it at all."""

    def alike(found: Found) -> int:
        return sum(same(found.fact[p], value) for p, value in row.values.items()) + (not found.relation)

    best = max(come, key=alike, default=None)
    if best is None or not alike(best):
        return None
    come.remove(best)
    return best


def _end(text: str, node: Node) -> int:
    """Where a node ends, without the comments that follow it."""
    if text[node.end - 1] in "]}" or node.kind == "text":
        return node.end
    return _end(text, node.items[-1] if node.items else node.pairs[-1][1])


def _signed(sign: str, text: str) -> str:
    return f"{sign} {text}" if sign else text


def _atom(value: Any) -> str:
    """A value in a list of YAML."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_atom, value)) + "]"
    text = element(value)
    return text if re.fullmatch(r"[\w./-]+(?:[\w./:-]*[\w./-])?", text) else _quoted(str(value))


def _quoted(text: str) -> str:
    """A text as YAML has it in double quotes, which are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
