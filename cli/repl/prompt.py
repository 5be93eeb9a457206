"""A session with a person at a terminal: editing, history, suggestions, and changes taken in while the prompt waits."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ovs.poller
import ovs.timeval
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.utils import is_dumb_terminal

from ovn_rules.cli.repl.attached import Attached
from ovn_rules.cli.repl.colours import STYLE, QuestionLexer
from ovn_rules.cli.repl.completion import QuestionCompleter
from ovn_rules.cli.repl.lines import goes_on
from ovn_rules.cli.repl.script import apart, echoed
from ovn_rules.cli.repl.session import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from ovn_rules.cli.repl.session import Session
    from ovn_rules.cli.repl.world import Asked

GREETING = "'help' lists what can be asked; Tab completes, Ctrl-D leaves."


def converse(session: Session) -> None:
    """Ask for lines and carry them out until the person leaves."""
    output = session.output
    read = _plain_reader() if is_dumb_terminal() else _reader(session)
    output.note(GREETING)
    while not session.ended:
        for line in session.notices.take():
            output.note(line)
        try:
            text = read()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        for number, question in enumerate(apart(text)):
            if number:
                print(f"\n{echoed(question)}")
            if session.run(question) == INTERRUPTED or session.ended:
                break


def _plain_reader() -> Callable[[], str]:
    """Reads lines where the terminal can do nothing but print them."""

    def read() -> str:
        try:
            text = input("> ")
            while goes_on(text) and (more := input(". ").strip()):
                text += f"\n{more}"
        except (KeyboardInterrupt, EOFError):
            print()
            raise
        return text

    return read


def _reader(session: Session) -> Callable[[], str]:
    editor = make_editor(session.world)
    return lambda: editor.prompt([("class:prompt", "> ")], pre_run=lambda: _follow(session))


def make_editor(world: Asked) -> PromptSession[str]:
    """What lines are typed into.

    Args:
        world: what is asked: it has what is suggested, and tells its state.
    """
    return PromptSession(
        history=history(),
        completer=QuestionCompleter(world, eager=not isinstance(world, Attached)),
        lexer=QuestionLexer(world),
        auto_suggest=AutoSuggestFromHistory(),
        style=STYLE,
        multiline=True,
        prompt_continuation=lambda _width, _line, _wrapped: [("class:prompt", ". ")],
        key_bindings=_keys(),
        bottom_toolbar=lambda: _toolbar(world.title()),
        complete_while_typing=True,
        reserve_space_for_menu=6,
    )


def _keys() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        """Take a chosen suggestion; go on with a question that isn't finished; else ask it."""
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif goes_on(buffer.text) and buffer.document.current_line.strip():
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    return bindings


def _toolbar(title: str) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = [("", " ")]
    for i, part in enumerate(title.split("GONE")):
        if i:
            fragments.append(("class:bottom-toolbar.gone", "GONE"))
        fragments.append(("", part))
    return fragments


# -- following while the prompt waits --------------------------------------------------------------------------


def _follow(session: Session) -> None:
    get_app().create_background_task(_following(session))


async def _following(session: Session) -> None:
    while True:
        title = session.world.title()
        session.world.run()
        lines = session.notices.take()
        if lines:
            await run_in_terminal(partial(session.output.note, "\n".join(lines)))
        if lines or session.world.title() != title:
            get_app().invalidate()
        await _woken(session.world)


async def _woken(world: Asked) -> None:
    """Wait as a poller would, while the event loop goes on."""
    wanted = _Wanted()
    world.wait(wanted)
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    for fd in wanted.readable:
        loop.add_reader(fd, woken.set)
    for fd in wanted.writable:
        loop.add_writer(fd, woken.set)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), wanted.seconds)
    finally:
        for fd in wanted.readable:
            loop.remove_reader(fd)
        for fd in wanted.writable:
            loop.remove_writer(fd)


class _Wanted:
    """What somebody wants to be woken up for, told as to ``ovs.poller.Poller``."""

    def __init__(self) -> None:
        self.readable: set[int] = set()
        self.writable: set[int] = set()
        self.seconds: float | None = None

    def fd_wait(self, fd: Any, events: int) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        if events & ovs.poller.POLLIN:
            self.readable.add(number)
        if events & ovs.poller.POLLOUT:
            self.writable.add(number)

    def timer_wait(self, msec: float) -> None:
        self.seconds = min(self.seconds if self.seconds is not None else msec / 1000, max(0, msec / 1000))

    def timer_wait_until(self, msec: float) -> None:
        self.timer_wait(msec - ovs.timeval.msec())

    def immediate_wake(self) -> None:
        self.seconds = 0


# -- history -----------------------------------------------------------------------------------------------------


def history() -> History:
    """The lines of earlier sessions, in XDG_STATE_HOME; only of this one where no file can be written."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ovn-rules"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "history"
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
        file.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return _History(str(file))


class _History(FileHistory):
    """A file that may stop being writable."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)
