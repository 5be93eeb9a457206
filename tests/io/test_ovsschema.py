"""Reading .ovsschema files."""

from __future__ import annotations

import json

import pytest
from netschema import SCHEMA

from ovn_rules.engine.ovsschema import SchemaError, parse_schema, read_schema


def test_columns_of_every_kind():
    """Kinds, types, bounds, enums, references, indexes and defaults are what the schema says."""
    schema = parse_schema(SCHEMA)
    assert (schema.name, schema.version) == ("Net", "1.2.3")
    switch, port = schema.tables["Switch"], schema.tables["Port"]
    kinds = {name: c.kind for name, c in switch.columns.items()}
    assert kinds["name"] == "scalar"
    assert kinds["opt"] == kinds["few"] == kinds["ports"] == "set"
    assert kinds["ids"] == "map"
    assert switch.columns["sizes"].value_type == "real"
    assert (switch.columns["ports"].ref_table, switch.columns["ports"].ref_type) == ("Port", "strong")
    assert switch.columns["peer"].ref_type == "weak"
    assert switch.columns["name"].ref_type is None
    assert port.columns["kind"].enum == ("", "vif", "tunnel")
    assert switch.indexes == (("name",), ("number",))
    assert (switch.is_root, port.is_root) == (True, False)
    assert switch.columns["few"].default == (0,)
    assert switch.columns["opt"].default == switch.columns["ids"].default == ()
    assert switch.columns["note"].ephemeral


def test_without_isroot_all_tables_are_roots():
    """In a schema where no table says isRoot, every row stays without being referred to (RFC 7047, 3.2)."""
    schema = parse_schema({"name": "x", "tables": {"A": {"columns": {}}, "B": {"columns": {}}}})
    assert all(t.is_root for t in schema.tables.values())


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "the schema is not a JSON object"),
        ({"tables": {}}, 'the schema has no "name"'),
        ({"name": 1, "tables": {}}, '"name" of the schema is 1, which is not a JSON string'),
        ({"name": "x", "tables": {"T": {}}}, 'table T has no "columns"'),
        (
            {"name": "x", "tables": {"T": {"columns": {"c": {"type": "strng"}}}}},
            'table T, column c: "strng" is not a type; types are integer, real, boolean, string, uuid',
        ),
        (
            {"name": "x", "tables": {"T": {"columns": {"c": {"type": {"key": "string", "min": 2}}}}}},
            'table T, column c: "min" is 0 or 1, and "max" is "unlimited" or a number from 1 on',
        ),
        (
            {"name": "x", "tables": {"T": {"columns": {}, "indexes": [["c"]]}}},
            'table T: index ["c"] is not a list of its columns',
        ),
        (
            {"name": "x", "tables": {"T": {"columns": {"c": {"type": {"key": {"type": "uuid", "refType": "x"}}}}}}},
            'table T, column c: "refType" is "strong" or "weak", not "x"',
        ),
    ],
)
def test_mistakes_are_named(schema, message):
    """A malformed schema is one line that names table and column."""
    with pytest.raises(SchemaError) as error:
        parse_schema(schema)
    assert str(error.value) == message


def test_files_are_named(tmp_path):
    """A schema file that is missing, no JSON or no schema is one line that starts with its path."""
    path = tmp_path / "x.ovsschema"
    for text, message in (
        (None, "No such file or directory"),
        ('{"name": }', "1:10: not JSON: Expecting value"),
        ("{}", 'the schema has no "name"'),
    ):
        if text is not None:
            path.write_text(text)
        with pytest.raises(SchemaError) as error:
            read_schema(path)
        assert str(error.value) in (f"{path}: {message}", f"{path}:{message}")
    path.write_text(json.dumps(SCHEMA))
    assert read_schema(path).name == "Net"
