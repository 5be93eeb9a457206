"""OpenFlow tables 16 and up: logical flows as flows, numbers of logical switches, conjunctions."""

from network import CHASSIS, CONTROLLER, spec

from ovn_rules.rules.ezbake.translation import likely_id, numbers_in


def addresses(net, count):
    """A set of so many addresses that no mask covers two."""
    return "{" + " ".join(f"10.0.{net}.{3 * i}" for i in range(1, count + 1)) + "}"


MANY = f"ip4.src == {addresses(0, 5)} && ip4.dst == {addresses(1, 5)}"
MORE = f"ip4.src == {addresses(0, 5)} && ip4.dst == {addresses(2, 5)}"


def one_port(net):
    """A switch with port a (key 1), seen by host hv1."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0a")
    net.host("hv1")


@spec(*CHASSIS)
def test_tables(net):
    """Logical table N is table 16+N: next goes on to the following one, output to table 64, drop ends."""
    one_port(net)
    meta = "metadata=0x1"
    flood = "01:00:00:00:00:00/01:00:00:00:00:00"
    assert net.flows("hv1", 16) == {
        f"priority=100,{meta},vlan_tci=0x1000/0x1000 actions=drop",
        f"priority=100,{meta},dl_src={flood} actions=drop",
        f"priority=50,reg6=0x1,{meta} actions=resubmit(,17)",
        f"priority=0,{meta} actions=drop",
    }
    assert net.flows("hv1", 17) == {
        f"priority=100,{meta},dl_dst={flood} actions=set_field:0x1->reg7,resubmit(,18)",
        f"priority=50,{meta},dl_dst=02:00:00:00:00:0a actions=set_field:0x1->reg7,resubmit(,18)",
    }
    assert net.flows("hv1", 18) == {f"priority=0,{meta} actions=resubmit(,19)"}
    assert net.flows("hv1", 19) == {
        f"priority=100,{meta},dl_dst={flood} actions=resubmit(,64)",
        f"priority=50,reg7=0x1,{meta} actions=resubmit(,64)",
    }


@spec(*CHASSIS)
def test_flood(net):
    """A flood sets each port in turn; one port more is one changed flow of that table."""
    one_port(net)
    net.port("sw0", "b")
    net.commit()
    net.port("sw0", "c")
    gone, come = net.commit()["OpenFlow"]
    assert len([f for f in gone if f[1] == 17]) == 1
    (flow,) = [f for f in come if f[1] == 17]
    one = "set_field:{0}->reg7,resubmit(,18)"
    assert flow[4] == ",".join(one.format(f"{k:#x}") for k in (1, 2, 3))


@spec(*CHASSIS)
def test_switch_without_ports(net):
    """A logical switch without ports has no flows."""
    one_port(net)
    before = net["OpenFlow"]
    net.switch("sw1")
    assert net["OpenFlow"] == before


@spec(*CHASSIS)
def test_every_host(net):
    """Every host has the same logical flows, whether it has ports of the switch or not."""
    one_port(net)
    net.host("hv2", ip="192.0.2.2")
    assert net.flows("hv1", 17) == net.flows("hv2", 17) != set()


@spec(CONTROLLER)
def test_stored_rows(net):
    """A host knows ports and logical flows from the southbound database alone."""
    net.binding("a", 5, switch="s")
    net.pipeline("s", 0, 7, "ip4", 'outport = "a"; next;')
    net.host("hv1")
    assert net["Port"] == {("a", "s", 5, (), ())}
    assert net.flows("hv1", 16) == {"priority=7,ip,metadata=0x1 actions=set_field:0x5->reg7,resubmit(,17)"}


@spec(CONTROLLER)
def test_unreadable(net):
    """A logical flow whose match or actions can't be read is left out and named; the rest goes on."""
    net.binding("a", 5)
    net.pipeline("sw0", 0, 7, "ip4 ===", "next;")
    net.pipeline("sw0", 0, 8, "ip4", "fly;")
    net.pipeline("sw0", 0, 9, "ip4", "drop;")
    net.host("hv1")
    assert net.flows("hv1", 16) == {"priority=9,ip,metadata=0x1 actions=drop"}
    found = sorted(net.problems())
    assert len(found) == 2
    assert found[0].startswith("Pipeline table 0 match 'ip4 ===': left out: ")
    assert found[1].startswith("Pipeline table 0 match 'ip4': left out: ")
    assert "(actions, at " in found[1]


@spec(*CHASSIS)
def test_numbers(net):
    """Every logical switch with a port has a number of its own, as long as it has one."""
    one_port(net)
    net.switch("sw1")
    net.port("sw1", "b")
    assert sorted(dict(net["DatapathNumber"]).values()) == [1, 2]
    net.delete("nb.Logical_Port", "b")
    assert net["DatapathNumber"] == {("sw0", 1)}


@spec(*CHASSIS)
def test_numbers_found_on_the_switch(net):
    """A logical switch keeps the number that it has in the flows found on the switch, also when others come."""
    net.fact("FlowHint", 2, 7)
    net.fact("FlowHint", 99, 3)
    net.switch("sw0", "sw1")
    net.port("sw0", "a")
    net.port("sw1", "b")
    net.host("hv1")
    assert net["DatapathNumber"] == {("sw1", 7), ("sw0", 8)}
    net.retract("FlowHint", 2, 7)
    assert net["DatapathNumber"] == {("sw1", 7), ("sw0", 8)}


def test_numbers_in_flows():
    """A flow tells a port key and the number of its logical switch, in its match or in its actions, or nothing."""
    assert numbers_in("reg6=0x4,metadata=0x2", "resubmit(,17)") == ((4, 2),)
    assert numbers_in("in_port=3", "set_field:0x5->metadata,set_field:0x1f->reg6,resubmit(,16)") == ((31, 5),)
    assert numbers_in("metadata=0x1,dl_dst=02:00:00:00:00:0a", "set_field:0x2->reg7,resubmit(,18)") == ((2, 1),)
    assert numbers_in("metadata=0x1", "drop") == ()
    assert numbers_in("reg7=0x1", "output:3") == ()


@spec(*CHASSIS)
def test_only_mentioned_ports_count(net):
    """When a port comes, only flows that name it change."""
    one_port(net)
    net.acl("sw0", 5, 'inport == {"a", "new"}', "drop")
    assert "priority=5,reg6=0x1,metadata=0x1 actions=drop" in net.flows("hv1", 18)
    net.port("sw0", "new")
    changes = net.commit()["OpenFlow"]
    assert {f[1:4] for f in changes[1] if f[1] == 18} == {(18, 5, "reg6=0x2,metadata=0x1")}
    assert [f for f in changes[0] if f[1] != 17] == []


@spec(*CHASSIS)
def test_conjunction(net):
    """A match that would be more than 16 flows is spread over dimensions, and done where all meet."""
    one_port(net)
    net.acl("sw0", 5, MANY, "drop")
    flows = net.flows("hv1", 18)
    ((*_, number),) = net["ConjunctionId"]
    assert number == likely_id("sw0", 2, 5, MANY)
    assert f"priority=5,conj_id={number},ip,metadata=0x1 actions=drop" in flows
    assert f"priority=5,ip,metadata=0x1,nw_src=10.0.0.3 actions=conjunction({number},1/2)" in flows
    assert f"priority=5,ip,metadata=0x1,nw_dst=10.0.1.3 actions=conjunction({number},2/2)" in flows
    assert len(flows) == 1 + 1 + 5 + 5
    net.delete("nb.ACL", f"sw0/5/{MANY}")
    assert net.flows("hv1", 18) == {"priority=0,metadata=0x1 actions=resubmit(,19)"}


@spec(*CHASSIS)
def test_shared_dimension(net):
    """Two conjunctions that share a dimension stand in one flow of it, each in its own turn."""
    one_port(net)
    net.acl("sw0", 5, MANY, "drop")
    net.acl("sw0", 5, MORE, "allow")
    ids = {match: number for *_, match, number in net["ConjunctionId"]}
    both = ",".join(sorted(f"conjunction({n},1/2)" for n in ids.values()))
    assert f"priority=5,ip,metadata=0x1,nw_src=10.0.0.3 actions={both}" in net.flows("hv1", 18)
    net.delete("nb.ACL", f"sw0/5/{MORE}")
    left = f"priority=5,ip,metadata=0x1,nw_src=10.0.0.3 actions=conjunction({ids[MANY]},1/2)"
    assert left in net.flows("hv1", 18)


@spec(*CHASSIS)
def test_conjunction_ids_stay(net):
    """Other conjunctions that come or go change no id, and a switch that has the same match has an id of its own."""
    one_port(net)
    net.switch("sw1")
    net.port("sw1", "b")
    net.acl("sw0", 5, MANY, "drop")
    before = net["ConjunctionId"]
    net.acl("sw0", 5, MORE, "drop")
    net.acl("sw1", 5, MANY, "drop")
    after = net["ConjunctionId"]
    assert before < after
    assert len({f[-1] for f in after}) == len(after) == 3


@spec(*CHASSIS)
def test_same_likely_id(net):
    """Two conjunctions with the same likely id have two ids all the same."""
    one_port(net)
    found = {}
    for priority in range(32768):
        found.setdefault(likely_id("sw0", 2, priority, MANY), []).append(priority)
    assert min(found) >= 1
    assert max(found) < 2**20
    first, second = next(p for p in found.values() if len(p) == 2)
    net.acl("sw0", first, MANY, "drop")
    net.acl("sw0", second, MANY, "drop")
    assert {f[2] for f in net["ConjunctionId"]} == {first, second}
    assert len({f[-1] for f in net["ConjunctionId"]}) == 2


@spec(*CHASSIS)
def test_dimension_and_whole_match(net):
    """Where a dimension of a conjunction meets a flow of the whole match, the whole match counts."""
    one_port(net)
    net.acl("sw0", 5, MANY, "allow")
    net.acl("sw0", 5, "ip4.src == 10.0.0.3", "drop")
    assert "priority=5,ip,metadata=0x1,nw_src=10.0.0.3 actions=drop" in net.flows("hv1", 18)
    net.delete("nb.ACL", "sw0/5/ip4.src == 10.0.0.3")
    ((*_, number),) = net["ConjunctionId"]
    assert f"priority=5,ip,metadata=0x1,nw_src=10.0.0.3 actions=conjunction({number},1/2)" in net.flows("hv1", 18)
