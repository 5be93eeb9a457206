"""Facts by the names that answers give them, like ``Port#1c9e05b7``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.knowledge import literal
from ovn_rules.cli.verbs.facts import fact_document
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.proof import named

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine, Fact

_NAME = re.compile(r"\s*([^\W\d][\w.]*)#([0-9a-f]{8})\s*")


def facts_named(engine: Engine, text: str) -> list[tuple[str, Fact]] | None:
    """The facts with a name; None for a text that is no name.

    Args:
        engine: where they hold.
        text: what was asked about.

    Raises:
        Failure: no fact has the name.
    """
    name = _NAME.fullmatch(text)
    if name is None:
        return None
    relations = engine.program.relations
    if name[1] not in relations:
        raise Failure(f"no relation {name[1]}; {did_you_mean(name[1], relations) or 'relations lists them'}")
    facts = named(engine, text.strip())
    if not facts:
        raise Failure(f"no fact has the name {text.strip()} any more, or not in this network")
    return [(name[1], f) for f in facts]


def without_name(engine: Engine, text: str) -> str:
    """A question about a fact by its name as one about its values; any other question as it is.

    Raises:
        Failure: no fact has the name.
    """
    facts = facts_named(engine, text)
    return text if facts is None else fact_question(fact_document(engine, *facts[0]))


def fact_question(document: Document) -> str:
    """A fact in a document as a question names it."""
    inside = ", ".join(f"{column}={literal(value)}" for column, value in document["fact"].items())
    return f"{document['relation']}({inside})"
