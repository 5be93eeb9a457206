"""The milestone's walk through a network, from the user's commands to the flows, with the real commands."""

import re

import pytest
from conftest import PROGRAM
from lab import until
from netns import command

pytestmark = pytest.mark.system
MACS = {"web": "fa:16:3e:00:00:01", "db": "fa:16:3e:00:00:02"}
MULTICAST = "01:00:00:00:00:00/01:00:00:00:00:00"


def nbctl(lab, *words):
    return command(PROGRAM, "nbctl", "--db", lab.nb, *words)


@pytest.fixture(scope="module")
def net(lab):
    """One switch, one port on each host, made with ``ovn-rules nbctl``."""
    nbctl(lab, "lswitch-add", "sw0")
    lab.machines = {}
    for number, (name, host) in enumerate(zip(MACS, lab.hosts.values(), strict=True), 1):
        nbctl(lab, "lport-add", "sw0", name)
        nbctl(lab, "lport-set-macs", name, MACS[name])
        nbctl(lab, "lport-set-port-security", name, MACS[name])
        until(lambda name=name: (name,) in lab.rows("Binding", "logical_port"), "Binding")
        lab.machines[name] = host.machine(name, name, MACS[name], f"10.0.0.{number}")
        lab.machines[name].plug()
    lab.connected(*lab.machines.values(), 30)
    until(lambda: nbctl(lab, "lport-get-up", "db").strip() == "up", "db up")
    return lab


def switch_uuid(net):
    return re.search(r"([0-9a-f-]{36}) \(sw0\)", nbctl(net, "lswitch-list"))[1]


def test_show(net):
    """``nbctl show`` prints the switch with its ports and their addresses."""
    lines = nbctl(net, "show").splitlines()
    assert lines[0] == f"    lswitch {switch_uuid(net)} (sw0)"
    ports = sorted(zip(lines[1::2], lines[2::2], strict=True))
    assert ports == [(f"        lport {n}", f"            macs: {MACS[n]}") for n in sorted(MACS)]


def test_binding(net):
    """Each port has a Binding: its switch, a tunnel key, and the host where its interface is."""
    columns = ("chassis", "logical_datapath", "logical_port", "mac", "parent_port", "tag", "tunnel_key")
    switch = switch_uuid(net)
    assert net.rows("Binding", *columns) == [
        ("host1", switch, "web", MACS["web"], "", "", "1"),
        ("host2", switch, "db", MACS["db"], "", "", "2"),
    ]


def test_pipeline(net):
    """Pipeline holds the switch's logical flows, and nothing else."""
    web, db = MACS["web"], MACS["db"]
    expected = {
        ("0", "100", "vlan.present", "drop;"),
        ("0", "100", "eth.src[40]", "drop;"),
        ("0", "50", f'inport == "web" && eth.src == {{{web}}}', "next;"),
        ("0", "50", f'inport == "db" && eth.src == {{{db}}}', "next;"),
        ("0", "0", "1", "drop;"),
        ("1", "50", f"eth.dst == {web}", 'outport = "web"; next;'),
        ("1", "50", f"eth.dst == {db}", 'outport = "db"; next;'),
        ("2", "0", "1", "next;"),
        ("3", "100", "eth.dst[40]", "output;"),
        ("3", "50", f'outport == "web" && eth.dst == {{{web}}}', "output;"),
        ("3", "50", f'outport == "db" && eth.dst == {{{db}}}', "output;"),
    }
    found = set(net.rows("Pipeline", "table_id", "priority", "match", "actions"))
    floods = [row for row in found if row[:3] == ("1", "100", "eth.dst[40]")]
    assert found - set(floods) == expected
    to_web, to_db = 'outport = "web"; next;', 'outport = "db"; next;'
    assert [row[3] for row in floods] in ([f"{to_web} {to_db}"], [f"{to_db} {to_web}"])
    assert {row[0] for row in net.rows("Pipeline", "logical_datapath")} == {switch_uuid(net)}


def test_tunnels(net):
    """Each host's br-int has its machine's port and a Geneve tunnel to the other host."""
    for host, other in (("host1", "host2"), ("host2", "host1")):
        shown = net.hosts[host].vsctl("show")
        assert f"Interface ovn-{other}-0" in shown
        assert "type: geneve" in shown
        assert f'options: {{key=flow, remote_ip="192.0.2.{other[-1]}"}}' in shown
        chassis = net.hosts[host].vsctl("get", "Port", f"ovn-{other}-0", "external_ids:ovn-chassis-id")
        assert chassis.strip() == other


@pytest.mark.parametrize(("host", "name", "key"), [("host1", "web", 1), ("host2", "db", 2)])
def test_flows(net, host, name, key):
    """A host's flows are exactly those that follow: into the pipeline, through it, and out."""
    host, other = net.hosts[host], 3 - key
    port = host.ofport(net.machines[name].port)
    tunnel = host.ofport(f"ovn-host{other}-0")
    web, db = MACS["web"], MACS["db"]
    expected = {
        f"priority=100,in_port={port} actions=set_field:0x1->metadata,set_field:{key:#x}->reg6,resubmit(,16)",
        f"priority=50,tun_id={key:#x} actions=output:{port}",
        "table=16,priority=100,metadata=0x1,vlan_tci=0x1000/0x1000 actions=drop",
        f"table=16,priority=100,metadata=0x1,dl_src={MULTICAST} actions=drop",
        f"table=16,priority=50,reg6=0x1,metadata=0x1,dl_src={web} actions=resubmit(,17)",
        f"table=16,priority=50,reg6=0x2,metadata=0x1,dl_src={db} actions=resubmit(,17)",
        "table=16,priority=0,metadata=0x1 actions=drop",
        f"table=17,priority=50,metadata=0x1,dl_dst={web} actions=set_field:0x1->reg7,resubmit(,18)",
        f"table=17,priority=50,metadata=0x1,dl_dst={db} actions=set_field:0x2->reg7,resubmit(,18)",
        "table=18,priority=0,metadata=0x1 actions=resubmit(,19)",
        f"table=19,priority=100,metadata=0x1,dl_dst={MULTICAST} actions=resubmit(,64)",
        f"table=19,priority=50,reg7=0x1,metadata=0x1,dl_dst={web} actions=resubmit(,64)",
        f"table=19,priority=50,reg7=0x2,metadata=0x1,dl_dst={db} actions=resubmit(,64)",
        "table=64,priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "table=64,priority=100,reg6=0x2,reg7=0x2 actions=drop",
        f"table=64,priority=50,reg7={key:#x} actions=output:{port}",
        f"table=64,priority=50,reg7={other:#x} actions=set_field:{other:#x}->tun_id,output:{tunnel}",
    }
    found = {flow.replace(", ", ",") for flow in host.flows()}
    flood = f"table=17,priority=100,metadata=0x1,dl_dst={MULTICAST} actions="
    floods = {flow for flow in found if flow.startswith(flood)}
    assert found - floods == expected
    to = [f"set_field:{n:#x}->reg7,resubmit(,18)" for n in (1, 2)]
    assert floods in ({flood + ",".join(to)}, {flood + ",".join(reversed(to))})


def test_a_port_goes(net):
    """A port deleted with nbctl is gone from every table and every host."""
    nbctl(net, "lport-del", "db")
    until(lambda: net.rows("Binding", "logical_port") == [("web",)], "Binding gone")
    for host in net.hosts.values():
        until(lambda host=host: not any(MACS["db"] in flow for flow in host.flows()), "flows gone")
    assert "lport db" not in nbctl(net, "show")
    assert net.ended() == {}
