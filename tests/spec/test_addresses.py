"""Addresses of logical ports: which count, how they are written, what is wrong with them."""

import pytest
from network import CENTRAL, CHASSIS, EVERYTHING, spec

from ovn_rules.rules.ezbake.addresses import is_mac, only_from


@spec(*CENTRAL)
def test_port_security(net):
    """Port security lets only the addresses it lists pass: lower case, full length, in the database's order."""
    net.switch("sw0")
    net.port("sw0", "a", security=("02:00:00:00:00:0A", "0:1:2:a:B:c"))
    listed = "{02:00:00:00:00:0a 00:01:02:0a:0b:0c}"
    assert (50, f'inport == "a" && eth.src == {listed}', "next;") in net.pipeline_of("sw0", 0)
    assert (50, f'outport == "a" && eth.dst == {listed}', "output;") in net.pipeline_of("sw0", 3)


@spec(*CENTRAL)
def test_port_security_without_addresses(net):
    """Entries that are no addresses add nothing: with none left, everything passes."""
    net.switch("sw0")
    net.port("sw0", "a", security=("rubbish", "02:00:00:00:00:0a 10.0.0.1"))
    net.port("sw0", "b", "02:00:00:00:00:0b", security=("rubbish", "unknown"))
    rows = net.pipeline_of("sw0", 0)
    assert (50, 'inport == "a" && eth.src == {02:00:00:00:00:0a}', "next;") in rows
    assert (50, 'inport == "b"', "next;") in rows


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ("02:00:00:00:00:0a", True),
        ("02:00:00:00:00:0A 10.0.0.1", True),
        ("2:0:0:0:0:a", True),
        ("01:00:5e:00:00:01", True),
        ("02-00-00-00-00-0a", False),
        ("02:00:00:00:00", False),
        (" 02:00:00:00:00:0a", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_what_is_an_address(entry, valid):
    """An address is six hexadecimal bytes and colons at the start of an entry, whatever follows."""
    assert is_mac(entry) is valid
    assert bool(only_from("eth.src", (entry,))) is valid


@spec(*CENTRAL)
def test_verbatim(net):
    """A port's address stands in the logical flow as it was given."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0A", "02:00:00:00:00:0b 10.0.0.11")
    assert {m for p, m, _ in net.pipeline_of("sw0", 1) if p == 50} == {
        "eth.dst == 02:00:00:00:00:0A",
        "eth.dst == 02:00:00:00:00:0b 10.0.0.11",
    }


@spec(*CHASSIS)
def test_address_with_more(net):
    """What follows the address of an entry is no part of the match: frames to the address find the port."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0b 10.0.0.11")
    net.host("hv1")
    flow = "priority=50,metadata=0x1,dl_dst=02:00:00:00:00:0b actions=set_field:0x1->reg7,resubmit(,18)"
    assert flow in net.flows("hv1", 17)
    assert net.problems() == set()


@spec(*CENTRAL)
def test_invalid(net):
    """What is neither an address nor "unknown" gives no logical flow, and is named until it is mended."""
    net.switch("sw0")
    net.port("sw0", "a", "02-00-00-00-00-0a", "unknown")
    assert {m for p, m, _ in net.pipeline_of("sw0", 1) if p == 50} == set()
    assert net.problems() == {"a: invalid syntax '02-00-00-00-00-0a' in macs column"}
    net.port("sw0", "a", "unknown")
    assert net.problems() == set()


@spec(*CENTRAL)
def test_duplicate_is_named(net):
    """Two ports of one switch with one address are named together; on two switches they are no mistake."""
    net.switch("sw0", "sw1")
    net.port("sw0", "a", "02:00:00:00:00:0a")
    net.port("sw1", "b", "02:00:00:00:00:0a")
    assert net.problems() == set()
    net.port("sw0", "c", "02:00:00:00:00:0a")
    assert net.problems() == {"a: has the address 02:00:00:00:00:0a that port c of the same switch has too"}
    assert {a for p, _, a in net.pipeline_of("sw0", 1) if p == 50} == {
        'outport = "a"; next;',
        'outport = "c"; next;',
    }


@spec(EVERYTHING)
def test_unknown_is_no_duplicate(net):
    """Several ports may have "unknown"."""
    net.switch("sw0")
    net.port("sw0", "a", "unknown")
    net.port("sw0", "b", "unknown")
    assert net.problems() == set()


@spec(*CHASSIS)
def test_duplicate_on_a_host(net):
    """Of two ports with one address the one of the smaller tunnel key gets the frames; the conflict names both."""
    net.switch("sw0")
    net.port("sw0", "b", "02:00:00:00:00:0a")
    net.commit()
    net.port("sw0", "a", "02:00:00:00:00:0a")
    net.host("hv1")
    match = "metadata=0x1,dl_dst=02:00:00:00:00:0a"
    assert f"priority=50,{match} actions=set_field:0x1->reg7,resubmit(,18)" in net.flows("hv1", 17)
    ((kept, rejected),) = net.conflicts("WantedFlow").values()
    assert kept[-1] == 'outport = "b"; next;'
    assert [f[-1] for f in rejected] == ['outport = "a"; next;']
    net.delete("nb.Logical_Port", "b")
    assert f"priority=50,{match} actions=set_field:0x2->reg7,resubmit(,18)" in net.flows("hv1", 17)
    assert net.conflicts("WantedFlow") == {}
