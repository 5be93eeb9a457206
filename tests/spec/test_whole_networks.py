"""Whole networks: what follows from their rows, by one program or by many daemons, in one step or in any order.

``networks/*.json`` hold each network's rows and what must follow from them.
"""

import json
import random
from pathlib import Path

import pytest
from network import CHASSIS, EVERYTHING, Network

NETWORKS = {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in Path(__file__).parent.glob("networks/*.json")}


def build(role, rows, **how):
    """A network of the given rows."""
    net = Network(role, **how)
    for table, found in rows.items():
        for uuid, row in found.items():
            net.put(table, uuid, **row)
    return net


def frozen(value):
    """A value read from JSON as it stands in a fact."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def printed(facts, chassis):
    """A chassis' flows as text, sorted."""
    return sorted(f"table={t}, priority={p}{m and ','}{m} actions={a}" for c, t, p, m, a in facts if c == chassis)


def assert_follows(net, wanted, *, ports=True):
    """What a network's file says follows from its rows follows."""
    assert sorted(net["Pipeline"]) == sorted(map(frozen, wanted["pipeline"]))
    if ports:
        assert sorted(net["Binding"]) == sorted(map(frozen, wanted["bindings"]))
        assert sorted(net.problems()) == sorted(wanted["problems"])
    for chassis, flows in wanted["flows"].items():
        assert printed(net["OpenFlow"], chassis) == sorted(flows)
    assert {f[0] for f in net["OpenFlow"]} == set(wanted["flows"])


@pytest.mark.parametrize("role", CHASSIS)
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name, role):
    """A network's rows give exactly its logical flows, its ports' rows and its hosts' flows."""
    wanted = NETWORKS[name]
    assert_follows(build(role, wanted["rows"]), wanted, ports=role == EVERYTHING)


@pytest.mark.parametrize("name", NETWORKS)
def test_row_by_row(name):
    """In whatever order rows come, and after any of them went and came back, the same follows."""
    wanted = NETWORKS[name]
    order = random.Random(name)  # noqa: S311 - the same order in every run
    rows = [(table, uuid, row) for table, found in wanted["rows"].items() for uuid, row in found.items()]
    order.shuffle(rows)
    net = Network(EVERYTHING, checked=False)
    # With the stored keys and numbers there first, none is given in the order of arrival.
    for key, datapath in numbers(wanted):
        net.fact("FlowHint", key, datapath)
    for table, uuid, row in sorted(rows, key=lambda r: r[0] != "sb.Binding"):
        net.put(table, uuid, **row)
        net.commit()
    for table, uuid, row in order.sample(rows, len(rows) // 3):
        if table != "sb.Binding":
            net.delete(table, uuid)
            net.commit()
            net.put(table, uuid, **row)
            net.commit()
    assert_follows(net, wanted)
    assert net.engine.recompute() == {}


def numbers(wanted):
    """A port key and the datapath number of each logical switch, as a restarted controller finds them in flows."""
    found = build(EVERYTHING, wanted["rows"], checked=False)
    switches = dict(found["DatapathNumber"])
    return {(f[2], switches[f[0]]) for f in found["Binding"]}


class Daemons:
    """A northd and a controller for each host, which know of each other only what the southbound database says."""

    def __init__(self, rows):
        """Each gets its databases; the southbound one has no more than ports' keys."""
        central = {t: r for t, r in rows.items() if t.startswith("nb.")}
        self.stored = {b["logical_port"]: {**b, "_uuid": b["logical_port"]} for b in rows["sb.Binding"].values()}
        self.northd = build("northd", central, checked=False)
        hosts = rows["ovs.Open_vSwitch"]
        self.controllers = {h: build("controller", self._of(rows, h), checked=False) for h in hosts}
        self.rows = rows

    @staticmethod
    def _of(rows, host):
        """The rows of a host's own database: their UUIDs begin with its name."""
        own = {t: r for t, r in rows.items() if t.startswith("ovs.")}
        return {t: {u: row for u, row in r.items() if u.partition("/")[0] == host} for t, r in own.items()}

    def step(self):
        """Let everybody read the southbound database and write what it derives; whether anything was written."""
        self.northd.replace({"sb.Binding": dict(self.stored)})
        southbound = {"sb.Binding": {}, "sb.Pipeline": {}, "sb.Chassis": {}, "sb.Encap": {}}
        for switch, port, key, parent, tag, _, macs in self.northd["Binding"]:
            held = self.stored.get(port, {}).get("chassis", "")
            row = {"logical_datapath": switch, "logical_port": port, "tunnel_key": key, "chassis": held}
            southbound["sb.Binding"][port] = row | {"_uuid": port, "parent_port": parent, "tag": tag, "mac": macs}
        for flow in self.northd["Pipeline"]:
            columns = ("logical_datapath", "table_id", "priority", "match", "actions")
            southbound["sb.Pipeline"][flow] = dict(zip(columns, flow, strict=True), _uuid="/".join(map(str, flow)))
        for table in ("sb.Chassis", "sb.Encap"):
            southbound[table] = {u: {**row, "_uuid": u} for u, row in self.rows.get(table, {}).items()}
        for controller in self.controllers.values():
            for name, kind, ip in controller["OwnChassis"]:
                southbound["sb.Chassis"][name] = {"_uuid": name, "name": name, "encaps": (f"{name}/0",)}
                southbound["sb.Encap"][f"{name}/0"] = {"_uuid": f"{name}/0", "type": kind, "ip": ip}
        claims = []
        for controller in self.controllers.values():
            controller.replace(southbound)
            claims += controller["BindingChassis"]
        for port, chassis in claims:
            southbound["sb.Binding"][port]["chassis"] = chassis
        before, self.stored = self.stored, southbound["sb.Binding"]
        return before != self.stored


@pytest.mark.parametrize("name", NETWORKS)
def test_many_daemons(name):
    """A northd and a controller on each host come, through the southbound database, to what one program derives."""
    wanted = NETWORKS[name]
    daemons = Daemons(wanted["rows"])
    steps = 0
    while daemons.step():
        steps += 1
        assert steps < 10
    assert sorted(daemons.northd["Binding"]) == sorted(map(frozen, wanted["bindings"]))
    for host, controller in daemons.controllers.items():
        assert printed(controller["OpenFlow"], host) == sorted(wanted["flows"][host])
        assert controller["BindingChassis"] <= {(port, row["chassis"]) for port, row in daemons.stored.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_everything_goes(name):
    """When all rows are gone, nothing is derived."""
    net = build(EVERYTHING, NETWORKS[name]["rows"], checked=False)
    net.commit()
    assert net.world.clear() == []
