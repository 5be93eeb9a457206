"""Northbound networks and what hosts say, drawn step by step: rows come, change and go, a transaction a step."""

from uuid import UUID

from ovn_drawn_values import CELLS, CHASSIS, FLAGS, MACS, PORTS, TYPICAL, Keys

LISTS = {
    ("Logical_Switch", "ports"): "Logical_Switch_Port",
    ("Logical_Switch", "acls"): "ACL",
    ("Logical_Switch", "qos_rules"): "QoS",
    ("Logical_Router", "ports"): "Logical_Router_Port",
    ("Logical_Router", "static_routes"): "Logical_Router_Static_Route",
    ("Logical_Router", "policies"): "Logical_Router_Policy",
    ("Port_Group", "acls"): "ACL",
    ("Meter", "bands"): "Meter_Band",
    ("HA_Chassis_Group", "ha_chassis"): "HA_Chassis",
}
"""Columns whose rows are made with the row that lists them, and go with it."""

LISTED_BY = {}
for (parent, column), table in LISTS.items():
    LISTED_BY.setdefault(table, []).append((parent, column))

REFERENCES = {
    ("Logical_Switch", "dns_records"): ("DNS", 2),
    ("Logical_Switch_Port", "dhcpv4_options"): ("DHCP_Options", 1),
    ("Logical_Switch_Port", "dhcpv6_options"): ("DHCP_Options", 1),
    ("Logical_Switch_Port", "ha_chassis_group"): ("HA_Chassis_Group", 1),
    ("Port_Group", "ports"): ("Logical_Switch_Port", 5),
}
"""Columns that name rows that others list, and how many they may."""

INDEXED = ("Address_Set", "HA_Chassis_Group", "Logical_Router_Port", "Logical_Switch_Port", "Meter", "Port_Group")
"""Tables in which a name stands once."""

REQUEST = "requested-tnl-key"

MADE = (
    ("Logical_Switch_Port",) * 10
    + ("Logical_Router_Port",) * 5
    + ("Logical_Router_Static_Route",) * 5
    + ("ACL",) * 5
    + ("Logical_Router_Policy",) * 3
    + ("Logical_Switch", "Logical_Router") * 2
    + ("DHCP_Options", "HA_Chassis", "HA_Chassis_Group") * 2
    + ("QoS", "Port_Group", "DNS", "Address_Set", "Meter", "Meter_Band")
)
"""What comes, weighted."""

MOST = {"Logical_Switch": 3, "Logical_Router": 3, "Meter": 2, "DHCP_Options": 3, "DNS": 2}


class Reference(str):
    """The UUID of a row, where it stands in a column."""

    __slots__ = ()


def encoded(value):
    """A value in the JSON of RFC 7047."""
    if isinstance(value, Reference):
        return ["uuid", str(value)]
    if isinstance(value, list):
        return ["set", [encoded(v) for v in value]]
    if isinstance(value, dict):
        return ["map", [[k, v] for k, v in sorted(value.items())]]
    return value


class Drawn:
    """A network that changes.

    Attributes:
        rows: Table → UUID → columns, of the northbound database.
        chassis: UUID → columns of those chassis that are there.
        past: Whether hosts have said something of ports, or a port that asks for hosts became one of another type.
        favoured: Tables that get more rows than others.
    """

    def __init__(self, random):
        """Nothing is there.

        Args:
            random: Draws: a ``random.Random``, or Hypothesis' own.
        """
        self.random = random
        self.rows = {table: {} for table in CELLS}
        self.chassis = {}
        self.past = False
        self.favoured = []
        self._serial = 0

    @property
    def has_past(self):
        """Whether rows may say what doesn't follow from what is there now.

        A port that has a type that nobody knows, or a queue, also has a row that keeps what it had before.
        """
        ports = self.rows["Logical_Switch_Port"].values()
        kept = any(row["type"] == "odd" or any(key.startswith("qos") for key in row["options"]) for row in ports)
        return self.past or kept

    # -- steps ----------------------------------------------------------------------------------------------------

    def beginning(self):
        """Operations in both databases that make a network of some size; two tables have more rows than usual."""
        self.favoured = [table for _ in range(2) for table in [self.random.choice(MADE)] * 8]
        operations = [self._inserted(table) for table in ("Logical_Switch", "Logical_Router")]
        operations += [self._inserted(self._table()) for _ in range(self.random.randint(3, 50))]
        if self.random.random() < 0.3:
            operations.append(self._global_options())
        return [o for several in operations for o in several], self._hosts() if self.random.random() < 0.3 else []

    def _table(self):
        """Where the next row is to be."""
        return self.random.choice((*MADE, *self.favoured))

    def step(self):
        """Operations in both databases: mostly one row changes, or something that hosts say."""
        if self.random.random() < 0.2:
            return [], self._hosts()
        operations = []
        for _ in range(self.random.choice((1, 1, 1, 1, 2, 4))):
            kind = self.random.random()
            if kind < 0.4:
                operations += self._inserted(self._table())
            elif kind < 0.8:
                operations += self._modified()
            else:
                operations += self._deleted()
        return operations, []

    # -- northbound -----------------------------------------------------------------------------------------------

    def _uuid(self):
        """A new row's UUID; its digits are drawn, for the order of rows in ovn-northd hangs on them.

        The first eight, which are a row's stage hint, no other row has.
        """
        self._serial += 1
        draw = self.random.getrandbits
        return str(UUID(int=draw(20) << 108 | self._serial << 96 | draw(64) << 32 | self._serial))

    def _inserted(self, table):
        """A new row, in a row that lists it; nothing when it would be one too many, or there is nothing to list it."""
        parents = [(p, c, u) for p, c in LISTED_BY.get(table, ()) for u in self.rows[p]]
        row = self._row(table)
        full = len(self.rows[table]) >= MOST.get(table, 12)
        if full or not self._possible(table, row) or (table in LISTED_BY and not parents):
            return []
        operations = []
        if table == "Meter":  # it has one band at least
            row["bands"] = [Reference(self._uuid())]
            operations.append(self._insert("Meter_Band", row["bands"][0], self._row("Meter_Band")))
        uuid = self._uuid()
        operations.append(self._insert(table, uuid, row))
        listing = parents and [self.random.choice(parents)]
        if listing and table in ("ACL", "QoS") and self.random.random() < 0.1:  # which others may list, too
            listing.append(self.random.choice(parents))
        return operations + [self._list(*parent, uuid) for parent in dict.fromkeys(listing)]

    def _row(self, table):
        """A row's columns; often it is like another but for some of them."""
        row = {column: cell(self.random) for column, cell in CELLS[table].items()}
        others = self.rows[table]
        if others and self.random.random() < 0.35:
            like = others[self.random.choice(sorted(others))]
            own = {self.random.choice(sorted(row)) for _ in range(2)}
            row |= {c: like[c] for c in row if c not in own and (c != "name" or table not in INDEXED)}
        if row.get("type") in TYPICAL and self.random.random() < 0.8:
            options, addresses = TYPICAL[row["type"]]
            row["options"] = row["options"] | {key: cell(self.random) for key, cell in options.items()}
            row["addresses"] = addresses or row["addresses"]
        for (owner, column), (target, most) in REFERENCES.items():
            if owner == table and self.random.random() < 0.7:
                row[column] = self._references(target, most)
        return row

    def _insert(self, table, uuid, row):
        self.rows[table][str(uuid)] = row
        named = {column: encoded(value) for column, value in row.items()}
        return {"op": "insert", "table": table, "uuid": str(uuid), "row": named}

    def _list(self, parent, column, owner, uuid):
        listed = self.rows[parent][owner].setdefault(column, [])
        listed.append(Reference(uuid))
        return _update(parent, owner, {column: listed})

    def _possible(self, table, row, uuid=None):
        """Whether a row may be there beside others; what ovn-northd doesn't survive is taken out of it."""
        if table == "HA_Chassis":  # two of one name in a group are one or two rows, as they came
            return all(r["chassis_name"] != row["chassis_name"] for u, r in self.rows[table].items() if u != uuid)
        if table == "Logical_Router_Port" and not row["name"].startswith("p"):
            row["peer"] = []
        for column in ("options", "other_config"):
            if self._key_taken(table, uuid, row.get(column, {})):
                row[column] = {k: v for k, v in row[column].items() if k != REQUEST}
        others = (r for u, r in self.rows[table].items() if u != uuid)
        return table not in INDEXED or all(r["name"] != row["name"] for r in others)

    def _key_taken(self, table, uuid, options):
        """Whether another row asks for the same tunnel key: then it hangs on ovn-northd's hash order who has it."""
        tables = ("Logical_Switch", "Logical_Router") if table in ("Logical_Switch", "Logical_Router") else (table,)
        others = (r for t in tables for u, r in self.rows[t].items() if u != uuid)
        asked = {r.get(column, {}).get(REQUEST) for r in others for column in ("options", "other_config")}
        return options.get(REQUEST) in asked - {None}

    def _references(self, target, most):
        there = sorted(self.rows[target])
        number = min(len(there), self.random.randint(0, most) or self.random.randint(0, 1))
        return [Reference(u) for u in self.random.sample(there, number)]

    def _modified(self):
        """A row with another value in one column, or in one key of a map."""
        there = [(t, u) for t, rows in sorted(self.rows.items()) for u in sorted(rows)]
        if not there or self.random.random() < 0.05:
            return self._global_options()
        table, uuid = self.random.choice(there)
        row = self.rows[table][uuid]
        columns = sorted({*CELLS[table], *(c for t, c in REFERENCES if t == table)})
        column = self.random.choice(columns)
        if (table, column) in REFERENCES:
            value = self._references(*REFERENCES[table, column])
        else:
            cell = CELLS[table][column]
            one_key = isinstance(cell, Keys) and self.random.random() < 0.8
            value = cell.changed(row[column], self.random) if one_key else cell(self.random)
        changed = {**row, column: value}
        if not self._possible(table, changed, uuid):
            return []
        self.past = self.past or (column == "type" and "requested-chassis" in row["options"])
        self.rows[table][uuid] = changed
        return [_update(table, uuid, {c: v for c, v in changed.items() if v != row.get(c, [])})]

    def _global_options(self):
        column = self.random.choice(sorted(CELLS["NB_Global"]))
        value = CELLS["NB_Global"][column](self.random)
        return [{"op": "update", "table": "NB_Global", "where": [], "row": {column: encoded(value)}}]

    def _deleted(self):
        """A row goes, from all that list it; sometimes one comes that is the same but for its UUID."""
        there = [(t, u) for t, rows in sorted(self.rows.items()) for u in sorted(rows)]
        if not there:
            return []
        table, uuid = self.random.choice(there)
        row = self.rows[table][uuid]
        listing = [
            (p, c, o) for p, c in LISTED_BY.get(table, ()) for o, r in self.rows[p].items() if uuid in r.get(c, ())
        ]
        if table == "Meter_Band" and any(len(self.rows["Meter"][o]["bands"]) == 1 for _, _, o in listing):
            return []
        if table == "HA_Chassis_Group" and any(
            uuid in r.get("ha_chassis_group", ()) for r in self.rows["Logical_Switch_Port"].values()
        ):
            return []
        operations = [] if table in LISTED_BY else [{"op": "delete", "table": table, "where": _is(uuid)}]
        for parent, column, owner in listing:
            self.rows[parent][owner][column].remove(uuid)
            operations.append(_update(parent, owner, {column: self.rows[parent][owner][column]}))
        again = self.random.random() < 0.2 and not any(t == table for t, _ in LISTS)
        self._forget(table, uuid)
        if again:
            other = self._uuid()
            operations.append(self._insert(table, other, row))
            operations += [self._list(*parent, other) for parent in listing]
        return operations

    def _forget(self, table, uuid):
        """A row is gone, and with it those that it alone lists, and what refers to it."""
        row = self.rows[table].pop(uuid)
        for (owner, column), child in LISTS.items():
            for each in row.get(column, ()) if owner == table else ():
                lists = ((p, c) for p, c in LISTED_BY[child])
                if not any(each in r.get(c, ()) for p, c in lists for r in self.rows[p].values()):
                    self._forget(child, str(each))
        for (owner, column), (target, _) in REFERENCES.items():
            for other in self.rows[owner].values() if target == table else ():
                other[column] = [u for u in other.get(column, ()) if u != uuid]

    # -- southbound -----------------------------------------------------------------------------------------------

    def _hosts(self):
        """The operations of a change in what hosts say: a chassis comes, changes or goes, has a port, or learns."""
        kind = self.random.random()
        if not self.chassis or kind < 0.25:
            return self._chassis()
        uuid = self.random.choice(sorted(self.chassis))
        if kind < 0.35:
            del self.chassis[uuid]
            return [{"op": "delete", "table": "Chassis", "where": _is(uuid)}]
        if kind < 0.5:
            return [_update("Chassis", uuid, {"other_config": self._features()})]
        if kind < 0.65:
            return self._private(uuid)
        if kind < 0.7:
            self.past = True
            known = {"mac": self.random.choice(MACS), **{k: self.random.randint(1, 4) for k in ("dp_key", "port_key")}}
            where = [["mac", "==", known["mac"]]]
            return [
                {"op": "delete", "table": "FDB", "where": where},
                {"op": "insert", "table": "FDB", "row": known},
            ]
        self.past = True
        ports = sorted(self.rows["Logical_Switch_Port"].values(), key=lambda p: (p["type"] != "virtual", p["name"]))
        names = [p["name"] for p in ports] or PORTS
        named = [["logical_port", "==", self.random.choice((names[0], *names))]]
        row = {
            "chassis": self.random.choice(([], [Reference(uuid)], [Reference(uuid)])),
            "up": self.random.choice(([], [True], [False])),
        }
        if self.random.random() < 0.4:
            row["virtual_parent"] = self.random.choice(([], ["a"], ["b"]))
        where = [*named, ["type", "!=", "patch"]]
        return [{"op": "update", "table": "Port_Binding", "where": where, "row": _encoded(row)}]

    def _private(self, uuid):
        """What a chassis says of itself to ovn-northd alone: how far it has come."""
        name = self.chassis[uuid]["name"]
        row = {"nb_cfg": self.random.choice((0, 1, 5)), "nb_cfg_timestamp": self.random.choice((0, 1000))}
        if self.random.random() < 0.5:
            return [{"op": "update", "table": "Chassis_Private", "where": [["name", "==", name]], "row": row}]
        made = _encoded({**row, "name": name, "chassis": [Reference(uuid)]})
        return [
            {"op": "delete", "table": "Chassis_Private", "where": [["name", "==", name]]},
            {"op": "insert", "table": "Chassis_Private", "row": made},
        ]

    def _features(self):
        names = ("ct-no-masked-label", "mac-binding-timestamp", "ovn-ct-lb-related", "port-up-notif")
        drawn = {name: self.random.choice(FLAGS) for name in names if self.random.random() < 0.8}
        return drawn | ({"is-remote": "true"} if self.random.random() < 0.1 else {})

    def _chassis(self):
        taken = {row["name"] for row in self.chassis.values()}
        free = [(n, i) for i, n in enumerate(CHASSIS) if n not in taken]
        if not free:
            return []
        name, number = self.random.choice(free)
        uuid, encap = self._uuid(), self._uuid()
        kind = self.random.choice(("geneve", "geneve", "geneve", "vxlan"))
        tunnel = {"type": kind, "ip": f"127.0.0.{number}", "chassis_name": name}
        row = {"name": name, "hostname": self.random.choice(("host1", "host2", name)), "other_config": self._features()}
        self.chassis[uuid] = row
        return [
            {"op": "insert", "table": "Encap", "uuid": encap, "row": tunnel},
            {"op": "insert", "table": "Chassis", "uuid": uuid, "row": _encoded({**row, "encaps": [Reference(encap)]})},
        ]


def _is(uuid):
    return [["_uuid", "==", ["uuid", uuid]]]


def _encoded(row):
    return {column: encoded(value) for column, value in row.items()}


def _update(table, uuid, row):
    return {"op": "update", "table": table, "where": _is(uuid), "row": _encoded(row)}
