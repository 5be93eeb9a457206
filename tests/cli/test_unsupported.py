"""What a northbound database uses that the rules don't do is named: by check --nb, in the daemon's log and status."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from daemons import until
from recorded import PROGRAM, one_line, run

from ovn_rules.rules import ovn

SCHEMAS = Path(ovn.__file__).parent


@pytest.fixture
def servers(ovsdb):
    """A northbound and a southbound server of today's OVN."""
    return [ovsdb(SCHEMAS / f"ovn-{name}.ovsschema") for name in ("nb", "sb")]


def switch(**columns):
    return {"op": "insert", "table": "Logical_Switch", "row": columns}


def check(argument):
    done = run("check", "--nb", argument)
    return done.returncode, done.stdout.splitlines(), done.stderr


TEMPLATE_VARIABLE = {"op": "insert", "table": "Chassis_Template_Var", "row": {"chassis": "hv1"}}
BALANCER = {"op": "insert", "table": "Load_Balancer", "row": {"name": "lb0"}}


def test_check_lists_tables_columns_and_keys(servers):
    """A row of another table, and a column and a key that no rule goes by, each make a line; exit status 1."""
    nb = servers[0]
    nb.transact(
        BALANCER, switch(name="sw0", other_config=["map", [["mcast_snoop", "true"], ["subnet", "10.0.0.0/24"]]])
    )
    for argument in (nb.remote, str(nb.file)):
        status, lines, _ = check(argument)
        assert status == 1
        assert len(lines) == 2
        assert lines[0].startswith("Load_Balancer lb0 (")
        assert lines[1].startswith("Logical_Switch sw0 (")
        assert "other_config:mcast_snoop=true" in lines[1]


def test_check_finds_nothing(servers):
    """A database that uses only what the rules do is fine."""
    nb = servers[0]
    nb.transact(switch(name="sw0", external_ids=["map", [["owner", "me"]]]))
    assert check(nb.remote)[0] == 0


def test_a_schema_with_other_columns(ovsdb):
    """Columns and tables of another version are found from the schema, and do no harm."""
    schema = json.loads((SCHEMAS / "ovn-nb.ovsschema").read_text())
    schema["tables"]["Logical_Switch"]["columns"]["tomorrow"] = {"type": {"key": "string", "min": 0, "max": 1}}
    schema["tables"]["Tomorrow"] = {"columns": {"number": {"type": "integer"}}, "isRoot": True}
    server = ovsdb(schema)
    server.transact(
        switch(name="sw0", tomorrow="yes"), {"op": "insert", "table": "Tomorrow", "row": {}}, TEMPLATE_VARIABLE
    )
    status, lines, _ = check(server.remote)
    assert status == 1
    assert "Chassis_Template_Var hv1 (" in lines[0]
    assert "tomorrow" in lines[1]
    assert lines[2].startswith("Tomorrow ")


def test_what_cannot_be_checked(servers, tmp_path):
    """A database that isn't there, can't be reached or is another one, and rules that don't say: one line each."""
    southbound = servers[1].file
    old = tmp_path / "old.db"
    subprocess.run(["ovsdb-tool", "create", old, SCHEMAS.parent / "ezbake" / "ovn-nb.ovsschema"], check=True)
    for argument, said in {
        tmp_path / "nowhere": f"{tmp_path}/nowhere: No such file or directory",
        f"unix:{tmp_path}/nowhere": f"unix:{tmp_path}/nowhere can't be reached: No such file or directory",
        southbound: f"{southbound}: it is a database of OVN_Southbound, not of OVN_Northbound",
        old: "the program ezbake doesn't say what it goes by",
    }.items():
        status, line = one_line(run("check", "--nb", str(argument)))
        assert status == 1
        assert line.startswith(said)
    status, line = one_line(run("check", "--nb", str(old), "--relations"))
    assert status == 2
    assert line.startswith("--nb is about a database")


def test_the_daemon_names_each_row_once(servers, tmp_path):
    """In its log when the row comes, in status as long as it is there."""
    nb, sb = servers
    nb.transact(BALANCER)
    log = tmp_path / "err"
    control = tmp_path / "ctl"
    with log.open("w") as err:
        command = [*PROGRAM, "daemon", "northd", "--nb", nb.remote, "--sb", sb.remote, "--unixctl", control]
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=err)
    try:
        until(lambda: "lb0" in log.read_text(), "the log")
        nb.transact({"op": "insert", "table": "Load_Balancer", "row": {"name": "lb1"}})
        until(lambda: "lb1" in log.read_text(), "the log")
        assert "Load_Balancer lb1" in status(control)
        nb.transact({"op": "delete", "table": "Load_Balancer", "where": [["name", "==", "lb1"]]})
        until(lambda: "lb1" not in status(control), "status")
        assert log.read_text().count("Load_Balancer lb0") == 1
    finally:
        daemon.kill()
        daemon.wait()


def status(control):
    done = subprocess.run(["ovs-appctl", "-t", control, "status"], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_value_that_changes_nothing_is_fine(servers):
    """Neutron says of switches that they don't snoop, and of routers that entries don't age: no line for either."""
    nb = servers[0]
    nothing = [["mcast_flood_unregistered", "false"], ["mcast_snoop", "false"]]
    unaged = ["map", [["mac_binding_age_threshold", "0"]]]
    nb.transact(
        switch(name="sw0", other_config=["map", nothing]),
        {"op": "insert", "table": "Logical_Router", "row": {"name": "lr0", "options": unaged}},
    )
    assert check(nb.remote)[0] == 0
    nb.transact(switch(name="sw1", other_config=["map", [["mcast_flood_unregistered", "true"]]]))
    status, lines, _ = check(nb.remote)
    assert (status, len(lines)) == (1, 1)
    assert "mcast_flood_unregistered=true" in lines[0]
