"""``whynot``: why a fact isn't there, and what would have to change for it to be."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.absences import absence_document, pattern_document
from ovn_rules.cli.verbs.absences_graph import graph
from ovn_rules.cli.verbs.absences_shown import show
from ovn_rules.cli.verbs.expected import equal_columns, expected, values_of
from ovn_rules.cli.verbs.facts import fact_document
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.supposed_edits import transaction_of
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.errors import listed
from ovn_rules.engine.patterns import Pattern
from ovn_rules.engine.present import FREE
from ovn_rules.engine.repair import Repair, repairs
from ovn_rules.engine.whynot import DEPTH, WhyNot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.engine import Engine, Fact


MOST = 5
"""Facts named when some fit after all."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """Why nothing fits a pattern, or a flow that was expected isn't there.

    Raises:
        Failure: the flow can't be one of ours, or the question can't be answered.
        QuestionError: the pattern can't be read.
    """
    engine = world.engine
    asked = expected(world, text)
    if not isinstance(asked, Pattern):
        return _answered(engine, *asked, options, [])
    relation, wanted = asked.relation.name, values_of(engine, asked)
    facts = asked.matching(engine, MOST)
    if facts:
        document = {"asked": pattern_document(engine, relation, wanted), "found": _facts(engine, relation, facts)}
        return {**document, "notes": asked.notes(engine)}
    document = _answered(engine, relation, wanted, options, asked.notes(engine))
    if document.get("found"):
        (pair, *_) = equal_columns(asked) or [("", "")]
        raise Failure(
            f"there are such facts, but none with equal {' and '.join(pair)}; give a value for both to be told why"
        )
    return document


def _answered(engine: Engine, relation: str, wanted: Fact, options: Mapping[str, Any], notes: list[str]) -> Document:
    """The document; when no change makes a keyed fact as it is wanted, of any fact with its key.

    What is outside the key, such as the actions of a flow, follows from what makes the fact.
    """
    depth, everything = options["depth"], options["all"]
    document = _explained(engine, relation, wanted, depth, everything=everything)
    definition = engine.program.relations[relation]
    key = definition.key or range(len(wanted))
    rest = [i for i, value in enumerate(wanted) if i not in key and value is not FREE]
    if rest and not document.get("found") and not document["changes"]:
        loose = tuple(FREE if i in rest else value for i, value in enumerate(wanted))
        other = _explained(engine, relation, loose, depth, everything=everything)
        if other.get("changes"):
            left_out = listed(definition.columns[i].name for i in rest)
            note = f"nothing was found that makes it with {left_out} as given; what is told leaves {left_out} open"
            return {**other, "notes": [*notes, note]}
    return {**document, "notes": notes}


def explain_absence(engine: Engine, relation: str, wanted: Mapping[str, Any], depth: int = DEPTH) -> Document:
    """Why there is no such fact, as the document that ``show`` prints.

    Args:
        engine: where it isn't.
        relation: the relation.
        wanted: values by column; those left out may be anything.
        depth: levels of relations to go down.

    Raises:
        KeyError: there is no such relation or column.
    """
    columns = engine.program.relations[relation].columns
    for name in wanted:
        engine.program.relations[relation].position(name)
    return _explained(engine, relation, tuple(wanted.get(c.name, FREE) for c in columns), depth, everything=False)


def nearest_miss(world: World, question: str) -> Document:
    """What keeps a fact or flow from being there, without the changes that would help: a part of ``answer``.

    Args:
        world: where it isn't.
        question: a pattern or a flow.
    """
    engine = world.engine
    asked = expected(world, question)
    relation, wanted = (asked.relation.name, values_of(engine, asked)) if isinstance(asked, Pattern) else asked
    document: Document = {
        "absence": absence_document(engine, WhyNot(engine).absence(relation, wanted), everything=False)
    }
    return {**document, "names": _names(engine, document)}


def _explained(engine: Engine, relation: str, wanted: Fact, depth: int, *, everything: bool) -> Document:
    whynot = WhyNot(engine, depth=depth, everything=everything)
    absence = whynot.absence(relation, wanted)
    document: Document = {"asked": pattern_document(engine, relation, wanted)}
    if absence.found:
        return {**document, "found": _facts(engine, relation, absence.found)}
    changes = repairs(whynot, absence, transaction_of)
    if not changes and not whynot.spent:
        # Seen more widely, or more narrowly, there are others to try.
        other = WhyNot(engine, depth=depth, everything=not everything)
        changes = repairs(other, other.absence(relation, wanted), transaction_of)
    document["absence"] = absence_document(engine, absence, everything=everything)
    document["changes"] = [_change(engine, c) for c in changes]
    document["complete"] = not whynot.spent
    document["names"] = _names(engine, document)
    return document


def _names(engine: Engine, document: Document) -> dict[str, str]:
    """The names of the rows that a document refers to, by UUID."""
    mentioned = sorted(set(_UUID.findall(json.dumps(document))))
    names: dict[str, str] = {}
    for relation in engine.program.relations.values():
        if relation.table is not None and relation.table.column is None:
            position = next((i for i, c in enumerate(relation.columns) if c.name == "name"), None)
            rows = engine.network.members[relation.name].store.table
            if position is not None:
                names.update({u: rows[u][position] for u in mentioned if u in rows})
    return names


def _facts(engine: Engine, relation: str, facts: Any) -> list[Document]:
    return [fact_document(engine, relation, f) for f in facts]


def _change(engine: Engine, repair: Repair) -> Document:
    edits = []
    for edit in repair.edits:
        columns = engine.program.relations[edit.relation].columns
        edits.append(
            {
                "delete": None if edit.old is None else fact_document(engine, edit.relation, edit.old),
                "insert": None if edit.new is None else fact_document(engine, edit.relation, edit.new),
                "chosen": [columns[i].name for i in edit.made_up],
            }
        )
    return {
        "edits": edits,
        "adds": repair.adds,
        "makes": [fact_document(engine, repair.relation, f) for f in repair.made],
        "effects": {r: {"deleted": gone, "inserted": come} for r, (gone, come) in repair.effects.items()},
    }


VERB = Verb(
    name="whynot",
    argument="PATTERN|FLOW",
    summary="Why a fact isn't there.",
    help="Explain why no fact fits RELATION(column=value, ...), or why a flow that was expected isn't there.\n\n"
    "For each rule that could make it: how near it came, which of its conditions hold, with which facts, and which one "
    "fails; for what is missing the same again, down to rows of databases. Then the smallest change found that would "
    "make it hold; it has been tried, but nothing was written.",
    examples=(
        "'Pipeline(table_id=1, match=\"eth.dst == fa:16:3e:00:00:99\")'",
        '\'Claim(chassis="host1", port="vm7")\'',
        "'table=64, priority=50,reg7=0x3'",
    ),
    answer=answer,
    show=show,
    graph=graph,
    options=(
        Option("depth", "number", DEPTH, "Levels of relations to go down."),
        Option("all", "flag", False, "Every rule and every miss, not the nearest ones."),
    ),
)

command = one_shot(VERB)
