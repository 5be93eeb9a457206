"""``ovn-rules derive``: any relation of a network, from live databases or from files."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from ovn_rules.cli import tables
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.sources import Network, facts_option, load_network, network_options
from ovn_rules.cli.verbs.facts import plain
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.io.flows import DEFAULT_PRIORITY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine import Fact

FORMATS = ("table", "json", "csv", "flows")


@click.command()
@click.argument("relation")
@network_options
@facts_option
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How the facts are printed; flows is for OpenFlow, as ovs-ofctl dump-flows prints it.",
)
@tls_options
def derive(
    relation: str,
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str | None,
    facts: str | None,
    form: str,
    tls: TlsFiles,
) -> None:
    """Derive a relation and print its facts; 'ovn-rules check --relations' lists the relations.

    DB is a remote (unix:, tcp:, ssl:) or a file: a standalone database file, or the output of ovsdb-client dump
    --format=json. What the southbound database says of hosts that are not given with --ovs counts as it stands.

    \b
    Examples:
      ovn-rules derive Pipeline --nb unix:/var/run/ovn/ovnnb_db.sock
      ovn-rules derive OpenFlow --nb nb.db --sb sb.db --ovs host1.db --ovs host2.db --format json
      ovn-rules derive OpenFlow --sb sb.db --ovs host1.db --format flows
    """
    network = load_network(nb, sb, ovs, program, tls.tls(), facts)
    for warning in network.warnings:
        click.echo(f"ovn-rules: {warning}", err=True)
    known = network.engine.program.relations
    if relation not in known:
        hint = did_you_mean(relation, known) or "ovn-rules check --relations lists them"
        raise Failure(f"no relation {relation}; {hint}")
    if form == "flows" and relation != "OpenFlow":
        raise Failure(f"--format flows is for OpenFlow, not for {relation}")
    if form == "flows" and not network.chassis():
        raise Failure("--format flows prints the flows of hosts: give each one's database with --ovs (and a system-id)")
    columns = [c.name for c in known[relation].columns]
    found = sorted(network.engine.facts(relation), key=reading_order(columns))
    PRINTERS[form](columns, found, network)


def reading_order(columns: list[str]) -> Any:
    """Sorts as people read: by the columns in order, the highest priority first."""

    def key(fact: Fact) -> tuple[Any, ...]:
        return tuple(-v if c == "priority" else v for c, v in zip(columns, fact, strict=True))

    return key


def print_json(columns: list[str], facts: Iterable[Fact], _network: Network) -> None:
    """One list of objects keyed by column name."""
    objects = [{c: plain(v) for c, v in zip(columns, fact, strict=True)} for fact in facts]
    click.echo("[" + ",\n ".join(json.dumps(o, ensure_ascii=False) for o in objects) + "]")


def print_csv(columns: list[str], facts: Iterable[Fact], _network: Network) -> None:
    """A header and a line a fact; sets are joined by spaces."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([text(v) for v in fact] for fact in facts)


def print_table(columns: list[str], facts: Iterable[Fact], _network: Network) -> None:
    """A table: one that fits the terminal, or for a pipe, and for many facts, a line a fact."""
    tables.print_table(Console(highlight=False, markup=False), columns, [tuple(map(text, fact)) for fact in facts])


def print_flows(_columns: list[str], facts: Iterable[Fact], network: Network) -> None:
    """What ``ovs-ofctl --no-names --no-stats dump-flows`` prints, with table= for table 0 too."""
    hosts = network.chassis()
    for host in hosts:
        if len(hosts) > 1:
            click.echo(f"# {host}")
        for chassis, table, priority, match, actions in facts:
            if chassis == host:
                click.echo(flow_text(table, priority, match, actions))


def flow_text(table: int, priority: int, match: str, actions: str) -> str:
    """A flow as ``ovs-ofctl --no-names --no-stats dump-flows`` prints it, with table= for table 0 too.

    As there, the default priority isn't printed (ovs-ofctl(8), "Flow Syntax").
    """
    words = [f"priority={priority}"] if priority != DEFAULT_PRIORITY else []
    head = ",".join([*words, match] if match else words)
    return f" table={table}, {head}{' ' if head else ''}actions={actions}"


def text(value: Any) -> str:
    """A value as text; a set's elements with spaces between."""
    return " ".join(map(text, value)) if isinstance(value, tuple) else str(value)


PRINTERS = {"json": print_json, "csv": print_csv, "table": print_table, "flows": print_flows}
