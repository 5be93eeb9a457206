"""A packet's way as we trace it, from the live databases, is the way that both hosts' real switches trace it."""

import re
from types import SimpleNamespace

import pytest
from lab import until
from northbound import Northbound
from traced import events_of, trace, visits

from ovn_rules.cli.sources import load_network

pytestmark = pytest.mark.system
BROADCAST, NOBODY = "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:99"


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


@pytest.fixture(scope="module")
def net(lab):
    """Two switches on two hosts; on the first one containers, ACLs with sets, and a port that takes any address."""
    nb = Northbound(lab)
    switches = [nb.add_switch(name) for name in ("sw0", "sw1")]
    one, two = lab.hosts.values()
    ports = {}
    places = (("p1", 1, one, 0), ("p2", 2, two, 0), ("p3", 3, one, 0), ("q1", 21, one, 1), ("q2", 22, two, 1))
    for name, number, host, switch in places:
        nb.add_port(switches[switch], name, mac(number))
        host.machine(f"m{number}", name, mac(number), f"10.0.0.{number}").plug()
        ports[name] = (f"sw{switch}", mac(number))
    for name, number, parent, tag in (("c1", 11, "p1", 7), ("c2", 12, "p2", 9), ("c3", 13, "p1", 8)):
        nb.add_port(switches[0], name, mac(number), parent, tag)
        ports[name] = ("sw0", mac(number))
    sources, targets = "{10.0.0.1, 10.0.0.7, 10.0.0.11, 10.0.0.20}", "{22, 25, 80, 443, 8080, 9090}"
    nb.add_acl(switches[0], 2000, f"ip4.src == {sources} && tcp.dst == {targets}", "drop")
    nb.add_acl(switches[0], 1000, 'inport == "p3" && udp', "drop")
    nb.add_acl(switches[0], 900, "ip6", "reject")
    found = SimpleNamespace(lab=lab, ports=ports, hosts=lab.hosts)
    until(lambda: converged(found), "every port is up and every flow is there", 60)
    return found


def loaded(net):
    """The network as the live databases have it, everything derived."""
    return load_network(net.lab.nb, net.lab.sb, [host.database for host in net.hosts.values()], "ezbake")


def converged(net):
    """Whether each host has as many flows as are derived for it."""
    derived = [f[0] for f in loaded(net).engine.facts("OpenFlow")]
    held = {name: len(host.flows()) for name, host in net.hosts.items()}
    return held == {name: derived.count(name) for name in held} and len(net.ports) == len(net.lab.rows("Binding"))


def plain(events):
    """Events without the numbers that hosts give to switches and to conjunctions, each by itself."""
    numbers = r"metadata=0x[0-9a-f]+|conj_id=\d+"
    return [(*e[:2], e[2] and re.sub(numbers, "N", e[2])) if len(e) == 3 else e for e in events]


def check(net, network, microflow):
    """Traces a microflow and holds every host's part of the way to its switch; the trace, and how many parts."""
    found = network.program.trace(network.engine, microflow, False)
    assert not found.notes
    parts = visits(found.visit)
    for visit in parts:
        real = trace(net.hosts[visit.chassis].folder / "vswitchd.ctl", visit.packet)
        assert plain(events_of(visit.first)) == plain(real.events), (microflow, visit.chassis, real.text)
    return found, len(parts)


def frame(net, source, target, more=""):
    """A microflow from a port to an Ethernet address."""
    return f'inport == "{source}" && eth.src == {net.ports[source][1]} && eth.dst == {target}{more}'


def test_every_pair_and_nobody(net):
    """Every source to every port of the network, to an address that nobody has, and to all."""
    network = loaded(net)
    reached = {}
    crossed = 0
    for source, (switch, _) in net.ports.items():
        for target in [address for _, address in net.ports.values()] + [NOBODY, BROADCAST]:
            found, parts = check(net, network, f"{switch} {frame(net, source, target)}")
            kind = "all" if target == BROADCAST else "one"
            for verdict in found.verdicts:
                if verdict.kind == "delivered":
                    assert (kind, source, verdict.port) not in reached
                    reached[kind, source, verdict.port] = verdict.text
            crossed += parts - 1
    # Everybody reaches everybody else of the switch, but a container not its own machine.
    pairs = {(a, b) for a in net.ports for b in net.ports if a != b and net.ports[a][0] == net.ports[b][0]}
    pairs -= {("c1", "p1"), ("c3", "p1"), ("c2", "p2")}
    assert {(a, b) for kind, a, b in reached if kind == "one"} == pairs
    assert {(a, b) for kind, a, b in reached if kind == "all"} == pairs
    assert crossed > 10


@pytest.mark.parametrize(
    ("source", "target", "more", "verdict"),
    [
        ("p1", "p2", " && ip4.src == 10.0.0.1 && tcp.dst == 443", "dropped"),
        ("p1", "p2", " && ip4.src == 10.0.0.9 && tcp.dst == 443", "delivered"),
        ("c1", "p2", " && ip4.src == 10.0.0.11 && tcp.dst == 9090", "dropped"),
        ("c1", "c2", " && ip4.src == 10.0.0.11 && tcp.dst == 81", "delivered"),
        ("p1", "p2", " && ip4.src == 10.0.0.1 && tcp.dst == 443 && ip.frag == 1", "delivered"),
        ("p3", "c2", " && ip4 && udp.dst == 53", "dropped"),
        ("p2", "p3", " && ip6 && udp.dst == 53", "dropped"),
        ("p2", "p3", " && arp.op == 1 && arp.tpa == 10.0.0.3", "delivered"),
        ("p1", "p3", " && vlan.vid == 5", "dropped"),
    ],
)
def test_access_control(net, source, target, more, verdict):
    """Packets that ACLs drop and that they let pass, by conjunctions of sets too, tagged ones and fragments."""
    network = loaded(net)
    found, _ = check(net, network, frame(net, source, net.ports[target][1], more))
    assert [v.kind for v in found.verdicts] == [verdict]
    stages = [found.visit.first]
    for stage in stages:
        stages += [r for r in stage.results if hasattr(r, "table")]
    if more.endswith("== 443") and verdict == "dropped":
        assert any(len(stage.shares) == 2 for stage in stages)


def test_spoofed_and_multicast_sources(net):
    """A source that isn't the port's is dropped at admission, on the host where it comes in."""
    network = loaded(net)
    for source in (mac(3), "01:00:5e:00:00:01"):
        microflow = f'inport == "p1" && eth.src == {source} && eth.dst == {mac(2)}'
        found, _ = check(net, network, microflow)
        assert [(v.kind, v.chassis) for v in found.verdicts] == [("dropped", "")]
        assert "on host1 in table 16 (admission)" in found.verdicts[0].text
