"""``ovn-rules sandbox``: real servers and the daemons for as long as a command runs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import PROGRAM, one_line, run

from ovn_rules.cli import __version__


def test_the_commands_status_is_the_sandboxs(recorded):
    """The sandbox ends with the command, with its exit status, and leaves no folder and no process."""
    assert recorded.done.returncode == 7
    assert_gone((recorded.folder / "folder").read_text().strip())


def assert_gone(folder):
    """Nothing is left of a sandbox: neither its folder nor a process with that in its arguments."""
    assert folder.startswith("/")
    assert not Path(folder).exists()
    commands = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(each.read_bytes())
        except OSError:
            continue
    assert not [c for c in commands if folder.encode() in c]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_sandbox_that_is_ended(number):
    """Told to end, it ends all that runs in it."""
    command = ["sandbox", "--", "sh", "-c", "echo $OVS_RUNDIR; exec sleep 60"]
    with subprocess.Popen([*PROGRAM, *command], stdout=subprocess.PIPE, text=True) as sandbox:
        folder = sandbox.stdout.readline().strip()
        sandbox.send_signal(number)
        assert sandbox.wait(30) == 128 + number
    assert_gone(folder)


def test_derive_inside_needs_no_database(recorded):
    """In the sandbox commands find its databases, the host's own one too, by themselves."""
    lines = [line.strip() for line in (recorded.folder / "derived-inside").read_text().splitlines()]
    assert sorted(lines) == recorded.flows()


def test_the_daemons_inside_can_be_asked():
    """In the sandbox --attach and ovs-appctl find both daemons by their names."""
    ask = (
        'for name in northd controller; do echo "show Problem" | "$PYTHON" -m ovn_rules.cli.main repl --attach $name; '
    )
    ask += "ovs-appctl -t ovn-rules-$name version; done"
    done = run("sandbox", "--", "sh", "-c", ask, PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("0 facts of Problem") == 2
    assert done.stdout.count(f" {__version__}") == 2


def test_commands_inside_can_be_interrupted():
    """Ctrl-C ends what runs in the sandbox; the sandbox ends when its shell does."""
    done = run("sandbox", "--", "sh", "-c", "kill -INT $$; echo not interrupted")
    assert (done.returncode, done.stdout) == (130, "")


def test_a_command_that_does_not_exist():
    """A command that can't be run is one line, and everything ends."""
    assert one_line(run("sandbox", "--", "no-such-command")) == (
        1,
        "can't run no-such-command: No such file or directory",
    )


def test_missing_servers(tmp_path):
    """Without Open vSwitch it says what isn't found and what to install."""
    status, line = one_line(run("sandbox", "true", PATH=str(tmp_path)))
    assert status == 1
    assert line.startswith("not found: ")
    assert line.endswith("; install openvswitch-switch")
