"""``impact``: what depends on a fact or a row, and what would become of it without."""

from __future__ import annotations

import re
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ovn_rules.cli.derive import reading_order
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.clashes import clashes_document, show_clashes
from ovn_rules.cli.verbs.effects_graph import Painter, comes_from
from ovn_rules.cli.verbs.fact_names import without_name
from ovn_rules.cli.verbs.facts import fact_document, fact_text, value_text
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.supposed import SupposedRows
from ovn_rules.cli.verbs.supposed_checks import delete_with_referring
from ovn_rules.cli.verbs.terminal import print_item, print_notes
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine import RuleFailure
from ovn_rules.engine.impact import impact_of
from ovn_rules.engine.patterns import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.supposed import Delta
    from ovn_rules.cli.verbs.verb import Document, Graph, World
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.impact import Effect

TITLE = 120
"""Characters of a fact in a picture's title."""

LIMIT = 5
"""Examples of each kind, unless more are asked for."""

MOST = 20
"""Facts listed when a pattern fits several."""

_UUID = re.compile(r"\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8})\s*", re.IGNORECASE)
_ROW = re.compile(r"\s*([^\W\d]\w*\.\w+)\s+(\S.*?)\s*", re.DOTALL)

Found = dict[str, list["Fact"]]


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """What depends on the fact or row, and what would vanish, change and appear without it.

    Raises:
        Failure: there is no such fact or row, there are several, or a rule fails without it.
        QuestionError: the pattern can't be read.
    """
    engine = world.engine
    facts, instead, notes = _asked(world, text)
    try:
        found = impact_of(engine, facts, instead, everything=options["all"])
    except RuleFailure as failure:
        raise Failure(f"without it a rule fails: {failure}") from failure
    limit = options["limit"] or None
    shown = {*facts, *found.effects}
    return {
        "facts": [fact_document(engine, name, f) for name, each in facts.items() for f in each[:limit]],
        "without": {name: len(each) for name, each in facts.items()},
        "relations": [
            {**_effect(engine, name, effect, limit), "from": comes_from(engine, name, shown, shown)}
            for name, effect in found.effects.items()
        ],
        **clashes_document(engine, found.conflicts, found.exhausted),
        "notes": notes,
    }


# -- what is asked -----------------------------------------------------------------------------------------


def _asked(world: World, text: str) -> tuple[Found, Delta | None, list[str]]:
    """The facts that are asked about, what to suppose when it isn't just their absence, and notes."""
    text = without_name(world.engine, text)
    rows = SupposedRows(world.engine, world.program.databases)
    if found := _UUID.fullmatch(text):
        return (*_row(rows, *_by_uuid(rows, found[1].lower())), [])
    named = _ROW.fullmatch(text)
    if named and named[1] in rows.tables():
        row = rows.called(named[1], named[2].strip("\"'"))
        return (*_row(rows, named[1], row["_uuid"]), [])
    pattern = parse_pattern(world.engine.program, text)
    facts = pattern.matching(world.engine, MOST + 1)
    notes = pattern.notes(world.engine)
    if not facts:
        raise Failure("; ".join([f"no such fact in {pattern.relation.name}", *notes]))
    if len(facts) > 1:
        raise Failure(_several(world.engine, pattern.relation.name, facts, notes))
    relation = pattern.relation
    if relation.table is None:
        return {relation.name: facts}, None, notes
    if relation.table.column is None:
        return (*_row(rows, relation.name, facts[0][0]), notes)
    rows.change_element(relation, facts[0], insert=False)
    return {relation.name: facts}, rows.transaction(), notes


def _row(rows: SupposedRows, table: str, uuid: str) -> tuple[Found, Delta]:
    """Every fact that stands for a row or one that can't be without it, and their deletion."""
    delete_with_referring(rows, table, uuid)
    changes = rows.transaction()
    order = sorted(changes, key=lambda name: (name != table, not name.startswith(f"{table}."), name))
    return {name: changes[name][0] for name in order if changes[name][0]}, changes


def _by_uuid(rows: SupposedRows, uuid: str) -> tuple[str, str]:
    if len(uuid) > 8:
        places = [(t, uuid) for t in rows.tables() if rows.row(t, uuid) is not None]
    else:
        places = [(t, r["_uuid"]) for t in rows.tables() for r in rows.rows(t) if r["_uuid"].startswith(uuid)]
    if not places:
        raise Failure(f"no row has the UUID {uuid}, among the tables that rules read: {', '.join(rows.tables())}")
    if len(places) > 1:
        raise Failure(f"{len(places)} rows have the UUID {uuid}: {', '.join(f'{t} {u}' for t, u in places[:MOST])}")
    return places[0]


def _several(engine: Engine, relation: str, facts: list[Fact], notes: list[str]) -> str:
    more = f"more than {MOST}" if len(facts) > MOST else str(len(facts))
    shown = "; ".join(fact_text(fact_document(engine, relation, f)).plain for f in facts[:3])
    return "; ".join(
        [f"{more} facts of {relation} fit, and impact is of one; give more columns", *notes, f"as {shown}"]
    )


# -- the answer --------------------------------------------------------------------------------------------


def _effect(engine: Engine, relation: str, effect: Effect, limit: int | None) -> Document:
    order = reading_order([c.name for c in engine.program.relations[relation].columns])

    def first(facts: Collection[Fact]) -> list[Document]:
        found = sorted(facts, key=order) if limit is None else nsmallest(limit, facts, key=order)
        return [fact_document(engine, relation, f) for f in found]

    changes = sorted(effect.changes, key=lambda pair: order(pair[0]))
    return {
        "relation": relation,
        "depends": len(effect.depends),
        "vanishes": len(effect.vanishes),
        "changes": len(effect.changes),
        "appears": len(effect.appears),
        "vanishing": first(effect.vanishes),
        "changing": [[fact_document(engine, relation, f) for f in pair] for pair in changes[:limit]],
        "appearing": first(effect.appears),
        "staying": first(_staying(effect)),
    }


def _staying(effect: Effect) -> Collection[Fact]:
    """What depends and is there all the same: there is another reason for it."""
    return set(effect.depends).difference(effect.vanishes, (old for old, _ in effect.changes))


def show(document: Document, console: Console) -> None:
    """What is asked about and how much depends on it, numbers by relation, then examples."""
    print_item(console, Text(""), _summary(document["relations"]))
    console.print(Text("without", style="bold"))
    for fact in document["facts"]:
        print_item(console, Text.assemble("  ", ("-", "red"), " "), fact_text(fact, brief=True))
    for name, number in document["without"].items():
        if more := number - sum(f["relation"] == name for f in document["facts"]):
            console.print(Text(f"  - ... {more:,} more of {name} that can't be without it", style="dim"))
    print_notes(console, document["notes"])
    if not document["relations"]:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("relation")
    for name in ("depend", "would vanish", "change", "appear"):
        table.add_column(name, justify="right")
    for each in document["relations"]:
        numbers = (each[k] for k in ("depends", "vanishes", "changes", "appears"))
        table.add_row(each["relation"], *(f"{n:,}" if n else "" for n in numbers))
    console.print(table)
    for each in document["relations"]:
        _examples(console, each)
    show_clashes(document, console)


def _summary(relations: list[Document]) -> Text:
    """How much would become of it, in one sentence."""
    if not relations:
        return Text("nothing depends on it")
    total = {key: sum(each[key] for each in relations) for key in ("vanishes", "changes", "appears")}
    kinds = (("vanish", "vanishes", "red"), ("change", "changes", "yellow"), ("appear", "appears", "green"))
    told: list[Text] = []
    for what, key, style in kinds:
        if number := total[key]:
            facts = "" if told else " fact" if number == 1 else " facts"
            told.append(Text(f"{number:,}{facts} would {what}", style=style))
    return Text(", ").join(told) if told else Text("all that depends on it would stay")


def _examples(console: Console, each: Document) -> None:
    console.print(Text(each["relation"], style="bold"))
    staying = each["depends"] - (each["vanishes"] + each["changes"]) if each["depends"] else 0
    for sign, style, key, number in (
        ("-", "red", "vanishing", each["vanishes"]),
        ("~", "yellow", "changing", each["changes"]),
        ("+", "green", "appearing", each["appears"]),
        ("=", "dim", "staying", max(staying, len(each["staying"]))),
    ):
        for fact in each[key]:
            text = _changed(*fact) if key == "changing" else fact_text(fact, brief=True)
            print_item(console, Text.assemble("  ", (sign, style), " "), text)
        if each[key] and number > len(each[key]):
            line = f"  {sign} ... {number - len(each[key]):,} more; --limit 0 shows all"
            console.print(Text(line, style="dim"))


def _changed(old: Document, new: Document) -> Text:
    """A fact and what differs in the one that takes its place."""
    differing = [f"{c}={value_text(v)}" for c, v in new["fact"].items() if v != old["fact"][c]]
    return fact_text(old, brief=True).append(f" -> {', '.join(differing)}")


def graph(document: Document) -> Graph:
    """The relations in which something depends, from what is asked about on."""
    painter = Painter()
    for name, number in document["without"].items():
        facts = [("-", f) for f in document["facts"] if f["relation"] == name]
        painter.relation(name, f"-{number:,}", facts, ())
    for each in document["relations"]:
        numbers = [("-", "vanishes"), ("~", "changes"), ("+", "appears"), ("=", "")]
        counts = {sign: each[key] if key else len(each["staying"]) for sign, key in numbers}
        facts = [("-", f) for f in each["vanishing"]] + [("~", old) for old, _ in each["changing"]]
        facts += [("+", f) for f in each["appearing"]] + [("=", f) for f in each["staying"]]
        count = " ".join(f"{sign}{number:,}" for sign, number in counts.items() if number)
        painter.relation(each["relation"], count, facts, each["from"])
    asked = document["facts"][0]
    return painter.graph(f"What depends on {fact_text(asked, width=TITLE, brief=True).plain}")


VERB = Verb(
    name="impact",
    argument="FACT|ROW",
    summary="What depends on a fact, and what would vanish with it.",
    help="Show everything that depends on a fact or a database row, by relation, and what would become of it without. "
    "Nothing is written.\n\n"
    "Examples are marked: - would vanish, ~ would change (an aggregate or a key has another value), + would appear, = "
    "has another reason and would stay. FACT is RELATION(column=value, ...) and must fit one fact; ROW is a UUID, its "
    "first eight digits, or a table and a name: nb.Logical_Port vm1. A row is taken away with all its columns, and "
    "with the rows that refer to it and can't be without it.",
    examples=(
        "'nb.Logical_Port vm1'",
        "10000001-0000-4000-8000-000000000001",
        "'nb.Logical_Port.macs(macs=fa:16:3e:76:12:96)'",
        "--limit 0 'Binding(logical_port=\"vm1\")'",
    ),
    answer=answer,
    show=show,
    graph=graph,
    options=(
        Option("all", "flag", False, "Also what depends on facts that have another reason and would stay."),
        Option("limit", "number", LIMIT, "Examples of each kind; 0 for all."),
    ),
)

command = one_shot(VERB)
