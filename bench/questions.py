"""What questions cost on a large network: how long each verb takes to answer.

Usage: python bench/questions.py [--ports N] [--hosts N] [--questions N] [VERB ...]

One network in one process: N ports, 50 on a switch, every one plugged into one of the hosts, with flows for all of them
derived at once. Each row of the table is one kind of question about facts drawn at random; the time is that of the
verb's ``answer``, from the question's text to the document. What a row answers first is timed like the rest.

A question that is about much of the network, rather than about a fact of it, has a row of its own, marked with *, and
is asked a few times only: that is too few for a p99. All of it takes three minutes.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import network, print_row
from ovn_rules.cli.verbs.registry import find_verb
from ovn_rules.engine import Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.io.flows import format_flow
from ovn_rules.rules.ezbake.programs import EZBAKE

PER_SWITCH = 50
FEW = 5
"""Questions of a row marked with *."""
ENOUGH = 100
"""Questions of which one in a hundred is not just the slowest."""


@dataclass(frozen=True)
class World:
    """A network to ask: see ``cli.verbs.verb.World``.

    Attributes:
        engine: with everything derived.
        program: the rule program.
        ports, hosts: how many there are.
    """

    engine: Engine
    ports: int
    hosts: int
    program: Any = EZBAKE

    def port(self, rng: random.Random) -> str:
        """The name of any port."""
        return f"port-{rng.randrange(self.ports)}"

    def switch(self, rng: random.Random) -> str:
        """The name of any switch."""
        return f"sw{rng.randrange(-(-self.ports // PER_SWITCH))}"

    def pair(self, rng: random.Random) -> str:
        """A switch and two of its ports."""
        one = rng.randrange(self.ports)
        first = one - one % PER_SWITCH
        other = rng.randrange(first, min(first + PER_SWITCH, self.ports))
        return f"sw{one // PER_SWITCH} port-{one} port-{other}"

    def fact(self, rng: random.Random, relation: str) -> str:
        """Any fact of a relation, as a pattern."""
        facts = self._sampled(relation)
        return f"{relation}({', '.join(map(repr, facts[rng.randrange(len(facts))]))})"

    def flow(self, rng: random.Random, part: str = "") -> str:
        """Any flow of table 17 whose priority is so, as ``ovs-ofctl dump-flows`` prints it."""
        flows = self.__dict__.setdefault("_flows", {})
        if part not in flows:
            lines = (format_flow(f[1:]) for f in self._sampled("OpenFlow") if f[1] == 17)
            flows[part] = [line for line in lines if part in line]
        return f"cookie=0x0, duration=9.1s, n_packets=1, {rng.choice(flows[part])}"

    def _sampled(self, relation: str) -> list[Any]:
        known: dict[str, list[Any]] = self.__dict__.setdefault("_facts", {})
        if relation not in known:
            known[relation] = sorted(self.engine.facts(relation))
        return known[relation]


Ask = Callable[[World, random.Random], str]
"""Makes the text of a question."""


@dataclass(frozen=True)
class Row:
    """One kind of question.

    Attributes:
        verb: its name.
        about: what is asked about, in words.
        ask: makes the question.
        options: the verb's options that aren't as when nothing is given.
        large: it is about much of the network.
    """

    verb: str
    about: str
    ask: Ask
    options: tuple[tuple[str, Any], ...] = ()
    large: bool = False


ROWS = (
    Row("why", "a flow", lambda w, r: w.fact(r, "OpenFlow")),
    Row("why", "a flow as dump-flows prints it", lambda w, r: w.flow(r)),
    Row("why", "a flood's flow, an aggregate over the ports of a switch", lambda w, r: w.flow(r, "priority=100")),
    Row("why", "a logical flow", lambda w, r: w.fact(r, "Pipeline")),
    Row("why", "a binding", lambda w, r: w.fact(r, "Binding")),
    Row(  # its match is that of every switch's flood, so it is about the floods of all switches, and all their ports
        "why",
        "a flood's flow, every derivation and input",
        lambda w, r: w.flow(r, "priority=100"),
        (("all", True),),
        large=True,
    ),
    Row("impact", "a port's row", lambda w, r: f"nb.Logical_Port {w.port(r)}"),
    Row("impact", "an address", lambda w, r: w.fact(r, "nb.Logical_Port.macs")),
    Row("impact", "a binding", lambda w, r: w.fact(r, "Binding")),
    Row("impact", "a logical flow", lambda w, r: w.fact(r, "Pipeline")),
    Row("impact", "a flow", lambda w, r: w.fact(r, "OpenFlow")),
    Row("impact", "a switch and its 50 ports", lambda w, r: f"nb.Logical_Switch {w.switch(r)}", large=True),
    Row("impact", "a host", lambda w, r: w.fact(r, "LocalChassis"), large=True),
    Row(
        "impact",
        "all on which a port has an effect",
        lambda w, r: f"nb.Logical_Port {w.port(r)}",
        (("all", True),),
        large=True,
    ),
    Row("whatif", "a port deleted", lambda w, r: f"lport-del {w.port(r)}"),
    Row("whatif", "a port added", lambda w, r: f"lport-add {w.switch(r)} new -- lport-set-macs new 02:00:00:00:00:01"),
    Row("whatif", "an address added", lambda w, r: f"+nb.Logical_Port.macs({w.port(r)}, 02:00:00:00:00:01)"),
    Row("whatif", "an ACL added", lambda w, r: f"acl-add {w.switch(r)} 9 'ip4 && tcp.dst == 22' drop"),
    Row("whatif", "a switch's 50 ports deleted", lambda w, r: f"-nb.Logical_Port(lswitch={w.switch(r)})"),
    Row("trace", "from a port to another of its switch", lambda w, r: w.pair(r)),
    Row("trace", "to an address that nobody has", lambda w, r: f"{w.pair(r).rpartition(' ')[0]} 02:00:00:00:00:99"),
    Row("trace", "through the logical network alone", lambda w, r: w.pair(r), (("logical", True),)),
    Row(
        "trace", "a broadcast to 50 ports", lambda w, r: f"{w.pair(r).rpartition(' ')[0]} ff:ff:ff:ff:ff:ff", large=True
    ),
    Row("whynot", "an address that no port has", lambda _w, r: f'Pipeline(match="eth.dst == {_nobody(r)}")'),
    Row(
        "whynot", "the flow of such an address", lambda _w, r: f"table=17,priority=50,metadata=0x1,dl_dst={_nobody(r)}"
    ),
    Row(
        "whynot",
        "a flow to a port on a host",
        lambda _w, r: f"hv0: table=64,priority=50,reg7={r.randrange(60000, 65535):#x}",
    ),
    Row(
        "whynot",
        "a flow from an interface",
        lambda _w, r: f"hv1: table=0,priority=100,in_port={r.randrange(9**5, 10**5)}",
    ),
    Row("whynot", "a port on another host", lambda w, r: f'Binding(logical_port="{w.port(r)}", chassis="hv0")'),
    Row("whynot", "a claim of a port that isn't there", lambda _w, r: f'Claim(chassis="hv0", port="new-{r.random()}")'),
    Row("whynot", "an ACL's flow", lambda _w, r: f'Pipeline(table_id=2, priority={r.randrange(1, 999)}, match="ip4")'),
    Row("whatif", "all ports deleted", lambda _w, _r: "-nb.Logical_Port()", large=True),
)


def _nobody(rng: random.Random) -> str:
    """An Ethernet address that no port has."""
    return f"02:00:00:ff:{rng.randrange(256):02x}:{rng.randrange(256):02x}"


def make_world(ports: int, hosts: int) -> World:
    """The network."""
    program = EZBAKE.everything.load()
    facts = network(program, ports, PER_SWITCH)
    tables: dict[str, list[dict[str, Any]]] = {f"ovs.{t}": [] for t in ("Open_vSwitch", "Bridge", "Port", "Interface")}
    for host in range(hosts):
        mine = range(host, ports, hosts)
        settings = {"system-id": f"hv{host}", "ovn-encap-type": "geneve", "ovn-encap-ip": f"192.0.2.{host + 1}"}
        bridge = _uuid(1, host)
        tables["ovs.Open_vSwitch"].append({"_uuid": _uuid(0, host), "bridges": [bridge], "external_ids": settings})
        tables["ovs.Bridge"].append({"_uuid": bridge, "name": "br-int", "ports": [_uuid(2, n) for n in mine]})
        for number, n in enumerate(mine, 1):
            interface = {"_uuid": _uuid(3, n), "ofport": number, "external_ids": {"iface-id": f"port-{n}"}}
            tables["ovs.Port"].append({"_uuid": _uuid(2, n), "name": f"tap{n}", "interfaces": [_uuid(3, n)]})
            tables["ovs.Interface"].append(interface)
        for peer in range(hosts):
            if peer != host:
                number, one = 60000 + peer, host * hosts + peer
                interface = {"_uuid": _uuid(7, one), "ofport": number}
                ids = {"ovn-chassis-id": f"hv{peer}"}
                port = {
                    "_uuid": _uuid(6, one),
                    "name": f"ovn-{peer}",
                    "interfaces": [_uuid(7, one)],
                    "external_ids": ids,
                }
                tables["ovs.Port"].append(port)
                tables["ovs.Interface"].append(interface)
                tables["ovs.Bridge"][-1]["ports"].append(port["_uuid"])
    chassis = [{"_uuid": _uuid(4, h), "name": f"hv{h}", "encaps": [_uuid(5, h)]} for h in range(hosts)]
    encaps = [{"_uuid": _uuid(5, h), "type": "geneve", "ip": f"192.0.2.{h + 1}"} for h in range(hosts)]
    for relation, more in facts_of(program, {**tables, "sb.Chassis": chassis, "sb.Encap": encaps}).items():
        facts.setdefault(relation, []).extend(more)
    engine = Engine(program)
    engine.transact({relation: ((), each) for relation, each in facts.items()})
    return World(engine, ports, hosts)


def _uuid(table: int, number: int) -> str:
    return f"{number:08x}-0000-4000-a000-{table:012x}"


def measure(world: World, row: Row, questions: int) -> dict[str, object]:
    """A row of the table."""
    rng = random.Random(f"{row.verb} {row.about}")  # noqa: S311 - which facts are asked about is no secret
    verb = find_verb(row.verb)
    options = {**verb.defaults(), **dict(row.options)}
    times = []
    for _ in range(FEW if row.large else questions):
        text = row.ask(world, rng)
        start = time.perf_counter()
        verb.answer(world, text, options)
        times.append(time.perf_counter() - start)
    times.sort()
    return {
        "verb": row.verb,
        "about": f"{row.about} *" if row.large else row.about,
        "questions": len(times),
        "median ms": f"{statistics.median(times) * 1e3:.2f}",
        "p99 ms": f"{times[math.ceil(len(times) * 0.99) - 1] * 1e3:.2f}" if len(times) >= ENOUGH else "",
        "max ms": f"{times[-1] * 1e3:.2f}",
    }


def main() -> None:
    """Make the network, ask every row's questions, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ports", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("verbs", nargs="*", metavar="VERB")
    options = parser.parse_args()
    world = make_world(options.ports, options.hosts)
    derived = sum(len(world.engine.facts(r)) for r in world.engine.program.derived)
    flows = len(world.engine.facts("OpenFlow"))
    print(f"{options.ports:,} ports, {options.hosts} hosts: {derived:,} derived facts, {flows:,} of them flows\n")
    gc.freeze()
    rows = [row for row in ROWS if not options.verbs or row.verb in options.verbs]
    for i, row in enumerate(rows):
        print_row(measure(world, row, options.questions), first=i == 0)


if __name__ == "__main__":
    main()
