"""The flows of whole networks on a real switch: taken as they are, and printed as they were given."""

import json
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[1] / "spec" / "networks").glob("*.json"))
HOSTS = [
    pytest.param(flows, id=f"{file.stem}-{host}")
    for file in FILES
    for host, flows in json.loads(file.read_text(encoding="utf-8"))["flows"].items()
]


@pytest.mark.parametrize("flows", HOSTS)
def test_accepted_verbatim(ovs, flows):
    """ovs-ofctl takes all flows of a host at once, and dump-flows prints each one letter by letter."""
    ovs.ofctl("add-flows", "-", text="".join(f"{flow}\n" for flow in flows))
    dumped = [line.strip() for line in ovs.raw_dump()]
    assert sorted(f if f.startswith("table=") else f"table=0, {f}" for f in dumped) == sorted(flows)
