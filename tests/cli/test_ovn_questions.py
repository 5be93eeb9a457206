"""Questions about today's OVN: flows as ovn-sbctl lflow-list prints them are asked about as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import run
from servers import OvsdbServer

from ovn_rules.rules import ovn

MAC = "02:00:00:00:00:01"
FLOW = '  table=25(ls_in_l2_lkup      ), priority=50   , match=(eth.dst == {}), action=(outport = "p1"; output;)'


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A switch with one port."""
    server = OvsdbServer(tmp_path_factory.mktemp("nb"), Path(ovn.__file__).parent / "ovn-nb.ovsschema")
    port = {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": "p", "row": {"name": "p1", "addresses": MAC}}
    server.transact(
        port, {"op": "insert", "table": "Logical_Switch", "row": {"name": "sw0", "ports": ["named-uuid", "p"]}}
    )
    yield server
    server.stop()


def ask(network, *words):
    done = run(*words, "--nb", network.remote)
    return done.returncode, done.stdout, done.stderr


def test_why_a_pasted_flow_is_there(network):
    """Down to the row that somebody wrote."""
    status, answer, _ = ask(network, "why", FLOW.format(MAC))
    assert status == 0
    assert "rule known_destination" in answer
    assert f"addresses=['{MAC}']" in answer


def test_whynot_a_pasted_flow(network):
    """What a port would have to say for it to be there; why says what is there instead."""
    missing = FLOW.format("02:00:00:00:00:02")
    status, answer, _ = ask(network, "whynot", missing)
    assert status == 0
    assert "it comes down to: no nb.Logical_Switch_Port" in answer
    status, _, error = ask(network, "why", missing)
    assert status == 1
    there = f"LogicalFlow(stage='ls_in_l2_lkup', priority=50, match='eth.dst == {MAC}'"
    assert f"with the same stage and actions there is {there}" in error
