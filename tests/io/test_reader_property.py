"""What is read equals what the server dumps, whatever is done to the database."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netschema import RELATIONS, SCHEMA, Held, dumped, facts_of
from servers import drive

from ovn_rules.io.database import Database
from ovn_rules.io.files import read_file

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6) | st.sampled_from(
    ['"', "\\", '{"', "\n\t", "é\u2028", "𝄞", "set", "map", "uuid"]
)
ATOMS = {
    "number": st.integers(0, 400),
    "ratio": st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    "on": st.booleans(),
    "home": st.uuids().map(lambda u: ["uuid", str(u)]),
    "tags": st.lists(TEXT, max_size=5, unique=True).map(lambda x: ["set", x]),
    "few": st.lists(st.integers(-5, 5), min_size=1, max_size=3, unique=True).map(lambda x: ["set", x]),
    "opt": st.lists(st.integers(-5, 5), max_size=1).map(lambda x: ["set", x]),
    "ids": st.dictionaries(TEXT, TEXT, max_size=4).map(lambda d: ["map", [list(i) for i in d.items()]]),
    "sizes": st.dictionaries(st.integers(0, 3), st.sampled_from([0.5, 1, 2.25]), max_size=3).map(
        lambda d: ["map", [list(i) for i in d.items()]]
    ),
}
CHANGE = st.fixed_dictionaries({}, optional=ATOMS)
ROW = st.tuples(CHANGE, ATOMS["number"]).map(lambda x: {**x[0], "number": x[1]})
NAMES = st.sampled_from(["a", "b", "c", "d"])
WHERE = NAMES.map(lambda n: [["name", "==", n]])
OPERATION = st.one_of(
    st.tuples(NAMES, ROW).map(lambda x: {"op": "insert", "table": "Switch", "row": {**x[1], "name": x[0]}}),
    st.tuples(WHERE, CHANGE).map(lambda x: {"op": "update", "table": "Switch", "where": x[0], "row": x[1]}),
    WHERE.map(lambda w: {"op": "delete", "table": "Switch", "where": w}),
    st.tuples(WHERE, st.sampled_from(["insert", "delete"]), ATOMS["tags"]).map(
        lambda x: {"op": "mutate", "table": "Switch", "where": x[0], "mutations": [["tags", x[1], x[2]]]}
    ),
    st.tuples(WHERE, ATOMS["ids"]).map(
        lambda x: {"op": "mutate", "table": "Switch", "where": x[0], "mutations": [["ids", "insert", x[1]]]}
    ),
    st.tuples(WHERE, TEXT).map(
        lambda x: {"op": "mutate", "table": "Switch", "where": x[0], "mutations": [["ids", "delete", x[1]]]}
    ),
    st.just({"op": "insert", "table": "Port", "uuid-name": "new", "row": {"name": "p"}}),
)


@pytest.fixture
def server(ovsdb):
    return ovsdb(SCHEMA)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(OPERATION, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8))
def test_facts_equal_the_dump(server, transactions):
    """After any transactions, with connections lost between them, facts and file equal what the server dumps."""
    server.transact({"op": "delete", "table": "Switch", "where": []})
    database = Database("net", server.remote, "Net", RELATIONS)
    held = Held()
    try:
        held.take(drive([database], lambda _: database.synced))
        for number, (operations, lose) in enumerate(transactions):
            if lose:
                database.reconnect("the test says so")
                held.take(database.run())
            row = {"name": "marker", "number": 500 + number}
            marker = {"op": "update", "table": "Switch", "where": [["name", "==", "marker"]], "row": row}
            if number == 0:
                marker = {"op": "insert", "table": "Switch", "row": row}
            server.client.call("transact", "Net", *operations)
            server.transact(marker)
            held.take(drive([database], lambda _, n=number: _marker(database) == 500 + n))
            expected = facts_of(dumped(server.dump()))
            assert held.facts == expected
        contents = read_file(server.file, "net", RELATIONS, "Net")
        read = {name: set(inserted) for name, (_, inserted) in contents.facts.items()}
        assert read == {name: facts for name, facts in expected.items() if facts}
    finally:
        database.close()


def _marker(database):
    rows = database.replica.tables["Switch"].rows.values()
    return next((r[2] for r in rows if r[1] == "marker"), None) if database.synced else None
