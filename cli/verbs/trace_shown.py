"""How a packet's way is shown: as a tree, one stage a node, and as a picture."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from ovn_rules.cli.verbs.absences_shown import Wording
from ovn_rules.cli.verbs.facts import fact_text, shortened
from ovn_rules.cli.verbs.terminal import make_tree, print_notes
from ovn_rules.cli.verbs.verb import Edge, Graph, Node

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree

    from ovn_rules.cli.verbs.verb import Document, Kind

STYLES = {"delivered": "bold green", "sent": "green", "tunnel": "green", "dropped": "bold red", "lost": "bold red"}
LONGEST = 120
"""Characters shown of the actions of a flow: a flood's name every port."""
WIDEST = 56
"""Characters of a line in a box."""


def show(document: Document, console: Console) -> None:
    """Prints what became of the packet, then its way."""
    print_notes(console, document["notes"])
    for verdict in document["verdicts"]:
        console.print(Text(verdict["text"], style=STYLES.get(verdict["kind"], "")))
    visit = document["visit"]
    if visit is not None:
        tree = make_tree(Text(document["microflow"], style="bold"), console.width)
        _visit(tree, visit)
        console.print(tree)


def _visit(tree: Tree, visit: Document) -> None:
    text = Text(f"{visit['chassis'] or 'logical network'}: ", style="bold").append(visit["arrival"], style="not bold")
    branch = tree.add(text.append(f"\n{visit['packet']}", style="dim not bold"))
    _stage(branch, visit["first"], logical=not visit["chassis"])
    if visit["failure"]:
        branch.add(Text(f"dropped wherever it was to go: {visit['failure']}", style=STYLES["dropped"]))


def _stage(tree: Tree, stage: Document, *, logical: bool) -> None:
    """A stage, and those after it: beside it where the packet goes on, each copy by itself where it is multiplied."""
    onward = [r for r in stage["results"] if r["type"] != "change"]
    copied = len(onward) > 1
    node = tree.add(_stage_text(stage, logical=logical, changes=not copied))
    if stage.get("why"):
        _why(node.add(Text("why", style="dim")), stage["why"])
    if stage["drop"] is not None:
        _drop(node, stage["drop"])
    written: list[str] = []
    for result in stage["results"]:
        if result["type"] == "change":
            written.append(_change(result))
            continue
        below = node.add(Text(f"copy with {', '.join(written)}" if written else "copy")) if copied else tree
        written = []
        if result["type"] == "stage":
            _stage(below, result, logical=logical)
            continue
        end = below.add(Text(result["text"], style=STYLES.get(result["kind"], "dim")))
        if result["visit"] is not None:
            _visit(end, result["visit"])


def _stage_text(stage: Document, *, logical: bool, changes: bool) -> Text:
    """What a stage says: table, flow, logical flow, rule, and unless its copies show them the changes."""
    text = Text(f"table {stage['table']}", style="bold")
    text.append(f" {stage['name']}".rstrip(), style="cyan not bold")
    flow, row = stage["flow"], stage["logical"]
    if flow is not None:
        match = "" if logical else f"  {flow['match']}"
        text.append(f"  priority {flow['priority']}{match}", style="not bold")
    if row is not None:
        text.append(f"\n{row['fact']['match']}  {_short(row['fact']['actions'])}", style="magenta not bold")
    elif flow is not None and not logical:
        text.append(f"  {_short(flow['actions'])}", style="not bold")
    for share in stage["conjunction"]:
        text.append(f"\nwith {share['match']}", style="dim not bold")
    if flow is not None:
        text.append(f"\n{stage['reason']}", style="italic not bold")
    if stage["rule"] is not None:
        text.append(f"  rule {stage['rule']}  {stage['source']}", style="dim not bold")
    written = [_change(r) for r in stage["results"] if r["type"] == "change"]
    if written and changes:
        text.append(f"\n{', '.join(written)}", style="not bold")
    return text


def _change(change: Document) -> str:
    return f"{change['field']} = {change['value']}" + (f" ({change['meaning']})" if change["meaning"] else "")


def _short(actions: str) -> str:
    return actions if len(actions) <= LONGEST else f"{actions[:LONGEST]}…"


def _drop(node: Tree, drop: Document) -> None:
    bound = f" on its way to {drop['port']}" if drop["port"] else ""
    end = node.add(
        Text(f"dropped{bound}: {'no flow matches' if drop['missed'] else 'this flow drops'}", style=STYLES["dropped"])
    )
    if drop["reason"]:
        end.add(Text(drop["reason"], style="magenta"))
    for near in drop["near"]:
        flow, logical = near["flow"], near["logical"]
        match = logical["fact"]["match"] if logical else flow["match"]
        text = Text(f"would pass by priority {flow['priority']}  {match}")
        for each in near["differing"]:
            text.append(f"\n{_difference(each)}", style="magenta")
        end.add(text)
    if drop["more"]:
        end.add(Text(f"... and {drop['more']} more flows that differ as little", style="dim"))
    if drop["question"]:
        text = Text(f"whynot {drop['question']}")
        if drop["whynot"] is not None:
            absence = drop["whynot"]["absence"]
            text.append("\n").append_text(Wording(drop["whynot"]["names"]).bottom(absence))
        end.add(text)


def _difference(each: Document) -> str:
    return f"{each['field']} is {each['value']}, not {each['wanted'].removeprefix(each['field'] + '=')}"


def _why(node: Tree, steps: list[Document]) -> None:
    """A derivation; what stands above already is not repeated."""
    seen: set[int] = set()

    def grow(tree: Tree, number: int) -> None:
        step = steps[number]
        branch = tree.add(fact_text(step))
        if number in seen:
            branch.add(Text("shown above", style="dim"))
        elif "rule" in step:
            seen.add(number)
            reason = Text(f"rule {step['rule']}", style="cyan").append(f"  {step['reason']}", style="italic")
            below = branch.add(reason.append(f"  {step['source']}", style="dim"))
            for premise in step["premises"]:
                grow(below, premise)

    grow(node, 0)


def graph(document: Document) -> Graph:
    """The way as a picture: a box a stage, an arrow with what was written on the way to the next."""
    painter = _Painter()
    if document["visit"] is None:
        for verdict in document["verdicts"]:
            painter.node(verdict["text"], "row" if verdict["kind"] == "delivered" else "absent")
    else:
        painter.visit(document["visit"])
    return Graph(document["microflow"], tuple(painter.nodes), tuple(painter.edges))


class _Painter:
    """Collects boxes and arrows."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []

    def node(self, label: str, kind: Kind, title: str = "", after: str = "", edge: str = "") -> str:
        """Adds a box, with an arrow from another one; the box's name."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name, label, kind, title))
        if after:
            self.edges.append(Edge(after, name, edge))
        return name

    def visit(self, visit: Document, after: str = "") -> None:
        name = self.node(f"{visit['chassis'] or 'logical network'}\n{visit['arrival']}", "note", visit["packet"], after)
        self.stage(visit["first"], name, "")
        if visit["failure"]:
            self.node(f"dropped wherever it was to go:\n{visit['failure']}", "absent", after=name)

    def stage(self, stage: Document, after: str, edge: str) -> None:
        flow, logical = stage["flow"], stage["logical"]
        lines, details = [f"table {stage['table']} {stage['name']}"], []
        if flow is not None:
            match = logical["fact"]["match"] if logical else flow["match"]
            lines += [f"priority {flow['priority']}  {shortened(match, WIDEST)}", *wrap(stage["reason"], WIDEST)]
            details += [f"priority {flow['priority']}", flow["match"], f"actions: {flow['actions']}", ""]
        if logical is not None:
            details += [logical["fact"]["match"], f"actions: {logical['fact']['actions']}", ""]
        details.append(stage["reason"])
        if stage["rule"]:
            lines.append(stage["source"])
            details.append(f"rule {stage['rule']}, {stage['source']}")
        name = self.node("\n".join(lines), "fact", "\n".join(details), after, edge)
        written: list[str] = []
        for result in stage["results"]:
            if result["type"] == "change":
                written.append(_change(result))
            elif result["type"] == "stage":
                self.stage(result, name, "\n".join(written))
                written = []
            else:
                kind: Kind = "row" if result["kind"] in ("delivered", "tunnel") else "absent"
                end = self.node(result["text"], kind, after=name, edge="\n".join(written))
                written = []
                if result["visit"] is not None:
                    self.visit(result["visit"], end)
        if stage["drop"] is not None:
            near = stage["drop"]["near"][:1]
            parts = [_difference(d) for n in near for d in n["differing"]]
            self.node("\n".join(["dropped", *parts]), "absent", after=name)
