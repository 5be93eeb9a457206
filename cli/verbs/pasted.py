"""The facts that pasted flows are: which of the flows that rules make, on which hosts, or what comes nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.facts import fact_document, fact_text, found
from ovn_rules.cli.verbs.flow_text import FlowText, names_ports, numbered, read_flows
from ovn_rules.engine.errors import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.cli.verbs.row_text import RowText
    from ovn_rules.cli.verbs.verb import World
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.rules.program import Program

FLOWS = "OpenFlow"
MOST = 20
"""Flows that may be pasted at once: what ofproto/trace prints of a packet's way through a host, and more."""
OWN_TABLE = 254
"""The table that Open vSwitch keeps for itself (ovs-fields(7) knows tables 0 to 253)."""

Key = tuple[str, "Fact"]


def find_flows(world: World, text: str, chassis: str | None = None) -> tuple[list[Key], list[str]]:
    """The flows in a text, each on every host that has it, and what is to be noted about that.

    Args:
        world: where they are looked for.
        text: what was pasted.
        chassis: only on this host; None for all.

    Raises:
        Failure: the text has no flow, too many, or one that isn't there: says what comes nearest.
    """
    flows = read_flows(text)
    if len(flows) > MOST:
        raise Failure(f"{len(flows)} flows are pasted; at most {MOST} are explained at once: paste fewer lines")
    keys: dict[Key, None] = {}
    finder = _Finder(world.engine, world.program, chassis)
    for flow in flows:
        facts = finder.flow(flow) if isinstance(flow, FlowText) else finder.row(flow)
        keys.update((key, None) for key in facts)
    return list(keys), list(dict.fromkeys(finder.notes))


class _Finder:
    def __init__(self, engine: Engine, program: Program, chassis: str | None) -> None:
        self.engine = engine
        self.program = program
        self.tables = program.tables
        self.chassis = chassis
        self.notes: list[str] = []

    # -- flows of switches -------------------------------------------------------------------------------------

    def flow(self, flow: FlowText) -> list[Key]:
        """The facts that a flow is."""
        if FLOWS not in self.engine.program.relations:
            raise Failure("the flows of switches aren't derived here: a host's own database must be there as well")
        hosts = self._hosts(flow)
        self._check(flow)
        wanted = {host: numbered(flow, ports_of(self.engine, host) if names_ports(flow) else {}) for host in hosts}
        fitting = [(f, actions) for host, (match, actions) in wanted.items() for f in self._exact(flow, host, match)]
        if not fitting:
            here = [f for f in found(self.engine, FLOWS, table=flow.table) if f[0] in wanted]
            same = [(f, wanted[f[0]][1]) for f in here if is_match(f[3], wanted[f[0]][0])]
            fitting = [(f, actions) for f, actions in same if flow.priority in (None, f[2])]
            if not fitting:
                raise Failure(self._nearest(flow, here, [f for f, _ in same], hosts))
        return [(FLOWS, f) for f in self._with_actions(fitting)]

    def _exact(self, flow: FlowText, host: str, match: tuple[str, ...]) -> Iterable[Fact]:
        """The flow by its key, if its match is spelled as it is here: no other has to be looked at."""
        if flow.priority is None:
            return ()
        return found(self.engine, FLOWS, chassis=host, table=flow.table, priority=flow.priority, match=",".join(match))

    def _with_actions(self, fitting: list[tuple[Fact, str | None]]) -> list[Fact]:
        """Those that have the actions; else one that was rejected for another and has them; else all, with a note."""
        right = [f for f, actions in fitting if actions in (None, f[4])]
        if right:
            return right
        for conflict in self.engine.conflicts():
            if conflict.relation == FLOWS and any(conflict.kept == f for f, _ in fitting):
                right += [f for f in conflict.rejected if f[4] in {a for _, a in fitting}]
        if right:
            return right
        actual = sorted({f[4] for f, _ in fitting})
        self.notes.append(f"no flow has these actions; what follows has the match, and the actions {listed(actual)}")
        return [f for f, _ in fitting]

    def _check(self, flow: FlowText) -> None:
        if flow.table == OWN_TABLE:
            raise Failure(
                f"table {OWN_TABLE} is Open vSwitch's own: it makes these flows itself, whatever the rules say"
            )
        if self.tables and flow.table not in self.tables:
            raise Failure(f"no such flow: rules make flows in the tables {_ranges(self.tables)}, not in {flow.table}")
        bridges = {f[1] for f in self.engine.facts("WantedBridge")} if _has(self.engine, "WantedBridge") else set()
        if flow.bridge and bridges and flow.bridge not in bridges:
            raise Failure(f"{flow.text!r} is a flow of the bridge {flow.bridge}; rules make those of {listed(bridges)}")

    def _hosts(self, flow: FlowText) -> list[str]:
        known = sorted(f[0] for f in self.engine.facts("ActiveChassis")) if _has(self.engine, "ActiveChassis") else []
        wanted = flow.chassis or self.chassis
        if wanted and wanted not in known:
            hint = (
                did_you_mean(wanted, known) or f"there {'is' if len(known) == 1 else 'are'} {listed(known or ['none'])}"
            )
            raise Failure(f"no chassis {wanted}; {hint}")
        return [wanted] if wanted else known

    def _nearest(self, flow: FlowText, here: list[Fact], same: list[Fact], hosts: list[str]) -> str:
        """What to say of a flow that isn't there."""
        where = f"on {hosts[0]}" if len(hosts) == 1 else f"on any of {listed(hosts)}" if hosts else "on any host"
        text = f"no such flow {where}"
        if same:
            return f"{text}; with the same table and match there is {_shown(self.engine, FLOWS, same)}"
        if self.chassis or flow.chassis:
            others = _Finder(self.engine, self.program, None)
            try:
                found_there = others.flow(FlowText(flow.text, flow.table, flow.priority, flow.match, flow.actions))
            except Failure:
                found_there = []
            if found_there:
                return f"{text}, but {listed(sorted({f[0] for _, f in found_there}))} has it"
        parts = frozenset(flow.match)
        near = max(here, key=lambda f: (len(_parts(f[3]) & parts), f[2] == flow.priority), default=None)
        if near is None or not _parts(near[3]) & parts:
            return f"{text}, and none in table {flow.table} that is like it; is it from another network?"
        return f"{text}; the nearest is {_shown(self.engine, FLOWS, [near])}"

    # -- logical flows -----------------------------------------------------------------------------------------

    def row(self, row: RowText) -> list[Key]:
        """The facts that a logical flow is."""
        relation, values = logical_flow(self.engine, self.program, row)
        facts = sorted(found(self.engine, relation, **values))
        if facts:
            return [(relation, f) for f in facts]
        stage = "table_id" if "table_id" in values else "stage"
        for columns in ((stage, "match"), ("match",), (stage, "actions")):
            near = sorted(found(self.engine, relation, **{c: values[c] for c in columns if c in values}))
            if near:
                same = " and ".join(c for c in columns if c in values)
                raise Failure(
                    f"no such logical flow; with the same {same} there is {_shown(self.engine, relation, near)}"
                )
        raise Failure("no such logical flow, and none that is like it; is it from another network?")


def logical_flow(engine: Engine, program: Program, row: RowText) -> tuple[str, dict[str, Any]]:
    """The relation of a logical flow that was pasted, and what its columns hold of it.

    Raises:
        Failure: the program has none.
    """
    flows = program.logical
    if flows is None or not _has(engine, flows.relation):
        raise Failure("this program has no logical flows")
    return flows.relation, flows.values(dict(row.values))


def _has(engine: Engine, relation: str) -> bool:
    return relation in engine.program.relations


def ports_of(engine: Engine, host: str) -> dict[str, int]:
    """OpenFlow ports of a host's integration bridge, by name."""
    numbers: dict[str, int] = dict(engine.facts("ovs.Interface.ofport"))
    names = {f[0]: f[1] for f in engine.facts("ovs.Interface")} if _has(engine, "ovs.Interface") else {}
    interfaces = [
        interface
        for _, _, bridge in found(engine, "ActiveChassis", name=host)
        for _, port in found(engine, "ovs.Bridge.ports", _uuid=bridge)
        for _, interface in found(engine, "ovs.Port.interfaces", _uuid=port)
    ]
    return {names[i]: numbers[i] for i in interfaces if i in names and i in numbers}


def is_match(match: str, parts: tuple[str, ...]) -> bool:
    """Whether a match has just these parts, in any order.

    Args:
        match: the one of a fact.
        parts: those that were pasted.
    """
    return len(match) == len(",".join(parts)) and _parts(match) == frozenset(parts)


def _parts(match: str) -> frozenset[str]:
    return frozenset(match.split(",")) if match else frozenset()


def _shown(engine: Engine, relation: str, facts: list[Fact]) -> str:
    more = f", and {len(facts) - 1} more" if len(facts) > 1 else ""
    return f"{fact_text(fact_document(engine, relation, facts[0]), width=300).plain}{more}"


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers in order, runs of them shortened: ``0, 16 to 47, 64``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return listed(" to ".join(map(str, run)) for run in runs)
