"""``whatif``: what changes of the databases would change, without making them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ovn_rules.cli.derive import flow_text, reading_order
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.changes import read_changes, with_files
from ovn_rules.cli.verbs.clashes import clashes_document, show_clashes
from ovn_rules.cli.verbs.effects_graph import Painter, comes_from
from ovn_rules.cli.verbs.facts import fact_document, fact_text
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.terminal import print_item
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine import RuleFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document, Graph, World
    from ovn_rules.engine import Changes, Engine, Fact

LIMIT = 100
"""Facts shown of each relation and chassis, unless more are asked for."""

FLOWS = "OpenFlow"
CHASSIS = "chassis"


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """The difference that changes would make to every relation that is written somewhere.

    Raises:
        Failure: the changes can't be read, a database would refuse them, or a rule fails on them.
        QuestionError: likewise, with the place.
    """
    engine = world.engine
    given = read_changes(world, text)
    conflicts, waiting = set(engine.conflicts()), set(engine.exhausted())
    limit = 0 if options["summary"] else options["limit"] or None
    try:
        with engine.supposing(given) as changes:
            shown = _shown(world, changes, options["all"])
            boxes = {*given, *shown}
            return {
                "changes": [_difference(engine, name, *given[name], limit) for name in sorted(given)],
                "relations": [
                    {
                        **_difference(engine, name, *changes[name], limit),
                        "from": comes_from(engine, name, boxes, changes),
                    }
                    for name in shown
                ],
                "unshown": sorted(changes.relations.keys() - shown),
                **clashes_document(
                    engine,
                    (c for c in changes.conflicts if c not in conflicts),
                    (e for e in changes.exhausted if e not in waiting),
                ),
                "problems": _reports(world, changes),
            }
    except RuleFailure as failure:
        raise Failure(str(failure)) from failure


def outputs(world: World) -> list[str]:
    """The relations that are written to databases and switches; of a program that writes none, all derived ones."""
    derived = world.engine.program.derived
    written = {sink.relation for role in world.program.roles.values() for sink in role.sinks} | {FLOWS}
    return sorted(written & derived or derived)


def _shown(world: World, changes: Changes, everything: bool) -> list[str]:
    rank = world.engine.network.rank
    names = list(changes) if everything else [n for n in outputs(world) if n in changes.relations]
    return sorted(names, key=lambda n: (n == FLOWS, rank[n], n))


def _difference(
    engine: Engine, relation: str, deleted: Iterable[Fact], inserted: Iterable[Fact], limit: int | None
) -> Document:
    """What goes and comes in a relation, for flows chassis by chassis."""
    columns = [c.name for c in engine.program.relations[relation].columns]
    place = columns.index(CHASSIS) if relation == FLOWS and CHASSIS in columns else None
    parts: dict[str | None, tuple[list[Fact], list[Fact]]] = {}
    for side, facts in enumerate((deleted, inserted)):
        for fact in facts:
            parts.setdefault(None if place is None else fact[place], ([], []))[side].append(fact)
    order = reading_order(columns)
    groups = [
        {
            "chassis": chassis,
            "deletions": len(gone),
            "insertions": len(come),
            "deleted": [fact_document(engine, relation, f) for f in sorted(gone, key=order)[:limit]],
            "inserted": [fact_document(engine, relation, f) for f in sorted(come, key=order)[:limit]],
        }
        for chassis, (gone, come) in sorted(parts.items(), key=lambda p: p[0] or "")
    ]
    return {
        "relation": relation,
        "deletions": sum(len(g) for g, _ in parts.values()),
        "insertions": sum(len(c) for _, c in parts.values()),
        "groups": groups,
    }


def _reports(world: World, changes: Changes) -> list[str]:
    """What a daemon would warn of."""
    lines = []
    reports = {r for role in world.program.roles.values() for r in role.reports if r[1] == "warn"}
    for relation, _, text in sorted(reports):
        if relation in changes.relations:
            columns = [c.name for c in world.engine.program.relations[relation].columns]
            facts = sorted(changes[relation][1], key=reading_order(columns))
            lines += [text.format(**dict(zip(columns, fact, strict=True))) for fact in facts]
    return lines


# -- showing -----------------------------------------------------------------------------------------------


def show(document: Document, console: Console) -> None:
    """What is supposed, the difference relation by relation, and what would be wrong then."""
    if not document["changes"]:
        console.print(Text("nothing would be different", style="dim"))
        return
    print_item(console, Text(""), _summary(document))
    console.print(Text("supposed", style="bold"))
    for each in document["changes"]:
        for group in each["groups"]:
            if not (group["deleted"] or group["inserted"]):
                console.print(Text.assemble(f"  {each['relation']}  ", _count(group)))
            _lines(console, group, "  ", flows=False)
    for each in document["relations"]:
        console.print(Text.assemble((each["relation"], "bold"), "  ", _count(each)))
        for group in each["groups"]:
            indent = "  "
            if group["chassis"] is not None:
                console.print(Text.assemble(f"  {group['chassis']}  ", _count(group)))
                indent = "    "
            _lines(console, group, indent, flows=each["relation"] == FLOWS)
    if document["unshown"]:
        more = ", ".join(document["unshown"])
        print_item(console, Text(""), Text(f"--all also shows what changes in {more}", style="dim"))
    show_clashes(document, console)
    for line in document["problems"]:
        print_item(console, Text("new problem: ", style="bold yellow"), Text(line))


def _summary(document: Document) -> Text:
    """What would change, in one sentence."""
    text = Text("nothing that is written anywhere would change")
    if document["relations"]:
        parts = [Text(f"{each['relation']} ").append_text(_count(each, zeros=False)) for each in document["relations"]]
        text = Text.assemble(("would change: ", "bold"), Text(", ").join(parts))
    if problems := sum(len(document[key]) for key in ("problems", "conflicts", "exhausted")):
        text.append(f"; {problems} new problem{'s' * (problems > 1)}", style="bold yellow")
    return text


def _count(each: Document, *, zeros: bool = True) -> Text:
    numbers = (("-", each["deletions"], "red"), ("+", each["insertions"], "green"))
    return Text(" ").join(Text(f"{sign}{number:,}", style=style) for sign, number, style in numbers if number or zeros)


def _lines(console: Console, group: Document, indent: str, *, flows: bool) -> None:
    for sign, facts, number, style in (
        ("-", group["deleted"], group["deletions"], "red"),
        ("+", group["inserted"], group["insertions"], "green"),
    ):
        for fact in facts:
            text = Text(flow_text(*list(fact["fact"].values())[1:]).strip()) if flows else fact_text(fact, brief=True)
            print_item(console, Text.assemble(indent, (sign, style), " "), text)
        if facts and number > len(facts):
            line = f"{indent}{sign} ... {number - len(facts):,} more; --limit 0 shows all"
            console.print(Text(line, style="dim"))


def graph(document: Document) -> Graph:
    """The relations that would change, from what is supposed on."""
    painter = Painter()
    for each in (*document["changes"], *document["relations"]):
        facts = [("-", f) for g in each["groups"] for f in g["deleted"]]
        facts += [("+", f) for g in each["groups"] for f in g["inserted"]]
        painter.relation(each["relation"], _count(each, zeros=False).plain, facts, each.get("from", ()))
    return painter.graph(_summary(document).plain)


VERB = Verb(
    name="whatif",
    argument="CHANGES|@FILE|-",
    summary="What a change would change.",
    help="Suppose changes of the databases and show what would be different in everything that is derived and "
    "written: a line - for what would go, + for what would come. Nothing is written.\n\n"
    "CHANGES are +RELATION(column=value, ...) to insert a row, an element of a row's set or a fact, -RELATION(...) to "
    "delete all that fit, and commands of ovn-rules nbctl; several are parted by lines, ; or --. They may stand in a "
    "FILE, or on standard input with -. Columns that aren't given have the schema's defaults. What a database server "
    "would refuse is refused.",
    examples=(
        "'lport-del vm1'",
        "'lport-add net-a vm9 -- lport-set-macs vm9 02:00:00:00:00:09'",
        "--summary '-nb.Logical_Port(lswitch=net-a)'",
        "'+nb.Logical_Port.macs(vm1, 02:00:00:00:00:07)'",
        "@changes.txt",
    ),
    answer=answer,
    show=show,
    graph=graph,
    options=(
        Option("all", "flag", False, "Every derived relation, not only those that are written somewhere."),
        Option("summary", "flag", False, "Numbers only."),
        Option("limit", "number", LIMIT, "Facts shown of each relation and chassis; 0 for all."),
    ),
    prepare=with_files,
)

command = one_shot(VERB)
