"""A bridge's flow tables are kept equal to the wanted flows."""

import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ovs.poller import Poller

from ovn_rules.io.switch import NotConnectedError, Switch
from ovn_rules.io.switch_events import Adopted, Connected, Lost, Refused, Synced, Waiting

TABLES = (0, 16, 17, 64)
IN = (0, 100, "in_port=1", "set_field:0x1->metadata,set_field:0x1->reg6,resubmit(,16)")
DROP = (16, 100, "metadata=0x1,vlan_tci=0x1000/0x1000", "drop")
OUT = (64, 50, "reg7=0x1", "output:1")


def line(flow):
    table, priority, match, actions = flow
    return f"{f'table={table},' if table else ''}priority={priority},{match} actions={actions}"


def until(switch, *kinds, seconds=20):
    """Runs the switch until an event of each kind has come; all events."""
    events, end = [], time.monotonic() + seconds
    while not all(any(isinstance(e, k) for e in events) for k in kinds):
        events += switch.run()
        assert time.monotonic() < end, f"no {kinds} among {events}"
        poller = Poller()
        poller.timer_wait(50)
        switch.wait(poller)
        poller.block()
    return events


def settle(switch, seconds=20):
    """Runs the switch until it is in sync and quiet; all events."""
    events, end, quiet = [], time.monotonic() + seconds, 0
    while quiet < 5:
        events += switch.run()
        quiet = quiet + 1 if switch.in_sync else 0
        assert time.monotonic() < end, f"never in sync: {events}"
        poller = Poller()
        poller.timer_wait(20)
        switch.wait(poller)
        poller.block()
    return events


def one(events, kind):
    found = [e for e in events if isinstance(e, kind)]
    assert len(found) == 1, events
    return found[0]


@pytest.fixture
def switch(ovs):
    made = Switch("br-int", TABLES, rundir=str(ovs.folder))
    yield made
    made.close()


def start(switch, *flows):
    """Lets the switch hold just these flows."""
    switch.change((), flows)
    switch.go()
    return settle(switch)


def test_wanted_flows_are_installed(ovs, switch):
    """Flows wanted before the start are on the switch afterwards, in one step."""
    events = start(switch, IN, DROP, OUT)
    assert one(events, Connected).monitored
    assert one(events, Adopted).flows == ()
    assert one(events, Synced) == Synced(3, 0, 0)
    assert ovs.dump() == sorted(map(line, (IN, DROP, OUT)))


def test_nothing_is_written_before_go(ovs, switch):
    """Flows found at the start are handed over, and stay as they are until the caller says so."""
    ovs.ofctl("add-flow", line(OUT).replace(" actions", ",actions"))
    ovs.ofctl("add-flow", "table=5,priority=3,actions=drop")
    switch.change((), [IN])
    assert one(until(switch, Adopted), Adopted).flows == (OUT,)
    for _ in range(10):
        assert not any(isinstance(e, Synced) for e in switch.run())
    assert ovs.dump() == sorted([line(OUT), "table=5,priority=3 actions=drop"])
    switch.go()
    assert one(settle(switch), Synced) == Synced(1, 1, 0)


def test_flows_in_other_tables_are_left_alone(ovs, switch):
    """Tables that aren't ours keep their flows."""
    ovs.ofctl("add-flow", "table=5,priority=3,actions=drop")
    start(switch, IN)
    assert ovs.dump() == sorted(["table=5,priority=3 actions=drop", line(IN)])


def test_a_flow_in_a_table_of_others_is_an_error(switch):
    """A flow in a table that isn't ours would never be compared, so it is not accepted."""
    with pytest.raises(ValueError, match="table 5"):
        switch.change((), [(5, 1, "", "drop")])


def test_a_change_sends_only_the_change(ovs, switch):
    """One flow added and one deleted take one bundle of two messages."""
    start(switch, IN, OUT)
    switch.change([OUT], [DROP])
    assert one(until(switch, Synced), Synced) == Synced(1, 1, 0)
    assert ovs.dump() == sorted(map(line, (IN, DROP)))


def test_other_actions_change_the_flow_in_place(ovs, switch):
    """A flow whose actions change is never absent: whoever watches sees one modification."""
    start(switch, OUT)
    changed = (*OUT[:3], "output:2")
    with ovs.watch() as seen:
        switch.change([OUT], [changed])
        assert one(until(switch, Synced), Synced) == Synced(0, 0, 1)
    assert seen == ["event=MODIFIED table=64 cookie=0 reg7=0x1 actions=output:2"]
    assert ovs.dump() == [line(changed)]


def test_a_restart_over_a_converged_switch_sends_nothing(ovs, switch):
    """A second start with the same wanted flows finds no difference and sends no flow change."""
    start(switch, IN, DROP, OUT)
    switch.close()
    again = Switch("br-int", TABLES, rundir=str(ovs.folder))
    with ovs.watch() as seen:
        events = start(again, IN, DROP, OUT)
    assert set(one(events, Adopted).flows) == {IN, DROP, OUT}
    assert one(events, Synced) == Synced(0, 0, 0)
    assert seen == []
    again.close()


def test_a_foreign_flow_is_removed_at_once(ovs, switch):
    """A flow that somebody adds to our tables by hand is removed without being asked."""
    start(switch, IN)
    ovs.ofctl("add-flow", "table=16,priority=7,actions=drop")
    assert one(until(switch, Synced), Synced) == Synced(0, 1, 0)
    assert ovs.dump() == [line(IN)]


def test_a_deleted_flow_comes_back_at_once(ovs, switch):
    """A flow of ours that somebody deletes is installed again."""
    start(switch, IN, OUT)
    ovs.ofctl("del-flows", "table=64")
    until(switch, Synced)
    assert ovs.dump() == sorted(map(line, (IN, OUT)))


def test_a_timeout_or_cookie_makes_a_flow_foreign(ovs, switch):
    """A flow that looks like ours but would time out is replaced by one that doesn't."""
    ovs.ofctl("add-flow", "table=64,priority=50,reg7=1,idle_timeout=900,cookie=5,actions=output:1")
    assert one(start(switch, OUT), Synced) == Synced(0, 0, 1)
    dump = ovs.ofctl("dump-flows", "table=64")
    assert "idle_timeout" not in dump
    assert "cookie=0x0" in dump


def test_the_switch_restarts(ovs, switch):
    """When ovs-vswitchd comes back without flows, all are installed again."""
    start(switch, IN, OUT)
    ovs.kill()
    assert one(until(switch, Lost), Lost)
    switch.change([OUT], [DROP])
    ovs.start()
    events = until(switch, Connected, Synced)
    assert not any(isinstance(e, Adopted) for e in events)
    assert ovs.dump() == sorted(map(line, (IN, DROP)))


def test_a_missing_bridge_is_said_once(ovs):
    """Without the bridge there is one line about it, and all is installed as soon as it appears."""
    late = Switch("br-late", TABLES, rundir=str(ovs.folder))
    late.change((), [IN])
    late.go()
    events, end = [], time.monotonic() + 1
    while time.monotonic() < end:
        events += late.run()
        poller = Poller()
        late.wait(poller)
        poller.block()
    assert "no bridge br-late" in str(one(events, Waiting))
    ovs.add_bridge("br-late")
    until(late, Synced)
    assert ovs.dump("br-late") == [line(IN)]
    late.close()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((16, 5, "foo=1", "drop"), "unknown keyword foo"),
        ((16, 5, "tcp", "set_field:1->udp_src"), "OFPBAC_MATCH_INCONSISTENT"),
        ((16, 5, "", "output:65280"), "OFPBAC_BAD_OUT_PORT"),
        ((16, 5, "ipv6,ipv6_src=fe80::zz", "drop"), "invalid IPv6 address"),
        ((16, 5, "", "drop\nadd table=5 actions=drop"), "line break"),
        ((64, 5, "tcp_src=5", "drop"), "OFPBMC_BAD_PREREQ"),
        ((16, 5, "conj_id=5", "conjunction(1,1/2),output:1"), "NXBAC_BAD_CONJUNCTION"),
        ((16, 5, "", "group:7"), "OFPBAC_BAD_OUT_GROUP"),
        (
            (16, 5, "", ",".join(f"set_field:{i:#x}->reg7,resubmit(,17)" for i in range(2100))),
            "an OpenFlow message holds",
        ),
    ],
)
def test_a_refused_flow_is_reported_once(ovs, switch, bad, reason):
    """A flow that the switch or ovs-ofctl refuses is reported with the reason, once; the others go on."""
    events = start(switch, IN, bad, OUT)
    refused = one(events, Refused)
    assert refused.flow == bad
    assert reason in refused.reason
    assert ovs.dump() == sorted(map(line, (IN, OUT)))
    assert switch.refused() == [refused]
    assert switch.resync() == 0
    switch.change([bad], [DROP])
    assert not any(isinstance(e, Refused) for e in settle(switch))
    assert switch.refused() == []
    assert ovs.dump() == sorted(map(line, (IN, OUT, DROP)))


def test_a_refused_flow_is_not_reported_again_after_a_restart(ovs, switch):
    """A new connection tries a refused flow again, and says nothing when the answer is the same."""
    one(start(switch, IN, (16, 5, "", "group:7")), Refused)
    ovs.kill()
    ovs.start()
    assert not any(isinstance(e, Refused) for e in until(switch, Connected, Synced))
    assert len(switch.refused()) == 1
    assert ovs.dump() == [line(IN)]


def test_another_spelling_of_a_match_takes_the_flows_place(ovs, switch):
    """Where a flow is found under another spelling, the old one goes before the new one comes."""
    ovs.ofctl("add-flow", "table=16,priority=5,reg7=0x1,actions=drop")
    start(switch, (16, 5, "reg7=1", "drop"))
    assert ovs.dump() == ["table=16,priority=5,reg7=0x1 actions=drop"]


def test_a_refused_change_removes_the_old_flow(ovs, switch):
    """Where the new actions are refused the old ones don't go on either: they are no longer wanted."""
    start(switch, IN, OUT)
    switch.change([OUT], [(*OUT[:3], "group:7")])
    assert one(settle(switch), Refused)
    assert ovs.dump() == [line(IN)]


def test_resync_counts_differences(ovs, switch):
    """Recompute's question is answered: nothing differs, or how many flows do."""
    start(switch, IN, OUT)
    assert switch.resync() == 0
    switch._take = lambda _: None  # deaf to the switch's reports
    ovs.ofctl("del-flows", "table=64")
    ovs.ofctl("add-flow", "table=16,priority=7,actions=drop")
    assert switch.resync() == 2
    del switch._take
    settle(switch)
    assert ovs.dump() == sorted(map(line, (IN, OUT)))


def test_resync_without_a_switch(tmp_path):
    """With no bridge to ask, resync says so."""
    with pytest.raises(NotConnectedError):
        Switch("br-int", TABLES, rundir=str(tmp_path)).resync()


def test_a_bridge_without_openflow_14(ovs, switch):
    """A bridge that speaks too few protocols is named with the remedy, and used when it is cured."""
    ovs.vsctl("set", "bridge", "br-int", "protocols=OpenFlow10")
    switch.change((), [IN])
    switch.go()
    assert "OpenFlow14" in one(until(switch, Lost), Lost).reason
    ovs.vsctl("clear", "bridge", "br-int", "protocols")
    until(switch, Synced)
    assert ovs.dump() == [line(IN)]


def test_many_flows_at_once(ovs, switch):
    """Thousands of flows go in one bundle, and out again."""
    many = [(16, 50, f"reg6={i:#x},metadata=0x1", f"set_field:{i:#x}->reg7,resubmit(,17)") for i in range(1, 5001)]
    assert one(start(switch, *many), Synced) == Synced(5000, 0, 0)
    assert switch.resync() == 0
    assert len(ovs.dump()) == 5000
    switch.change(many, ())
    assert one(until(switch, Synced), Synced) == Synced(0, 5000, 0)
    assert ovs.dump() == []


FLOWS = [(t, p, m, a) for t in (16, 64) for p in (1, 2) for m in ("reg7=0x1", "ip") for a in ("drop", "output:1")]
STEP = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(FLOWS)),
    st.tuples(st.just("delete"), st.sampled_from(FLOWS)),
    st.tuples(st.just("foreign"), st.sampled_from(["del-flows", "add-flow"]), st.sampled_from(FLOWS)),
    st.tuples(st.just("run"), st.integers(1, 5)),
    st.tuples(st.just("restart")),
)


@settings(deadline=None, max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, max_size=30))
def test_any_sequence_ends_in_the_wanted_flows(ovs, steps):
    """Whatever is wanted, taken back, changed by others or cut off in between: in the end the switch is right."""
    switch = Switch("br-int", TABLES, rundir=str(ovs.folder))
    switch.go()
    wanted = {}
    for kind, *what in steps:
        match kind, what:
            case "add", [flow]:
                old = wanted.get(flow[:3])
                switch.change([(*flow[:3], old)] if old else (), [flow])
                wanted[flow[:3]] = flow[3]
            case "delete", [flow]:
                switch.change([flow], ())
                if wanted.get(flow[:3]) == flow[3]:
                    del wanted[flow[:3]]
            case "foreign", ["add-flow", flow]:
                ovs.ofctl("add-flow", line(flow).replace(" actions", ",actions"))
            case "foreign", ["del-flows", flow]:
                ovs.ofctl("del-flows", f"table={flow[0]}")
            case "run", [times]:
                for _ in range(times):
                    switch.run()
            case "restart", []:
                switch.close()
                switch = Switch("br-int", TABLES, rundir=str(ovs.folder))
                switch.change((), [(*key, actions) for key, actions in wanted.items()])
                switch.go()
    settle(switch)
    assert ovs.dump() == sorted(line((*key, actions)) for key, actions in wanted.items())
    assert switch.resync() == 0
    switch.close()


def test_changes_while_a_bundle_is_under_way(ovs, switch):
    """Changes noted before the last ones are acknowledged follow them, each key with its last state."""
    start(switch)
    for i in range(200):
        switch.change([OUT] if i % 2 else (), () if i % 2 else [OUT])
        switch.change((), [(16, i, "", "drop")])
        switch.run()
    settle(switch)
    assert len(ovs.dump()) == 200
    assert not any("table=64" in flow for flow in ovs.dump())
