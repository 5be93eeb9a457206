"""Southbound rows of logical ports: tunnel keys, who has a port, and whether it is up."""

from dataclasses import replace

import pytest
from network import CENTRAL, EVERYTHING, NORTHD, PROGRAMS, Network, spec

from ovn_rules.engine import load
from ovn_rules.engine.ir import Allocate
from ovn_rules.rules.ezbake import bindings


def keys(net):
    return dict(net["PortKey"])


@spec(*CENTRAL)
def test_row(net):
    """A port has one row that says what the port says, its addresses verbatim, whatever they are."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0A", "unknown", "rubbish", parent="vm", tag=7)
    addresses = ("02:00:00:00:00:0A", "rubbish", "unknown")
    assert net["Binding"] == {("sw0", "a", 1, ("vm",), (7,), "", addresses)}
    net.port("sw0", "a")
    assert net["Binding"] == {("sw0", "a", 1, (), (), "", ())}


@spec(*CENTRAL)
def test_row_gone(net):
    """A row whose port is gone is gone."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.port("sw0", "b")
    net.binding("a", 1)
    net.commit()
    net.delete("nb.Logical_Port", "a")
    gone, come = net.commit()["Binding"]
    assert {f[1] for f in gone} == {"a"}
    assert come == set()


@spec(*CENTRAL)
def test_keys_count_up(net):
    """Keys begin at 1 and are unique over all switches."""
    net.switch("sw0", "sw1")
    net.port("sw0", "a")
    net.port("sw1", "b")
    net.port("sw0", "c")
    assert keys(net) == {"a": 1, "b": 2, "c": 3}


@spec(*CENTRAL)
def test_freed_key_rests(net):
    """A freed key isn't given again at once: the next port gets the one after the last given."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.port("sw0", "b")
    net.commit()
    net.delete("nb.Logical_Port", "b")
    net.commit()
    net.port("sw0", "c")
    assert keys(net) == {"a": 1, "c": 3}


@spec(*CENTRAL)
def test_keys_over_a_restart(net):
    """A port keeps the key of its stored row, and new ports go on from the largest in use."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.port("sw0", "new")
    net.port("sw0", "z")
    net.binding("a", 4)
    net.binding("z", 9)
    assert keys(net) == {"a": 4, "z": 9, "new": 10}


@spec(*CENTRAL)
def test_stored_key_written_late(net):
    """Reading one's own row back changes nothing."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.commit()
    net.binding("a", 1)
    assert set(net.commit()) == {"StoredKey"}


@spec(*CENTRAL)
def test_keys_wrap(net):
    """After 65535 comes the smallest free key."""
    net.switch("sw0")
    net.port("sw0", "first")
    net.port("sw0", "last")
    net.binding("first", 1)
    net.binding("last", 65535)
    net.commit()
    net.port("sw0", "new")
    assert keys(net) == {"first": 1, "last": 65535, "new": 2}


@pytest.mark.parametrize("role", CENTRAL)
def test_keys_exhausted(role):
    """With all keys taken a port waits and is named, others change as before, and a freed key goes to who waits."""
    rules = PROGRAMS[role]
    few = tuple(
        replace(c, terms=tuple(replace(t, high=2) if isinstance(t, Allocate) else t for t in c.terms))
        if c.name == "port_key"
        else c
        for c in rules.clauses
    )
    net = Network(role, replace(rules, clauses=few))
    net.switch("sw0")
    for name in ("a", "b", "c"):
        net.port("sw0", name)
    assert keys(net) == {"a": 1, "b": 2}
    assert [(e.relation, e.groups) for e in net.engine.exhausted()] == [("PortKey", (("c",),))]
    assert {f[1] for f in net["Binding"]} == {"a", "b"}
    net.port("sw0", "a", "02:00:00:00:00:0a")
    assert ("sw0", "a", 1, (), (), "", ("02:00:00:00:00:0a",)) in net["Binding"]
    net.delete("nb.Logical_Port", "b")
    assert keys(net) == {"a": 1, "c": 2}
    assert net.engine.exhausted() == []


def test_all_keys():
    """65,535 ports have keys, each its own, and one more waits."""
    net = Network(NORTHD, load(bindings), checked=False)
    for i in range(65536):
        net.put("nb.Logical_Port", f"{i:05}", name=f"{i:05}", lswitch="sw0")
    assert sorted(keys(net).values()) == list(range(1, 65536))
    assert [e.groups for e in net.engine.exhausted()] == [(("65535",),)]


@spec(*CENTRAL)
def test_up(net):
    """A port is up while a chassis that central doesn't read the host of has it, and down otherwise."""
    net.switch("sw0")
    net.port("sw0", "a")
    assert net["PortUp"] == {("a", (False,))}
    net.binding("a", 1, chassis="hv9")
    assert net["PortUp"] == {("a", (True,))}
    assert net["PortHolder"] == {("a", "hv9")}
    assert net["Binding"] == {("sw0", "a", 1, (), (), "hv9", ())}
    net.binding("a", 1, chassis="")
    assert net.commit()["PortUp"] == ({("a", (True,))}, {("a", (False,))})
    assert net["Binding"] == {("sw0", "a", 1, (), (), "", ())}


@spec(EVERYTHING)
def test_held_by_a_host_that_is_read(net):
    """Of a host whose own database is read, its interfaces say what it has, not the southbound database."""
    net.switch("sw0")
    net.port("sw0", "plugged")
    net.port("sw0", "unplugged")
    net.host("hv1")
    net.plug("hv1", "plugged", 2)
    net.binding("plugged", 1, chassis="hv9")
    net.binding("unplugged", 2, chassis="hv1")
    assert net["PortHolder"] == {("plugged", "hv1")}
    assert net["PortUp"] == {("plugged", (True,)), ("unplugged", (False,))}


@spec(*CENTRAL)
def test_renamed_port(net):
    """A port with a new name is another port: another row and another key."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.commit()
    net.put("nb.Logical_Port", "a", name="b")
    assert net["Binding"] == {("sw0", "b", 2, (), (), "", ())}
