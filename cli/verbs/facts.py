"""Facts in documents: how they are put in, and how they are printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

from rich.text import Text

from ovn_rules.cli.tables import printable
from ovn_rules.engine.ir import Const, Wild
from ovn_rules.engine.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine, Fact


def fact_document(engine: Engine, relation: str, fact: Fact) -> Document:
    """A fact as a document: relation, columns, and for a database row database, table, UUID and name.

    Args:
        engine: whose program has the relation.
        relation: the fact's relation.
        fact: the fact.
    """
    definition = engine.program.relations[relation]
    document: Document = {
        "relation": relation,
        "fact": {c.name: plain(v) for c, v in zip(definition.columns, fact, strict=True)},
    }
    if definition.table is not None:
        document["database"], document["table"], document["row"] = (
            definition.table.database,
            definition.table.table,
            fact[0],
        )
        document["name"] = row_name(engine, relation, fact)
    return document


NAMES = (("name",), ("logical_port",), ("table_id", "priority", "match"), ("priority", "match"), ("type", "ip"))
"""Columns that tell one row of a table from the others for a reader; the first that a table has all of."""


def row_name(engine: Engine, relation: str, fact: Fact) -> str | None:
    """What a reader calls the row that a fact stands for, or is an element of; None when it has no name.

    Args:
        engine: where the row's other columns are looked up.
        relation: a relation of rows or of their elements.
        fact: the fact.
    """
    relations = engine.program.relations
    table = relations[relation].table
    assert table is not None  # noqa: S101 - asked of rows only
    whole = f"{table.database}.{table.table}"
    row: Fact | None = fact
    if table.column is not None:
        row = next(iter(found(engine, whole, _uuid=fact[0])), None) if whole in relations else None
    if row is not None:
        values = {c.name: v for c, v in zip(relations[whole].columns, row, strict=True)}
        for columns in NAMES:
            if all(c in values for c in columns):
                return " ".join(str(values[c]) for c in columns)
    ids = f"{whole}.external_ids"
    if ids in relations:
        for each in found(engine, ids, _uuid=fact[0], key="system-id"):
            return str(each[2])
    return None


def found(engine: Engine, relation: str, **values: Any) -> Iterator[Fact]:
    """The facts whose columns have some values; none for a relation or column that the program doesn't have.

    Args:
        engine: whose facts.
        relation: the relation.
        **values: value by column.
    """
    definition = engine.program.relations.get(relation)
    columns = [] if definition is None else [c.name for c in definition.columns]
    if definition is None or not values.keys() <= set(columns):
        return iter(())
    terms = tuple(Const(values[c]) if c in values else Wild() for c in columns)
    return Pattern(definition, terms).found(engine)


def plain(value: Any) -> Any:
    """A value as JSON has it: a set is a list, a map a list of pairs."""
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return value


def fact_text(
    document: Document, columns: Collection[str] | None = None, width: int | None = None, *, brief: bool = False
) -> Text:
    """A fact as ``Relation(column=value, ...)``, a database row in green and with its name.

    Args:
        document: what ``fact_document`` made.
        columns: only these, and the row's UUID; None for all.
        width: characters that it should fit into: long values are shortened in the middle; None for as long as it is.
        brief: show of another row's UUID its beginning, which patterns take as well.
    """
    shown = {c: v for c, v in document["fact"].items() if columns is None or c in columns or c == "_uuid"}
    texts: Mapping[str, str] = {
        c: v[:8] if brief and c != "_uuid" and is_uuid(v) else value_text(v) for c, v in shown.items()
    }
    name = document.get("name")
    label = (
        f"  [{printable(name)}]" if name is not None and repr(name) not in map(repr, document["fact"].values()) else ""
    )
    if width is not None:
        label = shortened(label, max(16, width // 4))
        texts = _narrowed(shown, texts, width - len(document["relation"]) - len("()") - len(label))
    text = Text(document["relation"], style="bold green" if "table" in document else "bold")
    text.append(f"({', '.join(f'{c}={v}' for c, v in texts.items())})", style="default not bold")
    return text.append(label, style="default not bold dim")


def _narrowed(values: Mapping[str, Any], texts: Mapping[str, str], width: int) -> Mapping[str, str]:
    """Columns made to fit: first what is empty goes and UUIDs are abbreviated, then the longest are shortened."""

    def room() -> int:
        return width - sum(len(f"{column}=, ") for column in texts) + len(", ")

    if sum(map(len, texts.values())) > room():
        texts = {c: v[:8] if is_uuid(v := values[c]) else t for c, t in texts.items() if values[c] not in ("", [])}
    return dict(zip(texts, fitting(list(texts.values()), room()), strict=True))


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uuid(value: Any) -> TypeGuard[str]:
    """Whether a value is the UUID of a row."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def fitting(texts: list[str], width: int) -> list[str]:
    """Texts of which the longest are shortened, all to one length, until together they are no wider.

    Args:
        texts: what is to be shown beside each other.
        width: characters for all of them; no text is made shorter than 8.
    """
    left, most = width, 0
    for i, length in enumerate(sorted(map(len, texts))):
        most = left // (len(texts) - i)
        if length > most:
            break
        left -= length
    else:
        return texts
    return [shortened(t, max(8, most)) for t in texts]


def shortened(text: str, width: int) -> str:
    """A text with an ellipsis in its middle, if it is longer."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def value_text(value: Any) -> str:
    """A value as patterns and rules read it: a text on one line, quoted and escaped as Python does."""
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return repr(value)
