"""Databases that are followed: as they change, as they go away and come back, several hosts' as one; and files."""

import dataclasses
import shutil

import pytest
from world import until

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.following import Following
from ovn_rules.cli.programs import SHIPPED
from ovn_rules.engine import Relation, column, pure, rule
from ovn_rules.rules.ezbake.databases import nb
from ovn_rules.rules.ezbake.programs import EZBAKE
from ovn_rules.rules.program import Role


@pytest.fixture
def follow():
    """Follows databases; ``said`` collects what is said."""
    made = []

    def start(nb=None, sb=None, hosts=()):
        said = []
        following = Following(nb, sb, hosts, "ezbake", said.append)
        following.said = said
        made.append(following)
        following.load()
        return following

    yield start
    for each in made:
        each.close()


def ports(following):
    """The names of the logical ports."""
    position = following.engine.program.relations["nb.Logical_Port"].position("name")
    return sorted(f[position] for f in following.engine.facts("nb.Logical_Port"))


def test_a_question_sees_what_was_committed_before_it(world, follow):
    """After ``catch_up`` everything is there that was committed before, every time; and nothing was written."""
    switch = world.add_switch("sw0")
    following = follow(world.nb.remote, world.sb.remote)
    commits = world.nb.commits(), world.sb.commits()
    for i in range(50):
        world.add_port(switch, f"p{i:02}")
        following.catch_up()
        assert len(ports(following)) == i + 1
    assert (world.nb.commits(), world.sb.commits()) == (commits[0] + 50, commits[1])


def test_changes_come_as_they_are_made(world, follow):
    """``changes`` gives each change of given and derived relations: what is gone, and what has come."""
    following = follow(world.nb.remote)
    changes = following.changes()
    switch = world.add_switch("sw0")
    assert {len(c[1]) for r, c in next(changes).items() if r == "nb.Logical_Switch"} == {1}
    world.add_port(switch, "p0")
    changed = next(changes)
    assert {"nb.Logical_Port", "Pipeline", "Binding"} <= set(changed)
    world.delete_port("p0")
    gone, come = next(changes)["nb.Logical_Port"]
    assert (len(gone), list(come)) == (1, [])


def test_a_database_that_goes_away_and_comes_back(world, follow):
    """It is said once, facts stay as last seen and that is said of them; what was missed is there when it is back."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    following = follow(world.nb.remote, world.sb.remote)
    assert following.stale() == []
    world.nb.stop()
    until(lambda: following.run() or following.stale(), "the loss")
    (line,) = following.stale()
    assert line.startswith(f"nb: {world.nb.remote} is gone since ")
    for _ in range(30):
        following.catch_up()
    assert ports(following) == ["p0"]
    (lost,) = following.said
    assert lost.startswith("nb: connection to unix:")
    assert lost.endswith("; what it held stays as last seen until it is back")
    world.nb.start()
    world.add_port(switch, "p1")
    world.delete_port("p0")
    until(lambda: following.run() or not following.stale(), "the return")
    following.catch_up()
    assert ports(following) == ["p1"]
    assert following.said[1:] == [f"nb: {world.nb.remote} is back, and up to date"]
    assert following.engine.recompute() == {}


def test_a_silent_database_delays_one_question(world, follow):
    """A server that answers nothing is waited for once, and named until it answers."""
    world.add_switch("sw0")
    following = follow(world.nb.remote)
    world.nb.freeze()
    following.catch_up()
    (line,) = following.stale()
    assert line == f"nb: {world.nb.remote} doesn't answer; as last seen"
    for _ in range(1000):
        following.catch_up()
    world.nb.thaw()
    until(lambda: following.run() or not following.stale(), "the answer")
    assert following.said == []


def test_several_hosts_are_one_relation(follow, ovsdb):
    """The databases of several hosts feed the same relations, each with its own rows."""
    hosts = [ovsdb("/usr/share/openvswitch/vswitch.ovsschema") for _ in range(3)]
    for i, host in enumerate(hosts):
        ids = {"external_ids": ["map", [["system-id", f"host{i}"]]]}
        host.transact({"op": "insert", "table": "Open_vSwitch", "row": ids})
    following = follow(hosts=[h.remote for h in hosts])
    assert following.chassis() == ["host0", "host1", "host2"]
    hosts[1].transact({"op": "delete", "table": "Open_vSwitch", "where": []})
    following.catch_up()
    assert following.chassis() == ["host0", "host2"]


def test_files_are_read_again(recorded, follow, tmp_path):
    """What differs when files are read again is the change; a file that is damaged changes nothing."""
    for name in ("nb.db", "ovs.db"):
        shutil.copy(recorded.folder / name, tmp_path)
    following = follow(str(tmp_path / "nb.db"), None, [str(tmp_path / "ovs.db")])
    assert ports(following) == ["p1", "p2", "p3"]
    assert following.reload() == {}
    (tmp_path / "nb.db").write_text("garbage")
    with pytest.raises(Failure, match=r"nb\.db"):
        following.reload()
    assert ports(following) == ["p1", "p2", "p3"]
    shutil.copy(recorded.folder / "nb.json", tmp_path / "nb.db")
    assert following.reload() == {}


@pure
def shares(name: str) -> int:
    """What fails for a name without a letter."""
    return 100 // len(name)


class Share(Relation):
    """What a switch's name gives."""

    switch: str = column("its name")
    share: int = column("of a hundred")


@rule
def share(name):
    """Fails on a switch without a name."""
    Share(name, shares(name)) <= nb.Logical_Switch(name=name)


def test_what_a_rule_fails_on_is_left_out(world, follow, monkeypatch):
    """A row that a rule fails on keeps nothing else out, is said once, and is taken in when it is mended."""
    role = Role((share,))
    monkeypatch.setitem(SHIPPED, "ezbake", dataclasses.replace(EZBAKE, everything=role))
    for name in ("sw0", "", "sw10"):
        world.add_switch(name)
    following = follow(world.nb.remote)
    assert sorted(following.engine.facts("Share")) == [("sw0", 33), ("sw10", 25)]
    (line,) = following.set_aside()
    assert line.startswith("set aside: nb.Logical_Switch(")
    assert len(following.said) == 1
    assert "division" in following.said[0]
    world.update(world.nb, "Logical_Switch", "name", "", name="s")
    following.catch_up()
    assert ("s", 100) in following.engine.facts("Share")
    assert following.set_aside() == []


def test_where_nothing_listens(follow, tmp_path):
    """A database that isn't there, and a file that isn't one, are one line each."""
    with pytest.raises(Failure, match="can't be reached"):
        follow(f"unix:{tmp_path}/nothing")
    with pytest.raises(Failure, match="No such file"):
        follow(str(tmp_path / "nothing"))
