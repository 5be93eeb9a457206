"""Starting: from nothing, without a bridge, and over a network that is as it should be."""

import signal
import time

import pytest
from conftest import CONTROLLER, NORTHD, SCHEMAS
from lab import Lab, until
from netns import command
from northbound import Northbound

pytestmark = pytest.mark.system
DAEMONS = ("northd", "host1/controller", "host2/controller")


@pytest.fixture(scope="module")
def net(real_hosts):
    """Two machines on two hosts that had no br-int when the daemons started."""
    with Lab(SCHEMAS, NORTHD, CONTROLLER, bridge=False) as lab:
        nb = Northbound(lab)
        switch = nb.add_switch("sw0")
        lab.machines = []
        for number, host in enumerate(lab.hosts.values(), 1):
            until(lambda host=host: "br-int" in host.vsctl("list-br").split(), "br-int")
            mac = f"02:00:00:00:00:{number:02x}"
            nb.add_port(switch, f"p{number}", mac)
            lab.machines.append(host.machine(f"m{number}", f"p{number}", mac, f"10.0.0.{number}"))
            lab.machines[-1].plug()
        lab.connected(*lab.machines, 30)
        yield lab


def test_the_bridge_is_made(net):
    """Where br-int is missing it is made: closed without flows, with the datapath type that the host asks for."""
    for host in net.hosts.values():
        assert host.vsctl("get", "Bridge", "br-int", "fail_mode").strip() == "secure"
        assert host.vsctl("get", "Bridge", "br-int", "datapath_type").strip() == "netdev"
        assert host.vsctl("get", "Bridge", "br-int", "protocols").strip() == "[]"


def logs(lab):
    """The records of all database files."""
    files = [lab.folder / "nb.db", lab.folder / "sb.db"]
    files += [host.folder / "conf.db" for host in lab.hosts.values()]
    return {file: command("ovsdb-tool", "-m", "show-log", file) for file in files}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_a_restart_over_a_converged_network_writes_nothing(net, how):
    """All daemons start again: no database gets a record, no switch a flow change, no packet is lost."""
    net.running(*DAEMONS)
    time.sleep(1)
    before = logs(net)
    watchers = [host.watch_flows() for host in net.hosts.values()]
    with net.machines[0].stream(net.machines[1]) as seen:
        net.kill(*DAEMONS, how=how)
        net.start(*DAEMONS)
        net.running(*DAEMONS)
        time.sleep(1)
    assert [watcher.changes() for watcher in watchers] == [[], []]
    after = logs(net)
    for file, text in before.items():
        assert after[file] == text, f"new records in {file.name}: {after[file][len(text) :]}"
    assert seen.lost == 0


def test_recompute_finds_no_difference(net):
    """Each daemon's answer to recompute on a converged network: nothing differs."""
    for key in DAEMONS:
        assert net.control(key, "recompute").startswith("no difference")


def test_a_flow_added_by_hand_is_removed(net):
    """A flow that somebody adds to one of our tables is gone within moments; in other tables it stays."""
    host = net.hosts["host1"]
    before = host.flows()
    host.ofctl("add-flow", "table=16,priority=9999,actions=drop")
    until(lambda: host.flows() == before, "the foreign flow gone")
    host.ofctl("add-flow", "table=200,priority=9999,actions=drop")
    time.sleep(0.5)
    assert len(host.flows()) == len(before) + 1
    host.ofctl("del-flows", "table=200")


def test_a_tunnel_removed_by_hand_comes_back(net):
    """Traffic returns after somebody has deleted the tunnel port."""
    host = net.hosts["host1"]
    tunnel = next(port for port in host.vsctl("list-ports", "br-int").split() if port.startswith("ovn-"))
    host.vsctl("del-port", "br-int", tunnel)
    until(lambda: tunnel in host.vsctl("list-ports", "br-int").split(), "the tunnel back")
    net.connected(*net.machines)


def test_a_clean_exit_leaves_the_network(net):
    """Told to exit, a host's daemon gives up its bindings, chassis and tunnels; its flows stay."""
    host = net.hosts["host2"]
    flows = len(host.flows())
    net.control("host2/controller", "exit")
    until(lambda: net.processes["host2/controller"].ended, "the daemon ends")
    assert net.processes["host2/controller"].stop() == 0
    assert net.rows("Chassis", "name") == [("host1",)]
    assert net.rows("Binding", "logical_port", "chassis") == [("p1", "host1"), ("p2", "")]
    assert not any(port.startswith("ovn-") for port in host.vsctl("list-ports", "br-int").split())
    assert len(host.flows()) == flows
    net.start("host2/controller")
    net.connected(*net.machines, 20)
