"""Our northd as ovn-nbctl meets it: it can wait for what it asks for, and ports get the addresses of ovn-northd."""

from __future__ import annotations

import hashlib
import shlex
import uuid
from pathlib import Path

from reference import Reference
from served import SEQUENCE_NUMBERS, Served

ADDRESSES = Path(__file__).parent / "ovn_scenarios" / "ipam.nbctl"


def numbers(served):
    """The sequence numbers of NB_Global and their times."""
    return {name: int(served.run(f"get NB_Global . {name}")) for name in SEQUENCE_NUMBERS}


def test_a_client_waits_for_the_southbound_database(served):
    """When ovn-nbctl returns, the flows are there, and the times tell in which order it went."""
    served.run("--wait=sb ls-add sw0 -- lsp-add sw0 p1 -- lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.2'")
    flows = served.run("sb lflow-list sw0")
    assert 'outport = "p1"; output;' in flows
    first = numbers(served)
    assert first["nb_cfg"] == first["sb_cfg"] == first["hv_cfg"] == 1
    served.run("--wait=sb lsp-del p1")
    assert '"p1"' not in served.run("sb lflow-list sw0")
    second = numbers(served)
    assert second["sb_cfg"] == 2
    assert first["sb_cfg_timestamp"] <= second["nb_cfg_timestamp"] <= second["sb_cfg_timestamp"]
    assert int(served.run("sb get SB_Global . nb_cfg")) == 2


def test_a_client_waits_for_the_hosts(served):
    """hv_cfg is the number of the last host, with its time; hosts of other zones don't count."""
    served.run("--wait=sb init")
    for number, host in enumerate(("near", "late", "far"), 1):
        served.run(f"sb chassis-add {host} geneve 127.0.0.{number}")
        chassis = served.run(f"sb --bare --columns=_uuid find Chassis name={host}").strip()
        served.run(f"sb create Chassis_Private name={host} chassis={chassis} nb_cfg=1 nb_cfg_timestamp=5")
    served.run("sb set Chassis far other_config:is-remote=true")
    served.run("--wait=sb set NB_Global . nb_cfg=4")
    assert numbers(served)["hv_cfg"] == 1
    served.run("sb set Chassis_Private near nb_cfg=5 nb_cfg_timestamp=70")
    served.run("sb set Chassis_Private late nb_cfg=5 nb_cfg_timestamp=60")
    served.run("wait-until NB_Global . hv_cfg=5")
    assert numbers(served)["hv_cfg_timestamp"] == 70
    served.run("--wait=sb sync")
    assert numbers(served)["hv_cfg"] == 5
    served.run("sb chassis-del near -- chassis-del late")
    served.run("--wait=hv sync")


def test_a_restart_changes_nothing(served):
    """What is settled stays: settings that were random once, times, rows."""
    served.run("--wait=hv ls-add sw0 -- lsp-add sw0 p1 -- set Logical_Switch sw0 other_config:subnet=10.0.0.0/24")
    served.run("--wait=hv lsp-set-addresses p1 dynamic")
    served.run("wait-until Logical_Switch_Port p1 dynamic_addresses!=[]")
    served.sync()
    before = [Path(file).read_text() for file in (served.nb.file, served.sb.file)]
    served.stop_northd()
    served.start()
    served.sync()
    for text, file in zip(before, (served.nb.file, served.sb.file), strict=True):
        added = [line for line in Path(file).read_text()[len(text) :].splitlines() if line.startswith("{")]
        assert [line for line in added if "_cfg" not in line] == []


def rows_alike(line):
    """A line of ovn-nbctl that makes ports with UUIDs that follow from their names."""
    commands = []
    for part in " ".join(shlex.quote(word) for word in shlex.split(line)).split(" -- "):
        words = shlex.split(part)
        if words[0] == "lsp-add":
            row = uuid.UUID(hashlib.md5(words[2].encode(), usedforsecurity=False).hexdigest())
            commands.append(f"--id={row} create Logical_Switch_Port name={words[2]}")
            commands.append(f"add Logical_Switch {words[1]} ports {row}")
        else:
            commands.append(part)
    return " -- ".join(commands)


def test_ports_get_the_addresses_that_ovn_northd_gives(tmp_path):
    """Step by step, whatever is asked for, conflicts or changes: dynamic_addresses are the same."""
    sides = [Reference(tmp_path / "theirs"), Served(tmp_path / "ours")]
    lines = [line for line in ADDRESSES.read_text().splitlines() if line and line[0] not in "#-"]
    try:
        for line in lines:
            found = []
            for side in sides:
                side.run("--wait=sb -- " + rows_alike(line))
                side.sync()
                side.sync()  # ovn-northd may need several rounds
                listed = "--format=csv --no-headings --columns=name,dynamic_addresses list Logical_Switch_Port"
                found.append(sorted(side.run(listed).splitlines()))
            assert found[0] == found[1], line
    finally:
        for side in sides:
            side.close()
