"""Relations of databases."""

import json

import pytest

from ovn_rules.engine import Database, load
from ovn_rules.engine.ir import Atom, Table, Var, Wild
from ovn_rules.engine.ovsschema import SchemaError, parse_schema

SCHEMA = {
    "name": "NB",
    "version": "1.0.0",
    "tables": {
        "Port": {
            "columns": {
                "name": {"type": "string"},
                "switch": {"type": {"key": {"type": "uuid", "refTable": "Switch"}}},
                "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
                "ids": {"type": {"key": "string", "value": "integer", "min": 0, "max": "unlimited"}},
            }
        },
        "Switch": {"columns": {}},
    },
}


def shape(relation):
    """A relation's columns with their types, as text."""
    return [f"{c.name}: {c.type}" for c in relation.columns]


def test_rows_and_elements():
    """A table gives a relation of whole rows, and one of elements for each set or map column."""
    nb = Database("nb", SCHEMA)
    port, tag, ids = (r.__relation__ for r in (nb.Port, nb.Port.tag, nb.Port.ids))
    assert (port.name, port.key, port.table) == ("nb.Port", (0,), Table("nb", "Port"))
    assert shape(port) == [
        "_uuid: uuid",
        "name: str",
        "switch: uuid",
        "tag: tuple[int, ...]",
        "ids: tuple[tuple[str, int], ...]",
    ]
    assert (tag.name, tag.key, tag.table) == ("nb.Port.tag", None, Table("nb", "Port", "tag"))
    assert shape(tag) == ["_uuid: uuid", "tag: int"]
    assert shape(ids) == ["_uuid: uuid", "key: str", "value: int"]


def test_schemas_from_files_json_and_parsed(tmp_path):
    """A schema is a path, parsed JSON or a parsed schema."""
    path = tmp_path / "nb.ovsschema"
    path.write_text(json.dumps(SCHEMA))
    assert (
        [*Database("nb", path).relations()]
        == [*Database("nb", str(path)).relations()]
        == [*Database("nb", SCHEMA).relations()]
        == [*Database("nb", parse_schema(SCHEMA)).relations()]
    )
    with pytest.raises(SchemaError, match=r"missing\.ovsschema"):
        Database("nb", tmp_path / "missing.ovsschema")


def test_tables_and_columns_outside_of_rules():
    """A wrong table or column says so in Python code, too."""
    nb = Database("nb", SCHEMA)
    with pytest.raises(AttributeError, match=r"database nb has no table 'Prt'; did you mean 'Port'\?"):
        _ = nb.Prt
    with pytest.raises(AttributeError, match=r"nb\.Port has no column 'tga'"):
        _ = nb.Port.tga
    with pytest.raises(AttributeError, match=r"column 'name' of nb\.Port is a scalar"):
        _ = nb.Port.name


def test_rows_keep_the_columns_that_rules_name(files):
    """A relation of rows has _uuid and what some clause names, in the schema's order."""
    program = files.load("""
        @rule
        def owner(a, b, c):
            Owner(a, b) <= nb.Port(_uuid=a, up=True, name=b)
            Owner(a, b) <= nb.Port(a, c, macs=_) & nb.Switch(name=c) & nb.Port.macs(a, b)
    """)
    assert shape(program.relations["nb.Port"]) == ["_uuid: uuid", "name: str", "up: bool"]
    assert shape(program.relations["nb.Switch"]) == ["_uuid: uuid", "name: str"]
    first, second = (c.body for c in program.clauses)
    assert first[0].terms[:2] == (Var("a"), Var("b"))
    assert first[0].terms[2].value is True
    assert second[:2] == (
        Atom("nb.Port", (Var("a"), Var("c"), Wild())),
        Atom("nb.Switch", (Wild(), Var("c"))),
    )


def test_extra_columns_are_kept(files):
    """Columns asked for are kept beside those that rules name, and bring their relation along."""
    rules = "@rule\ndef owner(a, b):\n    Owner(a, b) <= nb.Port(a, b)\n"
    program = files.load(rules, extra_columns={"nb.Port": ["rate"], "nb.Switch": [], "nb.Port.tag": []})
    assert shape(program.relations["nb.Port"]) == ["_uuid: uuid", "name: str", "rate: float"]
    assert shape(program.relations["nb.Switch"]) == ["_uuid: uuid"]
    assert shape(program.relations["nb.Port.tag"]) == ["_uuid: uuid", "tag: int"]
    whole = files.load(rules, extra_columns={"nb.Port": "*"}).relations["nb.Port"]
    assert len(whole.columns) == 8


def test_whole_databases():
    """A database given to load() is in the program with all its columns."""
    nb = Database("nb", SCHEMA)
    program = load(nb)
    assert list(program.relations) == ["nb.Port", "nb.Port.tag", "nb.Port.ids", "nb.Switch"]
    assert len(program.relations["nb.Port"].columns) == 5


def test_optional_column_as_a_whole_value_and_as_elements(files):
    """A set column serves both ways: as a tuple, and as a relation of its own."""
    program = files.load("""
        @rule
        def tags(name, port, macs, mac):
            Tags(name, macs) <= nb.Port(port, name, macs=macs) & nb.Port.macs(port, mac) & (mac != "")
    """)
    whole, elements, _filter = program.clauses[0].body
    assert (whole.relation, elements.relation) == ("nb.Port", "nb.Port.macs")
