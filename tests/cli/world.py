"""Real databases and our daemons as processes, for tests of what the daemons do with them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ovn_rules.rules import ezbake

SCHEMAS = Path(ezbake.__file__).parent
PROGRAM = [sys.executable, "-m", "ovn_rules.cli.main"]


def until(condition, what="it", seconds=15):
    """Waits for something to become true, and returns it."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"still waiting for {what() if callable(what) else what}"
        time.sleep(0.02)
    return result


class Daemon:
    """One of our daemons in the foreground; its log is the file ``NAME.log``."""

    def __init__(self, folder, name, *arguments, title=None):
        """Starts it; returns when it answers on its control socket."""
        self.folder = folder
        self.title = title or name
        self.control = folder / f"{self.title}.ctl"
        self.log = folder / f"{self.title}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *PROGRAM, "daemon", name, f"--unixctl={self.control}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"OVN_RUNDIR": str(folder), "OVN_LOGDIR": str(folder), "JOURNAL_STREAM": ""},
            )
        until(lambda: self._answers() or self.process.poll() is not None, self.text)
        assert self.process.poll() is None, self.text()

    def text(self):
        """What it has logged."""
        return self.log.read_text()

    def _answers(self):
        """Whether it listens; a socket is there before that, maybe one that another daemon left."""
        return self.control.exists() and self._appctl("version").returncode == 0

    def _appctl(self, *words):
        command = ["ovs-appctl", "-T", "10", "-t", self.control, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def ask(self, *words):
        """What ovs-appctl prints; that it works is expected."""
        done = self._appctl(*words)
        assert done.returncode == 0, done.stderr + self.text()
        return done.stdout.strip()

    def status(self):
        """The first line of ``status``."""
        return self.ask("status").splitlines()[0].removeprefix("Status: ")

    def wait(self, status):
        """Waits until the status is this."""
        until(lambda: self.status() == status, lambda: f"{self.title} {status}: {self.ask('status')}\n{self.text()}")
        return self

    def seconds(self):
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self, with_signal=signal.SIGKILL):
        """Ends it by a signal."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        self.process.wait(15)
        return self.process.returncode


class World:
    """A northbound and a southbound server, and daemons between them."""

    def __init__(self, folder, ovsdb):
        """Starts the servers."""
        self.folder = folder
        self.nb = ovsdb(SCHEMAS / "ovn-nb.ovsschema")
        self.sb = ovsdb(SCHEMAS / "ovn-sb.ovsschema")
        self.daemons = []

    def northd(self, title="northd", *options):
        """Starts a northd."""
        return self._started("northd", f"--nb={self.nb.remote}", f"--sb={self.sb.remote}", *options, title=title)

    def controller(self, remote, title="controller"):
        """Starts a controller of the host with this database."""
        return self._started("controller", f"--ovs={remote}", title=title)

    def _started(self, *arguments, title):
        self.daemons.append(Daemon(self.folder, *arguments, title=title))
        return self.daemons[-1]

    def close(self):
        """Kills the daemons."""
        for daemon in self.daemons:
            daemon.kill()

    # What is wanted

    def add_switch(self, name):
        """A logical switch; its UUID."""
        return self.nb.transact({"op": "insert", "table": "Logical_Switch", "row": {"name": name}})[0]["uuid"][1]

    def add_port(self, switch, name, mac="00:00:00:00:00:01"):
        """A logical port; its UUID."""
        row = {"name": name, "lswitch": ["uuid", switch], "macs": mac}
        return self.nb.transact({"op": "insert", "table": "Logical_Port", "row": row})[0]["uuid"][1]

    def delete_port(self, name):
        """Deletes a logical port."""
        self.nb.transact({"op": "delete", "table": "Logical_Port", "where": [["name", "==", name]]})

    def update(self, server, table, column, old, **new):
        """Changes the rows where a column has a value."""
        server.transact({"op": "update", "table": table, "where": [[column, "==", old]], "row": new})

    # What has come of it

    def tunnel_keys(self):
        """Tunnel key by logical port."""
        return {r["logical_port"]: r["tunnel_key"] for r in self.sb.select("Binding", ["logical_port", "tunnel_key"])}

    def holders(self):
        """Chassis by logical port."""
        return {r["logical_port"]: r["chassis"] for r in self.sb.select("Binding", ["logical_port", "chassis"])}

    def up(self):
        """The up column by logical port: True, False or an empty set."""
        return {r["name"]: r["up"] for r in self.nb.select("Logical_Port", ["name", "up"])}

    def pipeline(self):
        """The logical flows: table, priority, match, actions."""
        columns = ["table_id", "priority", "match", "actions"]
        return sorted(tuple(r[c] for c in columns) for r in self.sb.select("Pipeline", columns))

    def chassis(self):
        """Names of the Chassis rows."""
        return sorted(r["name"] for r in self.sb.select("Chassis", ["name"]))
