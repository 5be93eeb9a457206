"""What somebody expects to be there, as values of a relation's columns: a pattern, or a flow as tools print it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.facts import found
from ovn_rules.cli.verbs.flow_text import FlowText, looks_like_flow, names_ports, numbered, read_flows
from ovn_rules.cli.verbs.pasted import logical_flow, ports_of
from ovn_rules.engine.ir import Aggregate, Const, Fact, Var
from ovn_rules.engine.pattern_values import Prefix
from ovn_rules.engine.patterns import Pattern, parse_pattern
from ovn_rules.engine.present import FREE
from ovn_rules.rules.lflow.fields import FIELDS

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.row_text import RowText
    from ovn_rules.cli.verbs.verb import World
    from ovn_rules.engine import Engine


def expected(world: World, text: str) -> Pattern | tuple[str, Fact]:
    """A pattern; or for a flow a relation, and a value or FREE for each of its columns.

    Args:
        world: what is asked about.
        text: ``RELATION(column=value, ...)``, or one flow of a switch or one logical flow in any form.

    Raises:
        Failure: it is no flow after all, or more than one, or flows aren't derived here.
        QuestionError: the pattern can't be read.
    """
    if not looks_like_flow(text):
        return parse_pattern(world.engine.program, text)
    flows = read_flows(text)
    if len(flows) > 1:
        raise Failure(f"{len(flows)} flows are pasted; whynot explains one at a time")
    flow = flows[0]
    return _flow(world, flow) if isinstance(flow, FlowText) else _row(world, flow)


def _flow(world: World, flow: FlowText) -> tuple[str, Fact]:
    """A flow of a switch."""
    if "OpenFlow" not in world.engine.program.relations:
        raise Failure("the flows of switches aren't derived here: a host's own database must be there as well")
    tables = world.program.tables
    if tables and flow.table not in tables:
        raise Failure(f"no rule makes flows in table {flow.table}: there are {', '.join(map(str, _runs(tables)))}")
    match, actions = numbered(flow, _ports(world.engine, flow.chassis) if names_ports(flow) else {})
    values = {"table": flow.table, "match": _printed(world.engine, flow.table, match)}
    optional = {"chassis": flow.chassis or None, "priority": flow.priority, "actions": actions}
    return _values(world.engine, "OpenFlow", {**values, **{c: v for c, v in optional.items() if v is not None}})


def _row(world: World, row: RowText) -> tuple[str, Fact]:
    """A logical flow."""
    return _values(world.engine, *logical_flow(world.engine, world.program, row))


def _values(engine: Engine, relation: str, values: dict[str, Any]) -> tuple[str, Fact]:
    return relation, tuple(values.get(c.name, FREE) for c in engine.program.relations[relation].columns)


def _ports(engine: Engine, host: str) -> dict[str, int]:
    """OpenFlow ports by name: of a host, or of all when none is named."""
    hosts = [host] if host else [f[0] for f in found(engine, "ActiveChassis")]
    return {name: number for each in hosts for name, number in ports_of(engine, each).items()}


def _runs(tables: tuple[int, ...]) -> list[str]:
    """Table numbers, runs of them shortened."""
    runs: list[list[int]] = []
    for number in sorted(tables):
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return [" to ".join(map(str, run)) for run in runs]


def _printed(engine: Engine, table: int, match: tuple[str, ...]) -> str:
    """A match with its parts in the order of a flow that has the same fields; without one, in Open vSwitch's order."""
    names = {word.partition("=")[0] for word in match}
    for fact in engine.facts("OpenFlow"):
        if fact[1] == table and fact[3].count(",") == len(match) - 1:
            order = [word.partition("=")[0] for word in fact[3].split(",")]
            if set(order) == names:
                return ",".join(sorted(match, key=lambda word: order.index(word.partition("=")[0])))
    return ",".join(sorted(match, key=_place))


_ORDER = {name: float(i) for i, name in enumerate(FIELDS)}
_ORDER |= {"tun_id": _ORDER["registers"] + 0.9, "in_port": _ORDER["metadata"] + 0.5, "dl_vlan": _ORDER["vlan_tci"]}


def _place(word: str) -> tuple[float, str]:
    """Where ovs-ofctl prints a part of a match: protocols first, then fields in the order of Open vSwitch."""
    name, equals, _ = word.partition("=")
    if not equals:
        return -1, name
    register = re.fullmatch(r"x{0,2}reg(\d+)", name)
    if register:
        return _ORDER["registers"] + int(register[1]) / 100, name
    return _ORDER.get(name, len(_ORDER)), name


# -- patterns --------------------------------------------------------------------------------------------------


def values_of(engine: Engine, pattern: Pattern) -> Fact:
    """A pattern's values, FREE where it leaves them open.

    Args:
        engine: where the rows are that the beginning of a UUID may stand for; it is left as it is when not one fits.
        pattern: the pattern.
    """
    values: list[Any] = []
    clauses = [c for c in engine.program.clauses if c.relation == pattern.relation.name]
    collected = {i for c in clauses for i, t in enumerate(c.terms) if isinstance(t, Aggregate)}
    for column, term in zip(pattern.relation.columns, pattern.terms, strict=True):
        if isinstance(term, Prefix):
            fits = {v for v in _uuids(engine) if v.startswith(term.text)}
            values.append(fits.pop() if len(fits) == 1 else FREE if fits else term.text)
        elif isinstance(term, Const):
            listed = pattern.relation.table is None and len(values) not in collected
            whole = column.type.name == "tuple" and len(column.type.args) == 1 and not listed
            values.append(tuple(sorted(set(term.value))) if whole else term.value)
        else:
            values.append(FREE)
    return tuple(values)


def equal_columns(pattern: Pattern) -> list[tuple[str, str]]:
    """Columns in which a pattern has one variable."""
    first: dict[str, str] = {}
    pairs = []
    for column, term in zip(pattern.relation.columns, pattern.terms, strict=True):
        if isinstance(term, Var) and first.setdefault(term.name, column.name) != column.name:
            pairs.append((first[term.name], column.name))
    return pairs


def _uuids(engine: Engine) -> set[str]:
    """The UUIDs of all rows."""
    relations = engine.program.relations.values()
    rows = [r.name for r in relations if r.table is not None and r.table.column is None]
    return {f[0] for name in rows for f in engine.facts(name)}
