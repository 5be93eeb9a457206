"""Access control: the logical table 2, and what an entry does that can't be read."""

from network import CENTRAL, CHASSIS, spec


@spec(*CENTRAL)
def test_verdicts(net):
    """Allow and allow-related let pass, drop and reject drop; match and priority stand as given."""
    net.switch("sw0")
    for i, action in enumerate(("allow", "allow-related", "drop", "reject")):
        net.acl("sw0", 1000 + i, f"tcp.dst=={i}", action)
    assert net.pipeline_of("sw0", 2) == {
        (1000, "tcp.dst==0", "next;"),
        (1001, "tcp.dst==1", "next;"),
        (1002, "tcp.dst==2", "drop;"),
        (1003, "tcp.dst==3", "drop;"),
        (0, "1", "next;"),
    }


@spec(*CENTRAL)
def test_changed(net):
    """An entry that changes its mind changes its row, and one that goes takes it along."""
    net.switch("sw0")
    net.acl("sw0", 5, "ip4", "drop")
    net.commit()
    net.acl("sw0", 5, "ip4", "allow")
    assert net.commit()["Pipeline"] == ({("sw0", 2, 5, "ip4", "drop;")}, {("sw0", 2, 5, "ip4", "next;")})
    net.delete("nb.ACL", "sw0/5/ip4")
    assert net.pipeline_of("sw0", 2) == {(0, "1", "next;")}


@spec(*CENTRAL)
def test_same_twice(net):
    """Two entries that say the same are one row until the second is gone."""
    net.switch("sw0")
    net.acl("sw0", 5, "ip4")
    net.put("nb.ACL", "again", lswitch="sw0", priority=5, match="ip4", action="allow-related")
    net.commit()
    net.delete("nb.ACL", "again")
    assert net.commit() == {}
    assert (5, "ip4", "next;") in net.pipeline_of("sw0", 2)


@spec(*CENTRAL)
def test_unreadable_is_named(net):
    """Central names an entry that can't be read with its switch, priority, match and the reason, until it is mended."""
    net.switch("sw0")
    net.put("nb.Logical_Switch", "sw0", name="office")
    net.acl("sw0", 7, "ip4 &&")
    net.acl("sw0", 8, "ct.est", "drop")
    net.acl("sw0", 9, "ip4")
    found = {p for p in net.problems() if p.startswith("ACL of office, ")}
    assert {p.partition(": ")[0] for p in found} == {
        "ACL of office, priority 7, match 'ip4 &&'",
        "ACL of office, priority 8, match 'ct.est'",
    }
    assert all("left out: " in p and "(match, at " in p for p in found)
    net.delete("nb.ACL", "sw0/7/ip4 &&")
    net.delete("nb.ACL", "sw0/8/ct.est")
    assert net.problems() == set()


@spec(*CHASSIS)
def test_unreadable_is_left_out(net):
    """A host leaves out an entry that can't be read and names it; all others go on."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.acl("sw0", 7, "tcp.dst == {80 &&", "drop")
    net.acl("sw0", 9, "tcp.dst == 80", "drop")
    assert net.flows("hv1", 18) == {
        "priority=9,tcp,metadata=0x1,tp_dst=80 actions=drop",
        "priority=9,tcp6,metadata=0x1,tp_dst=80 actions=drop",
        "priority=0,metadata=0x1 actions=resubmit(,19)",
    }
    assert any(p.startswith("Pipeline table 2 match 'tcp.dst == {80 &&': left out: ") for p in net.problems())


@spec(*CHASSIS)
def test_drop_before_allow(net):
    """Where two entries of one priority become one flow, dropping counts; without it, the other does."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.acl("sw0", 5, "ip4", "allow")
    net.acl("sw0", 5, "eth.type == 0x800", "drop")
    assert "priority=5,ip,metadata=0x1 actions=drop" in net.flows("hv1", 18)
    ((kept, rejected),) = net.conflicts("WantedFlow").values()
    assert (kept[6], [f[6] for f in rejected]) == ("eth.type == 0x800", ["ip4"])
    net.delete("nb.ACL", "sw0/5/eth.type == 0x800")
    assert "priority=5,ip,metadata=0x1 actions=resubmit(,19)" in net.flows("hv1", 18)


@spec(*CHASSIS)
def test_unknown_port_name(net):
    """A port name that doesn't exist matches nothing, and begins to match when the port comes."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.acl("sw0", 5, 'inport == "ghost"', "drop")
    only = "priority=0,metadata=0x1 actions=resubmit(,19)"
    assert net.flows("hv1", 18) == {only}
    assert net.problems() == set()
    net.port("sw0", "ghost")
    assert net.flows("hv1", 18) == {only, "priority=5,reg6=0x2,metadata=0x1 actions=drop"}
    net.delete("nb.Logical_Port", "ghost")
    assert net.flows("hv1", 18) == {only}


@spec(*CHASSIS)
def test_two_ports_at_once(net):
    """No frame comes from two ports: such a match is never true, and no mistake."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.port("sw0", "b")
    net.host("hv1")
    net.acl("sw0", 5, 'inport == "a" && inport == "b"', "drop")
    assert net.flows("hv1", 18) == {"priority=0,metadata=0x1 actions=resubmit(,19)"}
    assert net.problems() == set()


@spec(*CENTRAL)
def test_only_positively(net):
    """Names of ports and predicates may only be tested positively: otherwise the entry is named with the position."""
    net.switch("sw0")
    net.acl("sw0", 5, 'inport != "x"', "drop")
    net.acl("sw0", 6, "!(ip4 && tcp)", "drop")
    found = sorted(p for p in net.problems() if p.startswith("ACL of sw0"))
    assert len(found) == 2
    assert all("(match, at offset " in p for p in found)


@spec(*CHASSIS)
def test_fields_that_were_wrong(net):
    """The bits of ip.dscp stand where IP has them, and ip.ttl is matched."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.acl("sw0", 5, "ip4 && ip.dscp == 10", "drop")
    net.acl("sw0", 6, "ip4 && ip.ttl == 1", "drop")
    flows = net.flows("hv1", 18)
    assert "priority=5,ip,metadata=0x1,nw_tos=40 actions=drop" in flows
    assert "priority=6,ip,metadata=0x1,nw_ttl=1 actions=drop" in flows
