"""Database relations from an .ovsschema: whole rows of each table, elements of its sets and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.ir import BOOL, FLOAT, INT, STR, UUID, Column, RelationDef, Table, Type
from ovn_rules.engine.language import Pattern, refuse
from ovn_rules.engine.ovsschema import ColumnSchema, Schema, TableSchema, parse_schema, read_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATOMS = {"integer": INT, "real": FLOAT, "boolean": BOOL, "string": STR, "uuid": UUID}


class DatabaseRelation(Pattern):
    """A relation whose facts are a database's; ``__relation__`` is its definition."""

    def __init__(self, definition: RelationDef) -> None:
        """Takes the definition."""
        self.__relation__ = definition

    def __call__(self, *_terms: object, **_columns: object) -> Pattern:
        """Stands in a rule's body."""
        refuse()

    def __repr__(self) -> str:
        """Names the relation."""
        return f"<relation {self.__relation__.name}>"


class RowRelation(DatabaseRelation):
    """The rows of a table: ``_uuid``, then the columns in the schema's order.

    A scalar column has its type, a set or optional column is a sorted tuple, a map a tuple of (key, value).
    A set or map column as an attribute is the relation of its elements: ``nb.Logical_Port.macs``.
    """

    def __init__(self, database: str, table: TableSchema) -> None:
        """Makes the relations of a table and of its set and map columns."""
        name = f"{database}.{table.name}"
        columns = [Column("_uuid", UUID), *(Column(c.name, column_type(c)) for c in table.columns.values())]
        super().__init__(RelationDef(name, tuple(columns), (0,), "", Table(database, table.name)))
        self.__elements__ = {
            c.name: _elements(database, table.name, c) for c in table.columns.values() if c.kind != "scalar"
        }

    def __getattr__(self, name: str) -> DatabaseRelation:
        """The relation of a set or map column's elements.

        Raises:
            AttributeError: There is no such column, or it is a scalar.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.__elements__[name]
        except KeyError:
            raise AttributeError(missing(self, name)) from None


def column_type(column: ColumnSchema) -> Type:
    """The type of a column in the relation of whole rows."""
    key = ATOMS[column.key_type]
    if column.kind == "scalar":
        return key
    if column.value_type is None:
        return Type("tuple", (key,))
    return Type("tuple", (Type("tuple", (key, ATOMS[column.value_type])),))


def _elements(database: str, table: str, column: ColumnSchema) -> DatabaseRelation:
    columns = [Column("_uuid", UUID)]
    if column.value_type is None:
        columns.append(Column(column.name, ATOMS[column.key_type]))
    else:
        columns += [Column("key", ATOMS[column.key_type]), Column("value", ATOMS[column.value_type])]
    where = Table(database, table, column.name)
    return DatabaseRelation(RelationDef(f"{database}.{table}.{column.name}", tuple(columns), None, "", where))


class Database:
    """A database as rules see it: ``nb = Database("nb", path)``, then ``nb.Logical_Port(_uuid=p, name=n)``.

    Attributes:
        name: The name that its relations start with.
        schema: Its parsed schema.
    """

    def __init__(self, name: str, schema: str | Path | dict[str, Any] | Schema) -> None:
        """Reads a schema: the path of an .ovsschema file, its parsed JSON, or a ``Schema``.

        Raises:
            SchemaError: It is not an OVSDB schema.
        """
        if isinstance(schema, dict):
            schema = parse_schema(schema)
        elif not isinstance(schema, Schema):
            schema = read_schema(schema)
        self.name = name
        self.schema = schema
        self.__tables__ = {t.name: RowRelation(name, t) for t in schema.tables.values()}

    def __getattr__(self, name: str) -> RowRelation:
        """The relation of a table's rows.

        Raises:
            AttributeError: The schema has no such table.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.__tables__[name]
        except KeyError:
            hint = did_you_mean(name, self.__tables__)
            raise AttributeError(f"{missing(self, name)}{'; ' if hint else ''}{hint}") from None

    def tables(self) -> list[str]:
        """Names of the tables."""
        return list(self.__tables__)

    def relations(self) -> Iterator[RelationDef]:
        """Every relation of the database: rows of each table, then its set and map columns."""
        for table in self.__tables__.values():
            yield table.__relation__
            for elements in table.__elements__.values():
                yield elements.__relation__

    def __repr__(self) -> str:
        """Names the database."""
        return f"<database {self.name}>"


def missing(owner: Database | RowRelation, name: str) -> str:
    """Why a database or table has no relation of that name, as one line."""
    if isinstance(owner, Database):
        return f"database {owner.name} has no table {name!r}"
    table = owner.__relation__
    if any(c.name == name for c in table.columns):
        return f"column {name!r} of {table.name} is a scalar, not a relation of its own"
    return f"{table.name} has no column {name!r}"
