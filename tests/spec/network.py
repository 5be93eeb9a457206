"""Small networks to hold the rules to: rows by readable names, steps, and what must follow from them.

A row's UUID is its name (``sw0``, ``hv1/br-int``), so that facts read well. A spec is a function of a ``Network`` with
``@spec``, which says the roles it holds for; its docstring is the promise. Reading from a network commits what was
changed before, and every commit is held to three things: the reported changes are the difference between before and
after, evaluation from scratch gives the same, and nothing is left over.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ovn_rules.engine import Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE

NORTHD, CONTROLLER, EVERYTHING = "northd", "controller", "everything"
CENTRAL = (NORTHD, EVERYTHING)
CHASSIS = (CONTROLLER, EVERYTHING)

PROGRAMS = {role: getattr(EZBAKE, role).load() for role in (NORTHD, CONTROLLER, EVERYTHING)}


@dataclass(frozen=True)
class Case:
    """A spec: what it is called, what it does, the roles it holds for."""

    file: str
    name: str
    function: Callable
    roles: tuple


CASES = {}
"""Every spec of the modules that have been imported, by file and name."""


def spec(*roles):
    """Makes a test of a function of a network, one for each role."""

    def mark(function):
        def test(role):
            function(Network(role))

        case = Case(Path(function.__code__.co_filename).stem, function.__name__, function, roles)
        CASES[case.file, case.name] = case
        test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
        return pytest.mark.parametrize("role", roles)(test)

    return mark


@cache
def scratch(role):
    """An engine that holds nothing: quicker than to make one for every commit."""
    return Engine(PROGRAMS[role])


@contextmanager
def from_scratch(role, facts, engine):
    """An engine that was given all facts at once, and the numbers that another has allocated."""
    fresh = scratch(role)
    for relation, member in fresh.network.members.items():
        for allocator in member.allocators:
            allocator.given = engine.allocations(relation)
    fresh.transact(facts)
    try:
        yield fresh
    finally:
        empty(fresh, facts)


def empty(engine, facts):
    """Take all facts away, so that the engine is as new."""
    engine.transact({r: (held, ()) for r, (_, held) in facts.items()})
    for member in engine.network.members.values():
        for allocator in member.allocators:
            allocator.last, allocator.given = None, {}


def counts(engine, relation):
    """A relation's facts with their numbers of derivations."""
    return {f: engine.count(relation, f) for f in engine.facts(relation)}


class Network:
    """Rows of the three databases in an engine with a role's rules.

    A controller has no northbound database: where a spec gives it one, central's rules turn it into the southbound
    rows that a controller reads.
    """

    def __init__(self, role, program=None, *, engine=None, central=None, checked=True):
        """``program`` stands in for the role's own, engines that hold nothing for new ones.

        ``checked`` False leaves out the checks of each commit.
        """
        self.role = role
        self.checked = checked
        self.engine = engine or Engine(program or PROGRAMS[role])
        self.program = self.engine.program
        self.central = (central or Engine(PROGRAMS[NORTHD])) if role == CONTROLLER else None
        self.rows = {}
        self.given = {}
        self._loaded = {self.engine: {}, self.central: {}}
        self._seen = {r: set() for r in self.program.derived}
        self._stale = True

    # -- rows ------------------------------------------------------------------------------------------------------

    def put(self, table, uuid, **columns):
        """Add a row, or change columns of the one that is there."""
        self._stale = True
        self.rows.setdefault(table, {}).setdefault(uuid, {"_uuid": uuid}).update(columns)

    def delete(self, table, uuid):
        """Take a row away."""
        self._stale = True
        del self.rows[table][uuid]

    def fact(self, relation, *values):
        """Give a fact that is no database row."""
        self._stale = True
        self.given.setdefault(relation, set()).add(values)

    def retract(self, relation, *values):
        """Take it back."""
        self._stale = True
        self.given[relation].remove(values)

    def switch(self, *names):
        """Logical switches."""
        for name in names:
            self.put("nb.Logical_Switch", name, name=name)

    def port(self, switch, name, *macs, security=(), parent=(), tag=()):
        """A logical port."""
        self.put(
            "nb.Logical_Port",
            name,
            name=name,
            lswitch=switch,
            macs=macs,
            port_security=security,
            parent_name=parent,
            tag=tag,
        )

    def acl(self, switch, priority, match, action="allow"):
        """An access control entry; its UUID is ``switch/priority/match``."""
        row = {"lswitch": switch, "priority": priority, "match": match, "action": action}
        self.put("nb.ACL", f"{switch}/{priority}/{match}", **row)

    def binding(self, port, key, chassis="", switch="sw0", parent=(), tag=()):
        """A port's row in the southbound database."""
        row = {"logical_datapath": switch, "logical_port": port, "tunnel_key": key}
        self.put("sb.Binding", port, **row, chassis=chassis, parent_port=parent, tag=tag)

    def pipeline(self, switch, table, priority, match, actions):
        """A logical flow in the southbound database."""
        row = {"logical_datapath": switch, "table_id": table, "priority": priority, "match": match, "actions": actions}
        self.put("sb.Pipeline", f"{switch}/{table}/{priority}/{match}", **row)

    def chassis(self, name, *encaps):
        """A chassis in the southbound database, with (type, address) of each encapsulation."""
        uuids = [f"{name}/{i}" for i in range(len(encaps))]
        for uuid, (kind, ip) in zip(uuids, encaps, strict=True):
            self.put("sb.Encap", uuid, type=kind, ip=ip)
        self.put("sb.Chassis", name, name=name, encaps=uuids)

    def host(self, name, ip="192.0.2.1", kind="geneve", bridge="br-int", **settings):
        """A host's own database; ``ovn_bridge="br0"`` is external_ids:ovn-bridge, and None takes one away."""
        ids = {"system_id": name, "ovn_remote": "tcp:192.0.2.9:6642", "ovn_encap_type": kind, "ovn_encap_ip": ip}
        ids = {k.replace("_", "-"): v for k, v in (ids | settings).items() if v is not None}
        self.put("ovs.Open_vSwitch", name, external_ids=ids)
        if bridge is not None:
            self.bridge(name, bridge)

    def bridge(self, host, name):
        """A bridge of a host, without ports."""
        uuid = f"{host}/{name}"
        row = self.rows["ovs.Open_vSwitch"][host]
        self.put("ovs.Bridge", uuid, name=name, ports=())
        self.put("ovs.Open_vSwitch", host, bridges=(*row.get("bridges", ()), uuid))

    def add_port(self, host, name, number=(), bridge="br-int", *, ids=None, port_ids=None):
        """A bridge's port with one interface, whose UUID is ``host/name``."""
        uuid = f"{host}/{name}"
        self.put("ovs.Interface", uuid, name=name, ofport=number, external_ids=ids or {})
        self.put("ovs.Port", uuid, name=name, interfaces=(uuid,), external_ids=port_ids or {})
        ports = self.rows["ovs.Bridge"][f"{host}/{bridge}"]["ports"]
        self.put("ovs.Bridge", f"{host}/{bridge}", ports=(*ports, uuid))

    def plug(self, host, port, number=(), bridge="br-int", *, name=None):
        """An interface that says which logical port it is."""
        self.add_port(host, name or f"tap-{port}", number, bridge, ids={"iface-id": port})

    def tunnel(self, host, peer, number=(), *, name=None):
        """A tunnel port to a chassis."""
        self.add_port(host, name or f"ovn-{peer[:6]}-0", number, port_ids={"ovn-chassis-id": peer})

    def unplug(self, host, name, bridge="br-int"):
        """Take a port off a bridge."""
        uuid = f"{host}/{name}"
        ports = self.rows["ovs.Bridge"][f"{host}/{bridge}"]["ports"]
        self.put("ovs.Bridge", f"{host}/{bridge}", ports=tuple(p for p in ports if p != uuid))
        self.delete("ovs.Port", uuid)
        self.delete("ovs.Interface", uuid)

    def clear(self):
        """Take everything away: the engines are as new."""
        self.rows.clear()
        self.given.clear()
        for engine in filter(None, (self.engine, self.central)):
            empty(engine, {r: ((), facts) for r, facts in self._loaded[engine].items()})

    # -- what follows ----------------------------------------------------------------------------------------------

    def __getitem__(self, relation):
        """The facts of a relation, after a commit of what was changed."""
        self.commit()
        return set(self.engine.facts(relation))

    def pipeline_of(self, switch, table):
        """The logical flows of a table as (priority, match, actions)."""
        return {f[2:] for f in self["Pipeline"] if f[:2] == (switch, table)}

    def flows(self, chassis, table):
        """The flows of a table of a host, as ovs-ofctl prints them."""
        found = (f for f in self["OpenFlow"] if f[:2] == (chassis, table))
        return {f"priority={p}{m and ','}{m} actions={a}" for _, _, p, m, a in found}

    def problems(self):
        """What is wrong, by what it is about."""
        return {f"{where}: {text}" for where, text in self["Problem"]}

    def conflicts(self, relation):
        """For each key of a relation that several facts share: the kept fact and the rejected ones."""
        self.commit()
        return {c.key: (c.kept, c.rejected) for c in self.engine.conflicts() if c.relation == relation}

    def commit(self):
        """Bring the engine up to date with rows and facts; its changes, by relation, as (deleted, inserted) sets."""
        if not self._stale:
            return {}
        self._stale = False
        rows = {table: list(found.values()) for table, found in self.rows.items()}
        if self.central is not None:
            rows |= self._central(rows)
        changes = self._transact(self.engine, rows, self.given)
        found = {r: (set(gone), set(come)) for r, (gone, come) in changes.items()}
        if self.checked:
            self._check(found)
        return found

    def _transact(self, engine, rows, given):
        wanted = {r: set(facts) for r, facts in facts_of(engine.program, rows).items()} | given
        had = self._loaded[engine]
        self._loaded[engine] = {r: set(facts) for r, facts in wanted.items()}
        none = set()
        return engine.transact(
            {
                r: (had.get(r, none) - wanted.get(r, none), wanted.get(r, none) - had.get(r, none))
                for r in (wanted | had)
            }
        )

    def _central(self, rows):
        """The southbound rows that central makes of northbound ones; those given, where it has none."""
        if not any(rows.get(t) for t in ("nb.Logical_Switch", "nb.Logical_Port")):
            return {}
        self._transact(self.central, rows, {})
        relations = self.central.program.relations
        return {
            f"sb.{name}": [
                dict(zip([c.name for c in relations[name].columns], fact, strict=True))
                | {"_uuid": fact[1] if name == "Binding" else "/".join(map(str, fact))}
                for fact in self.central.facts(name)
            ]
            for name in ("Binding", "Pipeline")
        }

    def _check(self, changes):
        for relation in self.program.derived:
            gone, come = changes.get(relation, (set(), set()))
            assert gone <= self._seen[relation], relation
            assert not come & self._seen[relation], relation
            self._seen[relation] = self._seen[relation] - gone | come
            assert self._seen[relation] == set(self.engine.facts(relation)), relation
        held = {r: ((), facts) for r, facts in self._loaded[self.engine].items()}
        if self.program is PROGRAMS[self.role]:
            with from_scratch(self.role, held, self.engine) as fresh:
                for relation in self.program.relations:
                    assert counts(fresh, relation) == counts(self.engine, relation), relation
        else:
            assert self.engine.recompute() == {}
