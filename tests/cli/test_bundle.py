"""A folder of database files is a network, whatever the files are called."""

import shutil
import subprocess

import pytest
from transcripts import PROGRAM, save_network


@pytest.fixture
def bundle(tmp_path):
    """What a support bundle looks like: files of hosts below folders of their own, and much else."""
    save_network(tmp_path / "saved")
    for name, place in (("nb", "central/ovnnb_db.db"), ("sb", "central/ovnsb_db.db"), ("host1", "host1/conf.db")):
        path = tmp_path / "bundle" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "saved" / f"{name}.db", path)
    (tmp_path / "bundle" / "central" / "messages.log").write_bytes(b"\0\xffOVSDB")
    (tmp_path / "bundle" / "empty").write_bytes(b"")
    return tmp_path / "bundle"


def derive(folder, *options):
    """The command's exit status, output and errors."""
    return subprocess.run(
        [*PROGRAM, "derive", "OpenFlow", "--format", "flows", "--bundle", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_files_are_found(bundle):
    """Databases are told apart by their schemas; the answer is that of the files named one by one."""
    saved = bundle.parent / "saved"
    files = ("--nb", saved / "nb.db", "--sb", saved / "sb.db", "--ovs", saved / "host1.db")
    named = subprocess.run(
        [*PROGRAM, "derive", "OpenFlow", "--format", "flows", *files], capture_output=True, text=True, check=True
    )
    done = derive(bundle)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == named.stdout != ""
    both = derive(bundle, "--ovs", str(saved / "host2.db"))
    assert both.stdout != done.stdout


def test_one_of_several_must_be_named(bundle):
    """Two northbound databases can't be one network."""
    extra = bundle / "old.db"
    shutil.copy(bundle / "central" / "ovnnb_db.db", extra)
    done = derive(bundle)
    assert done.returncode == 1
    assert done.stderr == f"ovn-rules: {bundle}: which of {bundle}/central/ovnnb_db.db, {extra}? Name one with --nb\n"
    assert derive(bundle, "--nb", str(extra)).returncode == 0


def test_what_is_no_bundle(bundle, tmp_path):
    """A folder without databases, no folder, a damaged file and a cluster's file are one line each."""
    (tmp_path / "nothing").mkdir()
    lines = {
        derive(
            tmp_path / "nothing"
        ).stderr: "no database file of OVN_Northbound, OVN_Southbound, Open_vSwitch is in it",
        derive(tmp_path / "none").stderr: "no such folder",
    }
    (bundle / "central" / "cut.db").write_bytes(b"OVSDB JSON 9999 ")
    lines[derive(bundle).stderr] = "cut.db: "
    (bundle / "central" / "cut.db").write_bytes(b"OVSDB CLUSTER 10 0123456789012345678901234567890123456789\n{}\n")
    lines[derive(bundle).stderr] = "cut.db: "
    assert len(lines) == 4
    for line, part in lines.items():
        assert line.startswith("ovn-rules: ")
        assert line.count("\n") == 1
        assert part in line
