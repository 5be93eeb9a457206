"""``ovn-rules why``: the reason for a fact or a flow, down to database rows."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.sources import Network, load_network, network_options
from ovn_rules.cli.trees import as_json, explanation
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.io.flows import DEFAULT_PRIORITY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ovn_rules.engine import Fact

MOST = 5
"""Facts explained when several match what was asked."""

_FACT = re.compile(r"\s*([\w.]+)\s*\((.*)\)\s*", re.DOTALL)
_STATISTICS = re.compile(
    r"^(cookie|duration|n_packets|n_bytes|idle_age|hard_age|idle_timeout|hard_timeout|send_flow_rem)\b"
)


@click.command()
@click.argument("fact")
@network_options
@click.option("--depth", type=click.IntRange(0), default=20, show_default=True, help="Levels of the tree.")
@click.option("--all", "everything", is_flag=True, help="Every derivation of each fact, every input of an aggregate.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@tls_options
def why(
    fact: str,
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str,
    depth: int,
    everything: bool,
    form: str,
    tls: TlsFiles,
) -> None:
    """Explain FACT: a flow as ovs-ofctl dump-flows prints it, or RELATION(column=value, ...).

    Columns that aren't given may have any value; every fact that fits is explained, up to five.

    \b
    Examples:
      ovn-rules why 'table=64, priority=50,reg7=0x1 actions=output:1' --nb nb.db --sb sb.db --ovs host1.db
      ovn-rules why 'Binding(logical_port="vm1")' --nb nb.db --sb sb.db
      ovn-rules why 'Pipeline(table_id=2)' --nb nb.db --depth 1
    """
    network = load_network(nb, sb, ovs, program, tls.tls())
    relation, wanted = parse_fact(fact, network)
    found = matching(network, relation, wanted)
    if not found and "actions" in wanted and relation == "OpenFlow":
        # A flow is known by its table, priority and match; another version of OpenFlow spells actions otherwise.
        found = matching(network, relation, {k: v for k, v in wanted.items() if k != "actions"})
        if found:
            click.echo("ovn-rules: no flow has these actions; what follows has the match", err=True)
    if not found:
        raise Failure(f"no such fact in {relation}: nothing has {_text(wanted)}")
    if form == "json":
        click.echo(json.dumps([as_json(network.engine, relation, f, depth) for f in found[:MOST]], ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
    for each in found[:MOST]:
        console.print(explanation(network.engine, relation, each, depth, everything=everything))
    if len(found) > MOST:
        click.echo(f"... and {len(found) - MOST} more; give more columns to narrow it down")


def parse_fact(text: str, network: Network) -> tuple[str, dict[str, Any]]:
    """What is asked for: a relation and the values of some of its columns.

    Raises:
        Failure: it is neither a fact nor a flow.
    """
    found = _FACT.fullmatch(text)
    if found:
        return _parse_pattern(found[1], found[2], network)
    if "actions=" in text or "table=" in text or "priority=" in text:
        return "OpenFlow", parse_flow(text, port_numbers(network))
    raise Failure(f"{text!r} is neither a flow nor RELATION(column=value, ...)")


def _parse_pattern(relation: str, inside: str, network: Network) -> tuple[str, dict[str, Any]]:
    relations = network.engine.program.relations
    if relation not in relations:
        raise Failure(
            f"no relation {relation}; {did_you_mean(relation, relations) or 'see ovn-rules check --relations'}"
        )
    columns = [c.name for c in relations[relation].columns]
    wanted: dict[str, Any] = {}
    for i, part in enumerate(filter(str.strip, split_arguments(inside))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier():
            if i >= len(columns):
                raise Failure(f"{relation} has {len(columns)} columns: {', '.join(columns)}")
            name, value = columns[i], part
        name = name.strip()
        if name not in columns:
            hint = did_you_mean(name, columns) or f"its columns are {', '.join(columns)}"
            raise Failure(f"{relation} has no column {name}; {hint}")
        if value.strip() != "_":
            wanted[name] = _value(value.strip())
    return relation, wanted


def split_arguments(text: str) -> list[str]:
    """Split at commas outside strings and brackets."""
    parts, depth, start, quote = [], 0, 0, ""
    for i, c in enumerate(text):
        if quote:
            if c == quote and text[i - 1] != "\\":
                quote = ""
        elif c in "\"'":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and not depth:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _value(text: str) -> Any:
    if text[:1] in "\"'" and text[-1:] == text[:1] and len(text) > 1:
        if text[0] == "'":
            return text[1:-1]
        try:
            return json.loads(text)
        except ValueError as error:
            raise Failure(f"{text} is not a string as JSON has it: {error}; single quotes take text as it is") from None
    return text


def port_numbers(network: Network) -> dict[str, set[int]]:
    """OpenFlow port numbers by port name, which ovs-ofctl prints on a terminal."""
    facts = network.engine.facts
    numbers: dict[str, set[int]] = {}
    ports = network.engine.program.relations.get("ovs.Port")
    if ports is not None:
        name = ports.position("name")
        names: dict[str, str] = {f[0]: f[name] for f in facts("ovs.Port")}
        ofports: dict[str, int] = {f[0]: f[1] for f in facts("ovs.Interface.ofport")}
        for port, interface in facts("ovs.Port.interfaces"):
            if port in names and interface in ofports:
                numbers.setdefault(names[port], set()).add(ofports[interface])
    return numbers


def parse_flow(text: str, ports: Mapping[str, Collection[int]]) -> dict[str, Any]:
    """A flow as dump-flows prints it, in any field order, with or without cookie and counters.

    Args:
        text: the flow.
        ports: numbers of the ports with a name.
    """
    before, _, actions = text.strip().partition("actions=")
    wanted: dict[str, Any] = {"table": "0"}
    if actions:
        wanted["actions"] = actions.strip()
        wanted["priority"] = str(DEFAULT_PRIORITY)  # of a flow that is printed without one
    fields, inputs = [], []
    for word in re.split(r"[,\s]+", before.strip()):
        if not word or _STATISTICS.match(word):
            continue
        name, _, value = word.partition("=")
        if name in ("table", "priority"):
            wanted[name] = value
        elif name == "in_port" and not value.isdecimal():
            numbers = ports.get(value.strip('"'), ())
            inputs = [f"in_port={n}" for n in sorted(numbers)] or [word]
        else:
            fields.append(word)
    wanted["match"] = tuple(frozenset([*fields, i]) for i in inputs) or frozenset(fields)
    return wanted


def matching(network: Network, relation: str, wanted: dict[str, Any]) -> list[Fact]:
    """The facts that have the values, in order."""
    columns = [c.name for c in network.engine.program.relations[relation].columns]
    tests = [(i, wanted[c]) for i, c in enumerate(columns) if c in wanted]
    return sorted(f for f in network.engine.facts(relation) if all(_same(f[i], value) for i, value in tests))


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return any(_same(value, each) for each in wanted)
    if isinstance(wanted, frozenset):
        return frozenset(filter(None, str(value).split(","))) == wanted
    if isinstance(value, tuple):
        words = {str(v) for v in value}
        return words == {w.strip(" '\"") for w in str(wanted).strip("()[]").split(",") if w.strip()}
    if isinstance(value, bool):
        return str(value).lower() == str(wanted).lower()
    if isinstance(value, int) and str(wanted).startswith("0x"):
        return f"{value:#x}" == str(wanted)
    return str(value) == str(wanted)


def _text(wanted: dict[str, Any]) -> str:
    return ", ".join(f"{k}={_shown(v)}" for k, v in wanted.items()) or "any columns"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " or ".join(map(_shown, value))
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)
