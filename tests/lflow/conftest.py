"""The tests of the language import the modules beside them by name, and share one real switch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Switch:
    """A real Open vSwitch that moves no packets, to put flows into and read them back."""

    def __init__(self, folder):
        """Starts ovsdb-server and ovs-vswitchd in a folder, with one bridge."""
        self.folder = folder
        self.management = f"unix:{folder}/br0.mgmt"
        self.processes = []
        subprocess.run(["ovsdb-tool", "create", folder / "conf.db", SCHEMA], check=True)
        self.start("ovsdb-server", f"--remote=punix:{folder}/db.sock", f"{folder}/conf.db")
        self.wait(folder / "db.sock")
        self.start("ovs-vswitchd", "--enable-dummy", "--disable-system", f"unix:{folder}/db.sock")
        add = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure"]
        subprocess.run(["ovs-vsctl", "--timeout=20", f"--db=unix:{folder}/db.sock", *add], check=True)
        self.wait(folder / "br0.mgmt")

    def start(self, name, *arguments):
        """Starts one program, its files in the folder."""
        environment = dict.fromkeys(("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"), str(self.folder))
        command = [name, f"--unixctl={self.folder}/{name}.ctl", *arguments]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment))

    def wait(self, path):
        """Waits until a socket is there."""
        end = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < end, f"no {path}"
            time.sleep(0.01)

    def ofctl(self, command, *arguments, text=None):
        """What an ovs-ofctl command prints; its complaint is the failure's message."""
        line = ["ovs-ofctl", "-O", "OpenFlow13", "--no-names", *arguments[:1], command, self.management, *arguments[1:]]
        done = subprocess.run(line, capture_output=True, text=True, input=text, check=False)
        assert done.returncode == 0, done.stderr
        assert "normalization" not in done.stderr, done.stderr
        return done.stdout

    def keeps(self, flows):
        """Puts lines of flows into the empty switch, and returns what it then prints."""
        self.ofctl("del-flows")
        self.ofctl("add-flows", "--bundle", "-", text="\n".join(flows) + "\n")
        return self.ofctl("dump-flows", "--no-stats")

    def trace(self, packet):
        """What ofproto/trace says of a packet."""
        command = ["ovs-appctl", "-t", f"{self.folder}/ovs-vswitchd.ctl", "ofproto/trace", "br0", packet]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def stop(self):
        """Ends both programs."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def switch(tmp_path_factory):
    """A real switch for the whole run."""
    switch = Switch(tmp_path_factory.mktemp("ovs"))
    yield switch
    switch.stop()
