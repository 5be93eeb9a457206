"""A session with a running daemon: it answers as it would be answered from its databases, and isn't disturbed."""

import signal
import subprocess

import pytest
from host import Host
from world import until

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.repl.attached import Attached, find_socket
from ovn_rules.cli.verbs.registry import find_verb


def ask(world, verb, text):
    """A question with default options."""
    return world.ask(find_verb(verb), text, {})


@pytest.fixture
def network(world):
    """A switch with three ports, and a northd that has written them."""
    switch = world.add_switch("sw0")
    for i in range(3):
        world.add_port(switch, f"p{i}", f"00:00:00:00:00:0{i}")
    world.first = world.northd().wait("active")
    until(lambda: len(world.tunnel_keys()) == 3, "Binding")
    return world


def test_northd_answers(network):
    """Facts, relations, rules and values are those of the daemon, as they are when it is asked."""
    world = Attached(str(network.first.control))
    document = ask(world, "show", "Binding")
    assert [row[1] for row in document["rows"]] == ["p0", "p1", "p2"]
    network.add_port(network.nb.select("Logical_Switch", ["_uuid"])[0]["_uuid"][1], "p3")
    until(lambda: ask(world, "show", "Binding")["total"] == 4, "p3")
    assert world.values("Binding", "logical_port", '"p') == ['"p0"', '"p1"', '"p2"', '"p3"']
    assert world.values("Binding", "logical_port", "p3") == ['"p3"']
    assert world.values("Binding", "tunnel_key", "") == ["1", "2", "3", "4"]
    assert world.values("Binding", "nothing", "") == world.values("Nothing", "nothing", "") == []
    assert world.catalogue()["relations"]["Binding"]["tunnel_key"] == "int"
    assert "port_key" in world.catalogue()["rules"]
    assert world.stale() == []
    assert world.status()[1] == "active"


def test_mistakes_are_said_as_elsewhere(network):
    """What is wrong with a question is said with its place, and the daemon goes on."""
    world = Attached(str(network.first.control))
    with pytest.raises(Failure, match=r"no relation Bindin\n    Bindin\n    \^\^\^\^\^\^\n  hint: did you mean 'Bind"):
        ask(world, "show", "Bindin")
    for arguments in (["why"], ["wyh", "{}"], ["show", "garbage"], ["show", "[]"], ["show", '{"text": 1}']):
        done = subprocess.run(
            ["ovs-appctl", "-t", network.first.control, "ask", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert network.first.status() == "active"
    assert network.first.ask("recompute").startswith("no difference")


def test_the_daemon_dies_and_comes_back(network, monkeypatch):
    """While it is gone each question has one clear line; started again, with another process id, it is found again."""
    monkeypatch.setenv("OVN_RUNDIR", str(network.folder))
    network.first.kill(signal.SIGTERM)
    first = network.northd("ovn-rules-northd.1").wait("active")
    world = Attached("northd")
    assert ask(world, "show", "Binding")["total"] == 3
    first.kill()
    with pytest.raises(Failure) as caught:
        ask(world, "show", "Binding")
    gone = f"the daemon at {first.control} is gone: Connection refused; ask again when it is back"
    assert str(caught.value) == gone
    for _ in range(3):
        with pytest.raises(Failure, match="no ovn-rules northd runs with OVN_RUNDIR="):
            ask(world, "show", "Binding")
    assert world.values("Binding", "logical_port", "") == []
    assert "GONE" in world.title()
    network.northd("ovn-rules-northd.2").wait("active")
    assert ask(world, "show", "Binding")["total"] == 3
    assert world.title() == "ovn-rules-northd.2.ctl active"


def test_a_daemon_is_found_by_its_role(network, monkeypatch, tmp_path):
    """Without a path it is the one that listens in OVN_RUNDIR; several, and none, are told."""
    monkeypatch.setenv("OVN_RUNDIR", str(network.folder))
    with pytest.raises(Failure, match="no daemon of ovn-rules runs with OVN_RUNDIR="):
        find_socket("")
    one = network.northd("ovn-rules-northd.1")
    assert find_socket("") == find_socket("northd") == one.control
    with pytest.raises(Failure, match="no ovn-rules controller runs"):
        find_socket("controller")
    two = network.northd("ovn-rules-northd.2")
    with pytest.raises(Failure, match="several daemons run"):
        find_socket("northd")
    (network.folder / "ovn-rules-northd.pid").write_text("2\n")
    assert find_socket("northd") == two.control
    with pytest.raises(Failure, match="--attach takes northd, controller or the path"):
        find_socket("nrothd")
    with pytest.raises(Failure, match="is gone: No such file or directory"):
        Attached(str(tmp_path / "nothing"))


def test_standby_is_said(network):
    """A northd that stands by has derived nothing, and says so of its answers."""
    standby = Attached(str(network.northd("second").wait("standby").control))
    assert ask(standby, "show", "Binding")["total"] == 0
    assert standby.stale() == ["this northd stands by and has derived nothing: ask the active one"]


def test_another_server_is_told(network):
    """What listens there may be no daemon of this program."""
    with pytest.raises(Failure, match="is no daemon of ovn-rules"):
        Attached(f"{network.nb.folder}/ctl")


def test_a_controller_answers(network, tmp_path_factory):
    """A host's daemon is asked about its flows."""
    host = Host(network, tmp_path_factory.mktemp("h"), "host1")
    try:
        world = Attached(str(host.controller.control))
        until(lambda: ask(world, "show", "OpenFlow")["total"], host.controller.text)
        assert {row[0] for row in ask(world, "show", "OpenFlow")["rows"]} == {"host1"}
        assert world.catalogue()["relations"]["OpenFlow"]["table"] == "int"
    finally:
        host.switch.close()
