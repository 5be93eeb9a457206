"""``ovn-rules repl``: a session of questions to a network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ovn_rules.cli.following import Following
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.repl.attached import Attached
from ovn_rules.cli.repl.local import Local
from ovn_rules.cli.repl.output import Notices, Output
from ovn_rules.cli.repl.script import run_script
from ovn_rules.cli.repl.session import Session
from ovn_rules.cli.sources import facts_option, network_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovn_rules.cli.repl.world import Asked


@click.command()
@network_options
@facts_option
@click.option(
    "--attach",
    metavar="[PATH|northd|controller|NAME]",
    is_flag=False,
    flag_value="",
    default=None,
    help="Ask a running daemon over its control socket, found as ovs-appctl finds it; without a value, the one that "
    "runs here.",
)
@click.option("--echo", is_flag=True, help="In a script, print each question before its answer.")
@tls_options
def repl(
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str | None,
    facts: str | None,
    attach: str | None,
    echo: bool,
    tls: TlsFiles,
) -> None:
    """Ask a network, question after question: why, whynot, whatif, trace, query and more; 'help' lists them.

    Databases that are servers are followed as they change; nothing is ever written. When standard input is not a
    terminal it is a script: one question a line, no prompts, lines that begin with # are comments. Lines that fail
    don't end it; the exit status is that of the last line that failed, 0 if none did: 1 when the answer is an
    error, 2 when the line is wrong, 130 when it was interrupted.

    \b
    Examples:
      ovn-rules repl --nb nb.db --sb sb.db --ovs host1.db --ovs host2.db
      ovn-rules repl --nb unix:/var/run/ovn/ovnnb_db.sock --sb unix:/var/run/ovn/ovnsb_db.sock
      ovn-rules repl --attach northd
      ovn-rules repl --program doors.py --facts office.yaml
      echo 'why Binding(logical_port="vm1")' | ovn-rules repl --nb nb.db --sb sb.db
    """
    output = Output()
    notices = Notices()
    if attach is not None and (nb or sb or ovs or facts):
        raise click.UsageError("--attach asks a daemon about what it has; give no --nb, --sb, --ovs or --facts with it")
    world: Asked
    world = _local(nb, sb, ovs, program, facts, tls, notices.say) if attach is None else Attached(attach)
    try:
        session = Session(world, output, notices)
        if sys.stdin.isatty():
            from ovn_rules.cli.repl.prompt import converse  # noqa: PLC0415 - a script needs no prompt_toolkit

            converse(session)
            return
        sys.exit(run_script(session, sys.stdin, echo=echo))
    finally:
        world.close()


def _local(
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str | None,
    facts: str | None,
    tls: TlsFiles,
    say: Callable[[str], None],
) -> Local:
    following = Following(nb, sb, ovs, program, say, tls.tls(), facts)
    try:
        following.load()
    except BaseException:
        following.close()
        raise
    return Local(following)
