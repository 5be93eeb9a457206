"""A packet's way through an EZ Bake network: from a port's interface through the tables of its host, and others'.

What is followed are the derived flows of each host. Where a port is on no host that is known, it is the logical
flows alone, as ovn-trace(8) does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.impact import dependents
from ovn_rules.rules.ezbake.network import Network
from ovn_rules.rules.ezbake.question import Question, read
from ovn_rules.rules.ezbake.stages import FIRST, NAMES, OUT, Follower
from ovn_rules.rules.ezbake.translation import is_share, rank
from ovn_rules.rules.openflow import ActionError, Flow, FlowTable, Hit, MatchError, Output, Packet, Step
from ovn_rules.rules.tracing import Drop, End, Named, Trace, Visit, verdicts

if TYPE_CHECKING:
    from collections.abc import Collection

    from ovn_rules.engine import Engine, Fact

HOPS = 8
"""Tunnels in a row that a packet is followed through."""


def trace(engine: Engine, text: str, logical: bool = False) -> Trace:
    """Follow a packet.

    Args:
        engine: with the rules of a chassis, alone or with central's.
        text: ``DATAPATH MICROFLOW`` or ``DATAPATH PORT PORT``, see ``question``.
        logical: follow it through the logical flows only.

    Raises:
        QuestionError: what was asked can't be traced.
    """
    network = Network(engine)
    if not network.has("OpenFlow"):
        raise QuestionError(
            "here are no flows to trace a packet through", text, hint="ask a host's daemon, or databases"
        )
    question = read(network, text)
    notes: list[str] = []
    try:
        visit = None if logical else _Hosts(network).enter(question, notes)
        if visit is None:
            visit = _Logical(network, question).visit()
    except (MatchError, ActionError) as error:
        raise QuestionError(f"a flow on the way can't be followed: {error}", text) from error
    name = network.switch_name(question.datapath)
    return Trace(name, question.microflow, tuple(notes), visit, tuple(verdicts(visit)))


class _Hosts(Follower):
    """The flows of all hosts, and what their ports lead to."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self._tables: dict[tuple[str, int, int], FlowTable] = {}
        self.hosts = network.hosts()

    def table(self, chassis: str, table: int, bits: int) -> FlowTable:
        packet = Packet(bits)
        if not FIRST <= table < OUT:
            return self.physical(chassis, table, packet)
        place = chassis, table, packet["metadata"]
        if place not in self._tables:
            self._tables[place] = self.logical(*place)
        return self._tables[place]

    def logical(self, chassis: str, table: int, number: int) -> FlowTable:
        """The flows of the logical switch with that number: all match it, so others' packets never meet them."""
        translated = self.network.every("TranslatedFlow", datapath=self.datapath(number))
        matches = dict.fromkeys((f[2], f[5]) for f in translated if f[1] == table - FIRST)
        wanted = (
            self.network.one("OpenFlow", chassis=chassis, table=table, priority=priority, match=match)
            for priority, match in matches
        )
        return FlowTable(f[1:] for f in wanted if f is not None)

    def physical(self, chassis: str, table: int, packet: Packet) -> FlowTable:
        """The flows of the ports that a packet comes from or goes to: all others match another number or key.

        A port's flows are those that follow from where it is.
        """
        key = packet["reg7" if table == OUT else "tun_id"]
        ports = [fact[0] for fact in self.network.every("Port", key=key)]
        places = {
            relation: {f for port in ports for f in self.network.every(relation, chassis=chassis, port=port)}
            for relation in ("LocalPort", "RemotePort")
        }
        if table != OUT:
            places["LocalPort"].update(self.plugged(chassis, packet["in_port"]))
        found = dependents(self.engine, places).get("OpenFlow", ())
        return FlowTable(f[1:] for f in found if f[:2] == (chassis, table))

    def plugged(self, chassis: str, number: int) -> Collection[Fact]:
        """The logical ports of an OpenFlow port."""
        return self.network.every("LocalPort", chassis=chassis, ofport=number)

    def origin(self, chassis: str, flow: Flow, packet: Packet) -> tuple[Named | None, Named | None]:
        fact = self.network.one(
            "WantedFlow", chassis=chassis, table=flow.table, priority=flow.priority, match=flow.match
        )
        if fact is None:
            return None, None
        *_, match, actions = fact
        row = (self.datapath(packet["metadata"]), flow.table - FIRST, flow.priority, match, actions)
        logical = ("Pipeline", row) if self.engine.count("Pipeline", row) else None
        return ("WantedFlow", fact), logical

    def enter(self, question: Question, notes: list[str]) -> Visit | None:
        """Where the packet comes from its port, followed; None, with a note, where that is on no known host."""
        port = question.port
        places = sorted(self.network.every("LocalPort", port=port))
        if not places:
            missing = self.unreached(port, self.hosts, "whose database was not given (--ovs)")
            notes.append(f"{missing}: only the logical network is traced")
            return None
        if len(places) > 1:
            notes.append(f"port {port} is on {' and '.join(p[0] for p in places)}: the first one's way is traced")
        chassis, _, number, tag = places[0]
        vlan = question.packet["vlan_tci"] & 0xFFF
        here = self.plugged(chassis, number)
        inner = min((f[1] for f in here if f[3] == vlan), default=None) if vlan and not tag else None
        if inner is not None:
            notes.append(f"with VLAN tag {vlan} the frame comes from container port {inner}, not from {port}")
        if vlan and tag:
            notes.append(f"the switch looks at one VLAN tag: at {tag}, by which it knows {port}, and not at {vlan}")
        if others := sorted(f[1] for f in here if f[3] == tag and f[1] != port):
            notes.append(f"port {port} has its interface together with {', '.join(others)}: the flows know one of them")
        packet = question.packet.tagged(tag) if tag else question.packet
        carried = f", with VLAN tag {tag}" if tag else ""
        arrival = f"from port {port} through OpenFlow port {number}{carried}"
        return self.follow(chassis, arrival, packet.with_fields(in_port=number))

    def drop(self, chassis: str, step: Step) -> Drop:
        drop = super().drop(chassis, step)
        if step.table != OUT or not drop.missed or not drop.port:
            return drop
        flow = {"chassis": chassis, "table": OUT, "priority": 50, "match": f"reg7={step.packet['reg7']:#x}"}
        reason = self.unreached(drop.port, {chassis}, f"to which {chassis} has no tunnel")
        return replace(drop, reason=reason, question=self.pattern("OpenFlow", flow))

    def unreached(self, port: str, hosts: set[str], elsewhere: str) -> str:
        """Where a port is that no flow leads to or from on some hosts, with what to say of any other host."""
        holder = self.network.value("PortHolder", "chassis", name=port)
        if not holder:
            return f"port {port} is on no host that is known"
        missing = "where its interface has no OpenFlow port yet" if holder in hosts else elsewhere
        return f"port {port} is on {holder}, {missing}"

    def end(self, chassis: str, output: Output, hops: int) -> End:
        number = output.port
        peer = self.network.value("TunnelOut", "peer", chassis=chassis, ofport=number)
        if peer is not None and not output.back:
            return self.cross(chassis, peer, output, hops)
        packet = output.packet
        vlan = packet["vlan_tci"] & 0xFFF if packet["vlan_tci"] & 0x1000 else 0
        here = self.plugged(chassis, number)
        names = sorted({f[1] for f in here if f[3] == vlan} or {f[1] for f in here if f[3] == 0})
        key = packet["reg7"] or packet["tun_id"]
        port = next((n for n in names if n == self.network.port_of(key)), names[0] if names else "")
        if output.back:
            text = f"not sent to {port or 'any port'}: it came in through the same OpenFlow port, {number}"
            return End("back", text, port, chassis, number=number)
        if not port:
            text = f"sent out of OpenFlow port {number}, which is no logical port's"
            return End("lost", text, chassis=chassis, number=number)
        tagged = f" with VLAN tag {vlan}" if vlan else ""
        text = f"delivered to {port} on {chassis}, OpenFlow port {number}{tagged}"
        return End("delivered", text, port, chassis, number=number)

    def cross(self, chassis: str, peer: str, output: Output, hops: int) -> End:
        """A packet goes through a tunnel."""
        key = output.packet["tun_id"]
        port = self.network.port_of(key)
        kind, text = "tunnel", f"through the tunnel to {peer}, key {key:#x} (port {port or 'unknown'})"
        number = self.network.value("TunnelOut", "ofport", chassis=peer, peer=chassis)
        visit = None
        if peer not in self.hosts:
            text += "; its database was not given (--ovs)"
        elif number is None:
            kind, text = "lost", f"{text}, which has no tunnel port to {chassis}"
        elif hops >= HOPS:
            kind, text = "lost", f"{text}; it is not followed through more than {HOPS} tunnels"
        else:
            arrival = (
                f"from {chassis} through the tunnel, OpenFlow port {number}, key {key:#x} (port {port or 'unknown'})"
            )
            packet = output.packet.frame().with_fields(in_port=number, tun_id=key)
            visit = self.follow(peer, arrival, packet, hops=hops + 1)
        return End(kind, text, port, peer, visit, output.port)


class _Logical(Follower):
    """The logical flows of one switch, in the tables that hosts have them in; ``output;`` delivers to the outport."""

    def __init__(self, network: Network, question: Question) -> None:
        super().__init__(network)
        self.question = question
        self.number = network.value("DatapathNumber", "number", datapath=question.datapath) or 0
        self.key = network.value("Port", "key", name=question.port) or 0
        flows: dict[tuple[int, int, str], Fact] = {}
        self.shares: dict[tuple[int, int, str], list[str]] = {}
        for fact in network.every("TranslatedFlow", datapath=question.datapath):
            _, table, priority, _, _, match, actions = fact
            place = table, priority, match
            if is_share(actions):
                self.shares.setdefault(place, []).append(actions)
            elif place not in flows or (rank(actions), actions) < (rank(flows[place][-1]), flows[place][-1]):
                flows[place] = fact
        self.facts = flows
        found: dict[int, list[tuple[int, int, str, str]]] = {}
        for place, fact in flows.items():
            found.setdefault(place[0], []).append((*place, fact[-1]))
        for place, parts in self.shares.items():
            if place not in flows:
                found.setdefault(place[0], []).append((*place, ",".join(sorted(parts))))
        self._tables = {table: FlowTable((FIRST + t, p, m, a) for t, p, m, a in rows) for table, rows in found.items()}

    def table(self, _chassis: str, table: int, _bits: int) -> FlowTable:
        return self._tables.get(table - FIRST) or FlowTable(())

    def lookup(self, chassis: str, table: int, bits: int) -> Hit | None:
        if table != OUT:
            return super().lookup(chassis, table, bits)
        packet = Packet(bits)
        out, back = packet["reg7"], packet["reg6"] == packet["reg7"]
        if not self.network.port_of(out):
            return None
        match = f"reg6={out:#x},reg7={out:#x}" if back else f"reg7={out:#x}"
        return Hit(Flow(OUT, 100 if back else 50, match, "drop" if back else f"output:{out}"))

    def numbered(self, table: int) -> tuple[int, str]:
        return (table, "output") if table == OUT else (table - FIRST, NAMES.get(table, ""))

    def origin(self, _chassis: str, flow: Flow, _packet: Packet) -> tuple[Named | None, Named | None]:
        fact = self.facts.get((flow.table - FIRST, flow.priority, flow.match))
        return (None, None) if fact is None else (("TranslatedFlow", fact), ("Pipeline", fact[:5]))

    def unexplained(self, step: Step) -> str:
        own = step.packet["reg6"] == step.packet["reg7"]
        return "output; never goes to the inport, see ovn-sb(5)." if own else "output; goes to the outport."

    def end(self, _chassis: str, output: Output, _hops: int) -> End:
        port = self.network.port_of(output.port)
        return End("delivered", f"delivered to {port}", port)

    def visit(self) -> Visit:
        """The packet's way."""
        packet = self.question.packet.with_fields(metadata=self.number, reg6=self.key)
        name = self.network.switch_name(self.question.datapath)
        return self.follow("", f"from port {self.question.port} into logical switch {name}", packet, FIRST)
