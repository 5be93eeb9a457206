"""``ovn-rules demo``: the milestone's network without any server."""

import re

from recorded import run


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
    assert "nb.Logical_Port(_uuid='00000001-0000-4000-8000-000000000001'" in reason


def test_demo_is_the_same_every_time():
    """Nothing but the times it took differs between two runs."""
    texts = [re.sub(r"in [0-9.]+ ms", "", run("demo", PYTHONHASHSEED=seed).stdout) for seed in ("1", "2")]
    assert texts[0] == texts[1]
