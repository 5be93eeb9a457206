"""A verb as a command: asked once, of databases or files."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.sources import facts_option, load_network, network_options
from ovn_rules.engine.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ovn_rules.cli.verbs.verb import Document, Option, Verb

_DELETED = re.compile(r"-\s*[^\W\d][\w.]*\s*\(")

FORMAT = "How the answer is printed."

PIPE_WIDTH = 1 << 16
"""Columns of a line when the output is no terminal: whole facts in a line each are what grep and less want."""


def one_shot(verb: Verb) -> click.Command:
    """The command of a verb: ``ovn-rules VERB [OPTIONS] ARGUMENT``.

    An argument of several words (``DATAPATH MICROFLOW``) may be given as several; they are joined by blanks.

    Args:
        verb: the verb.
    """

    def run(
        argument: str,
        nb: str | None,
        sb: str | None,
        ovs: tuple[str, ...],
        program: str | None,
        facts: str | None,
        form: str,
        tls: TlsFiles,
        **options: Any,
    ) -> None:
        with questioned():
            text = verb.prepare(argument)
            network = load_network(nb, sb, ovs, program, tls.tls(), facts)
            for warning in network.warnings:
                click.echo(f"ovn-rules: {warning}", err=True)
            document = verb.answer(network, text, options)
        say(verb, document, form)

    return command(verb, run, facts_option, network_options)


def command(verb: Verb, run: Callable[..., None], *shared: Callable[[Any], Any]) -> click.Command:
    """A function as the command of a verb.

    Args:
        verb: the verb.
        run: takes the verb's argument and options, those of ``shared``, ``form`` and ``tls``.
        shared: options that other commands have too, the last ones first in the help.
    """
    run.__doc__ = help_text(verb)
    decorated: Any = tls_options(run)
    form = click.Choice(verb.formats)
    decorated = click.option("--format", "form", type=form, default="text", show_default=True, help=FORMAT)(decorated)
    for option in reversed(verb.options):
        decorated = _option(option)(decorated)
    for options in shared:
        decorated = options(decorated)
    several = {"nargs": -1, "callback": lambda _context, _parameter, words: " ".join(words)}
    words: Any = several if " " in verb.argument else {}
    decorated = click.argument("argument", metavar=verb.argument, required=True, **words)(decorated)
    return click.command(verb.name, cls=_Command)(decorated)


@contextmanager
def questioned() -> Iterator[None]:
    """Makes a Failure of a question that can't be read or answered: with a caret where a person looks."""
    try:
        yield
    except QuestionError as error:
        raise Failure(error.shown() if sys.stderr.isatty() else str(error)) from error


class _Command(click.Command):
    """A command whose argument may begin with a dash: ``-Relation(...)`` is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As for any command, but facts come last, behind ``--``."""
        if "--" not in args:
            facts = [a for a in args if _DELETED.match(a)]
            args = [*(a for a in args if a not in facts), *(["--", *facts] if facts else [])]
        return super().parse_args(ctx, args)


def help_text(verb: Verb) -> str:
    """What ``--help`` says of a verb."""
    examples = "\n".join(f"  ovn-rules {verb.name} {each}" for each in verb.examples)
    where = "To the examples add where the databases are, as --bundle FOLDER."
    return f"{verb.help}\n\n{where}\n\n\b\nExamples:\n{examples}"


def say(verb: Verb, document: Document, form: str) -> None:
    """Print an answer on standard output.

    Args:
        verb: what was asked.
        document: its answer.
        form: one of the verb's formats.
    """
    if form == "text":
        verb.show(document, Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH))
    elif form == "json":
        click.echo(json.dumps(document, ensure_ascii=False))
    elif verb.graph is not None:
        from ovn_rules.cli.verbs.pictures import draw  # noqa: PLC0415 - only when a picture is asked for

        click.echo(draw(verb.graph(document), form), nl=False)


def _option(option: Option) -> Any:
    if option.kind == "flag":
        return click.option(f"--{option.name}", is_flag=True, help=option.help)
    kind: Any = click.IntRange(0) if option.kind == "number" else str
    return click.option(
        f"--{option.name}",
        option.name,
        type=kind,
        metavar="N" if option.kind == "number" else None,
        default=option.default,
        show_default=option.default is not None,
        help=option.help,
    )
