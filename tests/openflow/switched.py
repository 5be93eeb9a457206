"""A packet's way through flows, as the simulator follows it and as a real switch does."""

import re

from traced import trace

from ovn_rules.rules.openflow import FlowTable, packet_text, simulate
from ovn_rules.rules.openflow.fields import PLACES
from ovn_rules.rules.openflow.match import item_cube

REGISTERS = sum(PLACES[f"reg{n}"].mask for n in range(16))


def put(switch, flows):
    """Makes these the flows of the switch."""
    lines = [f"table={f.table},priority={f.priority},{f.match} actions={f.actions}\n" for f in flows]
    switch.ofctl("del-flows")
    switch.ofctl("add-flows", "--bundle", "-", text="".join(lines))


def follow(flows, packet):
    """The simulator's way of a packet."""
    tables = {t: FlowTable(f for f in flows if f.table == t) for t in {f.table for f in flows}}
    return simulate(packet, lambda table, bits: tables[table].lookup(bits) if table in tables else None)


def said(switch, packet):
    """What the real switch does with a packet."""
    return trace(switch.folder / "ovs-vswitchd.ctl", packet_text(packet))


def assert_final(packet, text):
    """The switch prints the same packet at the end as the simulator has; it prints no registers that are 0."""
    shown = 0
    for item in text.split(","):
        if found := re.match(r"dl_vlan1=(\d+)", item):
            assert packet.below & 0xFFF == int(found[1])
        if re.match(r"eth$|recirc_id|dl_vlan1|dl_vlan_pcp1|vlan_tci1", item):
            continue
        value, mask = item_cube(item)
        assert packet.bits & mask == value, (item, packet_text(packet), text)
        shown |= mask
    assert packet.bits & REGISTERS & ~shown == 0, (packet_text(packet), text)
