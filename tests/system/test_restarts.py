"""Daemons and servers are killed and started again while packets flow."""

import itertools
import re
import time

import pytest
from northbound import Northbound

pytestmark = pytest.mark.system


class Network:
    """A machine on each host, pinging, and more where a test wants to see that new ports still work."""

    def __init__(self, lab):
        """Connects the first two."""
        self.lab, self.nb = lab, Northbound(lab)
        self.switch = self.nb.add_switch("sw0")
        self.numbers = itertools.count(1)
        self.one, self.two = (self.add(host) for host in lab.hosts.values())
        lab.connected(self.one, self.two, 30)

    def add(self, host):
        """A new logical port with its machine."""
        number = next(self.numbers)
        mac = f"02:00:00:00:00:{number:02x}"
        self.nb.add_port(self.switch, f"p{number}", mac)
        machine = host.machine(f"m{number}", f"p{number}", mac, f"10.0.0.{number}")
        machine.plug()
        return machine

    def check_new_port(self, host):
        """A port added now works."""
        self.lab.connected(self.add(host), self.one, 20)
        assert self.lab.ended() == {}


@pytest.fixture(scope="module")
def net(lab):
    return Network(lab)


@pytest.mark.parametrize(
    "keys",
    [
        ("northd",),
        ("host1/controller",),
        ("host2/controller",),
        ("northd", "host1/controller", "host2/controller"),
        ("nb",),
        ("sb",),
        ("nb", "sb"),
    ],
    ids="+".join,
)
def test_no_packet_is_lost(net, keys):
    """Killed without warning, away for a second, back: no ping goes unanswered, and new ports work again."""
    with net.one.stream(net.two) as seen:
        net.lab.kill(*keys)
        time.sleep(1)
        net.lab.start(*keys)
        net.lab.running("northd", "host1/controller", "host2/controller")
        time.sleep(0.5)
    assert seen.lost == 0, (seen, net.lab.state())
    net.check_new_port(net.lab.hosts["host2"])


def test_the_hosts_database_restarts(net):
    """Without the host's own database its switch stands still; packets flow within seconds of its return."""
    net.lab.kill("host1/ovsdb")
    time.sleep(1)
    net.lab.start("host1/ovsdb")
    assert net.lab.connected(net.one, net.two) < 10
    net.check_new_port(net.lab.hosts["host1"])


def without_ports(host):
    """A host's flows without the OpenFlow ports, which a switch that starts again gives anew."""
    return sorted(re.sub(r"(in_port=|output:)\d+", r"\1", flow) for flow in host.flows())


@pytest.mark.parametrize("host", ["host1", "host2"])
def test_the_switch_restarts(net, host):
    """A switch that comes back empty has all its flows again, and packets flow, within seconds."""
    before = without_ports(net.lab.hosts[host])
    net.lab.kill(f"{host}/vswitchd")
    net.lab.start(f"{host}/vswitchd")
    assert net.lab.connected(net.one, net.two) < 10
    assert without_ports(net.lab.hosts[host]) == before
    net.check_new_port(net.lab.hosts[host])
