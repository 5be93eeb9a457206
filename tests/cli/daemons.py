"""Starts daemons as processes of their own, with all their files in one folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SMALL = Path(__file__).with_name("small_daemon.py")


def until(condition, what="it"):
    """Waits for something to become true; 20 seconds at most."""
    end = time.monotonic() + 20
    while not (result := condition()):
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.01)
    return result


class Daemons:
    """Starts daemons with their files in ``folder``."""

    def __init__(self, folder):
        """Starts none yet."""
        self.folder = folder
        self.environment = os.environ | {
            "OVN_RUNDIR": str(folder),
            "OVS_RUNDIR": str(folder),
            "OVN_LOGDIR": str(folder),
            "JOURNAL_STREAM": "",
            "NOTIFY_SOCKET": "",
        }
        self.processes = []

    def start(self, *arguments, **environment):
        """Starts one in the foreground; its standard error goes to the file ``err``."""
        err = self.folder / "err"
        seen = err.stat().st_size if err.exists() else 0
        with err.open("a") as out:
            process = subprocess.Popen(
                [sys.executable, SMALL, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=out,
                env=self.environment | environment,
            )
        self.processes.append(process)
        until(lambda: process.poll() is not None or "small 0" in err.read_text()[seen:], "the start")
        return process

    def run(self, *arguments, **environment):
        """Runs one until the command ends (--detach, or a failure)."""
        done = subprocess.run(
            [sys.executable, SMALL, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=self.environment | environment,
        )
        for pidfile in self.folder.glob("*.pid"):
            self.processes.append(int(pidfile.read_text()))
        return done

    def appctl(self, *arguments, target="small", program="ovs-appctl"):
        """Runs ovs-appctl against one."""
        return subprocess.run(
            [program, "-t", target, *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=self.environment,
        )

    def close(self):
        """Kills those that are left."""
        for process in self.processes:
            if isinstance(process, int):
                if f"{SMALL}" in _command_line(process):
                    os.kill(process, signal.SIGKILL)
            else:
                process.kill()
                process.wait()


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
