"""Packets go where the logical network says, on one host and between two, and nowhere else."""

import itertools
from types import SimpleNamespace

import pytest
from frames import BROADCAST, Tap, arp_request, copies, ipv4, octets
from lab import until
from northbound import Northbound

pytestmark = pytest.mark.system
GENEVE = (6081).to_bytes(2, "big")
"""Geneve's UDP port (RFC 8926)."""


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


def address(number):
    return f"10.0.0.{number}"


@pytest.fixture(scope="module")
def net(lab):
    """One switch: p1 and p3 on host1, p2 on host2, and a container in the machines of p1 and of p2."""
    nb = Northbound(lab)
    switch = nb.add_switch("sw0")
    one, two = lab.hosts.values()
    found = Net(lab=lab, nb=nb, switch=switch, one=one, two=two, rows={})
    for number, host in ((1, one), (2, two), (3, one)):
        found.rows[f"p{number}"] = nb.add_port(switch, f"p{number}", mac(number))
        machine = host.machine(f"m{number}", f"p{number}", mac(number), address(number))
        machine.plug()
        setattr(found, f"m{number}", machine)
    for number, parent, tag in ((11, "p1", 7), (12, "p2", 9)):
        found.rows[f"c{number}"] = nb.add_port(switch, f"c{number}", mac(number), parent, tag)
    found.c1 = found.m1.container(7, mac(11), address(11))
    found.c2 = found.m2.container(9, mac(12), address(12))
    found.all = [found.m1, found.m2, found.m3, found.c1, found.c2]
    for source, target in found.pairs():
        lab.connected(source, target, 30)
    return found


class Net(SimpleNamespace):
    """The network's parts."""

    def pairs(self):
        """Who can reach whom: all but a container its own machine, whose answers would go back where they came from."""
        own = ({self.m1.mac, self.c1.mac}, {self.m2.mac, self.c2.mac})
        return [(a, b) for a, b in itertools.permutations(self.all, 2) if {a.mac, b.mac} not in own]


def test_everybody_reaches_everybody(net):
    """Pings are answered in both directions: on one host, through the tunnel, and to and from containers."""
    for source, target in net.pairs():
        assert source.ping(target) == 3, (source.address, target.address, net.lab.state())


def test_full_frames_and_tcp(net):
    """Frames of 1500 bytes and bulk TCP pass, through the tunnel, on one host and from a container."""
    for source, target in ((net.m1, net.m2), (net.m1, net.m3)):
        assert source.ping(target, size=1472) == 3
        assert source.tcp(target) == 2_000_000
    assert net.c1.tcp(net.m2, size=100_000) == 100_000


def test_only_traffic_between_hosts_is_tunnelled(net):
    """Geneve is on the wire for a ping to the other host, and not for one that stays at home."""

    def tunnelled(source, target):
        with Tap(net.lab.central, f"under-{net.two.name}") as wire:
            source.ping(target)
            inner = octets(target.mac) + octets(source.mac)
            return sum(GENEVE in frame and inner in frame for frame in wire.frames(0.2))

    assert tunnelled(net.m2, net.m1) == 3
    assert tunnelled(net.m1, net.m3) == 0


@pytest.mark.parametrize("sender", range(5))
def test_broadcast_reaches_each_other_port_once(net, sender):
    """A broadcast gives one copy to each other port, on both hosts, and none to its sender."""
    source = net.all[sender]
    reached = {b.mac for a, b in net.pairs() if a is source}
    if source in (net.m1, net.m2):  # its own container: what it sends there may come back to its interface
        reached.add({net.m1.mac: net.c1.mac, net.m2.mac: net.c2.mac}[source.mac])
    frame = ipv4(source.mac, BROADCAST, source.address, "10.0.0.255")
    assert copies(source, frame, net.all) == [int(m.mac in reached) for m in net.all]


def test_unknown_addresses_are_asked_for(net):
    """An ARP request for an address that nobody has reaches everybody."""
    frame = arp_request(net.m1.mac, net.m1.address, address(99))
    assert copies(net.m1, frame, net.all) == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("target", range(1, 5))
def test_a_spoofed_source_is_dropped(net, target):
    """A frame passes with its port's MAC as source; with another one it doesn't, wherever it goes."""
    target = net.all[target]
    honest = ipv4(net.m1.mac, target.mac, net.m1.address, target.address)
    spoofed = ipv4(net.m3.mac, target.mac, net.m1.address, target.address)
    multicast = ipv4("01:00:5e:00:00:01", target.mac, net.m1.address, target.address)
    assert copies(net.m1, honest, [target]) == [1]
    assert copies(net.m1, spoofed, [target], 0.1) == [0]
    assert copies(net.m1, multicast, [target], 0.1) == [0]


def test_a_frame_with_a_foreign_tag_is_dropped(net):
    """A machine's frames with a VLAN tag that no container of its has go nowhere."""
    inside = ipv4(net.c1.mac, net.m2.mac, net.c1.address, net.m2.address, tag=8)
    plain = inside[:12] + inside[16:]
    assert copies(net.m1, inside, [net.m2], 0.1) == [0]
    assert copies(net.m1, plain, [net.m2], 0.1) == [0]


def test_a_container_gets_its_tag(net):
    """What a container gets has its tag on the way through its machine, and no other."""
    with Tap(net.m1.namespace) as trunk:
        assert net.m2.ping(net.c1, count=1) == 1
        tags = trunk.tags(0.2)
    assert set(tags) == {7}


def test_an_acl_drops_and_lets_pass_again(net):
    """A drop ACL silences what it matches within moments and nothing else; without it packets pass again."""
    acl = net.nb.add_acl(net.switch, 1000, f"ip4.src == {net.m1.address} && ip4.dst == {net.m2.address}", "drop")
    net.lab.silent(net.m1, net.m2)
    assert net.m1.ping(net.m3) == 3
    net.nb.delete("ACL", acl)
    net.lab.connected(net.m1, net.m2)


def test_a_port_is_deleted_and_comes_back(net):
    """A deleted logical port is cut off both ways while others go on; made again it works again."""
    with net.m1.stream(net.m2) as others:
        net.nb.delete("Logical_Port", net.rows["p3"])
        net.lab.silent(net.m1, net.m3)
        assert net.m3.ping(net.m2, wait=0.2) == 0
        net.nb.add_port(net.switch, "p3", mac(3))
        net.lab.connected(net.m1, net.m3)
    assert others.lost == 0


def test_a_port_moves_to_the_other_host(net):
    """A port whose interface appears on the other host is reached there, and is bound to that host."""
    net.m3.unplug()
    net.lab.silent(net.m1, net.m3)
    until(lambda: net.nb.up("p3") is False, "p3 down")
    moved = net.two.machine("moved", "p3", mac(3), address(3))
    moved.plug()
    net.lab.connected(net.m1, moved)
    net.lab.connected(net.m2, moved)
    until(lambda: net.nb.up("p3") is True, "p3 up")
    assert ("p3", "host2") in net.lab.rows("Binding", "logical_port", "chassis")
    moved.unplug()
    net.m3.plug()
    net.lab.connected(net.m2, net.m3)


def test_no_daemon_ended(net):
    """After all this every daemon and server still runs."""
    assert net.lab.ended() == {}
