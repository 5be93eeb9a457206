"""A session with a running daemon: it answers as it would be answered from its databases, and isn't disturbed."""

import json
import signal
import subprocess
from pathlib import Path

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
    assert world.status()[1] == "Status: active"


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
    one = network.northd("ovn-rules-northd.1").wait("standby")
    assert find_socket("") == find_socket("northd") == one.control
    with pytest.raises(Failure, match="no ovn-rules controller runs"):
        find_socket("controller")
    two = network.northd("ovn-rules-northd.2").wait("standby")
    with pytest.raises(Failure, match="several daemons run"):
        find_socket("northd")
    (network.folder / "ovn-rules-northd.pid").write_text("2\n")
    assert find_socket("northd") == two.control
    (network.folder / "named.pid").write_text("1\n")
    one.control.rename(network.folder / "named.1.ctl")
    assert find_socket("named") == network.folder / "named.1.ctl"
    with pytest.raises(Failure, match="--attach takes northd, controller, a pidfile's name in OVN_RUNDIR="):
        find_socket("nrothd")
    with pytest.raises(Failure, match=r"no daemon answers at .*: No such file or directory"):
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


SLOW = " & ".join(f"every(Pipeline(priority=p{i}))" for i in range(14))
SLOW += f" & ({' + '.join(f'p{i}' for i in range(14))} < 0)"
"""A query that nobody waits for: each logical flow with each other, fourteen times."""


def test_the_daemon_goes_on_while_it_is_asked(network):
    """A question without end delays nothing, a third at a time is refused, and what the asker leaves is dropped."""
    asked = json.dumps({"text": SLOW, "options": {}})
    command = ["ovs-appctl", "-t", network.first.control, "ask", "query", asked]
    slow = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        world = Attached(str(network.first.control))
        until(lambda: len(children(network.first)) == 2, "questions")
        with pytest.raises(Failure, match="busy: 2 questions are being answered; ask again"):
            ask(world, "show", "Binding")
        network.delete_port("p0")
        until(lambda: len(network.tunnel_keys()) == 2, "Binding")
        assert network.first.ask("recompute").startswith("no difference")
        used = network.first.seconds()
        slow[0].kill()
        until(lambda: len(children(network.first)) == 1, "the end of the question")
        assert ask(world, "show", "Binding")["total"] == 2
        assert network.first.seconds() - used < 1  # it isn't woken again and again by who has gone
        network.first.ask("exit")
        assert network.first.process.wait(10) == 0
        assert slow[1].wait(10) == 2
    finally:
        for process in slow:
            process.kill()
            process.wait()


def children(daemon):
    """The process ids of a daemon's questions."""
    return Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text().split()


def test_a_supposition_is_the_asker_s_alone(network):
    """What would be is told, and the daemon and the databases stay as they are."""
    world = Attached(str(network.first.control))
    commits = network.nb.commits(), network.sb.commits()
    document = world.ask(find_verb("whatif"), "lport-del p0", find_verb("whatif").defaults())
    assert "Binding" in json.dumps(document)
    assert ask(world, "show", "Binding")["total"] == 3
    assert network.first.ask("recompute") == "no difference: 0 facts differed, 0 rows differed"
    assert (network.nb.commits(), network.sb.commits()) == commits


def test_watching_a_daemon(network):
    """A daemon is asked again and again for what is watched; while it is gone that is said once."""
    world = Attached(str(network.first.control))
    said = []
    columns, found = world.watch("PortKey(name=n, key=k)", said.append)
    assert list(columns) == ["n", "k"]
    assert next(found) == ([], [["p0", 1], ["p1", 2], ["p2", 3]])
    network.delete_port("p1")
    until(lambda: len(network.tunnel_keys()) == 2, "Binding")
    assert next(found) == ([["p1", 2]], [])
