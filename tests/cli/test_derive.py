"""``ovn-rules derive``: relations from files, dumps and servers, in every format; and what it says of bad input."""

import csv
import io
import json
import subprocess

import pytest
from recorded import PROGRAM, one_line, run
from world import SCHEMAS


def test_flows_are_the_switchs(recorded):
    """--format flows prints what the switch held, to the letter, with table= for table 0 too."""
    done = run("derive", "OpenFlow", *recorded.files, "--format", "flows")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert sorted(lines) == recorded.flows()
    assert all(line.startswith(" table=") for line in done.stdout.splitlines())
    assert any("priority=" not in line for line in lines)  # 32768, which isn't printed


def test_other_hosts_count_as_the_southbound_database_says(recorded):
    """A host that isn't given has the ports that Binding says; its flows aren't derived."""
    done = run("derive", "OpenFlow", *recorded.files, "--format", "json")
    flows = json.loads(done.stdout)
    assert {f["chassis"] for f in flows} == {"host1"}
    (remote,) = (f for f in flows if f["table"] == 64 and f["match"] == "reg7=0x3")
    assert remote["actions"].startswith("set_field:0x3->tun_id,output:")
    binding = json.loads(run("derive", "Binding", *recorded.files, "--format", "json").stdout)
    assert {b["logical_port"]: b["chassis"] for b in binding} == {"p1": "host1", "p2": "host1", "p3": "host2"}
    without = json.loads(run("derive", "Binding", *recorded.files[:4], "--format", "json").stdout)
    assert without == binding


def test_dumps_are_as_good_as_files(recorded):
    """ovsdb-client dump --format=json output gives the same as the database file."""
    for relation in ("OpenFlow", "Binding", "Pipeline"):
        answers = [run("derive", relation, *d, "--format", "json") for d in (recorded.files, recorded.dumps)]
        assert [a.returncode for a in answers] == [0, 0]
        assert answers[0].stdout == answers[1].stdout != "[]\n"


def test_a_live_server_is_as_good_as_a_file(recorded, ovsdb):
    """A server that serves the file gives the same; several remotes are tried in turn."""
    server = ovsdb(SCHEMAS / "ovn-nb.ovsschema")
    server.stop()
    server.file.write_bytes((recorded.folder / "nb.db").read_bytes())
    server.start()
    live = run("derive", "Pipeline", "--nb", server.remote, "--format", "json")
    assert live.stdout == run("derive", "Pipeline", *recorded.files[:2], "--format", "json").stdout
    named = run("derive", "Pipeline", "--format", "json", OVN_NB_DB=server.remote, OVN_SB_DB=server.remote)
    assert one_line(named)[0] == 1  # the northbound server has no southbound database


def test_formats_agree(recorded):
    """Table, CSV and JSON hold the same facts under the same columns, in the same order."""
    columns = ["logical_datapath", "table_id", "priority", "match", "actions"]
    told = json.loads(run("derive", "Pipeline", *recorded.files, "--format", "json").stdout)
    assert [list(row) for row in told] == [columns] * len(told)
    assert told == sorted(told, key=lambda r: (r["logical_datapath"], r["table_id"], -r["priority"], r["match"]))
    rows = list(csv.DictReader(io.StringIO(run("derive", "Pipeline", *recorded.files, "--format", "csv").stdout)))
    assert rows == [{k: str(v) for k, v in row.items()} for row in told]
    lines = run("derive", "Pipeline", *recorded.files).stdout.splitlines()
    assert lines[0].split() == columns
    assert [line.split(None, 3)[:3] for line in lines[1:]] == [
        [r["logical_datapath"], str(r["table_id"]), str(r["priority"])] for r in told
    ]


def test_json_has_lists_for_sets(recorded):
    """Sets are lists and UUIDs strings in JSON."""
    binding = json.loads(run("derive", "Binding", *recorded.files, "--format", "json").stdout)[0]
    assert binding["mac"] == ["00:00:00:00:00:01"]
    assert binding["tag"] == []
    assert len(binding["logical_datapath"]) == 36


@pytest.fixture(scope="module")
def bad(tmp_path_factory, recorded):
    """A folder of files that can't be used."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "garbage").write_text("not a database\n")
    (folder / "empty").write_text("")
    (folder / "nb.db").write_bytes((recorded.folder / "nb.db").read_bytes())
    (folder / "nb.json").write_bytes((recorded.folder / "nb.json").read_bytes())
    new = {
        "name": "OVN_Northbound",
        "version": "7.0.0",
        "tables": {"Logical_Switch": {"columns": {"name": {"type": "string"}}}},
    }
    (folder / "new.ovsschema").write_text(json.dumps(new))
    schema = str(SCHEMAS / "ovn-nb.ovsschema")
    subprocess.run(["ovsdb-tool", "create", folder / "new", folder / "new.ovsschema"], check=True)
    subprocess.run(["ovsdb-tool", "create-cluster", folder / "cluster", schema, "tcp:127.0.0.1:6643"], check=True)
    return folder


@pytest.mark.parametrize(
    ("words", "status", "parts"),
    [
        (["Pipeline", "--nb", "nothing"], 1, ["nothing: No such file or directory", "unix:FILE"]),
        (["Pipeline", "--nb", "."], 1, ["Is a directory"]),
        (["Pipeline", "--nb", "garbage"], 1, ["garbage: neither an OVSDB database file nor"]),
        (["Pipeline", "--nb", "empty"], 1, ["empty: "]),
        (["Pipeline", "--nb", "cluster"], 1, ["clustered", "ovsdb-tool cluster-to-standalone"]),
        (["Pipeline", "--nb", "new"], 1, ["OVN_Northbound 7.0.0 has no", "table Logical_Port"]),
        (["Pipeline", "--sb", "nb.db"], 1, ["nb.db: it is a database of OVN_Northbound, not of OVN_Southbound"]),
        (["Pipeline", "--sb", "nb.json"], 1, ["nb.json"]),
        (["OpenFlow", "--ovs", "nb.db"], 1, ["nb.db: it is a database of OVN_Northbound, not of Open_vSwitch"]),
        (["Pipelin", "--nb", "nb.db"], 1, ["no relation Pipelin; did you mean 'Pipeline'?"]),
        (["Zebra", "--nb", "nb.db"], 1, ["no relation Zebra; ovn-rules check --relations"]),
        (["Pipeline", "--nb", "unix:nothing.sock"], 1, ["nothing.sock can't be reached: No such file"]),
        (["Pipeline", "--nb", "tcp:127.0.0.1:1"], 1, ["tcp:127.0.0.1:1 can't be reached: Connection refused"]),
        (["Pipeline", "--nb", "tcp:localhost:http"], 1, ["'tcp:localhost:http' is not a remote"]),
        (["Pipeline", "--nb", "ssl:127.0.0.1:1"], 2, ["ssl: remotes need --private-key, --certificate and --ca-cert"]),
        (["Pipeline", "--nb", "nb.db", "--format", "flows"], 1, ["--format flows is for OpenFlow, not for Pipeline"]),
        (["OpenFlow", "--nb", "nb.db", "--format", "flows"], 1, ["give each one's database with --ovs"]),
        (["Pipeline", "--nb", "nb.db", "--format", "xml"], 2, ["'xml' is not one of"]),
        ([], 2, ["Missing argument 'RELATION'"]),
        (["Pipeline", "--nb", "nb.db", "-p", "key.pem"], 2, ["give all three"]),
    ],
)
def test_bad_input(bad, words, status, parts):
    """Each kind of bad input is one line on standard error that says what is wrong, where, and what to do."""
    found, line = one_line(run("derive", *words, folder=bad))
    assert found == status, line
    assert all(p in line for p in parts), line


def test_a_server_of_another_database(ovsdb):
    """A server that has another database, or today's schema, is named with what it lacks."""
    server = ovsdb(SCHEMAS / "ovn-sb.ovsschema")
    status, line = one_line(run("derive", "Pipeline", "--nb", server.remote))
    assert (status, "the server has no database OVN_Northbound; it has OVN_Southbound" in line) == (1, True), line


def test_no_database_is_this_machines(tmp_path):
    """Without --nb, --sb and --ovs the databases are where ovn-nbctl and ovn-sbctl would look."""
    status, line = one_line(run("derive", "Pipeline", OVN_RUNDIR=str(tmp_path), OVS_RUNDIR=str(tmp_path)))
    assert (status, f"unix:{tmp_path}/ovnnb_db.sock can't be reached" in line) == (1, True), line


def test_a_pipe_that_ends_early(recorded):
    """Reading only the first line of the output is no error."""
    command = [*PROGRAM, "derive", "Pipeline", *recorded.files[:2]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
