"""A small network that ran for a moment in the sandbox: its databases as files, and what the switch held."""

import os
import subprocess
import sys

PROGRAM = [sys.executable, "-m", "ovn_rules.cli.main"]

SCRIPT = r"""
set -e
run() { "$PYTHON" -m ovn_rules.cli.main "$@"; }
run nbctl lswitch-add sw0 -- lport-add sw0 p1 -- lport-add sw0 p2 -- lport-add sw0 p3 \
    -- lport-set-macs p1 00:00:00:00:00:01 -- lport-set-macs p2 00:00:00:00:00:02 \
    -- lport-set-macs p3 00:00:00:00:00:03 -- acl-add sw0 32768 ip4 drop
for i in 1 2; do
    ovs-vsctl add-port br-int v$i -- set Interface v$i type=internal external_ids:iface-id=p$i
done
ovsdb-client transact $OVN_SB_DB '["OVN_Southbound",
    {"op": "insert", "table": "Encap", "uuid-name": "e", "row": {"type": "geneve", "ip": "192.0.2.2"}},
    {"op": "insert", "table": "Chassis", "row": {"name": "host2", "encaps": ["named-uuid", "e"]}}]' > /dev/null
tries=0
until ovs-ofctl -O OpenFlow13 dump-flows br-int | grep -q "reg7=0x3 actions=.*output:"; do
    ovsdb-client transact $OVN_SB_DB '["OVN_Southbound", {"op": "update", "table": "Binding",
        "where": [["logical_port", "==", "p3"]], "row": {"chassis": "host2"}}]' > /dev/null
    tries=$((tries + 1)); test $tries -lt 200; sleep 0.05
done
ovs-ofctl -O OpenFlow13 --no-names --no-stats dump-flows br-int > "$OUT/flows"
ovs-ofctl --names dump-flows br-int > "$OUT/flows-names"
for db in nb sb; do
    remote=unix:$OVN_RUNDIR/ovn${db}_db.sock
    ovsdb-client backup $remote > "$OUT/$db.db"
    ovsdb-client --format=json dump $remote > "$OUT/$db.json"
done
ovsdb-client backup unix:$OVS_RUNDIR/db.sock > "$OUT/ovs.db"
ovsdb-client --format=json dump unix:$OVS_RUNDIR/db.sock > "$OUT/ovs.json"
run derive OpenFlow --format flows > "$OUT/derived-inside"
echo "$OVS_RUNDIR" > "$OUT/folder"
exit 7
"""


def run(*words, folder=None, typed=None, **environment):
    """Runs ``ovn-rules``, perhaps with standard input; what it printed and its exit status."""
    return subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        input=typed,
        env=os.environ | environment,
    )


class Recorded:
    """The files in ``folder``.

    Attributes:
        folder: where they are.
        done: how the sandbox ended.
        files, dumps: the options that name the databases.
    """

    def __init__(self, folder):
        """Runs the network and keeps its files."""
        self.folder = folder
        self.done = run("sandbox", "--", "sh", "-c", SCRIPT, OUT=str(folder), PYTHON=sys.executable)
        names = ("nb", "sb", "ovs")
        self.files = [word for n in names for word in (f"--{n}", str(folder / f"{n}.db"))]
        self.dumps = [word for n in names for word in (f"--{n}", str(folder / f"{n}.json"))]

    def flows(self, name="flows"):
        """The flows in a file as ovs-ofctl printed them, sorted, with table= for table 0 as well."""
        lines = (self.folder / name).read_text().splitlines()
        flows = [line.strip() for line in lines if "actions=" in line]
        return sorted(f if f.startswith("table=") else f"table=0, {f}" for f in flows)


def one_line(done):
    """The one line on standard error of a command that failed, and its exit status."""
    assert done.stdout == ""
    assert done.stderr.startswith("ovn-rules: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr[len("ovn-rules: ") : -1]
