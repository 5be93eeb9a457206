"""Changes are looked up in the file that the server writes."""

import time

import pytest

from ovn_rules.cli.comments import Comments
from ovn_rules.engine import load
from ovn_rules.engine.history import Source
from ovn_rules.rules.ezbake.programs import CENTRAL

RELATION = "nb.Logical_Switch"


@pytest.fixture
def comments(world):
    """Those of the northbound server."""
    made = Comments(load(*CENTRAL).relations, {})
    made.follow("nb", world.nb.remote, "OVN_Northbound")
    yield made
    made.close()


def add(world, name, comment):
    """A switch, as it comes from the server."""
    insert = {"op": "insert", "table": "Logical_Switch", "row": {"name": name}}
    row = world.nb.transact(insert, {"op": "comment", "comment": comment})[0]["uuid"][1]
    return Source("nb", time.time(), {RELATION: ((), [(row, name)])})


def test_what_waits_when_a_large_load_begins(world, comments):
    """It is looked up before the file is passed over; what is told of the load isn't."""
    before = add(world, "sw0", "before")
    comments.expect(before)
    for i in range(3):
        add(world, f"of the load {i}", "the load")
    comments.skip("nb")
    after = add(world, "sw1", "after")
    comments.expect(after)
    comments.run(now=True)
    assert [c.comment for c in before.commits] == ["before"]
    assert [c.comment for c in after.commits] == ["after"]
