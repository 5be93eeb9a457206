"""The lab itself: packets cross hosts when somebody writes the right flows."""

import pytest
from frames import copies, ipv4

pytestmark = pytest.mark.system


def test_flows_written_by_hand_carry_packets(bare_lab):
    """Two machines on two hosts reach each other over Geneve as soon as the flows say so, and not before."""
    lab = bare_lab
    one, two = lab.hosts.values()
    a = one.machine("a", "pa", "02:00:00:00:00:01", "10.0.0.1")
    b = two.machine("b", "pb", "02:00:00:00:00:02", "10.0.0.2")
    for machine, peer in ((a, two), (b, one)):
        machine.plug()
        options = ("type=geneve", "options:key=flow", f"options:remote_ip=192.0.2.{peer.number}")
        machine.host.vsctl("add-port", "br-int", "tunnel", "--", "set", "Interface", "tunnel", *options)
    assert a.ping(b, count=1) == 0
    for machine in (a, b):
        port, tunnel = machine.host.ofport(machine.port), machine.host.ofport("tunnel")
        machine.host.ofctl("add-flow", f"in_port={port},actions=set_field:5->tun_id,output:{tunnel}")
        machine.host.ofctl("add-flow", f"tun_id=5,actions=output:{port}")
    lab.connected(a, b)
    assert a.ping(b) == 3
    assert b.ping(a) == 3
    assert a.ping(b, size=1472) == 3
    assert a.tcp(b) == 2_000_000
    frame = ipv4(a.mac, b.mac, a.address, b.address)
    assert copies(a, frame, [a, b]) == [0, 1]
    with a.stream(b) as seen:
        two.ofctl("del-flows")
    assert seen.lost > 0
    assert lab.ended() == {}
