"""Whole networks: a packet's way as we trace it is the way that real switches with the hosts' flows take it."""

import json
from pathlib import Path

import pytest
from traced import events_of, trace, visits

from ovn_rules.engine import Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE

NETWORKS = {
    f.stem: json.loads(f.read_text("utf-8")) for f in (Path(__file__).parents[1] / "spec/networks").glob("*.json")
}
RULES = EZBAKE.everything.load()
EXTRA = ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:ee:ee:ee:ee:ee")
TRAFFIC = (
    "eth.type == 0x88cc",
    "ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && tcp.src == 1024 && tcp.dst == 80",
    "ip4.src == 10.0.0.7 && ip4.dst == 192.168.1.1 && udp.dst == 53 && ip.ttl == 64",
    "ip6 && icmp6.type == 128",
    "arp.op == 1 && arp.spa == 10.0.0.1",
    "vlan.vid == 5 && ip4",
    "ip4 && udp && ip.later_frag",
)


def frozen(value):
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def engine_of(name):
    """A network with everything derived."""
    tables = {
        t: [{"_uuid": u, **{c: frozen(v) for c, v in row.items()}} for u, row in rows.items()]
        for t, rows in NETWORKS[name]["rows"].items()
    }
    engine = Engine(RULES)
    engine.transact({r: ((), f) for r, f in facts_of(RULES, tables).items()})
    return engine


def microflows(engine):
    """From each port to each address of the network and some others, with all kinds of traffic in turn."""
    ports = sorted(f[0] for f in engine.facts("Port"))
    macs = {f[0]: f[1].split()[0] for f in sorted(engine.facts("nb.Logical_Port.macs")) if f[1][2:3] == ":"}
    rows = {f[2]: f[0] for f in engine.facts("nb.Logical_Port")}
    targets = [*sorted(set(macs.values())), *EXTRA]
    number = 0
    for port in ports:
        source = macs.get(rows[port], "02:00:00:00:00:99")
        for target in targets:
            for spoofed in (source, "02:dd:dd:dd:dd:dd") if target == targets[0] else (source,):
                number += 1
                kind = TRAFFIC[number % len(TRAFFIC)]
                yield port, f"inport == {json.dumps(port)} && eth.src == {spoofed} && eth.dst == {target} && {kind}"


@pytest.fixture
def hosts(switch, request):
    """The network's hosts as bridges of a real switch, with their flows and ports, and the network's engine."""
    engine = engine_of(request.param)
    chassis = sorted({f[0] for f in engine.facts("OpenFlow")})
    for host in chassis:
        switch.add_bridge(host)
        numbers = {f[2] for r in ("LocalPort", "TunnelOut") for f in engine.facts(r) if f[0] == host}
        words = []
        for n in sorted(numbers):
            words += ["--", "add-port", host, f"{host}-{n}", "--", "set", "Interface", f"{host}-{n}", "type=dummy"]
            words += [f"ofport_request={n}"]
        switch.vsctl(*words[1:])
        lines = [f"table={t},priority={p},{m} actions={a}\n" for c, t, p, m, a in engine.facts("OpenFlow") if c == host]
        switch.ofctl("add-flows", "--bundle", "-", bridge=host, text="".join(lines))
    yield engine
    for host in chassis:
        switch.vsctl("del-br", host)


def done(events, chassis, actions):
    """Events with the actions of the flows: of two flows of one priority a switch takes either."""
    return [(*e[:2], actions.get((chassis, *e))) if len(e) == 3 else e for e in events]


@pytest.mark.parametrize("hosts", NETWORKS, indirect=True)
def test_the_way_through_a_network(switch, hosts):
    """Same tables, same flows, same outputs in the same order, on every host that the packet comes to."""
    control = switch.folder / "ovs-vswitchd.ctl"
    met = crossed = 0
    actions = {f[:4]: f[4] for f in hosts.facts("OpenFlow")}
    for _, microflow in microflows(hosts):
        found = EZBAKE.trace(hosts, microflow, False)
        if found.notes:
            continue  # its port is nowhere
        for visit in visits(found.visit):
            real = trace(control, visit.packet, visit.chassis)
            ours = done(events_of(visit.first), visit.chassis, actions)
            assert ours == done(real.events, visit.chassis, actions), (microflow, real.text)
            met += len(real.lookups)
            crossed += visit is not found.visit
    assert met > 100
    assert crossed > 0 or len({f[0] for f in hosts.facts("OpenFlow")}) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logical_network_comes_to_the_same(name):
    """Tracing the logical flows alone delivers to the same ports as tracing the hosts' flows, where all are bound."""
    engine = engine_of(name)
    told = 0
    for port, microflow in microflows(engine):
        hosts, logical = (EZBAKE.trace(engine, microflow, only) for only in (False, True))
        if hosts.notes:
            continue
        (source,) = (f for f in engine.facts("LocalPort") if f[1] == port)
        # Nor does a switch send a frame back to the interface that it came from, but with a tag.
        reached = {f[1] for f in engine.facts("LocalPort") if (f[0], f[2]) != (source[0], source[2]) or f[3]}
        assert delivered(hosts) == [p for p in delivered(logical) if p in reached], microflow
        told += 1
    assert told


def delivered(found):
    return sorted(v.port for v in found.verdicts if v.kind == "delivered")


def large(ports):
    """A switch whose ports are all on one host, with OpenFlow ports from 1."""
    names = [f"p{n}" for n in range(1, ports + 1)]
    settings = {"system-id": "hv", "ovn-encap-type": "geneve", "ovn-encap-ip": "192.0.2.1"}
    tables = {
        "nb.Logical_Switch": [{"_uuid": "sw", "name": "sw"}],
        "nb.Logical_Port": [{"_uuid": n, "name": n, "lswitch": "sw"} for n in names],
        "ovs.Open_vSwitch": [{"_uuid": "hv", "bridges": ("br",), "external_ids": settings}],
        "ovs.Bridge": [{"_uuid": "br", "name": "br-int", "ports": tuple(names)}],
        "ovs.Port": [{"_uuid": n, "name": n, "interfaces": (n,)} for n in names],
        "ovs.Interface": [
            {"_uuid": n, "name": n, "ofport": (i,), "external_ids": {"iface-id": n}} for i, n in enumerate(names, 1)
        ],
    }
    engine = Engine(RULES)
    engine.transact({r: ((), f) for r, f in facts_of(RULES, tables).items()})
    return engine


@pytest.mark.parametrize(("ports", "dropped"), [(1364, False), (1365, True)])
def test_a_broadcast_on_a_large_switch(switch, ports, dropped):
    """A broadcast to too many ports is dropped by the switch wherever it was to go, and the trace says so."""
    engine = large(ports)
    lines = [f"table={t},priority={p},{m} actions={a}\n" for _, t, p, m, a in engine.facts("OpenFlow")]
    switch.ofctl("del-flows")
    switch.ofctl("add-flows", "--bundle", "-", text="".join(lines))
    found = EZBAKE.trace(engine, 'inport == "p1" && eth.dst == ff:ff:ff:ff:ff:ff', False)
    real = trace(switch.folder / "ovs-vswitchd.ctl", found.visit.packet)
    assert bool(found.visit.failure) == ("resubmit actions" in real.text) == dropped
    if dropped:
        assert [v.kind for v in found.verdicts] == ["dropped"]
        assert "takes more than 4096 look-ups" in found.verdicts[0].text
    else:
        assert delivered(found) == sorted(f"p{n}" for n in range(2, ports + 1))
        assert len(real.outputs) == ports - 1
