"""What is given: rows of databases by name, facts of other relations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ovn_rules.cli.spec.document import fill
from ovn_rules.cli.spec.facts import fact_rows
from ovn_rules.cli.spec.templates import at_line, use
from ovn_rules.cli.spec.values import from_node
from ovn_rules.engine.schema import ATOMS, column_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.cli.spec.document import Mistakes, Node
    from ovn_rules.cli.spec.programs import Rules
    from ovn_rules.cli.spec.templates import Templates, Values
    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import BaseType, ColumnSchema, TableSchema

Verb = Literal["insert", "delete", "change"]
Row = dict[str, Any]


@dataclass
class State:
    """All rows and facts at one moment of a case.

    Attributes:
        rows: ``database.table`` → name → row. A row's ``_uuid`` is its name.
        facts: relation → facts, of relations that are no tables.
    """

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    facts: dict[str, set[Fact]] = field(default_factory=dict)

    def copy(self) -> State:
        """The same rows and facts, to be changed apart from these."""
        return State(
            {table: {name: dict(row) for name, row in rows.items()} for table, rows in self.rows.items()},
            {relation: set(facts) for relation, facts in self.facts.items()},
        )


class RowReader:
    """Reads ``given``, ``insert``, ``delete`` and ``change`` into a state.

    Args:
        rules: say which databases and relations there are.
        roles: those that the case runs in.
        templates: by name.
        mistakes: takes what is wrong.
    """

    def __init__(
        self,
        rules: Rules,
        roles: tuple[str, ...],
        templates: Templates,
        mistakes: Mistakes,
    ) -> None:
        self.rules = rules
        self.roles = roles
        self.relations = rules.relations(roles)
        self.templates = templates
        self.mistakes = mistakes

    def apply(self, state: State, verb: Verb, node: Node, values: Values, inside: tuple[str, ...] = ()) -> None:
        """Change a state as a node says.

        Args:
            state: is changed.
            verb: what to do with the rows and facts.
            node: a mapping of tables and relations, uses of templates a line each, or a list of both.
            values: of the parameters in it.
            inside: the templates that it is part of.
        """
        if node.empty:
            return
        if node.kind == "list":
            for item in node.items:
                self.apply(state, verb, item, values, inside)
        elif node.kind == "text":
            lines = node.text.splitlines() if node.style == "|" else [node.text]
            for line, text in enumerate(lines, node.line):
                if text.strip():
                    self._use(state, verb, replace(node, line=line, text=text, style=""), values, inside)
        else:
            for key, value in fill(node, values, set(), self.mistakes).pairs:
                self._table(state, verb, key, value)

    def _use(self, state: State, verb: Verb, node: Node, values: Values, inside: tuple[str, ...]) -> None:
        if (found := use(node, values, self.templates, self.mistakes)) is None:
            return
        template, inner = found
        if template.name in inside:
            self.mistakes.add(node.line, f"template {template.name} is part of itself")
        else:
            self.apply(state, verb, at_line(template.body, node.line), inner, (*inside, template.name))

    # -- rows ------------------------------------------------------------------------------------------------------

    def _table(self, state: State, verb: Verb, name: Node, value: Node) -> None:
        database, _, table = name.text.partition(".")
        if not table:
            self._facts(state, verb, name, value)
            return
        if database not in self.rules.databases:
            self.mistakes.unknown(name.line, "database", database, self.rules.databases)
            return
        tables = self.rules.databases[database].schema.tables
        if table not in tables:
            self.mistakes.unknown(name.line, f"table of {database}", table, tables)
            return
        rows = state.rows.setdefault(name.text, {})
        for key, columns in self._entries(name, value):
            self._row(rows, verb, tables[table], key, columns)

    def _entries(self, name: Node, value: Node) -> Iterator[tuple[Node, Node | None]]:
        if value.empty:
            return
        if value.kind == "mapping":
            yield from ((k, None if v.empty else v) for k, v in value.pairs)
            return
        for item in value.items or (value,):
            if item.kind == "text":
                yield item, None
            else:
                self.mistakes.add(item.line, f"{name.text} has names of rows, or rows by name, not {item.named}")

    def _row(self, rows: dict[str, Row], verb: Verb, table: TableSchema, key: Node, columns: Node | None) -> None:
        own, more = self._columns(table, columns)
        name = key.text
        if more and not own and verb != "change":
            # Nothing but additions to a row that somebody else makes.
            if name not in rows:
                self.mistakes.unknown(key.line, f"row of {table.name}", name, rows)
            else:
                self._mix(rows[name], table, more, verb)
        elif verb == "insert":
            if name in rows:
                self.mistakes.add(key.line, f"{table.name} has a row {name!r} already; change it, or name it otherwise")
            rows[name] = {"_uuid": name, **self._defaults(table, key, own), **own}
            self._mix(rows[name], table, more, verb)
        elif name not in rows:
            self.mistakes.unknown(key.line, f"row of {table.name}", name, rows)
        elif verb == "delete":
            del rows[name]
        else:
            rows[name].update(own)
            self._mix(rows[name], table, more, verb)

    def _columns(self, table: TableSchema, node: Node | None) -> tuple[Row, dict[str, tuple[str, Any]]]:
        """A row's columns, and with ``column+`` and ``column-`` what to add to those of another row."""
        own: Row = {}
        more: dict[str, tuple[str, Any]] = {}
        if node is None:
            return own, more
        if node.kind != "mapping":
            self.mistakes.add(node.line, f"a row is columns with values, not {node.named}")
            return own, more
        for column, value in node.pairs:
            name, sign = column.text.rstrip("+-"), column.text[len(column.text.rstrip("+-")) :]
            if name not in table.columns:
                self.mistakes.unknown(column.line, f"column of {table.name}", name, table.columns)
                continue
            schema = table.columns[name]
            if sign and schema.kind == "scalar":
                self.mistakes.add(column.line, f"{table.name} {name} is one value: nothing can be added to it")
                continue
            keys_only = sign == "-" and schema.kind == "map" and value.kind != "mapping"
            found = self._value(table, schema, value, keys_only=keys_only)
            if sign:
                more[name] = (sign, found)
            else:
                own[name] = found
        return own, more

    def _value(self, table: TableSchema, column: ColumnSchema, node: Node, *, keys_only: bool) -> Any:
        if node.empty and not (node.kind == "text" and node.style):
            return column.default
        if node.kind == "mapping":
            node = replace(node, pairs=tuple((k, v) for k, v in node.pairs if not v.empty))
        kind = column_type(column)
        if keys_only:
            kind = replace(kind, args=(ATOMS[column.key_type],))
        try:
            value = from_node(node, kind)
        except ValueError as error:
            self.mistakes.add(node.line, f"{table.name} {column.name}: {error}")
            return column.default
        if column.kind == "scalar":
            value = (value,)
        for each in value:
            atoms = zip(each, (column.key, column.value), strict=True) if _paired(each) else ((each, column.key),)
            for atom, base in atoms:
                if base is not None and (wrong := _outside(atom, base)):
                    self.mistakes.add(node.line, f"{table.name} {column.name}: {wrong}")
        return value[0] if column.kind == "scalar" else value

    def _defaults(self, table: TableSchema, key: Node, own: Row) -> Row:
        """A new row's name, and a word for each column that must be given and wasn't."""
        row: Row = {}
        if (naming := _naming(table)) is not None:
            row[naming] = key.text
        for column in table.columns.values():
            if column.name not in own and column.name not in row:
                if column.kind == "scalar" and (wrong := _outside(column.default, column.key)):
                    self.mistakes.add(key.line, f"{table.name} {key.text!r} needs {column.name}: {wrong}")
                elif column.min and (column.kind != "scalar" or column.ref_table):
                    self.mistakes.add(key.line, f"{table.name} {key.text!r} needs {column.name}")
        return row

    def _mix(self, row: Row, table: TableSchema, more: dict[str, tuple[str, Any]], verb: Verb) -> None:
        for name, (sign, value) in more.items():
            had = tuple(row.get(name, ()))
            add = (sign == "+") is (verb != "delete")
            if table.columns[name].kind == "map":
                keys = {e[0] if _paired(e) else e for e in value}
                row[name] = tuple(e for e in had if e[0] not in keys) + (value if add else ())
            else:
                row[name] = tuple(e for e in had if e not in value) + (value if add else ())

    # -- facts -----------------------------------------------------------------------------------------------------

    def _facts(self, state: State, verb: Verb, name: Node, value: Node) -> None:
        relation = self.relations.get(name.text)
        if relation is None:
            self.mistakes.add(name.line, self.rules.unknown(name.text, self.roles))
            return
        if verb == "change":
            self.mistakes.add(name.line, f"{name.text} is no table: its facts come and go, but don't change")
            return
        facts = state.facts.setdefault(name.text, set())
        before = len(self.mistakes.found)
        rows = fact_rows(relation, value, {}, self.mistakes)
        for row in rows if len(self.mistakes.found) == before else ():
            if missing := [c.name for i, c in enumerate(relation.columns) if i not in row.values]:
                self.mistakes.add(row.line, f"a fact of {name.text} needs {', '.join(missing)}")
                continue
            fact = tuple(row.values[i] for i in range(len(relation.columns)))
            if (fact in facts) is (verb == "insert"):
                self.mistakes.add(row.line, f"{name.text} {'has' if fact in facts else 'has not'} the fact {fact}")
            (facts.add if verb == "insert" else facts.discard)(fact)

    # -- references ------------------------------------------------------------------------------------------------

    def check_references(self, state: State, line: int) -> None:
        """Note what refers to a row that isn't there.

        Args:
            state: after a step.
            line: of the step.
        """
        for where, rows in state.rows.items():
            database, _, table = where.partition(".")
            for column in self.rules.databases[database].schema.tables[table].columns.values():
                for i, base in enumerate((column.key, column.value)):
                    if base is not None and base.ref_table is not None:
                        there = state.rows.get(f"{database}.{base.ref_table}", {})
                        for name, row in rows.items():
                            for wanted in _references(row.get(column.name), column, i):
                                if wanted not in there:
                                    text = f"{where} {name!r}: {column.name} refers to {wanted!r}, which is no row"
                                    self.mistakes.add(line, f"{text} of {database}.{base.ref_table}")


def _references(value: Any, column: ColumnSchema, part: int) -> Iterator[str]:
    if value is None:
        return
    for each in (value,) if column.kind == "scalar" else value:
        yield each[part] if _paired(each) else each


def _paired(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _naming(table: TableSchema) -> str | None:
    """The column that holds a row's name: ``name``, or the text that the schema says is unique."""
    unique = [i[0] for i in table.indexes if len(i) == 1 and table.columns[i[0]].key_type == "string"]
    return "name" if "name" in table.columns else unique[0] if unique else None


def _outside(value: Any, base: BaseType) -> str:
    """Why the schema refuses a value; empty when it doesn't."""
    if base.enum and value not in base.enum:
        return f"one of {', '.join(map(str, base.enum))} is wanted, not {value!r}"
    if base.name in ("integer", "real"):
        if base.minimum is not None and value < base.minimum:
            return f"{base.minimum} is the least, not {value}"
        if base.maximum is not None and value > base.maximum:
            return f"{base.maximum} is the most, not {value}"
    return ""
