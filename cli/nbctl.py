"""``ovn-rules nbctl``: ovn-nbctl for the EZ Bake schema."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.nbctl_commands import COMMANDS, Call, Command
from ovn_rules.cli.northbound import Northbound
from ovn_rules.cli.options import Remotes, TlsFiles, tls_options
from ovn_rules.cli.ovsdb_client import OvsdbClient
from ovn_rules.cli.places import default_nb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRIES = 20
"""How often a change is tried again when others change the same rows at the same time."""


def _described() -> str:
    lines = []
    for name, each in COMMANDS.items():
        options = "".join(f"[{o}] " for o in sorted(each.options))
        lines.append(f"  {options}{name} {each.usage}".rstrip())
        lines.append(f"      {(each.function.__doc__ or '').splitlines()[0]}")
    return "\n".join(lines)


_HELP = f"""Look at and change the northbound database of the EZ Bake schema.

Several commands, separated by --, are one transaction: all of them happen or none. A switch or port is named by
its name or its UUID.

\b
Examples:
  ovn-rules nbctl lswitch-add sw0
  ovn-rules nbctl lport-add sw0 vm1 -- lport-set-macs vm1 00:00:00:00:00:01
  ovn-rules nbctl --may-exist lport-add sw0 c1 vm1 5
  ovn-rules nbctl acl-add sw0 1000 'ip4 && tcp.dst == 22' drop
  ovn-rules nbctl --db tcp:192.0.2.1:6641 show

\b
Commands:
{_described()}
"""


@click.command(
    help=_HELP,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "max_content_width": 110},
)
@click.option("--db", type=Remotes(), help="The database's remotes; default OVN_NB_DB or OVN's socket.")
@click.option(
    "--timeout",
    "-t",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=30.0,
    show_default=True,
    help="How long to wait for the database.",
)
@tls_options
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND [ARG]... [-- COMMAND [ARG]...]...")
@click.pass_context
def nbctl(ctx: click.Context, db: str | None, timeout: float, tls: TlsFiles, words: tuple[str, ...]) -> None:
    """Carry out the commands of a command line; the text above is what users read."""
    try:
        parsed = [parse(part) for part in parts(words)]
    except ValueError as e:
        raise click.UsageError(str(e), ctx) from e
    client = OvsdbClient(db or default_nb(), tls.tls(), timeout)
    try:
        for _ in range(TRIES):
            northbound = Northbound(client)
            lines = [
                line
                for each, arguments, options in parsed
                for line in each.function(Call(northbound, arguments, options))
            ]
            if northbound.commit(shlex.join(("ovn-rules", "nbctl", *words))):
                break
        else:
            raise Failure(f"{client.remote}: others kept changing the same rows; nothing was changed, try again")
    finally:
        client.close()
    for line in lines:
        print(line)


def parts(words: Iterable[str]) -> Iterator[list[str]]:
    """The commands between ``--``.

    Raises:
        ValueError: there are no words.
    """
    part: list[str] = []
    given = list(words)
    for word in [*given, "--"]:
        if word != "--":
            part.append(word)
        elif part:
            yield part
            part = []
    if not given:
        raise ValueError("no command given")


def parse(part: list[str]) -> tuple[Command, list[str], frozenset[str]]:
    """A command with its arguments and options; options may stand before its name and behind it.

    Args:
        part: its words.

    Raises:
        ValueError: there is no such command, or it takes other arguments.
    """
    known = {option for each in COMMANDS.values() for option in each.options}
    options = [w for w in part if w in known]
    words = [w for w in part if w not in known]
    name = words[0] if words else ""
    each = COMMANDS.get(name)
    if each is None:
        raise ValueError(f"no command {name!r}" if words else f"no command after {options[0]}")
    for option in options:
        if option not in each.options:
            raise ValueError(f"{name} has no option {option}")
    number = len(words) - 1
    if number < each.least or (each.most >= 0 and number > each.most):
        raise ValueError(f"wrong number of arguments: {name} {each.usage}".rstrip())
    return each, words[1:], frozenset(options)
