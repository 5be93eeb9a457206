"""What a session understands besides the verbs: commands about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.registry import SUMMARIES, find_verb
from ovn_rules.cli.verbs.terminal import print_item
from ovn_rules.engine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from ovn_rules.cli.repl.lines import Line
    from ovn_rules.cli.repl.session import Session
    from ovn_rules.cli.verbs.verb import Verb

_QUOTED = re.compile(r"(?<!\S)'([^']*)'(?!\S)")

FORMS = ("text", "json")
"""Formats that every verb has."""

PROSE = 100
"""Columns of running text at most."""

MORE_HELP = """\
A question may go on over several lines: while a bracket is open, or after & or a backslash; an empty line ends it.
Options stand right after the verb or at the end; every verb has --format. Nothing need be quoted as for a shell.
With > FILE at its end, an answer goes to a file, whose name has a slash or a suffix:
  why Binding(logical_port="vm1") --format html > why.html
A name that an answer gave to a fact, as PortKey#1f2e3d4c, may stand for the fact; alone it asks why.
Lines that begin with # are comments. Ctrl-C interrupts a question; Ctrl-D or quit leaves."""


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        argument: its argument, in capitals; empty for none.
        summary: one line.
        examples: as typed after its name.
        run: carries it out.
    """

    argument: str
    summary: str
    examples: tuple[str, ...]
    run: Callable[[Session, Line], None]


def _help(session: Session, line: Line) -> None:
    name = line.text
    if not name:
        session.output.show(_draw_overview)
    elif name in COMMANDS:
        session.output.show(lambda console: _draw_command(name, COMMANDS[name], console))
    elif name in SUMMARIES:
        verb = find_verb(name)
        session.output.show(lambda console: _draw_verb(verb, console))
    else:
        hint = did_you_mean(name, [*SUMMARIES, *COMMANDS])
        raise Failure(f"no verb {name}; {hint or 'help lists them'}")


def _draw_overview(console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, summary in SUMMARIES.items():
        table.add_row(name, Text(summary))
    table.add_section()
    for name, command in COMMANDS.items():
        table.add_row(" ".join(filter(None, (name, command.argument))), Text(command.summary))
    console.print(table)
    console.print()
    console.print(Text(f"help VERB tells more, with examples.\n{MORE_HELP}"))


def _draw_command(name: str, command: Command, console: Console) -> None:
    console.print(Text(f"{name} {command.argument}".rstrip(), style="bold"))
    console.print(Text(command.summary))
    _draw_examples(name, command.examples, console)


def _draw_verb(verb: Verb, console: Console) -> None:
    console.print(Text(f"{verb.name} {verb.argument}", style="bold"))
    console.print(Text(verb.help), width=min(console.width, PROSE))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for option in verb.options:
        value = {"flag": "", "number": " N", "text": " TEXT"}[option.kind]
        default = "" if option.kind == "flag" or option.default is None else f" [default: {option.default}]"
        table.add_row(Text(f"  --{option.name}{value}"), Text(f"{option.help}{default}"))
    table.add_row(Text("  --format FORMAT"), Text(f"{', '.join(verb.formats)} [default: the session's]"))
    console.print(table)
    _draw_examples(verb.name, map(unquoted_words, verb.examples), console)


def unquoted_words(example: str) -> str:
    """An example for a shell as one for a session, where nothing need be quoted."""
    return _QUOTED.sub(r"\1", example)


def _draw_examples(name: str, examples: Iterable[str], console: Console) -> None:
    for i, example in enumerate(examples):
        if not i:
            console.print(Text("Examples:", style="dim"))
        print_item(console, Text("  "), Text(f"{name} {example}".rstrip()))


def _status(session: Session, _line: Line) -> None:
    session.output.plain("\n".join(session.world.status()))


def _reload(session: Session, _line: Line) -> None:
    session.output.plain(session.world.reload())


def _format(session: Session, line: Line) -> None:
    if line.text not in FORMS:
        if line.text:
            raise Failure(f"no format {line.text}; a session's is {' or '.join(FORMS)}, others are given with --format")
        session.output.plain(session.form)
        return
    session.form = line.text


def _traceback(session: Session, _line: Line) -> None:
    if not session.traceback:
        raise Failure("no verb has failed by a fault so far")
    session.output.plain(session.traceback.rstrip())


def _quit(session: Session, _line: Line) -> None:
    session.ended = True


COMMANDS = {
    "format": Command(
        "text|json", "How answers are shown from now on; without an argument, how they are.", ("json",), _format
    ),
    "help": Command("[VERB]", "This list, or more about a verb.", ("why", "query"), _help),
    "quit": Command("", "Leave.", (), _quit),
    "reload": Command("", "Read the files again.", (), _reload),
    "status": Command("", "What is loaded and connected.", (), _status),
    "traceback": Command("", "Where the last fault in a verb came from.", (), _traceback),
}
"""Name: command."""
