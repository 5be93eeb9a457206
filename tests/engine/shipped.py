"""Rows of small networks for Hypothesis to draw: few names, so that they collide and come back."""

from hypothesis import strategies as st

MAC_A, MAC_B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
PORTS = ("a", "b", "c")
HOSTS = ("hv1", "hv2", "hv3")
SWITCHES = ("s1", "s2")
MATCHES = (
    "1",
    "ip4",
    "eth.type == 0x800",
    "ip4 &&",
    f"eth.dst == {MAC_A} 10.0.0.1",
    'inport == "a"',
    'inport == {"b", "c"} && ip4.src == 10.0.0.3',
    "ip4.src == {10.0.0.3 10.0.0.6 10.0.0.9 10.0.0.12 10.0.0.15} && ip4.dst == {10.0.1.3 10.0.1.6 10.0.1.9 10.0.1.12}",
    "ip4.src == {10.0.0.3 10.0.0.6 10.0.0.9 10.0.0.12 10.0.0.15} && ip4.dst == {10.0.2.3 10.0.2.6 10.0.2.9 10.0.2.12}",
)
ACTIONS = ("next;", "drop;", "", 'outport = "a"; next;', 'outport = "b"; next; outport = "c"; next;', "fly;")


def one(*values):
    """One of some values; the first is what a failing example shrinks to."""
    return st.sampled_from(values)


def some(*values):
    """A set of some values."""
    return st.lists(one(*values), max_size=3, unique=True).map(tuple)


def mapping(**values):
    """A map that has some of the keys."""
    return st.fixed_dictionaries({}, optional={k.replace("_", "-"): one(*v) for k, v in values.items()})


def row(**columns):
    """A row of the drawn columns."""
    return st.fixed_dictionaries(columns)


PARENT, TAG = one((), ("a",), ("b",), ("",)), one((), (0,), (5,))
ADDRESSES = some(MAC_A, MAC_A.upper(), MAC_B, f"{MAC_B} 10.0.0.2", "unknown", "rubbish")
FLOW = {"table_id": one(0, 1, 2), "priority": one(0, 5), "match": one(*MATCHES), "actions": one(*ACTIONS)}

TABLES = {
    "nb.Logical_Switch": (SWITCHES, row(name=one("x", "y"))),
    "nb.Logical_Port": (
        ("p1", "p2", "p3", "p4"),
        row(
            name=one(*PORTS),
            lswitch=one(*SWITCHES),
            macs=ADDRESSES,
            port_security=ADDRESSES,
            parent_name=PARENT,
            tag=TAG,
        ),
    ),
    "nb.ACL": (
        ("c1", "c2", "c3"),
        row(
            lswitch=one(*SWITCHES),
            priority=one(0, 5),
            match=one(*MATCHES),
            action=one("allow", "allow-related", "drop", "reject"),
        ),
    ),
    "sb.Binding": (
        ("b1", "b2", "b3"),
        row(
            logical_port=one(*PORTS),
            logical_datapath=one(*SWITCHES),
            tunnel_key=one(1, 2, 3),
            chassis=one("", *HOSTS),
            parent_port=PARENT,
            tag=TAG,
            mac=ADDRESSES,
        ),
    ),
    "sb.Pipeline": (("f1", "f2", "f3", "f4"), row(logical_datapath=one(*SWITCHES), **FLOW)),
    "sb.Chassis": (("x1", "x2"), row(name=one(*HOSTS), encaps=some("e1", "e2"))),
    "sb.Encap": (("e1", "e2"), row(type=one("geneve", "stt", "vxlan"), ip=one("192.0.2.1", "192.0.2.2"))),
    "ovs.Open_vSwitch": (
        ("h1", "h2"),
        row(
            bridges=some("br1", "br2"),
            external_ids=mapping(
                system_id=("hv1", "hv2", ""),
                ovn_remote=("tcp:192.0.2.9:6642",),
                ovn_bridge=("br0",),
                ovn_bridge_datapath_type=("netdev",),
                ovn_encap_type=("geneve", "vxlan", "gre"),
                ovn_encap_ip=("192.0.2.1", ""),
            ),
        ),
    ),
    "ovs.Bridge": (("br1", "br2"), row(name=one("br-int", "br0"), ports=some("o1", "o2", "o3"))),
    "ovs.Port": (
        ("o1", "o2", "o3"),
        row(
            name=one("ovn-hv2-0", "ovn-hv3-0", "tap"),
            interfaces=some("i1", "i2", "i3"),
            external_ids=mapping(ovn_chassis_id=HOSTS),
        ),
    ),
    "ovs.Interface": (
        ("i1", "i2", "i3"),
        row(external_ids=mapping(iface_id=("a", "b", "")), ofport=one((), (-1,), (2,), (3,))),
    ),
}
"""For each table the UUIDs that its rows may have, and what the rows may be."""

FACTS = {
    "FlowHint": st.tuples(one(1, 2, 3), one(1, 2, 7)),
    "Leaving": st.tuples(one(*HOSTS)),
}
"""Relations that are given as facts."""

START = {
    "nb.Logical_Switch": {"s1": {"name": "x"}},
    "nb.Logical_Port": {
        "p1": {"name": "a", "lswitch": "s1", "macs": (MAC_A,), "port_security": (MAC_A,)},
        "p2": {"name": "b", "lswitch": "s1", "macs": (MAC_B, "unknown")},
    },
    "nb.ACL": {"c1": {"lswitch": "s1", "priority": 5, "match": MATCHES[-1], "action": "drop"}},
    "sb.Binding": {"b1": {"logical_port": "a", "logical_datapath": "s1", "tunnel_key": 2, "chassis": "hv1"}},
    "sb.Pipeline": {
        "f1": {"logical_datapath": "s1", "table_id": 1, "priority": 5, "match": "1", "actions": ACTIONS[-2]},
        "f2": {"logical_datapath": "s1", "table_id": 2, "priority": 5, "match": MATCHES[-1], "actions": "next;"},
    },
    "sb.Chassis": {"x1": {"name": "hv2", "encaps": ("e1",)}},
    "sb.Encap": {"e1": {"type": "geneve", "ip": "192.0.2.2"}},
    "ovs.Open_vSwitch": {
        "h1": {
            "bridges": ("br1",),
            "external_ids": {"system-id": "hv1", "ovn-encap-type": "geneve", "ovn-encap-ip": "192.0.2.1"},
        }
    },
    "ovs.Bridge": {"br1": {"name": "br-int", "ports": ("o1", "o2")}},
    "ovs.Port": {
        "o1": {"name": "tap", "interfaces": ("i1",)},
        "o2": {"name": "ovn-hv2-0", "interfaces": ("i2",), "external_ids": {"ovn-chassis-id": "hv2"}},
    },
    "ovs.Interface": {"i1": {"external_ids": {"iface-id": "a"}, "ofport": (2,)}, "i2": {"ofport": (3,)}},
}
"""A network that works: what is drawn changes it."""


def read_by(program):
    """The tables that a program reads."""
    used = {f"{r.table.database}.{r.table.table}" for r in program.relations.values() if r.table is not None}
    return [t for t in TABLES if t in used]


def steps(program):
    """One change: (table, UUID, row), (table, UUID, None) to delete, or (relation, fact, whether it holds)."""
    each = [
        st.tuples(st.just(table), one(*uuids), st.none() | content)
        for table, (uuids, content) in TABLES.items()
        if table in read_by(program)
    ]
    given = [r for r in FACTS if r in program.relations and r not in program.derived]
    return st.one_of(*each, *(st.tuples(st.just(r), FACTS[r], st.booleans()) for r in given))


def transactions(program, most):
    """Sequences of up to ``most`` transactions of a few changes each."""
    return st.lists(st.lists(steps(program), min_size=1, max_size=4), min_size=1, max_size=most)
