"""Patterns: facts of one relation by what some columns hold, as ``Binding(logical_port="vm1")``.

A column that isn't named, and ``_``, may hold anything. A bare name is a variable; the same name twice stands for
equal values. Text needs no quotes where it can't be taken for a name, so that addresses and UUIDs can be pasted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import QuestionError, did_you_mean
from ovn_rules.engine.ir import Const, Term, Var, Wild
from ovn_rules.engine.order import in_order
from ovn_rules.engine.pattern_values import Prefix, Span, arguments, read_term, short
from ovn_rules.engine.store import KeyedStore, key_function
from ovn_rules.engine.vocabulary import databases

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ovn_rules.engine.ir import Fact, Program, RelationDef, Type
    from ovn_rules.engine.runtime import Engine

_HEAD = re.compile(r"\s*([^\W\d]\w*(?:\.\w+)*)\s*")
_NAMED = re.compile(r"([^\W\d]\w*)\s*=(?!=)\s*")
_LABEL = re.compile(r"\s+\[.*\]\s*", re.DOTALL)
_COMPARED = re.compile(r"([^\W\d]\w*\s*)?(==|!=|<|>)")


@dataclass(frozen=True)
class Pattern:
    """Facts of one relation.

    Attributes:
        relation: the relation.
        terms: for each column a variable, a constant, the beginning of a UUID, or a wildcard.
    """

    relation: RelationDef
    terms: tuple[Term | Prefix, ...]

    def text(self) -> str:
        """The pattern as ``parse_pattern`` reads it."""
        columns = zip(self.relation.columns, self.terms, strict=True)
        parts = [f"{c.name}={_term_text(t, c.type)}" for c, t in columns if not isinstance(t, Wild)]
        return f"{self.relation.name}({', '.join(parts)})"

    def found(self, engine: Engine) -> Iterator[Fact]:
        """The visible facts that fit, in no order, found one by one: not to be held over a transaction.

        Args:
            engine: whose facts; its keys and indexes are used where they fit, and none is made.
        """
        exact: dict[int, Any] = {}
        sets: list[tuple[int, Fact]] = []
        prefixes: list[tuple[int, str]] = []
        equal: list[tuple[int, int]] = []
        first: dict[str, int] = {}
        for i, (column, term) in enumerate(zip(self.relation.columns, self.terms, strict=True)):
            if isinstance(term, Prefix):
                prefixes.append((i, term.text))
            elif isinstance(term, Const) and _is_set(column.type):
                sets.append((i, term.value))
            elif isinstance(term, Const):
                exact[i] = term.value
            elif isinstance(term, Var) and first.setdefault(term.name, i) != i:
                equal.append((first[term.name], i))
        facts: Iterable[Fact] = self._candidates(engine, exact)
        if exact:
            get = key_function(tuple(exact))
            values = get(exact)
            facts = (f for f in facts if get(f) == values)
        if sets:
            # A tuple may be a list, too: as it is written comes before the same elements in another order.
            facts = [f for f in facts if all(set(wanted) == set(f[i]) for i, wanted in sets)]
            facts = [f for f in facts if all(wanted == f[i] for i, wanted in sets)] or facts
        if prefixes:
            facts = (f for f in facts if all(f[i].startswith(text) for i, text in prefixes))
        if equal:
            facts = (f for f in facts if all(f[i] == f[j] for i, j in equal))
        return iter(facts)

    def _candidates(self, engine: Engine, exact: dict[int, Any]) -> Collection[Fact]:
        """The fewest facts that a key or an index gives for the values that are known."""
        member = engine.network.members[self.relation.name]
        if isinstance(member.store, KeyedStore):
            key = member.store.definition.key or ()
            if set(key) <= exact.keys():
                kept = member.store.by_key.get(member.store.key(exact))
                return () if kept is None else (kept,)
        elif len(exact) == len(self.terms):
            fact = tuple(exact.values())
            return (fact,) if fact in member.store.counts else ()
        buckets = [i.having(exact) for p, i in member.outer.indexes.items() if p and exact.keys() >= set(p)]
        return min(buckets, key=len) if buckets else engine.facts(self.relation.name)

    def fits(self, fact: Fact) -> bool:
        """Whether a fact of the relation fits, be it visible or not.

        Args:
            fact: the fact.
        """
        seen: dict[str, Any] = {}
        for column, term, value in zip(self.relation.columns, self.terms, fact, strict=True):
            if isinstance(term, Prefix):
                same = str(value).startswith(term.text)
            elif isinstance(term, Const):
                same = set(value) == set(term.value) if _is_set(column.type) else value == term.value
            else:
                same = not isinstance(term, Var) or seen.setdefault(term.name, value) == value
            if not same:
                return False
        return True

    def matching(self, engine: Engine, limit: int | None = None) -> list[Fact]:
        """The visible facts that fit, sorted.

        Args:
            engine: whose facts.
            limit: look for so many and no more; which ones is left open.
        """
        return in_order(islice(self.found(engine), limit))

    def notes(self, engine: Engine) -> list[str]:
        """What may not have been meant: a variable whose name is a value of its column; a UUID that is none.

        Args:
            engine: where such values are looked for.
        """
        notes = []
        for i, (column, term) in enumerate(zip(self.relation.columns, self.terms, strict=True)):
            if isinstance(term, Var) and self._holds(engine, i, column.type, term.name):
                notes.append(f'{term.name} is a variable here; write "{term.name}" for the text')
            elif isinstance(term, Const) and column.type.name == "uuid" and not re.fullmatch("[0-9a-f-]+", term.value):
                notes.append(f"{column.name} holds UUIDs, and {term.value!r} is none")
        return list(dict.fromkeys(notes))

    def _holds(self, engine: Engine, position: int, kind: Type, value: str) -> bool:
        """Whether any fact has the text in a column, alone or in a set."""
        if kind.name in ("str", "any"):
            terms: list[Term] = [Wild() for _ in self.terms]
            terms[position] = Const(value)
            return bool(Pattern(self.relation, tuple(terms)).matching(engine, 1))
        if _is_set(kind) and kind.args[0].name == "str":
            return any(value in f[position] for f in engine.facts(self.relation.name))
        return False


def _is_set(kind: Type) -> bool:
    return kind.name == "tuple" and len(kind.args) == 1


def _term_text(term: Term | Prefix, kind: Type) -> str:
    if isinstance(term, Var):
        return term.name
    if isinstance(term, Prefix):
        return term.text
    assert isinstance(term, Const)  # noqa: S101 - wildcards are left out
    if not _is_set(kind):
        return repr(term.value)
    return repr(list(term.value))


def parse_pattern(program: Program, text: str) -> Pattern:
    """Read a pattern.

    ``Relation(column=value, ...)``, by position, or mixed; ``Relation`` alone fits every fact of it. The columns of a
    database's relation stand in the order of its schema, be they read or not, as in rules and queries. Values are
    Python's texts, numbers, ``True`` and ``False``; ``(...)`` or ``[...]`` for a set, in any order; ``{key: value}`` or
    pairs for a map; and without quotes any text up to the comma that can't be taken for a name. In a column of UUIDs
    four hexadecimal digits or more stand for every UUID that begins with them. A row's name in square brackets may
    follow, as answers print it.

    Args:
        program: has the relation.
        text: the pattern.

    Raises:
        QuestionError: it can't be read; says where and why.
    """
    head = _HEAD.match(text)
    if head is None:
        hint = "write Relation(column=value, ...)"
        raise QuestionError("this is no pattern" if text.strip() else "nothing is asked", text, 0, len(text), hint)
    relation = _relation(program, text, head)
    spans: list[Span] = []
    end = head.end() - 1
    if text[head.end() :].startswith("("):
        spans, end = arguments(text, head.end())
    rest = text[end + 1 :]
    if rest.strip() and not _LABEL.fullmatch(rest):
        start = end + 1 + len(rest) - len(rest.lstrip())
        joined = rest.lstrip()[0] in "&<=>"
        hint = "a pattern has one relation: several literals and comparisons are a query" if joined else ""
        raise QuestionError(f"nothing may follow a pattern, but {rest.strip()[:20]!r} does", text, start, None, hint)
    return Pattern(relation, _terms(program, relation, text, spans))


def _relation(program: Program, text: str, head: re.Match[str]) -> RelationDef:
    name = head[1]
    if name in program.relations:
        return program.relations[name]
    for database in databases(program):
        if any(r.name == name for r in database.relations()):
            message = f"{name} is in the database, but this program doesn't read it"
            raise QuestionError(message, text, *head.span(1), hint=did_you_mean(name, program.relations))
    raise QuestionError(f"no relation {short(name)}", text, *head.span(1), hint=did_you_mean(name, program.relations))


def _terms(program: Program, relation: RelationDef, text: str, spans: list[Span]) -> tuple[Term | Prefix, ...]:
    names = [c.name for c in relation.columns]
    order = [c.name for c in (_whole(program, relation) or relation).columns]
    terms: dict[str, Term | Prefix] = {}
    by_name = False
    for number, (start, end) in enumerate(spans):
        named = _NAMED.match(text, start, end)
        if _COMPARED.match(text, named.end() if named else start, end):
            hint = f"comparisons belong in a query: {relation.name}({names[0]}=x) & (x != ...)"
            raise QuestionError("a comparison can't stand in a pattern", text, start, end, hint)
        if by_name and not named:
            hint = "name its column too, or put text with commas in quotes"
            raise QuestionError("a value without a column after those with one", text, start, end, hint)
        by_name = named is not None
        name = named[1] if named else _at(relation, order, number, text, spans)
        if name not in names:
            if not named and text[start:end] == "_":
                continue
            raise _unknown_column(relation, name, order, text, named.span(1) if named else (start, end))
        if named and named.end() == end:
            raise QuestionError(f"column {name} has no value", text, start, end, "write _ for any value")
        if name in terms:
            raise QuestionError(f"column {name} is given twice", text, start, end)
        value = (named.end() if named else start, end)
        terms[name] = read_term(text, value, relation.columns[names.index(name)])
    return tuple(terms.get(name, Wild()) for name in names)


def _at(relation: RelationDef, order: list[str], number: int, text: str, spans: list[Span]) -> str:
    """The column that a value without one stands for."""
    if number < len(order):
        return order[number]
    few = f"{len(order)} column{'' if len(order) == 1 else 's'}"
    message = f"{relation.name} has {few}, not {len(spans)}"
    raise QuestionError(message, text, *spans[number], f"its columns are {', '.join(order)}")


def _whole(program: Program, relation: RelationDef) -> RelationDef | None:
    """A database's relation with all columns of its schema, in whose order terms stand for them."""
    found = (r for d in databases(program) for r in d.relations() if r.name == relation.name)
    return next(found, None) if relation.table is not None else None


def _unknown_column(relation: RelationDef, name: str, order: list[str], text: str, span: Span) -> QuestionError:
    if name in order:
        message = f"{relation.name} has a column {name}, but this program doesn't read it"
        return QuestionError(message, text, *span)
    names = [c.name for c in relation.columns]
    hint = did_you_mean(name, names) or f"its columns are {', '.join(names)}"
    return QuestionError(f"{relation.name} has no column {short(name)}", text, *span, hint)
