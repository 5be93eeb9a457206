"""A host's daemon on a real switch without packets: what it makes of settings, edits and rivals; how it ends."""

import signal
import time

import pytest
from host import Host
from world import SCHEMAS, until


@pytest.fixture
def host(world, tmp_path_factory):
    """A network with one switch and two ports, and a host that has one of them."""
    world.switch = world.add_switch("sw0")
    for i in (1, 2):
        world.add_port(world.switch, f"p{i}", f"00:00:00:00:00:0{i}")
    world.northd()
    made = Host(world, tmp_path_factory.mktemp("h"), "host1")
    made.plug("p1")
    until(lambda: world.holders().get("p1") == "host1", made.controller.text)
    until(lambda: any("reg7=0x1 actions=output:" in f for f in made.flows()), made.controller.text)
    yield made
    made.switch.close()


def peer(world, name, ip="192.0.2.9"):
    """Another host's rows, written as its controller would."""
    encap = {"op": "insert", "table": "Encap", "uuid-name": "e", "row": {"type": "geneve", "ip": ip}}
    chassis = {"op": "insert", "table": "Chassis", "row": {"name": name, "encaps": ["named-uuid", "e"]}}
    world.sb.transact(encap, chassis)


def test_what_it_makes(host):
    """It makes br-int in secure mode, a Chassis row, claims the port plugged in, and its flows follow."""
    assert host.switch.vsctl("get", "Bridge", "br-int", "fail_mode").strip() == "secure"
    assert host.world.chassis() == ["host1"]
    assert host.world.holders() == {"p1": "host1", "p2": ""}
    until(lambda: host.world.up() == {"p1": True, "p2": False}, "up")
    host.unplug("p1")
    until(lambda: host.world.holders()["p1"] == "", "release")
    until(lambda: not any("reg7=0x1 actions=output:" in f for f in host.flows()), "flow")
    host.settled()


def test_a_clean_exit_leaves_the_flows(host):
    """Appctl exit gives back claims, Chassis row and tunnels; the flows stay on the switch."""
    peer(host.world, "host2")
    until(lambda: host.tunnels() == ["host2"], host.tunnels)
    host.settled()
    flows = host.flows()
    host.controller.ask("exit")
    assert host.controller.process.wait(10) == 0
    assert (host.world.holders()["p1"], host.world.chassis(), host.tunnels()) == ("", ["host2"], [])
    assert host.flows() == flows


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_changes_nothing(host, with_signal):
    """After SIGTERM or SIGKILL everything stays, and the next controller writes nothing and sends no flow."""
    peer(host.world, "host2")
    until(lambda: host.tunnels() == ["host2"], host.tunnels)
    host.settled()
    commits = host.world.sb.commits()
    with host.switch.watch() as seen:
        host.controller.kill(with_signal)
        assert (host.world.holders()["p1"], host.world.chassis(), host.tunnels()) == (
            "host1", ["host1", "host2"], ["host2"],
        )  # fmt: skip
        host.controller = host.world.controller(host.remote, title="again")
        host.settled()
    assert seen == []
    assert host.world.sb.commits() == commits


def test_settings_may_change(host):
    """system-id, encapsulation and ovn-remote take effect while it runs; what is no remote is said, and survived."""
    world = host.world
    host.set("ovn-encap-ip=192.0.2.77")
    until(lambda: [r["ip"] for r in world.sb.select("Encap", ["ip"])] == ["192.0.2.77"], "encap")
    host.set("system-id=renamed")
    until(lambda: world.chassis() == ["renamed"], world.chassis)
    until(lambda: world.holders()["p1"] == "renamed", world.holders)
    host.set("ovn-remote=nonsense")
    until(lambda: "external_ids:ovn-remote: 'nonsense' is not a remote" in host.controller.text(), host.controller.text)
    world.add_port(world.switch, "p3", "00:00:00:00:00:03")
    until(lambda: any("00:00:00:00:00:03" in f for f in host.flows()), "goes on with the one before")
    host.set("ovn-encap-type=gre")
    until(lambda: "must be geneve, stt or vxlan" in host.controller.text(), host.controller.text)
    until(lambda: world.chassis() == [], world.chassis)
    host.set("ovn-encap-type=geneve", f"ovn-remote={world.sb.remote}")
    until(lambda: world.chassis() == ["renamed"], world.chassis)
    host.settled()


def test_another_southbound_database(host, ovsdb):
    """With another ovn-remote the host follows that database: its rows there, its flows from there."""
    other = ovsdb(SCHEMAS / "ovn-sb.ovsschema")
    host.set(f"ovn-remote={other.remote}")
    until(lambda: [r["name"] for r in other.select("Chassis", ["name"])] == ["host1"], host.controller.text)
    until(lambda: host.flows() == [], host.flows)
    host.set(f"ovn-remote={host.world.sb.remote}")
    until(lambda: any("reg7=0x1 actions=output:" in f for f in host.flows()), host.flows)
    host.settled()


def test_another_bridge(host):
    """With another ovn-bridge that bridge is made and gets the flows of the ports on it."""
    host.set("ovn-bridge=br-new")
    until(lambda: "br-new" in host.switch.vsctl("list-br"), "bridge")
    until(lambda: host.world.holders()["p1"] == "", "release")
    host.plug("p2", "br-new")
    until(lambda: host.world.holders()["p2"] == "host1", host.world.holders)
    until(lambda: any("reg7=0x2 actions=output:" in f for f in host.flows("br-new")), host.controller.text)
    host.settled()


def test_hand_edits_are_repaired(host):
    """Claims, the Chassis row, tunnels and flows that somebody changes are as derived again."""
    world = host.world
    peer(world, "host2")
    until(lambda: host.tunnels() == ["host2"], host.tunnels)
    host.settled()
    flows = host.flows()
    world.update(world.sb, "Binding", "logical_port", "p1", chassis="")
    until(lambda: world.holders()["p1"] == "host1", "claim")
    world.sb.transact({"op": "delete", "table": "Chassis", "where": [["name", "==", "host1"]]})
    until(lambda: world.chassis() == ["host1", "host2"], "Chassis")
    host.switch.vsctl("--no-wait", "del-port", "ovn-host2-0")
    until(lambda: host.tunnels() == ["host2"], "tunnel")
    host.switch.ofctl("del-flows")
    host.switch.ofctl("add-flow", "table=20,priority=7,actions=drop")
    until(lambda: len(host.flows()) == len(flows) and not any("priority=7" in f for f in host.flows()), "flows")
    host.settled()


def test_the_southbound_database_may_go_and_come_back(host):
    """While the southbound database is away the flows stay; what changed meanwhile follows when it is back."""
    world = host.world
    host.settled()
    flows = host.flows()
    world.sb.stop(signal.SIGKILL)
    until(lambda: host.controller.status().startswith("waiting for"), host.controller.status)
    assert host.flows() == flows
    host.plug("p2")
    until(lambda: "i-p2" in host.switch.vsctl("list-ports", "br-int"), "p2")
    world.sb.start()
    until(lambda: world.holders().get("p2") == "host1", world.holders)
    host.settled()


def test_two_hosts_that_claim_one_port(host, tmp_path_factory):
    """A fight over a port is said, and becomes no busy loop."""
    other = Host(host.world, tmp_path_factory.mktemp("h"), "host2")
    try:
        other.plug("p1")
        both = (host.controller, other.controller)
        until(lambda: any("somebody else keeps changing a row back" in c.text() for c in both), other.controller.text)
        before = [c.seconds() for c in both], host.world.sb.commits()
        time.sleep(2)
        used = [now - then for now, then in zip([c.seconds() for c in both], before[0], strict=True)]
        assert max(used) < 1
        assert host.world.sb.commits() - before[1] < 60
        other.unplug("p1")
        until(lambda: host.world.holders()["p1"] == "host1", host.world.holders, 30)
    finally:
        other.switch.close()


def test_control_socket(host):
    """The commands of the control socket answer about the engine, its databases and the switch."""
    host.settled()
    assert "base-facts:" in host.controller.ask("memory/show")
    assert '"chassis": "host1"' in host.controller.ask("relation/dump", "OpenFlow")
    assert len(host.controller.ask("relation/dump", "OpenFlow").splitlines()) == len(host.flows())
    assert any(line.startswith("openflow ") for line in host.controller.ask("rule/stats").splitlines())
    lines = host.controller.ask("status").splitlines()
    assert lines[0] == "Status: running"
    assert lines[1:3] == [f"ovs: {host.remote} connected", f"sb: {host.world.sb.remote} connected"]
    assert lines[3].startswith("history: ")
    assert [line.partition(": from ")[0] for line in lines[4:]] == ["comments of ovs", "comments of sb"]


def test_an_empty_southbound_database_is_an_answer_too(world, tmp_path):
    """Where the southbound database has been read and names no other host, tunnels of old are taken away."""
    bridge = ("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=dummy")
    tunnel = ("add-port", "br-int", "ovn-gone-0", "--", "set", "Port", "ovn-gone-0", "external_ids:ovn-chassis-id=gone")
    no_encapsulation = ("remove", "Open_vSwitch", ".", "external_ids", "ovn-encap-type")
    host = Host(world, tmp_path, "host1", before=(bridge, tunnel, no_encapsulation))
    try:
        until(lambda: host.tunnels() == [], host.controller.text)
    finally:
        host.switch.close()
