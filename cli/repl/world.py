"""What a session asks: databases that are followed in this process, or a running daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import click

from ovn_rules.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ovn_rules.cli.verbs.verb import Document, Verb
    from ovn_rules.cli.verbs.watch import Difference


class Crash(Exception):  # noqa: N818 - a fault in a verb, not in what was asked
    """A verb has a fault; ``str()`` is one line.

    Attributes:
        traceback: where it came from, for whoever mends it.
    """

    def __init__(self, line: str, traceback: str) -> None:
        super().__init__(line)
        self.traceback = traceback


class Asked(Protocol):
    """A network that can be asked, again and again, as it changes."""

    def ask(self, verb: Verb, text: str, options: Mapping[str, Any]) -> Document:
        """The answer, never older than the question.

        Raises:
            Failure: the question can't be answered; the text may have several lines.
            Crash: the verb has a fault.
            KeyboardInterrupt: it was interrupted; nothing is left of the question.
        """

    def watch(self, text: str, say: Callable[[str], None]) -> tuple[Sequence[str], Iterator[Difference]]:
        """The columns of a query's answers, and how they change, as ``verbs.watch`` tells it.

        Raises:
            Failure: the query can't be answered, or nothing ever changes.
            QuestionError: likewise.
        """

    def stale(self) -> list[str]:
        """A line for each reason why answers may not be what is so now."""

    def status(self) -> list[str]:
        """What is loaded and connected, in a few lines."""

    def title(self) -> str:
        """The same in a few words."""

    def reload(self) -> str:
        """Read files again; what came of it, in one line.

        Raises:
            Failure: there are none, or one can't be read.
        """

    def catalogue(self) -> Document:
        """What ``knowledge.catalogue`` tells; empty when nobody answers."""

    def values(self, relation: str, column: str, prefix: str) -> list[str]:
        """What ``knowledge.values`` tells; empty when nobody answers soon."""

    def run(self) -> None:
        """Take in what has come, while nothing is asked."""

    def wait(self, poller: Any) -> None:
        """Wake the poller when ``run`` has something to do."""

    def close(self) -> None:
        """End the connections."""


def opened(reply: Mapping[str, Any]) -> Document:
    """The document in a reply.

    Args:
        reply: as ``asking.py`` makes it.

    Raises:
        Failure: the reply is an error; UsageError when what was asked is wrong in its form.
        Crash: the verb has a fault.
    """
    if "crash" in reply:
        raise Crash(str(reply["crash"]), str(reply["traceback"]))
    if "error" in reply:
        raise (click.UsageError if reply["status"] == 2 else Failure)(str(reply["error"]))
    document: Document = reply["document"]
    return document
