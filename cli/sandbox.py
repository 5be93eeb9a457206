"""``ovn-rules sandbox``: real servers, the daemons and a shell, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovn_rules.cli.control import listens
from ovn_rules.cli.failure import Failure
from ovn_rules.rules import ezbake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMAS = Path(ezbake.__file__).parent
VSWITCH_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
NEEDED = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl")
TIMEOUT = 20.0


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--keep", is_flag=True, help="Keep the folder with databases and logs.")
def sandbox(command: tuple[str, ...], keep: bool) -> None:
    """Start a network to play with and a shell (or COMMAND) in it; everything ends with the shell.

    The switch forwards in user space and has no real interfaces, so root isn't needed. In the shell, ovn-rules,
    ovs-vsctl, ovs-ofctl and ovs-appctl talk to the sandbox. Interfaces are made with type=internal.

    \b
    Examples:
      ovn-rules sandbox
      ovn-rules sandbox -- sh -c 'ovn-rules nbctl lswitch-add sw0 -- lport-add sw0 vm1; ovn-rules derive Pipeline'
      ovs-vsctl add-port br-int v1 -- set Interface v1 type=internal external_ids:iface-id=vm1
    """
    missing = [n for n in NEEDED if shutil.which(n, path=search_path()) is None]
    if missing:
        raise Failure(f"not found: {', '.join(missing)}; install openvswitch-switch")
    with ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, lambda number, _frame: sys.exit(128 + number)))
        folder = Path(tempfile.mkdtemp(prefix="ovn-rules-sandbox-"))
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = environment_of(folder)
        for name, schema in (
            ("ovnnb_db", SCHEMAS / "ovn-nb.ovsschema"),
            ("ovnsb_db", SCHEMAS / "ovn-sb.ovsschema"),
            ("db", VSWITCH_SCHEMA),
        ):
            run(environment, "ovsdb-tool", "create", f"{folder}/{name}.db", str(schema))
            server = (f"{folder}/{name}.db", f"--remote=punix:{folder}/{name}.sock", f"--unixctl={folder}/{name}.ctl")
            stack.enter_context(process(folder, environment, name, "ovsdb-server", *server))
            until(partial(listens, folder / f"{name}.sock"), name, folder)
        control = f"--unixctl={folder}/ovs-vswitchd.ctl"
        switch = (f"unix:{folder}/db.sock", "--enable-dummy", "--disable-system", control)
        run(
            environment, "ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", "external_ids:system-id=host1",
            f"external_ids:ovn-remote=unix:{folder}/ovnsb_db.sock", "external_ids:ovn-encap-type=geneve",
            "external_ids:ovn-encap-ip=127.0.0.1", "external_ids:ovn-bridge-datapath-type=dummy",
        )  # fmt: skip
        stack.enter_context(process(folder, environment, "ovs-vswitchd", "ovs-vswitchd", *switch))
        for name in ("northd", "controller"):
            pidfile = f"--pidfile={folder}/ovn-rules-{name}.pid"
            argv = (sys.executable, "-m", "ovn_rules.cli.main", "daemon", name, pidfile)
            stack.enter_context(process(folder, environment, name, *argv))
        until(partial(listens, folder / "br-int.mgmt"), "br-int", folder)
        shell = list(command) or [os.environ.get("SHELL", "/bin/sh")]
        if not command:
            click.echo(f"Sandbox in {folder}. Try: ovn-rules nbctl lswitch-add sw0; ovs-ofctl dump-flows br-int")
        # Ctrl-C is for what runs in the shell. It isn't ignored, since what is ignored stays so in each command there.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        stack.callback(signal.signal, signal.SIGINT, before)
        try:
            status = subprocess.run(shell, env=environment, check=False).returncode
        except OSError as error:
            raise Failure(f"can't run {shell[0]}: {error.strerror}") from error
    sys.exit(status if status >= 0 else 128 - status)


def search_path() -> str:
    """PATH with the folders where Debian has the servers."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def environment_of(folder: Path) -> dict[str, str]:
    """What points the tools at the sandbox."""
    variables = {f"{who}_{what}DIR": str(folder) for who in ("OVS", "OVN") for what in ("RUN", "LOG", "DB", "SYSCONF")}
    databases = {"OVN_NB_DB": f"unix:{folder}/ovnnb_db.sock", "OVN_SB_DB": f"unix:{folder}/ovnsb_db.sock"}
    return {**os.environ, **variables, **databases, "PATH": search_path()}


def run(environment: dict[str, str], *argv: str) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{argv[0]}: {done.stderr.strip()}")


@contextmanager
def process(folder: Path, environment: dict[str, str], name: str, *argv: str) -> Iterator[None]:
    """A process that ends with the block; it logs to the folder."""
    with (folder / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(5)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def until(test: Callable[[], bool], what: str, folder: Path) -> None:
    """Wait until something is there."""
    end = time.monotonic() + TIMEOUT
    while not test():
        if time.monotonic() > end:
            last = (folder / f"{what}.log").read_text().splitlines()[-1:] if (folder / f"{what}.log").exists() else []
            raise Failure(f"{what} did not start in {TIMEOUT:g} s{': ' + last[0] if last else ''}")
        time.sleep(0.02)
