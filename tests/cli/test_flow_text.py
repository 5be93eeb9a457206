"""Pasted flows: every form in which tools print flows is read, and every flow of a real switch is found in each."""

import json
import subprocess

import pytest
from openvswitch import OpenVSwitch

from ovn_rules.cli.demo_network import network
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.flow_text import (
    canonical_actions,
    looks_like_flow,
    names_ports,
    numbered,
    read_flows,
)
from ovn_rules.cli.verbs.pasted import find_flows
from ovn_rules.cli.verbs.row_text import read_rows
from ovn_rules.engine import Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.io.flows import flow_mod
from ovn_rules.rules.ezbake.programs import EZBAKE

# As ovs-ofctl, ovs-appctl of Open vSwitch 3.1 print one flow.
FORMS = """\
 cookie=0x0, duration=0.011s, table=17, n_packets=0, n_bytes=0, idle_age=0, priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02 actions=load:0x2->NXM_NX_REG7[],resubmit(,18)
 cookie=0x0, duration=0.011s, table=17, n_packets=0, n_bytes=0, priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02 actions=set_field:0x2->reg7,resubmit(,18)
 cookie=0x5f, duration=9.1s, table=17, n_packets=7, n_bytes=98, idle_timeout=30, hard_timeout=60, importance=3, send_flow_rem check_overlap priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02 actions=set_field:0x2->reg7,resubmit(,18)
 table=17, priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02 actions=set_field:0x2->reg7,resubmit(,18)
table=17,priority=50,dl_dst=00:00:00:00:00:02,metadata=0x1 actions=set_field:0x2->reg7,resubmit(,18)
table_id=17, duration=0s, n_packets=0, n_bytes=0, n_offload_packets=0, n_offload_bytes=0, priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02,actions=set_field:0x2->reg7,resubmit(,18)
metadata=0x1,dl_dst=00:00:00:00:00:02, priority=50 table=17 actions=set_field:0x2->reg7,resubmit(,18)
17. metadata=0x1,dl_dst=00:00:00:00:00:02, priority 50
    17. metadata=0x1,dl_dst=00:00:00:00:00:02, priority 50, cookie 0x5f
        Rule: table=17 cookie=0 priority=50,metadata=0x1,dl_dst=00:00:00:00:00:02
""".splitlines()  # noqa: E501 - as they are printed

TRACE = """\
Flow: in_port=v1,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x0000

bridge("br-int")
----------------
 0. in_port=v1, priority 100
    set_field:0x1->metadata
    resubmit(,16)
16. reg6=0x1,metadata=0x1,dl_src=00:00:00:00:00:01, priority 50, cookie 0x7
    resubmit(,17)
17. metadata=0x1, priority 100
    set_field:0x2->reg7
    resubmit(,18)
    18. metadata=0x1, priority 0
            resubmit(,19)
        19. No match.
            drop
18. ip,metadata=0x1, priority 32768
    drop

Final flow: unchanged
Megaflow: recirc_id=0,eth,in_port=2,dl_type=0x0000
Datapath actions: push_vlan(vid=7,pcp=0),tap-long-name
"""


@pytest.mark.parametrize("line", FORMS)
def test_one_flow_in_every_form(line):
    """Table, priority and match are read from each form, and the actions where they stand in it."""
    assert looks_like_flow(line)
    (flow,) = read_flows(line)
    assert (flow.table, flow.priority) == (17, 50)
    assert set(flow.match) == {"metadata=0x1", "dl_dst=00:00:00:00:00:02"}
    assert flow.actions == ("set_field:0x2->reg7,resubmit(,18)" if "actions=" in line else None)
    (same,) = read_flows(f"host1: {line}")
    assert (same.chassis, same.match) == ("host1", flow.match)


TRACED_PART = """bridge("br-int")
----------------
 0. in_port=1, priority 100
    resubmit(,8)
"""


@pytest.mark.parametrize(
    ("text", "flow"),
    [
        ('OpenFlow(chassis="host1", table=64)', False),
        ('Pipeline(table_id=1, priority=5, match="ip4", actions="next;")', False),
        ("sb.Chassis", False),
        (TRACED_PART, True),
        ("recirc_id(0),in_port(2),eth_type(0x0800), packets:0, bytes:0, used:never, actions:ct(commit)", True),
    ],
)
def test_patterns_and_flows_are_told_apart(text, flow):
    """Columns called like parts of a flow make none of a pattern; a flow may begin and end like a pattern."""
    assert looks_like_flow(text) is flow


def test_what_is_left_out_has_its_default():
    """Without table= it is table 0, without a priority 32768; without actions any priority will do."""
    (flow,) = read_flows(" in_port=1 actions=drop")
    assert (flow.table, flow.priority, flow.match) == (0, 32768, ("in_port=1",))
    (flow,) = read_flows(" table=3, actions=drop")
    assert (flow.table, flow.match) == (3, ())
    (flow,) = read_flows("table=3,ip")
    assert (flow.priority, flow.actions) == (None, None)


def test_a_whole_trace():
    """Of a trace each flow is read, once, with its bridge; what is between them is passed over."""
    flows = read_flows(TRACE)
    found = [(f.table, f.priority, sorted(f.match)) for f in flows]
    assert found == [
        (0, 100, ["in_port=v1"]),
        (16, 50, ["dl_src=00:00:00:00:00:01", "metadata=0x1", "reg6=0x1"]),
        (17, 100, ["metadata=0x1"]),
        (18, 0, ["metadata=0x1"]),
        (18, 32768, ["ip", "metadata=0x1"]),
    ]
    assert {f.bridge for f in flows} == {"br-int"}


def test_names_of_ports():
    """Names of ports, quoted or not, get their numbers; what is no known name stays."""
    (flow,) = read_flows('priority=5,in_port="tap-long name,odd",dl_vlan=7 actions=strip_vlan,output:v1,output:"w 2"')
    assert names_ports(flow)
    match, actions = numbered(flow, {"tap-long name,odd": 3, "v1": 4})
    assert match == ("in_port=3", "dl_vlan=7")
    assert actions == "pop_vlan,output:4,output:w 2"
    assert not names_ports(read_flows("in_port=LOCAL actions=output:3")[0])


def test_actions_of_openflow_10():
    """What OpenFlow 1.0 and Nicira's extensions spell otherwise is what OpenFlow 1.3 does."""
    old = "load:0x1->OXM_OF_METADATA[],load:0x5->NXM_NX_REG6[],load:0->NXM_OF_IN_PORT[],mod_vlan_vid:7,strip_vlan"
    new = "set_field:0x1->metadata,set_field:0x5->reg6,set_field:0->in_port,push_vlan:0x8100,set_field:4103->vlan_vid"
    assert canonical_actions(old) == f"{new},pop_vlan"
    assert canonical_actions("load:0x1->NXM_NX_REG0[0..3],drop") == "load:0x1->NXM_NX_REG0[0..3],drop"


@pytest.mark.parametrize("text", ["", "nothing", "NXST_FLOW reply (xid=0x4):", 'bridge("br-int")\n----', "a=b, c=d"])
def test_no_flow(text):
    """What has no flow in it is said to have none."""
    with pytest.raises(Failure, match="is no flow"):
        read_flows(text)


UUID, SWITCH = "61ab1d37-5bff-4e7e-8a0a-f6a9a3a2ab4e", "0a000000-0000-4000-8000-00000000000a"
ROW = (
    ("logical_datapath", SWITCH),
    ("table_id", "1"),
    ("priority", "50"),
    ("match", 'eth.dst == fa:16:3e:76:12:96 && inport == "a b"'),
    ("actions", 'outport = "vm1"; next;'),
)
LISTED = (*ROW, ("stage", "ls_in_port_sec_l2"))
QUOTED_MATCH, QUOTED_ACTIONS = json.dumps(ROW[3][1]), json.dumps(ROW[4][1])
CSV_MATCH, CSV_ACTIONS = ('"' + json.dumps(ROW[i][1]).replace('"', '""') + '"' for i in (3, 4))

ROWS = {
    "lflow-list": f'Datapath: "net-a" ({SWITCH})  Pipeline: ingress\n'
    f"  table=1 (ls_in_port_sec_l2  ), priority=50   , match=({ROW[3][1]}), action=({ROW[4][1]})\n",
    "lflow-list with --uuid": f'Datapath: "net-a" ({SWITCH})  Pipeline: ingress\n'
    f"  uuid=0x00bf8dad, table=1 (ls_in_port_sec_l2  ), priority=50   , match=({ROW[3][1]}), action=({ROW[4][1]})\n",
    "list": f"_uuid               : {UUID}\nactions             : {QUOTED_ACTIONS}\nlogical_datapath    : {SWITCH}\n"
    f"match               : {QUOTED_MATCH}\npriority            : 50\ntable_id            : 1\n",
    "table": "_uuid                                actions logical_datapath match priority table_id\n"
    "------------------------------------ ------- ---------------- ----- -------- --------\n"
    f"{UUID} {QUOTED_ACTIONS} {SWITCH} {QUOTED_MATCH}   50       1       \n",
    "row of a table": f"{UUID} {QUOTED_ACTIONS} {SWITCH} {QUOTED_MATCH}   50       1",
    "csv": f"_uuid,actions,logical_datapath,match,priority,table_id\n{UUID},{CSV_ACTIONS},{SWITCH},{CSV_MATCH},50,1\n",
    "json": json.dumps(
        {
            "headings": ["_uuid", *sorted(dict(ROW))],
            "data": [[["uuid", UUID], ROW[4][1], ["uuid", SWITCH], ROW[3][1], 50, 1]],
        }
    ),
    "derive": json.dumps([{**dict(ROW), "table_id": 1, "priority": 50}]),
}


@pytest.mark.parametrize("form", ROWS)
def test_logical_flows_in_every_form(form):
    """A logical flow is read from every form that has it."""
    assert looks_like_flow(ROWS[form])
    (row,) = read_flows(ROWS[form])
    assert row.values == (LISTED if form.startswith("lflow-list") else ROW)


def test_several_rows():
    """Records one after another are told apart."""
    assert [r.values for r in read_rows(ROWS["list"] + "\n" + ROWS["list"])] == [ROW, ROW]
    listed = ROWS["lflow-list"] + ROWS["lflow-list"].splitlines()[1]
    assert [r.values for r in read_rows(listed)] == [LISTED, LISTED]
    assert read_rows("Pipeline(table_id=2)") == read_rows("[1, 2") == read_rows('{"match": 1}') == []


# -- a real switch -----------------------------------------------------------------------------------------


class World:
    """The demonstration's network, in an engine."""

    program = EZBAKE

    def __init__(self):
        """Derives it, with two ACLs of many kinds of match."""
        rules = EZBAKE.everything.load()
        self.engine = Engine(rules)
        tables = network()
        matches = (
            "tcp.dst == 80 && ip4.src == 10.0.0.0/8",
            "ip6.src == 2001:db8::/32 && icmp6.type == 135",
            "vlan.present || arp.tpa == 10.0.0.1 || ip.frag || tcp.flags == 2",
            "ip4.src == {1.1.1.1, 2.2.2.2, 3.3.3.3} && ip4.dst == {4.4.4.4, 5.5.5.5, 6.6.6.6} && tcp.dst == {1, 2, 3}",
        )
        tables["nb.ACL"] = [
            {
                "_uuid": f"0c000000-0000-4000-8000-00000000000{i}",
                "lswitch": "0a000000-0000-4000-8000-00000000000a",
                "priority": 32768 - i,
                "match": match,
                "action": "drop",
            }
            for i, match in enumerate(matches)
        ]
        self.engine.transact({r: ((), f) for r, f in facts_of(rules, tables).items()})


@pytest.fixture(scope="module")
def world():
    """The network that the switch gets the flows of."""
    return World()


@pytest.fixture(scope="module")
def switch(world, tmp_path_factory):
    """A switch with host1's flows, and ports that are called as host1's are."""
    made = OpenVSwitch(tmp_path_factory.mktemp("switch"))
    made.add_bridge()
    names = dict(world.engine.facts("ovs.Interface"))
    bridges = {f[2] for f in world.engine.facts("ActiveChassis") if f[0] == "host1"}
    ports = {port for bridge, port in world.engine.facts("ovs.Bridge.ports") if bridge in bridges}
    interfaces = {interface for port, interface in world.engine.facts("ovs.Port.interfaces") if port in ports}
    for interface, number in world.engine.facts("ovs.Interface.ofport"):
        if interface in interfaces:
            name = names[interface]
            settings = ("type=dummy", f"ofport_request={number}")
            made.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, *settings)
    flows = [f[1:] for f in world.engine.facts("OpenFlow") if f[0] == "host1"]
    line = ["ovs-ofctl", "-O", "OpenFlow14", "add-flows", f"unix:{made.folder}/br-int.mgmt", "-"]
    subprocess.run(line, check=True, input="".join(f"{flow_mod(f)}\n" for f in flows), text=True, capture_output=True)
    yield made
    made.close()


def said(switch, *command):
    """What ovs-ofctl or ovs-appctl prints of the switch."""
    place = {
        "dump-flows": ["ovs-ofctl", *command, f"unix:{switch.folder}/br-int.mgmt"],
        "bridge/dump-flows": ["ovs-appctl", "-t", f"{switch.folder}/ovs-vswitchd.ctl", *command, "br-int"],
    }[next(word for word in command if word.endswith("dump-flows"))]
    return subprocess.run(place, check=True, capture_output=True, text=True).stdout


DUMPS = {
    "plain": ("dump-flows",),
    "OpenFlow 1.3": ("-O", "OpenFlow13", "dump-flows"),
    "OpenFlow 1.5": ("-O", "OpenFlow15", "dump-flows"),
    "names": ("--names", "dump-flows"),
    "names in OpenFlow 1.3": ("-O", "OpenFlow13", "--names", "dump-flows"),
    "without statistics": ("--no-stats", "--no-names", "dump-flows"),
    "sorted": ("--rsort=priority", "-O", "OpenFlow13", "dump-flows"),
    "bridge": ("bridge/dump-flows",),
    "bridge, offloaded": ("bridge/dump-flows", "--offload-stats"),
}


@pytest.mark.parametrize("how", DUMPS)
def test_every_flow_of_a_real_switch(world, switch, how):
    """Each line of a dump is found, and is another fact; together they are all flows of the host."""
    lines = [line for line in said(switch, *DUMPS[how]).splitlines() if "actions=" in line and "=254," not in line]
    facts = set()
    for line in lines:
        found, notes = find_flows(world, line, "host1")
        assert (len(found), notes) == (1, []), line
        facts.add(found[0][1])
    assert facts == {f for f in world.engine.facts("OpenFlow") if f[0] == "host1"}
    assert len(facts) == len(lines) > 50


@pytest.mark.parametrize("options", [(), ("--names",)])
def test_every_flow_of_real_traces(world, switch, options):
    """Each flow that ofproto/trace prints is found."""
    seen = set()
    for packet in (
        "in_port=1,dl_src=fa:16:3e:76:12:96,dl_dst=fa:16:3e:50:01:91",
        "in_port=1,dl_src=fa:16:3e:76:12:96,dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_tpa=10.0.0.1",
        "in_port=2,dl_src=fa:16:3e:b1:34:ed,dl_dst=fa:16:3e:76:12:96,tcp,nw_src=10.1.1.1,tp_dst=80",
        "in_port=2,dl_src=fa:16:3e:b1:34:ed,dl_dst=fa:16:3e:76:12:96,icmp6,ipv6_src=2001:db8::1,icmpv6_type=135",
        "in_port=4,tun_id=2,dl_src=fa:16:3e:b1:34:ed,dl_dst=fa:16:3e:76:12:96",
    ):
        command = ["ovs-appctl", "-t", f"{switch.folder}/ovs-vswitchd.ctl", "ofproto/trace", *options, "br-int", packet]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for flow in read_flows(text):
            found, _ = find_flows(world, f'bridge("{flow.bridge}")\n {flow.text}', "host1")
            assert len(found) == 1, flow
            seen.add(found[0][1])
    assert {0, 16, 17, 18, 19, 64} <= {f[1] for f in seen}


def test_a_flow_is_found_on_every_host_that_has_it(world):
    """Without a host it is all that have it; a name of a port means each host's own port of that name."""
    text = "table=17,priority=50,metadata=0x1,dl_dst=fa:16:3e:76:12:96 actions=set_field:0x1->reg7,resubmit(,18)"
    assert [f[0] for _, f in find_flows(world, text)[0]] == ["host1", "host2"]
    assert [f[0] for _, f in find_flows(world, f"host2: {text}")[0]] == ["host2"]
    assert [f[0] for _, f in find_flows(world, text, "host1")[0]] == ["host1"]
    ((_, flow),) = find_flows(world, "priority=100,in_port=tap-vm3")[0]
    assert flow[:4] == ("host2", 0, 100, "in_port=2")


def test_flows_of_a_switch_that_is_none_of_ours(world):
    """A flow of another network, or with an unknown port, is said not to be there."""
    for text in ("priority=100,in_port=nowhere actions=drop", "table=17,priority=50,dl_dst=00:00:00:00:99:99"):
        with pytest.raises(Failure, match="no such flow on any of host1 and host2"):
            find_flows(world, text)
