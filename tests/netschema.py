"""A small schema with a column of every kind, and relations over it."""

from __future__ import annotations

from ovn_rules.engine.ir import BOOL, FLOAT, INT, STR, UUID, Column, RelationDef, Table, Type

STRINGS = Type("tuple", (STR,))
PAIRS = Type("tuple", (Type("tuple", (STR, STR)),))
UUIDS = Type("tuple", (UUID,))

SCHEMA = {
    "name": "Net",
    "version": "1.2.3",
    "tables": {
        "Switch": {
            "columns": {
                "name": {"type": "string"},
                "number": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 1000}}},
                "ratio": {"type": "real"},
                "on": {"type": "boolean"},
                "home": {"type": "uuid"},
                "tags": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
                "few": {"type": {"key": "integer", "min": 1, "max": 3}},
                "opt": {"type": {"key": "integer", "min": 0, "max": 1}},
                "ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
                "sizes": {"type": {"key": "integer", "value": "real", "min": 0, "max": "unlimited"}},
                "ports": {"type": {"key": {"type": "uuid", "refTable": "Port"}, "min": 0, "max": "unlimited"}},
                "peer": {
                    "type": {
                        "key": {"type": "uuid", "refTable": "Switch", "refType": "weak"},
                        "min": 0,
                        "max": 1,
                    }
                },
                "note": {"type": "string", "ephemeral": True},
            },
            "indexes": [["name"], ["number"]],
            "isRoot": True,
        },
        "Port": {
            "columns": {
                "name": {"type": "string"},
                "kind": {"type": {"key": {"type": "string", "enum": ["set", ["", "vif", "tunnel"]]}}},
                "options": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
                "ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
                "mirror": {"type": {"key": {"type": "uuid", "refTable": "Mirror"}, "min": 0, "max": "unlimited"}},
            },
            "indexes": [["name"]],
        },
        "Mirror": {"columns": {"target": {"type": "string"}, "note": {"type": "string"}}},
    },
}


def relation(name, table, columns, column=None):
    """A relation of the database ``net``."""
    return RelationDef(
        name, tuple(Column(c, t) for c, t in columns), (0,) if column is None else None, "", Table("net", table, column)
    )


SWITCH = relation(
    "net.Switch",
    "Switch",
    [
        ("_uuid", UUID),
        ("name", STR),
        ("number", INT),
        ("ratio", FLOAT),
        ("on", BOOL),
        ("home", UUID),
        ("tags", STRINGS),
        ("few", Type("tuple", (INT,))),
        ("opt", Type("tuple", (INT,))),
        ("ids", PAIRS),
        ("sizes", Type("tuple", (Type("tuple", (INT, FLOAT)),))),
        ("ports", UUIDS),
        ("peer", UUIDS),
    ],
)
TAGS = relation("net.Switch.tags", "Switch", [("_uuid", UUID), ("tags", STR)], "tags")
IDS = relation("net.Switch.ids", "Switch", [("_uuid", UUID), ("key", STR), ("value", STR)], "ids")
PORT = relation("net.Port", "Port", [("_uuid", UUID), ("name", STR), ("kind", STR)])
RELATIONS = (SWITCH, TAGS, IDS, PORT)

_ZERO = "00000000-0000-0000-0000-000000000000"


def facts_of(tables):
    """The facts of ``RELATIONS`` from rows of JSON by table; written for tests, apart from what is tested.

    Args:
        tables: Table name to rows, each a column name to its JSON.
    """

    def atoms(json):
        if isinstance(json, list) and json[0] == "set":
            return [atom(j) for j in json[1]]
        return [atom(json)]

    def atom(json):
        return json[1] if isinstance(json, list) else json

    facts = {r.name: set() for r in RELATIONS}
    for row in tables.get("Switch", ()):
        u = row["_uuid"][1]
        tags = sorted(atoms(row["tags"]))
        ids = sorted((k, v) for k, v in row["ids"][1])
        sizes = tuple(sorted((k, float(v)) for k, v in row["sizes"][1]))
        facts["net.Switch"].add(
            (
                u,
                row["name"],
                row["number"],
                float(row["ratio"]),
                row["on"],
                row["home"][1],
                tuple(tags),
                tuple(sorted(atoms(row["few"]))),
                tuple(atoms(row["opt"])),
                tuple(ids),
                sizes,
                tuple(sorted(atoms(row["ports"]))),
                tuple(atoms(row["peer"])),
            )
        )
        facts["net.Switch.tags"].update((u, t) for t in tags)
        facts["net.Switch.ids"].update((u, k, v) for k, v in ids)
    for row in tables.get("Port", ()):
        facts["net.Port"].add((row["_uuid"][1], row["name"], row["kind"]))
    return facts


def dumped(text):
    """Rows of JSON by table, from what ``ovsdb-client dump --format=json`` prints."""
    import json

    tables = {}
    for line in text.strip().split("\n"):
        table = json.loads(line)
        rows = [dict(zip(table["headings"], data, strict=True)) for data in table["data"]]
        tables[table["caption"].removesuffix(" table")] = rows
    return tables


class Held:
    """The facts that a sequence of deltas leaves, checked as an engine would take them."""

    def __init__(self):
        """Starts with none."""
        self.facts = {r.name: set() for r in RELATIONS}

    def take(self, events):
        """Applies the deltas among the events; a fact may only come when it is not there, and go when it is."""
        for event in events:
            for name, (deleted, inserted) in getattr(event, "delta", {}).items():
                held = self.facts[name]
                assert len(set(deleted)) == len(deleted)
                assert not set(deleted) & set(inserted)
                assert set(deleted) <= held
                held.difference_update(deleted)
                assert len(set(inserted)) == len(inserted)
                assert not held & set(inserted)
                held.update(inserted)
        return self
