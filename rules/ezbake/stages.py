"""Stages of a packet's way, made of what the simulator did: the flow, the rule behind it, what it changed."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from ovn_rules.engine import Explainer
from ovn_rules.engine.ir import Const, Wild
from ovn_rules.engine.patterns import Pattern
from ovn_rules.rules.openflow import Flow, FlowTable, Hit, Output, Packet, Step, Wrote, packet_text, simulate
from ovn_rules.rules.openflow.packet import place_name, value_text
from ovn_rules.rules.tracing import Change, Drop, End, Named, Near, Stage, Visit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine import Fact
    from ovn_rules.engine.ir import Clause
    from ovn_rules.rules.ezbake.network import Network

FIRST, OUT = 16, 64
"""Logical table 0, and the table that ``output;`` goes on to."""

NAMES = {
    0: "into the logical network",
    FIRST: "admission",
    FIRST + 1: "destination lookup",
    FIRST + 2: "ACLs",
    FIRST + 3: "egress",
    OUT: "out of the logical network",
}
MEANINGS = {"reg6": "inport", "reg7": "outport", "tun_id": "port"}

NEAR = 3
"""Flows named of those that a packet almost met."""


class Follower:
    """What tracing on hosts and in the logical network have in common: stages made of the simulator's steps."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.engine = network.engine
        self.explainer = Explainer(network.engine)
        self._clauses: dict[Named, Clause | None] = {}

    def table(self, chassis: str, table: int, bits: int) -> FlowTable:
        """The flows of a table; those that a packet can't meet may be left out."""
        raise NotImplementedError

    def lookup(self, chassis: str, table: int, bits: int) -> Hit | None:
        """The flow of a table that a packet meets."""
        return self.table(chassis, table, bits).lookup(bits)

    def numbered(self, table: int) -> tuple[int, str]:
        """A table's number and name as they are shown."""
        return table, NAMES.get(table, "")

    def origin(self, chassis: str, flow: Flow, packet: Packet) -> tuple[Named | None, Named | None]:
        """A flow as a fact, and the logical flow that it comes from."""
        raise NotImplementedError

    def end(self, chassis: str, output: Output, hops: int) -> End:
        """What becomes of what leaves the switch."""
        raise NotImplementedError

    def follow(self, chassis: str, arrival: str, packet: Packet, first: int = 0, hops: int = 0) -> Visit:
        """A packet's way through one host."""
        way = simulate(packet, lambda table, bits: self.lookup(chassis, table, bits), first)
        stage = self.stage(chassis, way.first, hops, lost=bool(way.failure))
        return Visit(chassis, arrival, packet_text(packet), stage, way.failure)

    def stage(self, chassis: str, step: Step, hops: int, *, lost: bool) -> Stage:
        """A step with its reasons."""
        stage = Stage(*self.numbered(step.table))
        if step.hit is None:
            stage.drop = self.drop(chassis, step)
            return stage
        stage.flow, stage.shares = step.hit.flow, step.hit.shares
        stage.fact, stage.logical = self.origin(chassis, stage.flow, step.packet)
        stage.clause = self.clause(stage.logical or stage.fact)
        stage.reason = " ".join(stage.clause.doc.split()) if stage.clause else self.unexplained(step)
        for result in step.results:
            if isinstance(result, Step):
                stage.results.append(self.stage(chassis, result, hops, lost=lost))
            elif isinstance(result, Wrote):
                stage.results.append(self.change(result))
            elif isinstance(result, Output):
                gone = End("lost", "dropped with all other copies") if lost else self.end(chassis, result, hops)
                stage.results.append(gone)
            else:
                stage.results.append(Change(result.action, "no effect", result.reason))
        if not any(isinstance(r, Stage | End) for r in stage.results):
            stage.drop = self.drop(chassis, step)
        return stage

    def change(self, wrote: Wrote) -> Change:
        """What an action wrote, with what it means here."""
        name = place_name(wrote.place)
        meaning = ""
        if name in MEANINGS and wrote.after:
            meaning = f"{MEANINGS[name]} {self.network.port_of(wrote.after) or 'unknown'}"
        elif name == "metadata":
            meaning = f"switch {self.network.switch_name(self.datapath(wrote.after))}"
        return Change(name, value_text(name, wrote.after), meaning)

    def datapath(self, number: int) -> str:
        """The logical switch that a number in metadata stands for; empty for none."""
        return self.network.value("DatapathNumber", "datapath", number=number) or ""

    def drop(self, chassis: str, step: Step) -> Drop:
        """Why a packet ends in a table, with the flows that would have let it pass, had it been a bit different."""
        least = step.hit.flow.priority + 1 if step.hit else 0
        bits = step.packet.matched
        near, more = self.table(chassis, step.table, bits).nearest(bits, least, NEAR)
        found = tuple(Near(flow, self.origin(chassis, flow, step.packet)[1], parts) for flow, parts in near)
        port = self.network.port_of(step.packet["reg7"])
        return Drop(step.hit is None, port, found, more, question=next(filter(None, map(self.instead, found)), ""))

    def instead(self, near: Near) -> str:
        """The logical flow that a packet wants instead of a near one: with the packet's values; empty if unknown."""
        if near.logical is None or not near.differing:
            return ""
        relation, fact = near.logical
        columns = self.engine.program.relations[relation].columns
        values = {c.name: v for c, v in zip(columns, fact, strict=True) if c.name != "actions"}
        for wanted, field, value in near.differing:
            found = re.findall(
                rf"(?<![\w.:]){re.escape(wanted.partition('=')[2] or wanted)}(?![\w.:/])", values["match"]
            )
            if len(found) != 1:
                return ""
            values["match"] = values["match"].replace(found[0], value_text(field, value))
        return self.pattern(relation, values)

    def pattern(self, relation: str, values: Mapping[str, Any]) -> str:
        """A pattern as it is asked about."""
        definition = self.engine.program.relations[relation]
        terms = (Const(values[c.name]) if c.name in values else Wild() for c in definition.columns)
        return Pattern(definition, tuple(terms)).text()

    def unexplained(self, step: Step) -> str:
        """What to say of a flow that no rule made."""
        return f"flow of table {step.table}"

    def clause(self, named: Named | None) -> Clause | None:
        """The rule that makes a fact."""
        if named is None:
            return None
        if named not in self._clauses:
            found = next(self.explainer.derivations(*named, most=1, clauses=partial(_may_make, named[1])), None)
            self._clauses[named] = found.clause if found else None
        return self._clauses[named]


def _may_make(fact: Fact, clause: Clause) -> bool:
    """Whether the constants in a clause's head are the fact's."""
    return all(not isinstance(t, Const) or t.value == v for t, v in zip(clause.terms, fact, strict=True))
