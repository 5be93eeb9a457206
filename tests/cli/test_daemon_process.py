"""A daemon as its operator meets it: background, pidfile, signals, control socket. All of it as real processes."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from daemons import until


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_detached_and_found_by_name(daemons, tmp_path):
    """With --detach the command returns when ovs-appctl and ovn-appctl can reach the daemon by its name."""
    done = daemons.run("--detach", "--pidfile")
    assert (done.returncode, done.stdout) == (0, "")
    pid = int((tmp_path / "small.pid").read_text())
    assert str(Path(f"/proc/{pid}/cwd").readlink()) == "/"
    assert os.getsid(pid) != os.getsid(0)
    assert str(Path(f"/proc/{pid}/fd/2").readlink()) == "/dev/null"
    for program in ("ovs-appctl", "ovn-appctl"):
        answer = daemons.appctl("version", program=program)
        assert re.fullmatch(r"small \d+\.\d+\.\d+\n", answer.stdout), answer
    assert daemons.appctl("exit").returncode == 0
    until(lambda: not Path(f"/proc/{pid}").exists(), "the end")
    assert [p.name for p in tmp_path.iterdir()] == []


def test_found_by_the_name_of_its_pidfile(daemons, tmp_path):
    """With a pidfile of another name, as ovn-ctl gives it, ovs-appctl reaches the daemon by that name."""
    daemons.run("--detach", f"--pidfile={tmp_path}/other.pid")
    assert daemons.appctl("version", target="other").returncode == 0
    assert daemons.appctl("exit", target="other").returncode == 0
    until(lambda: not list(tmp_path.iterdir()), "the end")


def test_sockets_and_pidfiles_are_private(daemons, tmp_path):
    """Pidfile and control socket are for the daemon's user alone, the log for its group too, whatever the umask."""
    before = os.umask(0)
    try:
        daemons.run("--detach", "--pidfile", "--log-file")
    finally:
        os.umask(before)
    (ctl,) = tmp_path.glob("small.*.ctl")
    assert mode(tmp_path / "small.pid") == 0o600
    assert mode(ctl) == 0o600
    assert mode(tmp_path / "small.log") == 0o640


def test_failure_before_ready_is_the_commands_failure(daemons, tmp_path):
    """With --detach a daemon that can't be set up fails the command: its message, its status, nothing left behind."""
    done = daemons.run("--detach", "--pidfile", "--before-ready=fail")
    assert done.returncode == 1
    assert done.stderr == "ovn-rules: the set-up failed\n"
    assert [p.name for p in tmp_path.iterdir()] == []


def test_crash_before_ready_is_a_failure(daemons):
    """With --detach a daemon that dies before it is ready fails the command, which says what killed it."""
    done = daemons.run("--detach", "--before-ready=die")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "the daemon was killed by SIGABRT before it was ready"


def test_second_instance_is_refused(daemons, tmp_path):
    """A second daemon with the pidfile of a live one ends at once, with one line that names the first."""
    first = daemons.start("--pidfile")
    done = daemons.run("--pidfile")
    assert done.returncode == 1
    assert done.stderr == (
        f"ovn-rules: already running as pid {first.pid} (pidfile {tmp_path}/small.pid); "
        "stop it first, or give another --pidfile\n"
    )
    assert (tmp_path / "small.pid").read_text() == f"{first.pid}\n"
    assert daemons.appctl("version").returncode == 0


def test_pidfile_of_a_killed_daemon_is_replaced(daemons, tmp_path):
    """After kill -9 the daemon starts again over what was left behind."""
    first = daemons.start("--pidfile", f"--unixctl={tmp_path}/ctl")
    first.kill()
    first.wait()
    assert (tmp_path / "small.pid").exists()
    assert (tmp_path / "ctl").exists()
    second = daemons.start("--pidfile", f"--unixctl={tmp_path}/ctl")
    assert second.poll() is None
    assert (tmp_path / "small.pid").read_text() == f"{second.pid}\n"
    assert daemons.appctl("version", target=f"{tmp_path}/ctl").returncode == 0


def test_overwritten_pidfile_is_not_removed_by_the_first(daemons, tmp_path):
    """With --overwrite-pidfile the file is the new daemon's, and the old one's end leaves it there."""
    first = daemons.start("--pidfile")
    second = daemons.start("--pidfile", "--overwrite-pidfile")
    first.terminate()
    first.wait(20)
    assert (tmp_path / "small.pid").read_text() == f"{second.pid}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_without_cleanup(daemons, tmp_path, number):
    """SIGTERM and SIGINT end the daemon with status 0 and without a clean exit; socket and pidfile are gone."""
    process = daemons.start("--pidfile")
    process.send_signal(number)
    assert process.wait(20) == 0
    assert "cleanup False" in (tmp_path / "err").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["err"]


@pytest.mark.parametrize(("arguments", "cleanup"), [([], True), (["--restart"], False)])
def test_exit_is_answered_when_done(daemons, tmp_path, arguments, cleanup):
    """``exit`` answers when what it asked for is done: a clean exit, or with --restart one that leaves all as it is."""
    daemons.start("--pidfile")
    assert daemons.appctl("exit", *arguments).returncode == 0
    assert f"cleanup {cleanup}" in (tmp_path / "err").read_text()


def test_control_socket_of_another_is_not_taken(daemons, tmp_path):
    """A control socket on which another process listens, or a file that is none, is refused and stays."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/used")
        other.listen()
        done = daemons.run(f"--unixctl={tmp_path}/used")
        assert done.stderr == f"ovn-rules: can't make control socket {tmp_path}/used: another process listens there\n"
    (tmp_path / "file").write_text("precious")
    done = daemons.run(f"--unixctl={tmp_path}/file")
    assert done.stderr == f"ovn-rules: can't make control socket {tmp_path}/file: a file that is no socket is there\n"
    assert (tmp_path / "file").read_text() == "precious"
    done = daemons.run(f"--unixctl={tmp_path}/no/where")
    assert done.stderr == (
        f"ovn-rules: can't make control socket {tmp_path}/no/where: No such file or directory; "
        "give another --unixctl=PATH, or OVN_RUNDIR\n"
    )


def test_failing_command_ends_nothing(daemons):
    """A command that is refused, fails or is unknown answers with its error, and the daemon goes on."""
    daemons.start("--pidfile")
    refused, failed, unknown = daemons.appctl("fail", "x"), daemons.appctl("fail"), daemons.appctl("nonsense")
    assert refused.returncode == failed.returncode == unknown.returncode == 2
    assert refused.stderr.splitlines()[0] == "this is refused"
    assert failed.stderr.splitlines()[0] == "fail failed: ZeroDivisionError: a bug"
    assert '"nonsense" is not a valid command' in unknown.stderr
    assert "say" in daemons.appctl("list-commands").stdout


def test_silent_client_blocks_nobody(daemons, tmp_path):
    """A client that connects and says nothing, or half a request, keeps no other from being answered."""
    daemons.start("--pidfile", f"--unixctl={tmp_path}/ctl")
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as half:
        silent.connect(f"{tmp_path}/ctl")
        half.connect(f"{tmp_path}/ctl")
        half.sendall(b'{"method":"ver')
        assert daemons.appctl("version", target=f"{tmp_path}/ctl").returncode == 0


def test_unixctl_none(daemons, tmp_path):
    """With --unixctl=none there is no control socket."""
    daemons.start("--unixctl=none")
    assert [p.name for p in tmp_path.iterdir()] == ["err"]


def test_service_manager_is_told(daemons, tmp_path):
    """Systemd hears when the daemon is ready and when it ends (sd_notify(3))."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        manager.settimeout(20)
        process = daemons.start(NOTIFY_SOCKET=f"{tmp_path}/notify")
        assert manager.recv(100) == b"READY=1"
        process.terminate()
        assert manager.recv(100) == b"STOPPING=1"


def test_interrupted_start_leaves_no_daemon(daemons, tmp_path):
    """SIGINT while the command waits for a daemon ends the daemon too."""
    program = (
        "import time, sys\n"
        "from ovn_rules.cli.process import Background\n"
        "background = Background()\n"
        "background.detach()\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(__import__('os').getpid()))\n"
        "time.sleep(60)\n"
    )
    command = subprocess.Popen([sys.executable, "-c", program])
    pid = until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text(), "the daemon")
    command.send_signal(signal.SIGINT)
    assert command.wait(20) == 130
    assert not Path(f"/proc/{pid}").exists()


def test_crash_is_in_the_log(daemons, tmp_path):
    """A daemon in the background that ends by a mistake of its own leaves the place in its log, and no socket."""
    daemons.run("--detach", "--pidfile", "--log-file")
    pid = int((tmp_path / "small.pid").read_text())
    daemons.appctl("crash")
    daemons.appctl("version")  # wakes it
    until(lambda: not Path(f"/proc/{pid}").exists(), "the end")
    log = (tmp_path / "small.log").read_text()
    assert "|daemon|EMER|ends: ArithmeticError: a bug\n" in log
    assert re.search(r"\|daemon\|EMER\|  File .*small_daemon.py", log)
    assert [p.name for p in tmp_path.iterdir()] == ["small.log"]
