"""``ovn-rules compare``: what would be other rows if these rules had filled a southbound database, read-only."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from ovn_rules.cli.contents import (
    by_content,
    compared_columns,
    leave_out_gone,
    leave_out_unasked,
    stored_rows,
    wanted_rows,
)
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.hints import settle_hints
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.sources import load_network, network_options

if TYPE_CHECKING:
    from collections import Counter

    from ovn_rules.cli.contents import Content
    from ovn_rules.cli.sources import Network
    from ovn_rules.rules.program import Program

DATABASE = "sb"


@dataclasses.dataclass(frozen=True)
class Difference:
    """What differs in a table.

    Attributes:
        table: its name.
        alike: how many rows are the same.
        stored: rows that only the database has.
        wanted: rows that only the rules ask for.
    """

    table: str
    alike: int
    stored: list[Content]
    wanted: list[Content]


def differences(
    network: Network, stored_in: Network | None = None, *, renamed: bool = False, fresh: bool = False
) -> list[Difference]:
    """Compare what a southbound database holds with what the rules ask for, table by table.

    Args:
        network: both databases in an engine that holds what ``compared_columns`` names.
        stored_in: where the stored rows are, if not in the same engine.
        renamed: numbers that hang on the order in which they were given don't count.
        fresh: the stored rows were all made for what the northbound database says now.
    """
    program = network.program
    sinks = program.northd.sinks
    schema = program.databases[DATABASE].schema
    stored = stored_rows((stored_in or network).engine, sinks, DATABASE)
    wanted = wanted_rows(network.engine, sinks, DATABASE, schema)
    leave_out_gone(stored, schema)
    leave_out_unasked(stored, wanted)
    settle_hints(stored, wanted, network.engine, program, DATABASE, fresh=fresh)
    there = by_content(stored, wanted, schema, program.contents, renamed=renamed, hinted=True)
    asked = by_content(wanted, stored, schema, program.contents, renamed=renamed, hinted=True)
    return [_difference(table, there[table], asked[table]) for table in sorted(asked)]


def _difference(table: str, there: Counter[Content], asked: Counter[Content]) -> Difference:
    return Difference(
        table,
        (there & asked).total(),
        sorted((there - asked).elements(), key=str),
        sorted((asked - there).elements(), key=str),
    )


def load_compared(nb: str | None, sb: str | None, program: str | None, tls: TlsFiles) -> Network:
    """Both databases in an engine, with all columns that are compared.

    Raises:
        Failure: one can't be read, or the program writes no southbound database.
    """
    return load_network(nb, sb, (), program, tls.tls(), beside=_compared_if_written)


def _compared_if_written(program: Program) -> dict[str, tuple[str, ...]]:
    if not any(sink.database == DATABASE for sink in program.northd.sinks):
        raise Failure(f"the program {program.name} writes no southbound database, so there is nothing to compare")
    return compared(program)


def compared(program: Program) -> dict[str, tuple[str, ...]]:
    """The columns to read besides those that rules name, by relation."""
    columns = compared_columns(program.northd.sinks, DATABASE, program.contents)
    return {f"{DATABASE}.{table}": tuple(names) for table, names in columns.items()}


@click.command()
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@network_options
@click.option("--renamed", is_flag=True, help="Tunnel keys and other numbers that hang on chance may differ.")
@click.option("--most", metavar="N", type=click.IntRange(0), default=20, show_default=True, help="Rows shown a table.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How it is printed.",
)
@tls_options
def compare(
    tables: tuple[str, ...],
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str | None,
    renamed: bool,
    most: int,
    form: str,
    tls: TlsFiles,
) -> None:
    """Compare a southbound database that ovn-northd filled with what these rules derive; nothing is written.

    Rows are compared by content: references count as the names of what they lead to, and a flow of a datapath group
    counts once for each datapath. Exit status 1 when rows differ.

    \b
    Examples:
      ovn-rules compare
      ovn-rules compare --nb ovnnb_db.db --sb ovnsb_db.db Logical_Flow
    """
    del ovs  # a bundle has hosts' databases; what is compared doesn't depend on them
    if (nb is None) is not (sb is None):
        raise click.UsageError(f"compare needs both databases; give --{'nb' if nb is None else 'sb'}, too")
    network = load_compared(nb, sb, program, tls)
    found = differences(network, renamed=renamed)
    unknown = sorted(set(tables) - {d.table for d in found})
    if unknown:
        raise Failure(f"{unknown[0]} is not compared; these are: {', '.join(d.table for d in found)}")
    found = [d for d in found if not tables or d.table in tables]
    if form == "json":
        click.echo(json.dumps([_document(d) for d in found], ensure_ascii=False))
    else:
        for difference in found:
            _show(difference, most)
    if any(d.stored or d.wanted for d in found):
        raise SystemExit(1)


def _document(difference: Difference) -> dict[str, Any]:
    return {
        "table": difference.table,
        "alike": difference.alike,
        "stored": [dict(c) for c in difference.stored],
        "wanted": [dict(c) for c in difference.wanted],
    }


def _show(difference: Difference, most: int) -> None:
    differing = len(difference.stored) + len(difference.wanted)
    click.echo(f"{difference.table}: {difference.alike} alike" + (f", {differing} differ" if differing else ""))
    lines = [*(f"  - {_text(c)}" for c in difference.stored), *(f"  + {_text(c)}" for c in difference.wanted)]
    for line in lines[:most]:
        click.echo(line)
    if len(lines) > most:
        click.echo(f"  … and {len(lines) - most} more; --most shows more")


def _text(content: Content) -> str:
    return " ".join(f"{c}={json.dumps(v, ensure_ascii=False)}" for c, v in content if v not in ((), ""))
