"""Where a session prints: a terminal, with colours and a pager, or a script's output."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import termios
import tty
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ovn_rules.cli.verbs.one_shot import PIPE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

MORE = "-- more: Space for a page, Enter for a line, q to stop --"


class Notices:
    """What the world has to say unasked: kept until somebody prints it, or printed at once.

    Attributes:
        print_now: prints a line; None to keep lines.
    """

    def __init__(self) -> None:
        self.print_now: Callable[[str], None] | None = None
        self._kept: list[str] = []

    def say(self, line: str) -> None:
        """Take a line."""
        if self.print_now is not None:
            self.print_now(line)
        else:
            self._kept.append(line)

    def take(self) -> list[str]:
        """The lines that were kept; they are kept no longer."""
        taken, self._kept = self._kept, []
        return taken


class Output:
    """Prints answers on standard output; notes and errors on standard error.

    Attributes:
        terminal: a person is looking: lines fit the width, and what doesn't fit the height is paged.
    """

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty() and sys.stdin.isatty()

    def show(self, draw: Callable[[Console], None]) -> None:
        """Print what is drawn on a console, through a pager if it is longer than the terminal."""
        if not self.terminal:
            print(self.drawn(draw), end="", flush=True)
            return
        size = shutil.get_terminal_size()
        console = self._console(sys.stdout, size.columns)
        with console.capture() as captured:
            draw(console)
        page(captured.get(), size.lines)

    def drawn(self, draw: Callable[[Console], None]) -> str:
        """What is drawn, as plain text for a file."""
        console = Console(width=PIPE_WIDTH, highlight=False, markup=False, force_terminal=False, color_system=None)
        with console.capture() as captured:
            draw(console)
        return "\n".join(map(str.rstrip, captured.get().split("\n")))  # tables are filled up with blanks

    def line(self, text: str) -> None:
        """Print a line of what goes on at once, + in green and - in red."""
        style = {"+": "green", "-": "red"}.get(text[:1], "")
        if self.terminal:
            self._console(sys.stdout, shutil.get_terminal_size().columns).print(Text(text, style=style))
        else:
            print(text, flush=True)

    def end_line(self) -> None:
        """Begin a new line after the ^C that a terminal shows."""
        if self.terminal:
            print(flush=True)

    def plain(self, text: str) -> None:
        """Print a text as it is."""
        self.show(lambda console: console.out(text, highlight=False))

    def note(self, text: str) -> None:
        """Say something that isn't part of an answer."""
        self._say(Text(text, style="magenta"))

    def error(self, text: str) -> None:
        """Say what is wrong; the text may have several lines."""
        self._say(Text("error: ", style="bold red").append(text, style="not bold default"))

    def _say(self, text: Text) -> None:
        sys.stdout.flush()
        if self.terminal:
            self._console(sys.stderr, shutil.get_terminal_size().columns).print(text)
        else:
            print(text.plain, file=sys.stderr, flush=True)

    def _console(self, file: IO[str], width: int) -> Console:
        return Console(
            file=file,
            width=width,
            highlight=False,
            markup=False,
            force_terminal=self.terminal and os.environ.get("TERM") not in (None, "dumb"),
        )


def page(text: str, lines: int) -> None:
    """Print a text, through a pager if it has more lines than fit.

    The pager is $PAGER, less(1) where that is installed, or one that asks after each page.

    Args:
        text: it ends with a newline.
        lines: of the terminal.
    """
    if text.count("\n") < lines:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    command = os.environ.get("PAGER") or ("less" if shutil.which("less") else "")
    if not command:
        _page_by_page(text.splitlines(keepends=True), lines - 1)
        return
    before = signal.signal(signal.SIGINT, _leave_to_pager)
    try:
        with suppress(BrokenPipeError):  # who leaves the pager before the end has seen enough
            subprocess.run(command, shell=True, input=text, text=True, check=False, env={"LESS": "FRXK"} | os.environ)  # noqa: S602 - $PAGER is a shell command (environ(7))
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_to_pager(_signal: int, _frame: object) -> None:
    """Ctrl-C reaches the pager as well; one that is killed for it leaves the terminal without echo."""


def _page_by_page(lines: list[str], height: int) -> None:
    shown = height
    sys.stdout.write("".join(lines[:shown]))
    while shown < len(lines):
        sys.stdout.write(MORE)
        sys.stdout.flush()
        key = _key()
        sys.stdout.write(f"\r{' ' * len(MORE)}\r")
        if key in ("q", "Q", "\x03", "\x04", ""):
            break
        step = 1 if key in ("\r", "\n") else height
        sys.stdout.write("".join(lines[shown : shown + step]))
        shown += step
    sys.stdout.flush()


def _key() -> str:
    """One key, without waiting for Enter."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSADRAIN)  # what was typed already counts
        return os.read(fd, 16).decode(errors="replace")[:1]
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
