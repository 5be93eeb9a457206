"""Progress bars for long loads, when a person is watching: on a terminal's standard error, gone when done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress

WORTH_SHOWING = 2000
"""Rows; fewer are written before a person could read the bar."""


class Steps:
    """A bar for work of a known number of steps; nothing where nobody watches.

    Args:
        total: how many steps there are.
    """

    def __init__(self, total: int) -> None:
        self._progress: Progress | None = None
        if sys.stderr.isatty():
            self._progress = _bar()
            self._task = self._progress.add_task("", total=total)

    def step(self, what: str) -> None:
        """The next step begins."""
        if self._progress is not None:
            self._progress.update(self._task, description=what)
            self._progress.refresh()
            self._progress.advance(self._task)

    def at(self, what: str, done: int) -> None:
        """So many steps are done."""
        if self._progress is not None:
            self._progress.update(self._task, description=what, completed=done)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


def _bar() -> Progress:
    from rich.console import Console  # noqa: PLC0415 - a daemon without a terminal starts sooner without rich
    from rich.progress import (  # noqa: PLC0415 - likewise
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


class Backlog:
    """A bar for rows that wait to be written, shown while there are many."""

    def __init__(self) -> None:
        self._steps: Steps | None = None
        self._most = 0

    def show(self, waiting: int) -> None:
        """Say how many rows wait now."""
        if self._steps is None:
            if waiting < WORTH_SHOWING or not sys.stderr.isatty():
                return
            self._most = waiting
            self._steps = Steps(waiting)
            self._steps.__enter__()
        self._steps.at("writing rows", self._most - waiting)
        if not waiting:
            self._steps.__exit__(None, None, None)
            self._steps = None
