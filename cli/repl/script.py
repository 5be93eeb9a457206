"""A session whose lines come from a file or a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ovn_rules.cli.repl.commands import COMMANDS
from ovn_rules.cli.repl.lines import goes_on
from ovn_rules.cli.repl.session import is_comment
from ovn_rules.cli.verbs.registry import SUMMARIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovn_rules.cli.repl.session import Session

VERBS = {*SUMMARIES, *COMMANDS}


def run_script(session: Session, lines: Iterable[str], *, echo: bool) -> int:
    """Carry out each line; those that fail don't end it.

    Args:
        session: the session.
        lines: the script.
        echo: print each question and comment before its answer, an empty line between them.

    Returns:
        The exit status: that of the last line that failed, or 0.
    """
    status = 0
    for number, question in enumerate(questions(lines)):
        if echo:
            print(("\n" if number else "") + echoed(question), flush=True)
        failed = session.run(question)
        status = failed or status
        sys.stdout.flush()
        if session.ended:
            break
    return status


def echoed(question: str) -> str:
    """A question after a prompt, as it looks on a terminal; a comment as it is."""
    if is_comment(question):
        return question
    return "\n".join(f"{'. ' if i else '> '}{part}" for i, part in enumerate(question.splitlines()))


def questions(lines: Iterable[str]) -> Iterator[str]:
    """Lines joined to questions: while one goes on, the next belongs to it, but for an empty one.

    One that begins with a verb doesn't either, so that a bracket that was forgotten doesn't take in all that follows.
    Comments between questions come as they are.
    """
    parts: list[str] = []
    for line in lines:
        text = line.rstrip()
        if parts and (not text or text.split(maxsplit=1)[0] in VERBS):
            yield "\n".join(parts)
            parts = []
        if text.strip():
            parts.append(text)
        if parts and (is_comment(parts[0].strip()) or not goes_on("\n".join(parts))):
            yield "\n".join(parts)
            parts = []
    if parts:
        yield "\n".join(parts)


def apart(text: str) -> list[str]:
    """Questions that were pasted at once: each begins with a line that begins with a verb; comments are left out."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if not line.strip() or is_comment(line.strip()):
            continue
        if not found or line.split(maxsplit=1)[0] in VERBS:
            found.append([])
        found[-1].append(line)
    return ["\n".join(lines) for lines in found]
