"""What is expected after a step: how it is read, and whether it is so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ovn_rules.cli.spec.calls import parse_call
from ovn_rules.cli.spec.facts import FactRow, fact_rows, selection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ovn_rules.cli.spec.document import Mistakes, Node
    from ovn_rules.cli.spec.programs import Rules
    from ovn_rules.engine.ir import Fact, RelationDef

Kind = Literal["expect", "includes", "absent", "changes", "conflicts", "exhausted", "problems"]
KINDS: tuple[Kind, ...] = ("expect", "includes", "absent", "changes", "conflicts", "exhausted", "problems")
SIGNED = ("changes", "conflicts")
"""These list facts with a sign: what came and what went, what is kept and what is rejected."""
WHOLE = ("changes", "conflicts", "exhausted")
"""These may say ``none``: nothing of any relation."""


@dataclass(frozen=True)
class Found:
    """A fact that is there, came, went, is kept, is rejected or waits for a number.

    Attributes:
        relation: its relation; empty for the text of a problem.
        fact: the fact; a number that it waits for is None.
        sign: ``+``, ``-`` or empty.
    """

    relation: str
    fact: Fact
    sign: str = ""


@dataclass(frozen=True)
class Expectation:
    """What is expected of one relation.

    Attributes:
        kind: what it is about.
        relation: the relation's name; empty for the texts of problems, and for all relations together.
        fixed: the columns that select the facts it is about.
        rows: the facts.
        line: where it stands.
        node: the facts as they are written.
        apart: with all relations together, those that aren't meant.
        key: the selection as it is written.
        table: whether the facts are a table.
    """

    kind: Kind
    relation: str
    fixed: Mapping[int, Any]
    rows: tuple[FactRow, ...]
    line: int
    node: Node
    apart: frozenset[str] = frozenset()
    key: str = ""
    table: bool = False

    def about(self, found: Iterable[Found]) -> list[Found]:
        """Those of the facts that it is about."""
        mine = [
            f
            for f in found
            if f.relation not in self.apart
            and (self.relation == f.relation or (not self.relation and self.kind != "problems"))
        ]
        return [f for f in mine if FactRow(self.fixed, 0).fits(f.fact)]

    def compare(self, found: Collection[Found]) -> tuple[list[FactRow], list[Found]]:
        """What is missing and what shouldn't be there.

        Args:
            found: what is there, of all relations.
        """
        there = self.about(found)
        fitting = [{i for i, f in enumerate(there) if f.sign == row.sign and row.fits(f.fact)} for row in self.rows]
        wanted = set().union(*fitting)
        if self.kind == "absent":
            return [], [f for i, f in enumerate(there) if i in wanted]
        missing = [row for row, fits in zip(self.rows, fitting, strict=True) if not fits]
        if self.kind == "includes":
            return missing, []
        return missing, [f for i, f in enumerate(there) if i not in wanted]


class ExpectationReader:
    """Reads the expectations of a step.

    Args:
        rules: the program.
        roles: those that the case runs in.
        mistakes: takes what is wrong.
    """

    def __init__(self, rules: Rules, roles: tuple[str, ...], mistakes: Mistakes) -> None:
        self.rules = rules
        self.roles = roles
        self.relations = rules.relations(roles)
        self.mistakes = mistakes

    def read(self, kind: Kind, node: Node) -> Iterator[Expectation]:
        """The expectations under one word.

        Args:
            kind: the word.
            node: what stands there.
        """
        if kind == "problems":
            yield from self._problems(node)
        elif kind in WHOLE and node.empty:
            yield Expectation(kind, "", {}, (), node.line, node)
        elif node.kind == "mapping":
            named = [(key, value) for key, value in node.pairs if (kind, key.text) != ("changes", "others")]
            read = [each for key, value in named for each in self._one(kind, key, value)]
            yield from read
            if len(named) < len(node.pairs):
                others = next(v for k, v in node.pairs if k.text == "others")
                if not others.empty:
                    self.mistakes.add(others.line, "others: none is all that can be said of them")
                yield Expectation(kind, "", {}, (), others.line, others, frozenset(e.relation for e in read), "others")
        else:
            yield from self._lines(kind, node)

    def _problems(self, node: Node) -> Iterator[Expectation]:
        if not self.rules.reports:
            self.mistakes.add(node.line, "this program reports no problems")
        if node.kind == "text" and node.style == "|":
            texts = enumerate(node.text.splitlines(), node.line)
            rows = [FactRow({0: text.strip()}, line) for line, text in texts if text.strip()]
        else:
            items = () if node.empty else node.items if node.kind == "list" else (node,)
            rows = [FactRow({0: item.text}, item.line, start=item.start) for item in items]
        yield Expectation("problems", "", {}, tuple(rows), node.line, node)

    def _relation(self, name: str, node: Node) -> RelationDef | None:
        relation = self.relations.get(name)
        if relation is None:
            self.mistakes.add(node.line, self.rules.unknown(name, self.roles))
        return relation

    def _one(self, kind: Kind, key: Node, value: Node) -> Iterator[Expectation]:
        try:
            name = parse_call(key.text).name
        except ValueError as error:
            self.mistakes.add(key.line, str(error))
            return
        if (relation := self._relation(name, key)) is None:
            return
        fixed = selection(relation, key.text, key.line, self.mistakes)
        rows = fact_rows(relation, value, fixed, self.mistakes, signed=kind in SIGNED)
        if kind == "absent" and value.empty:
            rows = [FactRow(fixed, key.line)]
        table = value.kind == "text" and value.style == "|"
        yield Expectation(kind, name, fixed, tuple(rows), key.line, value, key=key.text, table=table)

    def _lines(self, kind: Kind, node: Node) -> Iterator[Expectation]:
        """Facts in text form; those of one relation together are an expectation."""
        if node.kind == "text" and node.style != "|":
            nodes = [node] if not node.empty else []
        elif node.kind == "text":
            texts = ((node.line + i, t) for i, t in enumerate(node.text.splitlines()) if t.strip())
            nodes = [replace(node, line=n, text=t.strip()) for n, t in texts]
        else:
            nodes = list(node.items)
        grouped: dict[str, list[FactRow]] = {}
        for each in nodes:
            sign, text = "", each.text
            if kind in SIGNED and text[:1] in ("+", "-"):
                sign, text = text[0], text[1:].strip()
            elif kind in SIGNED:
                self.mistakes.add(each.line, f"{text!r} begins with neither + nor -")
            try:
                name = parse_call(text).name if each.kind == "text" else ""
            except ValueError as error:
                self.mistakes.add(each.line, str(error))
                continue
            if not name:
                self.mistakes.add(each.line, f"a fact is Relation(column=value), not {each.named}")
            elif (relation := self._relation(name, each)) is not None:
                values = selection(relation, text, each.line, self.mistakes)
                start = 0 if each.style == "|" else each.start
                grouped.setdefault(name, []).append(FactRow(values, each.line, sign, start))
        for name, rows in grouped.items():
            yield Expectation(kind, name, {}, tuple(rows), rows[0].line, node, key=name)
