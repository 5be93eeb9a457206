"""``ovn-rules check`` and ``graph``: the rules' own description."""

import shutil
import subprocess

import pytest
from recorded import one_line, run


def test_check():
    """The shipped rules have no mistakes; what there is of them is counted."""
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ezbake: ")
    assert done.stdout.endswith("; no mistakes\n")


def test_relations():
    """--relations lists every relation with its columns and what it is."""
    lines = run("check", "--relations").stdout.splitlines()
    assert "OpenFlow(chassis: str, table: int, priority: int, match: str, actions: str)" in lines
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == sorted(heads)
    assert any(line.startswith("nb.Logical_Port(_uuid: uuid, ") for line in heads)


def test_plans():
    """--plans shows the joins of one rule or of all; an unknown rule is an error."""
    one = run("check", "--plans", "port_key").stdout
    assert one == "port_key: PortKey\n    on nb.Logical_Port\n"
    every = run("check", "--plans").stdout
    assert one.splitlines()[0] in every
    assert len(every.splitlines()) > 100
    assert one_line(run("check", "--plans", "nothing")) == (1, "no rule nothing")


@pytest.mark.parametrize("role", ["northd", "controller", "everything"])
def test_graph(role):
    """Each role's relations and what they follow from, with ~ where absence counts."""
    lines = run("graph", "--role", role).stdout.splitlines()
    derived = {line.partition(" <= ")[0]: line.partition(" <= ")[2] for line in lines}
    assert ("OpenFlow" in derived) is (role != "northd")
    assert ("PortKey" in derived) is (role != "controller")
    if "PortKey" in derived:
        assert derived["PortKey"] == "StoredKey, nb.Logical_Port"
    assert any("~" in sources for sources in derived.values())


def test_pictures():
    """Dot and mermaid draw every relation once, databases' as boxes; dot is taken by Graphviz where that is."""
    dot = run("graph", "--format", "dot").stdout
    assert '"nb.Logical_Port" [shape=box];' in dot
    assert '"OpenFlow" [shape=ellipse];' in dot
    mermaid = run("graph", "--format", "mermaid").stdout
    assert mermaid.startswith("flowchart LR\n")
    assert mermaid.count('"OpenFlow"') == 1
    assert " -.-> " in mermaid
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=dot, text=True, check=True, capture_output=True)
    assert dot.count("{") == dot.count("}") == 1
