"""``load``: rule modules to a checked program."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ovn_rules.engine.checks_binding import check_binding
from ovn_rules.engine.checks_cycles import check_cycles
from ovn_rules.engine.checks_numbers import check_numbers
from ovn_rules.engine.checks_product import check_product
from ovn_rules.engine.checks_types import check_types
from ovn_rules.engine.errors import LoadError, Problem, did_you_mean
from ovn_rules.engine.frontend_clauses import read_rule
from ovn_rules.engine.frontend_scope import relation_of
from ovn_rules.engine.frontend_source import read
from ovn_rules.engine.ir import Allocate, Atom, Clause, Program, RelationDef, Wild
from ovn_rules.engine.language import Rule
from ovn_rules.engine.schema import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovn_rules.engine.frontend_draft import Draft


def load(*things: object, extra_columns: Mapping[str, Iterable[str]] | None = None) -> Program:
    """Reads and checks a rule program.

    Args:
        *things: Modules (their rules, and the relations they declare), packages (all their modules), single
            rules, relations, and databases (all their relations with all columns).
        extra_columns: Columns of database relations, by relation name, wanted beside those that rules read:
            ``{"nb.Logical_Port": ["name"]}``; ``"*"`` stands for all. The relation is in the program
            even if no rule reads it.

    Returns:
        The program. A relation of database rows has ``_uuid`` and the columns that some clause names.

    Raises:
        LoadError: With every problem found.
        TypeError: A thing is nothing that can be loaded.
    """
    loading = _Loading()
    for thing in things:
        loading.add(thing)
    drafts = loading.read()
    kept = loading.kept(drafts, extra_columns or {})
    if loading.problems:
        raise LoadError(loading.problems)
    return _program(drafts, loading.relations, kept)


class _Loading:
    """What has been found so far."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.relations: dict[str, RelationDef] = {}
        self.wide: set[str] = set()
        self.databases: dict[str, Database] = {}
        self.problems: list[Problem] = []

    def add(self, thing: object) -> None:
        """Adds a module, package, rule, relation or database."""
        if isinstance(thing, ModuleType):
            self.module(thing)
        elif isinstance(thing, Rule):
            self.rule(thing)
        elif isinstance(thing, Database):
            self.databases[thing.name] = thing
            for each in thing.relations():
                self.relation(each)
                self.wide.add(each.name)
        elif (relation := relation_of(thing)) is not None:
            self.relation(relation)
            self.wide.add(relation.name)
        else:
            raise TypeError(f"load() takes modules, rules, relations and databases, not {thing!r}")

    def module(self, module: ModuleType) -> None:
        for value in list(vars(module).values()):
            if isinstance(value, Rule) and value.function.__globals__ is vars(module):
                self.rule(value)
            elif isinstance(value, type) and value.__module__ == module.__name__:
                if declared := relation_of(value):
                    self.relation(declared)
            elif isinstance(value, Database):
                self.databases[value.name] = value
        self.hidden_duplicates(module)
        if hasattr(module, "__path__"):
            for found in pkgutil.iter_modules(module.__path__, f"{module.__name__}."):
                self.module(importlib.import_module(found.name))

    def rule(self, rule: Rule) -> None:
        known = self.rules.setdefault(rule.name, rule)
        if known is not rule:
            code = known.function.__code__
            try:
                line = read(known)[1].lineno
            except LoadError:  # reported when that rule is read
                line = code.co_firstlineno
            self.duplicate(rule, code.co_filename, line)

    def duplicate(self, rule: Rule, file: str, line: int) -> None:
        """Reports a rule whose name another one has."""
        try:
            source, node = read(rule)
        except LoadError as e:
            self.problems += e.problems
            return
        place = source.location(node)
        start = place.text.find(rule.name, place.column)
        place = replace(place, column=start, end_column=start + len(rule.name))
        where = f"{Path(file).name}, line {line}"
        self.problems.append(
            Problem(f"duplicate rule name {rule.name!r}", place, f"another is in {where}: rename one", rule.name)
        )

    def hidden_duplicates(self, module: ModuleType) -> None:
        """Reports rules of a module that a later one of the same name has replaced in it."""
        for rule in [v for v in vars(module).values() if isinstance(v, Rule)]:
            if rule.function.__globals__ is not vars(module):
                continue
            try:
                source, node = read(rule)
            except LoadError:  # reported when the rule is read
                continue
            for other in source.tree.body:
                if isinstance(other, ast.FunctionDef) and other.name == node.name and other is not node:
                    self.duplicate(rule, source.file, other.lineno)

    def relation(self, relation: RelationDef, problem: Draft | None = None) -> None:
        known = self.relations.setdefault(relation.name, relation)
        if known is relation or known == relation:
            return
        message = f"two different relations are named {relation.name}"
        hint = "rename one of them"
        if problem is not None:
            problem.refuse(problem.node, message, hint)
        else:
            self.problems.append(Problem(message, hint=hint))

    def read(self) -> list[Draft]:
        """Reads and checks all rules."""
        drafts: list[Draft] = []
        for rule in self.rules.values():
            try:
                drafts += read_rule(rule, self.problems)
            except LoadError as e:
                self.problems += e.problems
        for draft in drafts:
            for relation in draft.used.values():
                self.relation(relation, draft)
        fine = [d for d in drafts if not d.problems]
        for draft in fine:
            check_binding(draft)
            check_types(draft)
            check_product(draft)
        check_cycles(fine)
        check_numbers(fine)
        for draft in drafts:
            self.problems += draft.problems
        return drafts

    def kept(self, drafts: list[Draft], extra: Mapping[str, Iterable[str]]) -> dict[str, tuple[int, ...]]:
        """The positions that remain of each relation of database rows."""
        for name in extra:
            if name not in self.relations:
                database = self.databases.get(name.partition(".")[0])
                found = {r.name: r for r in database.relations()} if database else {}
                if name in found:
                    self.relations[name] = found[name]
        named: dict[str, set[int]] = {}
        for draft in drafts:
            for literal in (p.literal for p in draft.parts):
                if isinstance(literal, Atom):
                    used = (i for i, t in enumerate(literal.terms) if not isinstance(t, Wild))
                    named.setdefault(literal.relation, set()).update(used)
            for term in draft.terms:
                if isinstance(term, Allocate):
                    self.wide.update(term.reads)
        for name, columns in extra.items():
            named.setdefault(name, set()).update(self.wanted(name, columns))
        return {
            r.name: tuple(sorted({0} | named.get(r.name, set())))
            for r in self.relations.values()
            if r.table is not None and r.table.column is None and r.name not in self.wide
        }

    def wanted(self, name: str, columns: Iterable[str]) -> list[int]:
        """The positions of extra columns; reports what doesn't exist."""
        relation = self.relations.get(name)
        if relation is None:
            hint = did_you_mean(name, self.relations)
            self.problems.append(Problem(f"extra columns of unknown relation {name!r}", hint=hint))
            return []
        positions = {c.name: i for i, c in enumerate(relation.columns)}
        asked = set(columns)
        if "*" in asked:
            return list(positions.values())
        for column in sorted(asked - set(positions)):
            hint = did_you_mean(column, positions)
            self.problems.append(Problem(f"unknown extra column {column!r} of relation {name}", hint=hint))
        return [positions[c] for c in asked & set(positions)]


def _program(drafts: list[Draft], relations: dict[str, RelationDef], kept: dict[str, tuple[int, ...]]) -> Program:
    """The program, with relations of database rows cut down to the positions that are kept."""
    narrow = dict(relations)
    for name, positions in kept.items():
        wide = relations[name]
        narrow[name] = replace(wide, columns=tuple(wide.columns[i] for i in positions))
    return Program(narrow, tuple(clause_of(d, kept) for d in drafts))


def clause_of(draft: Draft, kept: Mapping[str, tuple[int, ...]]) -> Clause:
    """The clause of a draft that is fine, with atoms cut down to the positions that are kept of their relation."""
    body = []
    for part in draft.parts:
        literal = part.literal
        if isinstance(literal, Atom) and literal.relation in kept:
            literal = replace(literal, terms=tuple(literal.terms[i] for i in kept[literal.relation]))
        body.append(literal)
    return Clause(
        draft.rule.name,
        draft.index,
        draft.head.name,
        tuple(draft.terms),
        tuple(body),
        draft.rule.doc,
        draft.rule.module,
        draft.source.location(draft.node),
    )
