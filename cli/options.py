"""Options that several commands share, as decorators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from ovn_rules.cli.places import absolute

if TYPE_CHECKING:
    from ovn_rules.io.streams import Tls

F = TypeVar("F", bound=Callable[..., Any])


TRANSACTIONS = 1000
"""How many transactions a daemon can look back, by default."""

FACTS = 100_000
"""How many changed facts they may have in all, by default."""


class Remotes(click.ParamType[str]):
    """Remotes of a database: ``unix:FILE``, ``tcp:HOST:PORT`` or ``ssl:HOST:PORT``, several with commas."""

    name = "remote"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The remotes with absolute file names."""
        from ovn_rules.io.streams import RemoteError, split_remotes  # noqa: PLC0415 - only when it is used

        try:
            return ",".join(split_remotes(absolute(value)))
        except RemoteError as e:
            self.fail(str(e), param, ctx)


@dataclass(frozen=True)
class TlsFiles:
    """The files for ``ssl:`` remotes, as given; any may be missing."""

    private_key: str | None
    certificate: str | None
    ca_cert: str | None

    def tls(self) -> Tls | None:
        """What ``io`` takes.

        Raises:
            UsageError: Some are given but not all.
        """
        from ovn_rules.io.streams import Tls  # noqa: PLC0415 - only when it is used

        if self.private_key and self.certificate and self.ca_cert:
            return Tls(self.private_key, self.certificate, self.ca_cert)
        if self.private_key or self.certificate or self.ca_cert:
            raise click.UsageError("--private-key, --certificate and --ca-cert go together; give all three")
        return None


@dataclass(frozen=True)
class DaemonOptions:
    """How a daemon is to run.

    Attributes:
        detach: In the background.
        chdir: In ``/`` once in the background.
        pidfile: Where its process id goes; "" for the default place, None for nowhere.
        overwrite_pidfile: Even when a live process has that file.
        log_file: Where its log goes; "" for the default place, None for standard error only.
        verbose: Log levels, as ``vlog/set`` takes them.
        unixctl: Its control socket; None for the default place, ``none`` for no socket.
        history: How many transactions are kept; 0 for none.
        history_facts: How many changed facts they may have in all.
        database_files: Database name to the server's file, for the comments of its transactions.
        tls: Files for ``ssl:`` remotes.
    """

    detach: bool
    chdir: bool
    pidfile: str | None
    overwrite_pidfile: bool
    log_file: str | None
    verbose: tuple[str, ...]
    unixctl: str | None
    history: int
    history_facts: int
    database_files: dict[str, str]
    tls: TlsFiles


class NamedFile(click.ParamType[tuple[str, str]]):
    """A database's name in the program and a file: ``nb=/etc/ovn/ovnnb_db.db``."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The name, and the file's absolute path."""
        if isinstance(value, tuple):
            return value
        database, equals, path = str(value).partition("=")
        if not equals or not database.isidentifier() or not path:
            self.fail(f"{value!r} is not NAME=FILE, like nb=/etc/ovn/ovnnb_db.db", param, ctx)
        return database, str(Path(path).absolute())


_FILE = click.Path(dir_okay=False)

_TLS = (
    click.option("--private-key", "-p", type=_FILE, help="PEM file of the private key, for ssl: remotes."),
    click.option("--certificate", "-c", type=_FILE, help="PEM file of the certificate, for ssl: remotes."),
    click.option("--ca-cert", "-C", type=_FILE, help="PEM file of the authority that signed the servers'."),
)

_DAEMON = (
    click.option("--detach", is_flag=True, help="Run in the background; return when the daemon is ready."),
    click.option("--no-chdir", is_flag=True, help="With --detach, stay in the current folder."),
    click.option(
        "--pidfile",
        metavar="[PATH]",
        is_flag=False,
        flag_value="",
        default=None,
        help="Write the process id to a file; without PATH to OVN_RUNDIR/NAME.pid.",
    ),
    click.option("--overwrite-pidfile", is_flag=True, help="Start even if the pidfile's process is alive."),
    click.option(
        "--unixctl",
        metavar="PATH",
        help="Control socket for ovs-appctl -t; default OVN_RUNDIR/NAME.PID.ctl, NAME as the pidfile's; "
        "none for no socket.",
    ),
    click.option(
        "--log-file",
        metavar="[PATH]",
        is_flag=False,
        flag_value="",
        default=None,
        help="Log to a file as well; without PATH to OVN_LOGDIR/NAME.log.",
    ),
    click.option(
        "--history",
        metavar="N",
        type=click.IntRange(0),
        default=TRANSACTIONS,
        show_default=True,
        help="Transactions that 'ovn-rules history' can look back; 0 for none.",
    ),
    click.option(
        "--history-facts",
        metavar="N",
        type=click.IntRange(10),
        default=FACTS,
        show_default=True,
        help="Changed facts that they may have in all, 100 to 300 bytes each; one with over a tenth of them is kept as "
        "numbers.",
    ),
    click.option(
        "--database-file",
        "database_files",
        metavar="NAME=FILE",
        type=NamedFile(),
        multiple=True,
        help="Where the server of nb, sb or ovs keeps its database: the comments of its transactions stand there. "
        "Found by itself where the server is on this machine and its files may be read.",
    ),
    click.option(
        "--verbose",
        "-v",
        metavar="[SPEC]",
        is_flag=False,
        flag_value="dbg",
        multiple=True,
        help="Log level: [MODULE:][DESTINATION:][LEVEL]. Destinations: console, syslog, file. "
        "Levels: off, emer, err, warn, info, dbg. May be given several times.",
    ),
)


def tls_options(command: F) -> F:
    """Adds --private-key, --certificate and --ca-cert; they come as one argument ``tls`` (TlsFiles)."""

    @functools.wraps(command)
    def collected(
        *arguments: Any, private_key: str | None, certificate: str | None, ca_cert: str | None, **others: Any
    ) -> Any:
        return command(*arguments, tls=TlsFiles(private_key, certificate, ca_cert), **others)

    return cast("F", _add(_TLS, collected))


def daemon_options(command: F) -> F:
    """Adds the options of a daemon, TLS files included; they come as one argument ``options`` (DaemonOptions)."""

    @functools.wraps(command)
    def collected(
        *arguments: Any,
        no_chdir: bool,
        verbose: tuple[str, ...],
        tls: TlsFiles,
        detach: bool,
        pidfile: str | None,
        overwrite_pidfile: bool,
        log_file: str | None,
        unixctl: str | None,
        history: int,
        history_facts: int,
        database_files: tuple[tuple[str, str], ...],
        **others: Any,
    ) -> Any:
        options = DaemonOptions(
            detach=detach,
            chdir=not no_chdir,
            pidfile=_absolute(pidfile),
            overwrite_pidfile=overwrite_pidfile,
            log_file=_absolute(log_file),
            verbose=verbose,
            unixctl=unixctl if unixctl == "none" else _absolute(unixctl),
            history=history,
            history_facts=history_facts,
            database_files=dict(database_files),
            tls=tls,
        )
        return command(*arguments, options=options, **others)

    return cast("F", _add(_DAEMON, tls_options(collected)))


def _add(options: tuple[Callable[[F], F], ...], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def _absolute(path: str | None) -> str | None:
    return str(Path(path).absolute()) if path else path
