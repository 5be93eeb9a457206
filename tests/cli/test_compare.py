"""What a southbound database has and the rules don't ask for, and the other way round."""

import json
import shutil
import subprocess

import pytest
from recorded import one_line, run

PIPELINE = '["OVN_Southbound", {"op": "update", "table": "Pipeline", "where": [["priority", "==", 32768]], "row": ROW}]'
"""The network's one ACL is such a row."""


@pytest.fixture
def changed(recorded, tmp_path):
    """The options that name the databases, with a southbound one in which somebody has written into a flow."""
    file = tmp_path / "sb.db"
    shutil.copy(recorded.folder / "sb.db", file)
    transaction = PIPELINE.replace("ROW", '{"actions": "next;"}')
    subprocess.run(["ovsdb-tool", "transact", file, transaction], check=True, capture_output=True)
    return ["--nb", str(recorded.folder / "nb.db"), "--sb", str(file)]


def test_what_northd_wrote_is_alike(recorded):
    """Over the databases that our daemon filled there is no difference; hosts' databases don't matter."""
    for databases in (recorded.files[:4], recorded.dumps[:4], ["--bundle", str(recorded.folder)]):
        done = run("compare", *databases)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0] == "Binding: 3 alike"
        assert lines[1].startswith("Pipeline: ")
        assert lines[1].endswith(" alike")
        assert len(lines) == 2


def test_rows_that_differ(changed):
    """Both sides of a difference are shown, as many as are asked for, and the exit status is 1."""
    done = run("compare", *changed)
    assert (done.returncode, done.stderr) == (1, "")
    first, second, *rows = done.stdout.splitlines()
    assert first == "Binding: 3 alike"
    assert second.endswith(" alike, 2 differ")
    assert [row[:20] for row in rows] == ['  - actions="next;" ', '  + actions="drop;" ']
    assert all('match="ip4" priority=32768' in row for row in rows)
    assert run("compare", *changed, "--most", "1").stdout.splitlines()[3:] == ["  … and 1 more; --most shows more"]
    done = run("compare", *changed, "Binding")
    assert (done.returncode, done.stdout) == (0, "Binding: 3 alike\n")


def test_json(changed):
    """The same as a document."""
    done = run("compare", *changed, "--format=json", "Pipeline")
    (pipeline,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert [pipeline[side][0]["actions"] for side in ("stored", "wanted")] == ["next;", "drop;"]


def test_what_cannot_be_compared(recorded, tmp_path):
    """Each is one line: a table that rules don't write, one database alone, rules that write nothing."""
    own = tmp_path / "own.py"
    own.write_text('"""Nothing."""\n')
    databases = recorded.files[:4]
    assert one_line(run("compare", *databases, "Chassis")) == (
        1,
        "Chassis is not compared; these are: Binding, Pipeline",
    )
    assert one_line(run("compare", *databases[:2])) == (
        2,
        "compare needs both databases; give --sb, too; see 'ovn-rules compare --help'",
    )
    assert one_line(run("compare", *databases[2:])) == (
        2,
        "compare needs both databases; give --nb, too; see 'ovn-rules compare --help'",
    )
    assert one_line(run("compare", *databases, "--program", str(own))) == (
        1,
        "the program own writes no southbound database, so there is nothing to compare",
    )
