"""Facts in documents: how they are put in, and how they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine, Fact


def fact_document(engine: Engine, relation: str, fact: Fact) -> Document:
    """A fact as a document: relation, columns, and for a database row database, table and UUID.

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
    return document


def plain(value: Any) -> Any:
    """A value as JSON has it: a set is a list, a map a list of pairs."""
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return value


def fact_text(document: Document, columns: Collection[str] | None = None) -> Text:
    """A fact as ``Relation(column=value, ...)``, a database row in green.

    Args:
        document: what ``fact_document`` made.
        columns: only these, and the row's UUID; None for all.
    """
    text = Text(document["relation"], style="bold green" if "table" in document else "bold")
    parts = [
        f"{name}={value_text(value)}"
        for name, value in document["fact"].items()
        if columns is None or name in columns or name == "_uuid"
    ]
    return text.append(f"({', '.join(parts)})", style="default not bold")


def value_text(value: Any) -> str:
    """A value as rules write it, but a text in single quotes."""
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else str(value)
