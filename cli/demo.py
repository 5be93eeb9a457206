"""``ovn-rules demo``: the milestone's network in one process, no servers."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ovn_rules.cli.demo_network import HOSTS, NET_A, NET_B, NEW_PORT, network, save
from ovn_rules.cli.derive import reading_order
from ovn_rules.cli.verbs.proof_shown import show_proof
from ovn_rules.engine import Changes, Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE


def show(console: Console, engine: Engine, relation: str, title: str, **where: str) -> None:
    """Print a relation as a table, restricted to some values."""
    columns = [c.name for c in engine.program.relations[relation].columns]
    shown = [c for c in columns if c not in where]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in shown:
        table.add_column(column, overflow="fold", justify="right" if column in NUMBERS else "left")
    for fact in sorted(engine.facts(relation), key=reading_order(columns)):
        values = dict(zip(columns, fact, strict=True))
        if all(values[c] == v for c, v in where.items()):
            table.add_row(*(cell(values[c]) for c in shown))
    console.print(table, soft_wrap=False)
    console.print()


SAVE = "Write the network as database files to this folder, and print their names."

NUMBERS = ("table_id", "table", "priority", "tunnel_key")


def cell(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, tuple):
        return " ".join(map(cell, value))
    text = str(value)
    return {NET_A: "net-a", NET_B: "net-b"}.get(text, text)


def changes_text(engine: Engine, changes: Changes) -> list[str]:
    """What a transaction changed in the relations that are written somewhere, one line a fact."""
    lines = []
    for relation in ("Binding", "Pipeline", "PortUp", "OpenFlow"):
        deleted, inserted = changes[relation]
        columns = [c.name for c in engine.program.relations[relation].columns]
        for sign, facts in (("-", deleted), ("+", inserted)):
            ordered = sorted(facts, key=reading_order(columns))
            lines += [f"{sign} {relation}  {'  '.join(filter(None, map(cell, f)))}" for f in ordered]
    return lines


@click.command()
@click.option("--save", "folder", type=click.Path(file_okay=False, path_type=Path), help=SAVE)
def demo(folder: Path | None) -> None:
    """Show a network becoming flows, in this process: two switches, six ports, two hosts.

    Prints Binding, Pipeline and each host's flows, adds a port and prints exactly what changed, then explains
    one flow down to database rows. Needs no server and changes nothing. With --save it writes the network as
    database files instead, for every command that takes databases.

    \b
    Examples:
      ovn-rules demo | less -R
      ovn-rules demo --save demo && ovn-rules repl --nb demo/nb.db --sb demo/sb.db --ovs demo/host1.db
    """
    if folder is not None:
        click.echo("\n".join(map(str, save(folder))))
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    rules = EZBAKE.everything.load()
    engine = Engine(rules)
    start = time.perf_counter()
    engine.transact({r: ((), f) for r, f in facts_of(rules, network()).items()})
    took = time.perf_counter() - start
    show(console, engine, "Binding", "Binding: every logical port, its tunnel key, and the host that has it")
    show(console, engine, "Pipeline", "Pipeline: what each logical switch does with a frame")
    for host, *_ in HOSTS:
        show(console, engine, "OpenFlow", f"OpenFlow of {host}", chassis=host)
    facts = sum(len(engine.facts(r)) for r in rules.derived)
    console.print(f"{facts} facts derived in {took * 1e3:.1f} ms.\n", style="dim")

    console.print("A port vm4 is added to net-a:", style="bold")
    start = time.perf_counter()
    changes = engine.transact({r: ((), f) for r, f in facts_of(rules, {"nb.Logical_Port": [NEW_PORT]}).items()})
    took = time.perf_counter() - start
    for line in changes_text(engine, changes):
        console.print(line, style="red" if line.startswith("-") else "green", soft_wrap=True, markup=False)
    console.print(f"Derived in {took * 1e3:.1f} ms.\n", style="dim")

    console.print("Why does host1 have the flow that sends frames for fa:16:3e:76:12:96 to vm1?", style="bold")
    wanted = ("host1", 17, 50, "metadata=0x1,dl_dst=fa:16:3e:76:12:96")
    (flow,) = (f for f in engine.facts("OpenFlow") if f[:4] == wanted)
    show_proof(engine, "OpenFlow", flow, console)
