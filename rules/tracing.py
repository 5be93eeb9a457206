"""A packet's way through a network, as a tree: what tracing answers, whatever the rule program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovn_rules.engine import Fact
    from ovn_rules.engine.ir import Clause
    from ovn_rules.rules.openflow import Differing, Flow

Named = tuple[str, "Fact"]
"""A relation and a fact of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """An action wrote to the packet.

    Attributes:
        field: the field's name, with bits where it is a part of one.
        value: what stands there now, as flows write it.
        meaning: what that is in the network, such as a port's name; empty for a plain number.
    """

    field: str
    value: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Near:
    """A flow that the packet didn't meet, and why not.

    Attributes:
        flow: the flow.
        logical: the logical flow behind it, if there is one.
        differing: what of its match the packet doesn't satisfy; empty for a flow of lower priority.
    """

    flow: Flow
    logical: Named | None
    differing: tuple[Differing, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """The packet, or this copy of it, ends in a table.

    Attributes:
        missed: whether no flow matched; else a flow said so.
        port: the port that it was for; empty where that wasn't decided yet.
        near: the flows that would have let it pass and differ in the fewest fields.
        more: how many others differ as little.
        reason: why that port has no flow; empty where it has, or that isn't known.
        question: a pattern of what would have let it pass, to ask whynot about; empty where there is no one such.
    """

    missed: bool
    port: str = ""
    near: tuple[Near, ...] = ()
    more: int = 0
    reason: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """A copy of the packet leaves a host's switch, or ought to.

    Attributes:
        kind: ``delivered`` to a port; through a ``tunnel`` to another host; ``back`` where it came in, which a
            switch never does; ``lost``.
        text: that in words.
        port: the logical port; empty where it isn't known.
        chassis: the host that it is delivered on, or goes to.
        visit: what that host does with it; None where that isn't known.
        number: the OpenFlow port; 0 where only the logical network is traced.
    """

    kind: str
    text: str
    port: str = ""
    chassis: str = ""
    visit: Visit | None = None
    number: int = 0


@dataclass(slots=True)
class Stage:
    """A look-up in a table.

    Attributes:
        table: the table's number, the logical one when only the logical network is traced.
        name: what the table is for.
        flow: the flow that was met; None for none.
        shares: the flows of a conjunctive match that led to it.
        fact: that flow as a fact.
        logical: the logical flow that it comes from, if it does.
        clause: the rule that made the logical flow, or else the flow.
        results: what the flow's actions did, in order.
        reason: what that rule says, in one line.
        drop: how the packet ended here, if it did.
    """

    table: int
    name: str
    flow: Flow | None = None
    shares: tuple[Flow, ...] = ()
    fact: Named | None = None
    logical: Named | None = None
    clause: Clause | None = None
    reason: str = ""
    results: list[Change | End | Stage] = field(default_factory=list)
    drop: Drop | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A packet on one host.

    Attributes:
        chassis: the host; empty where only the logical network is traced.
        arrival: how it came there.
        packet: its fields that aren't 0, in the form that ``ovs-appctl ofproto/trace`` takes.
        first: the look-up in the first table.
        failure: why the switch drops it wherever it was to go; empty when it doesn't.
    """

    chassis: str
    arrival: str
    packet: str
    first: Stage
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the packet or of a copy of it, in one line.

    Attributes:
        kind: ``delivered``, ``sent`` to a host that isn't known more of, ``dropped``, ``back`` for a copy that would go
            out where it came in, or ``lost``.
        text: the line.
        port: the logical port that it was for; empty where that isn't known.
        chassis: the host that it was delivered on or sent to.
    """

    kind: str
    text: str
    port: str = ""
    chassis: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole answer.

    Attributes:
        datapath: the logical switch's name, or its UUID where the name isn't known.
        microflow: the packet that was asked about.
        notes: what should be known about the answer.
        visit: where it begins.
        verdicts: what became of it.
    """

    datapath: str
    microflow: str
    notes: tuple[str, ...]
    visit: Visit
    verdicts: tuple[Verdict, ...]


def verdicts(visit: Visit) -> list[Verdict]:
    """What became of a packet and its copies, in the order of its way.

    Args:
        visit: where it begins.
    """
    if visit.failure:
        where = f" on {visit.chassis}" if visit.chassis else ""
        return [Verdict("dropped", f"dropped{where} wherever it was to go: {visit.failure}")]
    return _of_stage(visit.first, visit.chassis)


def _of_stage(stage: Stage, chassis: str) -> list[Verdict]:
    found = []
    for result in stage.results:
        if isinstance(result, Stage):
            found += _of_stage(result, chassis)
        elif isinstance(result, End):
            found += _of_end(result)
    if stage.drop is not None:
        where = f" on {chassis}" if chassis else ""
        named = f" ({stage.name})" if stage.name else ""
        bound = f" on its way to {stage.drop.port}" if stage.drop.port else ""
        why = "no flow matches" if stage.drop.missed else stage.reason
        why += f", since {stage.drop.reason}" if stage.drop.reason else ""
        found.append(Verdict("dropped", f"dropped{where} in table {stage.table}{named}{bound}: {why}", stage.drop.port))
    return found


def _of_end(end: End) -> list[Verdict]:
    if end.kind == "tunnel" and end.visit is not None:
        return verdicts(end.visit)
    kind = "sent" if end.kind == "tunnel" else end.kind
    return [Verdict(kind, f"sent {end.text}" if kind == "sent" else end.text, end.port, end.chassis)]
