"""The rules that are shipped: the engine agrees with evaluation from scratch on random databases, sane or not."""

import pytest
from agreement import check_sequence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ovn_rules.engine.ir import BOOL, INT, UUID
from ovn_rules.rules.ezbake.programs import EZBAKE
from programs import Step, transaction

SEQUENCES, SEQUENCE = 12, 12

REFERENCES = {
    "lswitch": "nb.Logical_Switch",
    "logical_datapath": "nb.Logical_Switch",
    "bridges": "ovs.Bridge",
    "ports": "ovs.Port",
    "interfaces": "ovs.Interface",
    "encaps": "sb.Encap",
    "host": "ovs.Open_vSwitch",
}
"""The table whose rows a column of UUIDs names."""

SETTINGS = (
    ("system-id", "hv0"),
    ("system-id", "hv1"),
    ("ovn-remote", "tcp:192.0.2.9:6642"),
    ("ovn-encap-type", "geneve"),
    ("ovn-encap-type", "vxlan,stt"),
    ("ovn-encap-ip", "192.0.2.1"),
    ("ovn-bridge", "br-int"),
    ("ovn-chassis-id", "hv1"),
    ("iface-id", "p0"),
    ("iface-id", "p1"),
)

MACS = ("00:00:00:00:00:01", "00:00:00:00:00:02", "unknown", "02:bad")

TEXTS = {
    "macs": MACS,
    "match": ("eth.src == 00:00:00:00:00:01", 'inport == "p0"', "ip4 && tcp", "eth.src =="),
    "actions": ("next;", 'outport = "p0"; next;', "output;", "drop;", "nonsense"),
    "action": ("allow", "drop", "allow-related", "perhaps"),
    "chassis": ("", "hv0", "hv1"),
    "type": ("geneve", "stt", "carrier-pigeon"),
    "ip": ("192.0.2.1", "192.0.2.2"),
    "logical_port": ("p0", "p1", "p2"),
    "port": ("p0", "p1", "p2"),
}

NAMES = {
    "nb.Logical_Port": ("p0", "p1", "p2"),
    "nb.Logical_Switch": ("sw0", "sw1"),
    "ovs.Bridge": ("br-int", "br0"),
    "ovs.Port": ("tap0", "ovn-hv1-0"),
}

SETS = {"parent_name": ((), ("p0",)), "tag": ((), (5,)), "macs": ((), MACS[:1], MACS[1:3], MACS[3:])}


HOSTS = (0, 1)

START = {
    "nb.Logical_Switch": [("nb.Logical_Switch/0", "sw0")],
    "nb.Logical_Port.macs": [(f"nb.Logical_Port/{i}", MACS[i]) for i in HOSTS],
    "nb.Logical_Port": [
        (f"nb.Logical_Port/{i}", "nb.Logical_Switch/0", f"p{i}", (), (), (MACS[i],), (MACS[0],)[i:]) for i in HOSTS
    ],
    "nb.ACL": [("nb.ACL/0", "nb.Logical_Switch/0", 1, 'inport == "p0"', "drop")],
    "ovs.Open_vSwitch": [(f"ovs.Open_vSwitch/{i}",) for i in HOSTS],
    "ovs.Open_vSwitch.bridges": [(f"ovs.Open_vSwitch/{i}", f"ovs.Bridge/{i}") for i in HOSTS],
    "ovs.Open_vSwitch.external_ids": [
        (f"ovs.Open_vSwitch/{i}", key, value)
        for i in HOSTS
        for key, value in (
            ("system-id", f"hv{i}"),
            ("ovn-remote", "tcp:192.0.2.9:6642"),
            ("ovn-encap-type", "geneve"),
            ("ovn-encap-ip", f"192.0.2.{i + 1}"),
        )
    ],
    "ovs.Bridge": [(f"ovs.Bridge/{i}", "br-int") for i in HOSTS],
    "ovs.Bridge.ports": [(f"ovs.Bridge/{i}", f"ovs.Port/{2 * i + j}") for i in HOSTS for j in (0, 1)],
    "ovs.Port": [(f"ovs.Port/{i}", f"tap{i}" if i % 2 == 0 else f"ovn-hv{1 - i // 2}-0") for i in range(4)],
    "ovs.Port.interfaces": [(f"ovs.Port/{i}", f"ovs.Interface/{i}") for i in range(4)],
    "ovs.Port.external_ids": [(f"ovs.Port/{2 * i + 1}", "ovn-chassis-id", f"hv{1 - i}") for i in HOSTS],
    "ovs.Interface.external_ids": [(f"ovs.Interface/{2 * i}", "iface-id", f"p{i}") for i in HOSTS],
    "ovs.Interface.ofport": [(f"ovs.Interface/{i}", i + 1) for i in range(4)],
    "sb.Chassis": [(f"sb.Chassis/{i}", f"hv{i}") for i in HOSTS],
    "sb.Chassis.encaps": [(f"sb.Chassis/{i}", f"sb.Encap/{i}") for i in HOSTS],
    "sb.Encap": [(f"sb.Encap/{i}", "geneve", f"192.0.2.{i + 1}") for i in HOSTS],
}
"""A network of two hosts with a port each, to start from; what the roles read of it with the same columns."""

BINDINGS = {
    "_uuid": "sb.Binding/{i}",
    "logical_datapath": "nb.Logical_Switch/0",
    "logical_port": "p{i}",
    "chassis": "hv{i}",
}
PIPELINE = [
    (f"sb.Pipeline/{i}", "nb.Logical_Switch/0", *rest)
    for i, rest in enumerate(
        (
            (0, 50, 'inport == "p0" && eth.src == 00:00:00:00:00:01', "next;"),
            (0, 50, 'inport == "p1"', "next;"),
            (1, 50, "eth.dst == 00:00:00:00:00:02", 'outport = "p1"; next;'),
            (2, 0, "1", "output;"),
        )
    )
]


def start(base):
    """The facts to start from, as one transaction."""
    for relation in base:
        rows = START.get(relation.name, [])
        if relation.name == "sb.Pipeline":
            rows = PIPELINE
        elif relation.name == "sb.Binding":
            rows = []
            for i in HOSTS:
                texts = {c.name: BINDINGS.get(c.name, "").format(i=i) for c in relation.columns}
                rows.append(tuple({INT: i + 1}.get(c.type, texts[c.name] or ()) for c in relation.columns))
        yield from (Step("insert", (relation, row)) for row in rows)


def values(relation, column):
    """What a column may hold."""
    table = relation.name if relation.table is None else f"{relation.table.database}.{relation.table.table}"
    if column.type == UUID:
        return [f"{REFERENCES.get(column.name, table)}/{i}" for i in range(2)]
    if column.type == INT:
        return [1, 2, 50, -1] if column.name != "table_id" else [0, 1, 2]
    if column.type == BOOL:
        return [False, True]
    if column.type.name == "tuple":
        return SETS.get(column.name, SETS["macs"])
    return TEXTS.get(column.name) or NAMES.get(table, ("hv0", "hv1"))


def facts(relation):
    """Facts of a relation, each with the relation."""
    columns = [c.name for c in relation.columns]
    drawn = [st.sampled_from(values(relation, c)) for c in relation.columns]
    if columns[-2:] == ["key", "value"]:
        rows = st.builds(lambda uuid, setting: (uuid, *setting), drawn[0], st.sampled_from(SETTINGS))
    else:
        rows = st.tuples(*drawn)
    return rows.map(lambda row: (relation, row))


@pytest.mark.parametrize("role", ["northd", "controller", "everything"])
def test_shipped_rules_are_from_scratch(role, compared):
    """After any sequence of changes of databases a daemon's rules hold what follows from them, and no more."""
    program = getattr(EZBAKE, role).load()
    base = [d for n, d in program.relations.items() if n not in program.derived]

    @given(sequence=st.tuples(*[transaction(st.one_of(map(facts, base)))] * SEQUENCE))
    @settings(
        max_examples=SEQUENCES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def agree(sequence):
        check_sequence(program, [list(start(base)), *sequence], compared)

    agree()
