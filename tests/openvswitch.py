"""A real Open vSwitch in a temporary folder: database server and switch, with a dummy datapath."""

import contextlib
import os
import subprocess
import time

import pytest

from ovn_rules.cli.control import listens

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVSwitch:
    """ovsdb-server and ovs-vswitchd with their sockets in ``folder``; the datapath moves no packets."""

    def __init__(self, folder):
        """Starts both."""
        self.folder = folder
        self.processes = {}
        subprocess.run(["ovsdb-tool", "create", folder / "conf.db", SCHEMA], check=True)
        self._start("ovsdb-server", f"--remote=punix:{folder}/db.sock", f"{folder}/conf.db")
        self._until(folder / "db.sock")
        self.vsctl("--no-wait", "init")
        self.start()

    def _start(self, name, *arguments):
        environment = dict.fromkeys(("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"), str(self.folder))
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                # It ends with this process, whatever ends that.
                ["setpriv", "--pdeathsig", "KILL", name, f"--unixctl={self.folder}/{name}.ctl", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | environment,
            )

    def _until(self, path):
        end = time.monotonic() + 20
        while not listens(path):
            assert time.monotonic() < end, f"no {path}"
            time.sleep(0.01)

    def start(self):
        """Starts the switch; returns when it answers."""
        for left in self.folder.glob("*.mgmt"):
            left.unlink()
        (self.folder / "ovs-vswitchd.ctl").unlink(missing_ok=True)
        self._start("ovs-vswitchd", "--enable-dummy", "--disable-system", f"unix:{self.folder}/db.sock")
        self._until(self.folder / "ovs-vswitchd.ctl")

    def kill(self, name="ovs-vswitchd"):
        """Kills one of the two without warning."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def vsctl(self, *arguments):
        """Output of ovs-vsctl."""
        command = ["ovs-vsctl", "--timeout=15", f"--db=unix:{self.folder}/db.sock", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def add_bridge(self, name="br-int"):
        """Adds a bridge without flows; returns when its management socket is there."""
        self.vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=dummy", "fail_mode=secure")
        self._until(self.folder / f"{name}.mgmt")

    def ofctl(self, *arguments, bridge="br-int", text=None):
        """Output of an ovs-ofctl command; its first argument after the command is the bridge."""
        command, *rest = arguments
        line = ["ovs-ofctl", "-O", "OpenFlow13", command, f"unix:{self.folder}/{bridge}.mgmt", *rest]
        return subprocess.run(line, check=True, capture_output=True, text=True, input=text).stdout

    def dump(self, bridge="br-int"):
        """The lines of dump-flows without statistics, sorted, a blank less."""
        return sorted(line.strip().replace(", ", ",") for line in self.raw_dump(bridge))

    def raw_dump(self, bridge="br-int"):
        """The lines of dump-flows without statistics."""
        return self.ofctl("dump-flows", "--no-names", "--no-stats", bridge=bridge).splitlines()

    @contextlib.contextmanager
    def watch(self, bridge="br-int"):
        """Yields a list that holds, after the block, each change that was made to the flows inside it."""
        seen = []
        line = ["ovs-ofctl", "-O", "OpenFlow14", f"--unixctl={self.folder}/watch.ctl"]
        watcher = subprocess.Popen(
            [*line, "monitor", f"unix:{self.folder}/{bridge}.mgmt", "watch:!initial"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            # Until it answers this it passes over what it is sent.
            barrier = ["ovs-appctl", "-t", self.folder / "watch.ctl", "ofctl/barrier"]
            while subprocess.run(barrier, check=False, capture_output=True).returncode:
                assert watcher.poll() is None
            yield seen
            self.ofctl("add-flow", "table=253,priority=1,actions=drop", bridge=bridge)
            self.ofctl("del-flows", "table=253", bridge=bridge)
            for line in watcher.stdout:
                if "table=253" in line:
                    return
                if line.startswith(" event="):
                    seen.append(line.strip())
            pytest.fail("the watcher ended early")
        finally:
            watcher.kill()
            watcher.wait()
            watcher.stdout.close()

    def close(self):
        """Kills what runs."""
        for name in list(self.processes):
            self.kill(name)
