"""``ovn-rules daemon northd`` and ``ovn-rules daemon controller``."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import ovs.poller

from ovn_rules.cli import commands, northd_commands
from ovn_rules.cli.choosing import Choice
from ovn_rules.cli.daemon_process import DaemonProcess
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.log import Log
from ovn_rules.cli.options import DaemonOptions, Remotes, daemon_options
from ovn_rules.cli.places import default_nb, default_ovs, default_ovs_rundir, default_sb
from ovn_rules.cli.programs import DEFAULT, find_program, program_option
from ovn_rules.cli.progress import Backlog
from ovn_rules.io.streams import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ovn_rules.cli.commands import Service
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program

LEAVE_SECONDS = 5.0
"""How long a clean exit may take before it is given up."""


@click.group()
def daemon() -> None:
    """Run the control plane: northd once for the network, controller on every host."""


@daemon.command()
@click.option("--nb", "--ovnnb-db", type=Remotes(), help="Northbound database; default OVN_NB_DB.")
@click.option("--sb", "--ovnsb-db", type=Remotes(), help="Southbound database; default OVN_SB_DB.")
@click.option("--dry-run", is_flag=True, help="Start paused: write nothing until 'ovs-appctl -t SOCKET resume'.")
@click.option(
    "--n-threads",
    metavar="N",
    type=click.IntRange(1, northd_commands.MOST_THREADS),
    help="Taken as ovn-northd does; the rules run in one thread all the same.",
)
@program_option
@daemon_options
def northd(
    nb: str | None, sb: str | None, dry_run: bool, n_threads: int | None, program: str | None, options: DaemonOptions
) -> None:
    """Derive the southbound database from the northbound one, as ovn-northd(8) does.

    Several may run: one works, the others stand by until it ends.

    \b
    Examples:
      ovn-rules daemon northd
      ovn-rules daemon northd --nb tcp:192.0.2.1:6641 --sb tcp:192.0.2.1:6642 --detach --pidfile --log-file
      ovs-appctl -t /var/run/ovn/ovn-rules-northd.PID.ctl status
    """
    del n_threads
    from ovn_rules.cli.northd import Northd  # noqa: PLC0415 - each daemon imports what it needs, and starts sooner

    nb, sb = nb or default_nb(), sb or default_sb()

    def make(tls: Tls | None, chosen: str) -> Service:
        return Northd(nb, sb, _working(chosen), tls, Log("northd"), paused=dry_run)

    serve("ovn-rules-northd", make, options, program, {"nb": nb, "sb": sb})


@daemon.command(short_help="Keep this host's integration bridge.")
@click.option("--ovs", type=Remotes(), help="The host's own database; default its socket in OVS_RUNDIR.")
@click.option("--sb", type=Remotes(), help="Southbound database, instead of the one external_ids:ovn-remote names.")
@program_option
@daemon_options
def controller(ovs: str | None, sb: str | None, program: str | None, options: DaemonOptions) -> None:
    """Keep this host's integration bridge: its flows, its tunnels, its claims.

    \b
    Examples:
      ovs-vsctl set Open_vSwitch . external_ids:system-id=hv1 external_ids:ovn-remote=tcp:192.0.2.1:6642 \\
          external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip=192.0.2.11
      ovn-rules daemon controller --detach --pidfile --log-file
    """
    from ovn_rules.cli.controller import Controller  # noqa: PLC0415 - likewise

    program = program or DEFAULT
    if not _working(program).tables:
        raise Failure(f"the program {program} has no rules for hosts; they run ovn-controller(8)")
    remote = ovs or default_ovs()
    path = Path(remote.partition(":")[2])
    rundir = path.parent if remote.startswith("unix:") and "OVS_RUNDIR" not in os.environ else default_ovs_rundir()

    def make(tls: Tls | None, chosen: str) -> Service:
        return Controller(remote, sb, str(rundir), _working(chosen), tls, Log("controller"))

    serve("ovn-rules-controller", make, options, program, {})


def _working(name: str) -> Program:
    """A program that says how what it derives is written.

    Raises:
        Failure: it doesn't, or there is none of that name.
    """
    program = find_program(name)
    if not program.northd.sinks:
        raise Failure(f"{name} doesn't say what is written where; ask of it with derive, query or repl instead")
    return program


def serve(
    name: str,
    make: Callable[[Tls | None, str], Service],
    options: DaemonOptions,
    program: str | None,
    databases: Mapping[str, str],
) -> None:
    """Run a daemon until it is told to end.

    Args:
        name: its name, for files and sockets.
        make: makes its work, given the TLS files and the program's name.
        options: how it is to run.
        program: the program's name; None for the one that the databases are for.
        databases: those whose schemas say it, by name.

    Raises:
        Failure: it can't start.
    """
    tls = options.tls.tls()
    if program is not None:
        _working(program)
    with DaemonProcess(name, options) as process:
        try:
            chosen = program or _choose(Choice(databases, tls, Log("daemon")), process)
            if chosen is None:
                return
            gc.disable()  # rules make many objects that stay, and hardly a cycle
            try:
                service = make(tls, chosen)
            finally:
                gc.enable()
        except RemoteError as error:
            raise Failure(str(error)) from error
        _remember(service, options)
        commands.register(process.control, service)
        process.ready()
        backlog = Backlog()
        try:
            while not process.stopping:
                service.run()
                process.run()
                backlog.show(sum(w.waiting for w in service.plane.writers.values()))
                poller = ovs.poller.Poller()
                service.wait(poller)
                process.wait(poller)
                if not process.stopping:
                    poller.block()
            if process.cleanup:
                _leave(service)
        finally:
            service.close()


def _choose(choice: Choice, process: DaemonProcess) -> str | None:
    """Wait for a server to say which program it needs; None when the daemon is to end before that."""
    process.control.register("status", "", 0, 0, lambda _: f"Status: {choice.status}")
    try:
        found = choice.run()
        while found is None and not process.stopping:
            if choice.delayed:
                process.ready()  # whoever started the daemon needn't wait for the databases
            process.run()
            poller = ovs.poller.Poller()
            choice.wait(poller)
            process.wait(poller)
            if not process.stopping:
                poller.block()
            found = choice.run()
        return found
    finally:
        choice.close()


def _remember(service: Service, options: DaemonOptions) -> None:
    """Let the service keep a history.

    Raises:
        Failure: a file is named for a database that it doesn't follow.
    """
    relations = service.plane.program.relations.values()
    known = sorted({r.table.database for r in relations if r.table is not None})
    wrong = next((name for name in options.database_files if name not in known), None)
    if wrong is not None:
        raise Failure(f"--database-file {wrong}=...: there is no database {wrong}, but {', '.join(known)}")
    service.plane.remember(options.history, options.history_facts, options.database_files)


def _leave(service: Service) -> None:
    """Let the service clean up after itself, for a while."""
    end = time.monotonic() + LEAVE_SECONDS
    while not service.leave() and time.monotonic() < end:
        service.run()
        poller = ovs.poller.Poller()
        service.wait(poller)
        poller.timer_wait(100)
        poller.block()
