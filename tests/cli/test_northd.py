"""The central daemon between real databases: one works, keys stay, hand edits go, bad rows harm nobody else."""

import signal
import time

import pytest
from world import until


@pytest.fixture
def network(world):
    """Two switches with five ports, and a northd that has written all of it."""
    world.switches = [world.add_switch("sw0"), world.add_switch("sw1")]
    for i in range(5):
        world.add_port(world.switches[i % 2], f"p{i}", f"00:00:00:00:00:0{i}")
    world.first = world.northd("first").wait("active")
    until(lambda: len(world.tunnel_keys()) == 5, "Binding")
    return world


def test_the_standby_goes_on_with_the_same_keys(network):
    """When the active northd is killed another one takes over, and no port's tunnel key changes."""
    network.delete_port("p1")  # so that the keys in use aren't what counting from 1 gives
    network.add_port(network.switches[0], "p9", "00:00:00:00:00:09")
    until(lambda: "p9" in network.tunnel_keys(), "p9")
    before = network.tunnel_keys()
    assert before["p9"] == 6
    second = network.northd("second").wait("standby")
    assert second.ask("recompute").startswith("no difference")
    assert network.first.status() == "active"
    network.first.kill()
    second.wait("active")
    network.add_port(network.switches[0], "p7", "00:00:00:00:00:07")
    until(lambda: "p7" in network.tunnel_keys(), "p7")
    after = network.tunnel_keys()
    assert {n: after[n] for n in before} == before
    assert after["p7"] == max(before.values()) + 1
    third = network.northd("third").wait("standby")
    second.kill(signal.SIGTERM)
    third.wait("active")
    network.add_port(network.switches[0], "p8", "00:00:00:00:00:08")
    until(lambda: "p8" in network.tunnel_keys(), "p8")
    assert {n: network.tunnel_keys()[n] for n in after} == after
    assert third.ask("recompute").startswith("no difference")


def test_a_standby_sleeps(network):
    """A standby northd uses no processor once it has seen a change, though nobody will ask it who made that."""
    second = network.northd("second").wait("standby")
    network.add_port(network.switches[0], "p9", "00:00:00:00:00:09")
    until(lambda: "p9" in network.tunnel_keys(), "p9")
    used = second.seconds()
    time.sleep(2)
    assert second.seconds() - used < 0.2


def test_a_restart_writes_nothing(network):
    """A northd over a converged database makes no transaction, neither when it starts nor when it ends."""
    commits = network.nb.commits(), network.sb.commits()
    assert network.first.kill(signal.SIGTERM) == 0
    second = network.northd("second").wait("active")
    assert second.ask("recompute") == "no difference: 0 facts differed, 0 rows differed"
    assert second.ask("exit") == ""
    assert second.process.wait(10) == 0
    assert (network.nb.commits(), network.sb.commits()) == commits


def test_hand_edits_are_repaired(network):
    """A Binding or Pipeline row that is changed, deleted or added by hand is as derived again at once."""
    keys, flows = network.tunnel_keys(), network.pipeline()
    everything = {"table": "Pipeline", "where": []}
    network.sb.transact({"op": "delete", **everything})
    until(lambda: network.pipeline() == flows, "Pipeline after a deletion")
    network.sb.transact({"op": "update", **everything, "row": {"actions": "drop;"}})
    until(lambda: network.pipeline() == flows, "Pipeline after a change")
    network.update(network.sb, "Binding", "logical_port", "p1", tunnel_key=99, mac="ab")
    row = {"logical_port": "p1", "mac": "00:00:00:00:00:01"}
    until(lambda: row in network.sb.select("Binding", ["logical_port", "mac"]), "Binding after a change")
    network.sb.transact({"op": "delete", "table": "Binding", "where": [["logical_port", "==", "p2"]]})
    until(lambda: network.tunnel_keys().get("p2") == keys["p2"], "Binding after a deletion")
    network.sb.transact({"op": "insert", "table": "Binding", "row": {"logical_port": "ghost", "tunnel_key": 500}})
    until(lambda: "ghost" not in network.tunnel_keys(), "Binding after an insertion")
    assert network.first.ask("recompute").startswith("no difference")


def test_a_row_in_the_way_goes(network):
    """A foreign Binding that took a tunnel key is removed, and a port that wants the key gets it."""
    largest = max(network.tunnel_keys().values())
    row = {"logical_port": "ghost", "tunnel_key": largest + 1}
    network.sb.transact({"op": "insert", "table": "Binding", "row": row})
    network.add_port(network.switches[0], "new", "00:00:00:00:00:0a")
    until(lambda: set(network.tunnel_keys()) == {*(f"p{i}" for i in range(5)), "new"}, network.tunnel_keys)
    assert network.first.ask("status").splitlines()[0] == "Status: active"
    assert "refused" not in network.first.ask("status")


def test_up_follows_the_chassis(network):
    """A port is up when its Binding has a chassis, and down when it has none; it has a value from the start."""
    until(lambda: set(map(str, network.up().values())) == {"False"}, network.up)
    network.update(network.sb, "Binding", "logical_port", "p3", chassis="host1")
    until(lambda: network.up()["p3"] is True, "up")
    network.update(network.sb, "Binding", "logical_port", "p3", chassis="")
    until(lambda: network.up()["p3"] is False, "down")


def test_the_databases_may_go_and_come_back(network):
    """When a database's server ends and starts again northd goes on, with what was changed meanwhile."""
    keys = network.tunnel_keys()
    network.sb.stop(signal.SIGKILL)
    until(lambda: network.first.status().startswith("waiting for"), "loss")
    network.add_port(network.switches[0], "late", "00:00:00:00:00:0b")
    network.delete_port("p0")
    network.sb.start()
    network.first.wait("active")
    until(lambda: "late" in network.tunnel_keys() and "p0" not in network.tunnel_keys(), "what was missed")
    assert {n: k for n, k in network.tunnel_keys().items() if n in keys} == {n: k for n, k in keys.items() if n != "p0"}
    network.nb.stop(signal.SIGKILL)
    until(lambda: network.first.status().startswith("waiting for"), "loss")
    assert len(network.tunnel_keys()) == 5
    network.nb.start()
    network.first.wait("active")
    network.delete_port("late")
    until(lambda: "late" not in network.tunnel_keys(), "deletion")
    assert network.first.text().count("waiting for") <= 4


def test_what_is_wrong_is_said_once_and_harms_nobody(network):
    """An ACL that can't be read, an invalid address and a duplicate one are named in the log, once each."""
    acl = {"lswitch": ["uuid", network.switches[0]], "priority": 5, "match": "tcp.dst == (", "action": "drop"}
    network.nb.transact({"op": "insert", "table": "ACL", "row": acl | {"log": False}})
    network.add_port(network.switches[0], "bad", "00:11")
    network.add_port(network.switches[0], "twin", "00:00:00:00:00:02")
    until(lambda: {"bad", "twin"} <= set(network.tunnel_keys()), "Binding")
    first = network.first
    until(lambda: "tcp.dst == (" in first.text() and "'00:11'" in first.text() and "twin" in first.text(), first.text)
    network.add_port(network.switches[1], "fine", "00:00:00:00:00:0c")
    until(lambda: any("00:00:00:00:00:0c" in match for _, _, match, _ in network.pipeline()), "the next port's flows")
    assert [first.text().count(t) for t in ("'tcp.dst == ('", "'00:11'", "has the address")] == [1, 1, 1]


def test_control_socket(network):
    """The commands of the control socket answer about the engine; a wrong name is an error with a hint."""
    first = network.first
    assert "base-facts:" in first.ask("memory/show")
    assert first.ask("relation/list").splitlines()[0].split() == ["relation", "facts", "derivations", "indexes"]
    assert len(first.ask("relation/dump", "PortKey").splitlines()) == 5
    assert '"name": "p0"' in first.ask("relation/dump", "PortKey")
    assert any(line.startswith("port_key ") for line in first.ask("rule/stats").splitlines())
    assert len(first.ask("rule/stats", "port_key").splitlines()) == 2
    with pytest.raises(AssertionError, match="no relation PortKeys; did you mean 'PortKey'"):
        first.ask("relation/dump", "PortKeys")


def test_pause_and_resume(network):
    """A paused daemon follows, writes nothing and lets another one work; resumed, it works when it can."""
    first = network.first
    assert first.ask("is-paused").strip() == "false"
    second = network.northd("second").wait("standby")
    first.ask("pause")
    first.wait("paused")
    assert first.ask("is-paused").strip() == "true"
    second.wait("active")
    first.ask("resume")
    first.wait("standby")
    second.ask("pause")
    first.wait("active")
    second.ask("pause")
    second.ask("resume")
    second.wait("standby")


def test_a_dry_run_writes_nothing(world):
    """Started with --dry-run a daemon is paused, until it is told to work."""
    daemon = world.northd("dry", "--dry-run").wait("paused")
    world.add_switch("sw0")
    assert not world.sb.select("Pipeline")
    daemon.ask("resume")
    daemon.wait("active")
    until(lambda: world.sb.select("Pipeline"))


def test_commands_of_ovn_northd(network):
    """Scripts for ovn-northd find its other commands, too."""
    daemon = network.first
    assert daemon.ask("get-n-threads").strip() == "1"
    daemon.ask("set-n-threads", "4")
    daemon.ask("sb-cluster-state-reset")
    daemon.ask("nb-cluster-state-reset")
    assert daemon.status() == "active"
