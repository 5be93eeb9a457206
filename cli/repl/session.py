"""A session: takes lines, asks, shows the answers. A line that fails is said, and the session goes on."""

from __future__ import annotations

import json
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovn_rules.cli.repl import commands
from ovn_rules.cli.repl.lines import FORMAT, Line, joined, parse
from ovn_rules.cli.repl.world import Crash
from ovn_rules.cli.verbs.fact_names import fact_question
from ovn_rules.cli.verbs.registry import SUMMARIES, find_verb
from ovn_rules.engine.errors import QuestionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from ovn_rules.cli.repl.output import Notices, Output
    from ovn_rules.cli.repl.world import Asked
    from ovn_rules.cli.verbs.verb import Document, Option, Verb

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, as shells have it."""

_NAME = re.compile(r"[^\W\d][\w.]*#[0-9a-f]{8}")


class Session:
    """Lines in, answers out.

    Args:
        world: what is asked.
        output: where answers go.
        notices: what the world says unasked; printed before the next answer.

    Attributes:
        ended: ``quit`` was said.
        form: how answers are shown when a line says nothing of it: ``text`` or ``json``.
        names: what the last answer that named facts named: ``PortKey#1f2e3d4c`` → the fact in a document.
        traceback: where the last fault in a verb came from; empty before.
    """

    def __init__(self, world: Asked, output: Output, notices: Notices) -> None:
        self.world = world
        self.output = output
        self.notices = notices
        self.ended = False
        self.form = "text"
        self.names: dict[str, Document] = {}
        self.traceback = ""

    def run(self, raw: str) -> int:
        """Carry out a line, or several that are one question.

        Args:
            raw: what was typed; blank, and comments, which begin with #, do nothing. The name of a fact alone asks why.

        Returns:
            0 when it went well, 1 when the answer is an error, 2 for a line that is wrong, 130 when interrupted.
        """
        text = joined(raw)
        if not text or is_comment(text):
            return 0
        try:
            return self._attempt(f"why {text}" if _NAME.fullmatch(text) else text)
        except KeyboardInterrupt:
            self.output.end_line()
            self.output.note("interrupted")
            return INTERRUPTED

    def _attempt(self, text: str) -> int:
        try:
            self._carry_out(text)
        except QuestionError as error:
            self.output.error(error.shown())
            return 2
        except click.ClickException as error:
            self.output.error(error.format_message())
            return error.exit_code
        except Crash as crash:
            self.traceback = crash.traceback
            self._fault(str(crash))
            return 1
        except OSError as error:
            self.output.error(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
            return 1
        except Exception as error:  # noqa: BLE001 - the session goes on
            self.traceback = traceback.format_exc()
            self._fault(f"{type(error).__name__}: {error}")
            return 1
        return 0

    def _fault(self, line: str) -> None:
        self.output.error(f"{' '.join(line.split())} (a fault in ovn-rules; 'traceback' shows where)")

    def _carry_out(self, raw: str) -> None:
        line = parse(raw, _options)
        if command := commands.COMMANDS.get(line.verb):
            if line.text and not command.argument:
                start = raw.find(line.text, len(line.verb))
                raise QuestionError(f"{line.verb} takes no argument", raw, start, start + len(line.text))
            command.run(self, line)
            return
        verb = find_verb(line.verb)
        form = line.form or self.form
        if form not in verb.formats:
            start = raw.find(form)
            hint = did_you_mean(form, verb.formats) or f"its formats are {', '.join(verb.formats)}"
            raise QuestionError(f"{verb.name} has no format {form}", raw, start, start + len(form), hint)
        text = self._fact(verb, unquoted(line.text))
        if not text and not verb.argument.startswith("["):
            raise QuestionError(
                f"{verb.name} needs {verb.argument}", raw, len(raw), hint=f"help {verb.name} shows examples"
            )
        options = {**verb.defaults(), **line.options}
        if verb.name == "watch":
            self._watch(text, options, form)
            return
        document = self.world.ask(verb, verb.prepare(text), options)
        for notice in (*self.notices.take(), *self.world.stale()):
            self.output.note(notice)
        self.names = document.get("facts") or self.names
        self._tell(verb, document, form, line)

    def _tell(self, verb: Verb, document: Document, form: str, line: Line) -> None:
        def draw(console: Console) -> None:
            if form == "text":
                verb.show(document, console)
            else:
                console.out(_text(verb, document, form), highlight=False, end="")

        if line.file is None:
            self.output.show(draw)
            return
        path = Path(line.file).expanduser()
        path.write_text(self.output.drawn(draw) if form == "text" else _text(verb, document, form), encoding="utf-8")
        self.output.note(f"written to {path}")

    def _watch(self, text: str, options: Mapping[str, Any], form: str) -> None:
        """Print how a query's answers change, until it is interrupted."""
        from ovn_rules.cli.verbs.watch import lines  # noqa: PLC0415 - only when it is asked for

        self.notices.print_now = self.output.note
        try:
            columns, found = self.world.watch(text, self.notices.say)
            for line in lines(columns, found, options, form):
                self.output.line(line)
        except KeyboardInterrupt:
            self.output.end_line()  # that is how it ends
        finally:
            self.notices.print_now = None

    def _fact(self, verb: Verb, text: str) -> str:
        """A name that an answer gave to a fact as the fact, for verbs that don't know such names."""
        if verb.name == "why" or text not in self.names:
            return text
        return fact_question(self.names[text])


def unquoted(text: str) -> str:
    """A text without the quotes that a shell would need around it."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def is_comment(text: str) -> bool:
    """Whether a line is a comment."""
    return text.startswith("#")


def _options(name: str) -> Sequence[Option]:
    if name in commands.COMMANDS:
        return ()
    if name not in SUMMARIES:
        raise LookupError(did_you_mean(name, [*SUMMARIES, *commands.COMMANDS]) or "'help' lists them")
    return (FORMAT, *find_verb(name).options)


def _text(verb: Verb, document: Any, form: str) -> str:
    """An answer as JSON or as a picture."""
    if form == "json":
        return json.dumps(document, ensure_ascii=False) + "\n"
    assert verb.graph is not None  # noqa: S101 - the verb's formats say so
    from ovn_rules.cli.verbs.pictures import draw  # noqa: PLC0415 - only when a picture is asked for

    return draw(verb.graph(document), form)
