"""``ovn-rules demo``: the milestone's network in one process, no servers."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ovn_rules.cli.derive import reading_order
from ovn_rules.cli.trees import explanation
from ovn_rules.engine import Changes, Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE

NET_A = "0a000000-0000-4000-8000-00000000000a"
NET_B = "0b000000-0000-4000-8000-00000000000b"

PORTS = (
    ("vm1", NET_A, "fa:16:3e:76:12:96", "host1", 1),
    ("dhcp", NET_A, "fa:16:3e:b1:34:ed", "host1", 2),
    ("other", NET_B, "fa:16:3e:8c:d0:a8", "", 0),
    ("router", NET_A, "fa:16:3e:b7:cd:77", "host1", 3),
    ("vm2", NET_A, "fa:16:3e:24:46:3a", "host1", 5),
    ("vm3", NET_A, "fa:16:3e:50:01:91", "host2", 2),
)
HOSTS = (("host1", "172.16.189.6", "host2", 4), ("host2", "172.16.189.10", "host1", 1))


def uuid(kind: int, number: int) -> str:
    """A UUID that a reader recognises again."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def logical_port(number: int, name: str, switch: str, mac: str) -> dict[str, Any]:
    """A row of the northbound database."""
    return {"_uuid": uuid(1, number), "name": name, "lswitch": switch, "macs": [mac], "port_security": [mac]}


def binding(number: int, name: str, switch: str) -> dict[str, Any]:
    """The row that the southbound database has kept of a port: its tunnel key."""
    return {"_uuid": uuid(2, number), "logical_port": name, "logical_datapath": switch, "tunnel_key": number}


def host_rows(number: int, name: str, ip: str, peer: str, tunnel: int) -> dict[str, list[dict[str, Any]]]:
    """One host's own database: its settings, its integration bridge, its interfaces."""
    ports: list[dict[str, Any]] = []
    interfaces: list[dict[str, Any]] = []

    def add(label: str, ofport: int, ids: dict[str, str], port_ids: dict[str, str]) -> None:
        i = number * 100 + len(ports)
        interfaces.append({"_uuid": uuid(6, i), "name": label, "ofport": [ofport], "external_ids": ids})
        ports.append({"_uuid": uuid(5, i), "name": label, "interfaces": [uuid(6, i)], "external_ids": port_ids})

    for port, _, _, where, ofport in PORTS:
        if where == name:
            add(f"tap-{port}", ofport, {"iface-id": port}, {})
    add(f"ovn-{peer[:6]}-0", tunnel, {}, {"ovn-chassis-id": peer})
    settings = {
        "system-id": name,
        "ovn-remote": "tcp:172.16.189.3:6642",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": ip,
    }
    bridge = {"_uuid": uuid(4, number), "name": "br-int", "ports": [p["_uuid"] for p in ports]}
    return {
        "ovs.Open_vSwitch": [{"_uuid": uuid(3, number), "bridges": [uuid(4, number)], "external_ids": settings}],
        "ovs.Bridge": [bridge],
        "ovs.Port": ports,
        "ovs.Interface": interfaces,
    }


def network() -> dict[str, list[dict[str, Any]]]:
    """The whole network: two logical switches, six ports, two hosts."""
    tables: dict[str, list[dict[str, Any]]] = {
        "nb.Logical_Switch": [{"_uuid": NET_A, "name": "net-a"}, {"_uuid": NET_B, "name": "net-b"}],
        "nb.Logical_Port": [logical_port(i, n, s, m) for i, (n, s, m, _, _) in enumerate(PORTS, 1)],
        "sb.Binding": [binding(i, n, s) for i, (n, s, *_) in enumerate(PORTS, 1)],
    }
    for i, host in enumerate(HOSTS, 1):
        for table, rows in host_rows(i, *host).items():
            tables.setdefault(table, []).extend(rows)
    return tables


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
def demo() -> None:
    """Run the milestone's network in this process: two switches, six ports, two hosts.

    Prints Binding, Pipeline and each host's flows, adds a port and prints exactly what changed, then explains
    one flow down to database rows. Needs no server and changes nothing.

    Example: ovn-rules demo | less -R
    """
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
    row = logical_port(7, "vm4", NET_A, "fa:16:3e:00:00:04")
    start = time.perf_counter()
    changes = engine.transact({r: ((), f) for r, f in facts_of(rules, {"nb.Logical_Port": [row]}).items()})
    took = time.perf_counter() - start
    for line in changes_text(engine, changes):
        console.print(line, style="red" if line.startswith("-") else "green", soft_wrap=True, markup=False)
    console.print(f"Derived in {took * 1e3:.1f} ms.\n", style="dim")

    console.print("Why does host1 have the flow that sends frames for fa:16:3e:76:12:96 to vm1?", style="bold")
    wanted = ("host1", 17, 50, "metadata=0x1,dl_dst=fa:16:3e:76:12:96")
    (flow,) = (f for f in engine.facts("OpenFlow") if f[:4] == wanted)
    console.print(explanation(engine, "OpenFlow", flow))
