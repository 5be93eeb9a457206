"""``ovn-rules demo``: the milestone's network without any server."""

import json
import re
import subprocess

from recorded import run

from ovn_rules.cli.demo_network import network
from ovn_rules.engine import Engine
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE


def test_demo():
    """It prints Binding, Pipeline and both hosts' flows, exactly what a new port changes, and why a flow is there."""
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    titles = [
        "Binding: ",
        "Pipeline: ",
        "OpenFlow of host1",
        "OpenFlow of host2",
        "A port vm4 is added",
        "Why does host1",
    ]
    places = [text.index(t) for t in titles]
    assert places == sorted(places)
    assert re.search(r"^net-a +vm1 +1 +.*host1", text, re.MULTILINE)
    changes = text[places[4] : places[5]]
    signs = [line[0] for line in changes.splitlines() if line.startswith(("+ ", "- "))]
    assert signs.count("+") > signs.count("-") > 0
    assert "+ Binding  net-a  vm4  7" in changes
    assert "fa:16:3e:00:00:04" in changes
    reason = text[places[5] :]
    assert "rule openflow" in reason
    assert "nb.Logical_Port(_uuid='10000001-0000-4000-8000-000000000001'" in reason


def test_demo_is_the_same_every_time():
    """Nothing but the times it took differs between two runs."""
    texts = [re.sub(r"in [0-9.]+ ms", "", run("demo", PYTHONHASHSEED=seed).stdout) for seed in ("1", "2")]
    assert texts[0] == texts[1]


def test_saved(tmp_path):
    """Its database files give the flows that it prints, and ovsdb-tool reads them."""
    folder = tmp_path / "some" / "demo"
    done = run("demo", "--save", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    files = [folder / name for name in ("nb.db", "sb.db", "host1.db", "host2.db")]
    assert done.stdout.split() == [str(f) for f in files]
    hosts = [f"--ovs={f}" for f in files[2:]]
    derived = run("derive", "OpenFlow", f"--nb={files[0]}", f"--sb={files[1]}", *hosts, "--format=json")
    rules = EZBAKE.everything.load()
    engine = Engine(rules)
    engine.transact({r: ((), f) for r, f in facts_of(rules, network()).items()})
    assert {tuple(o.values()) for o in json.loads(derived.stdout)} == set(engine.facts("OpenFlow"))
    for file in files:
        subprocess.run(["ovsdb-tool", "compact", file], check=True)
    log = subprocess.run(["ovsdb-tool", "show-log", files[0]], check=True, capture_output=True, text=True).stdout
    assert "OVN_Northbound" in log


def test_a_folder_that_cant_be_made(tmp_path):
    """It says so in one line."""
    (tmp_path / "file").touch()
    done = run("demo", "--save", str(tmp_path / "file" / "demo"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "file") in done.stderr
