"""Questions to a running daemon over its control socket: the commands ``ask``, ``catalogue`` and ``values``.

A question never disturbs the daemon: each is answered in a process of its own (``asking.py``), which ends after
``SECONDS``; ``MOST`` are answered at a time, and a reply has at most ``BYTES``. The daemon is held up by the fork and
by passing the reply on: some ten milliseconds with 10,000 ports; the first question of a verb also imports it.
``catalogue`` and ``values``, for completion, are answered at once and look at a bounded number of facts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.cli import knowledge
from ovn_rules.cli.asking import Question
from ovn_rules.cli.control import Control, ControlError
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.registry import find_verb

if TYPE_CHECKING:
    from ovn_rules.cli.commands import Service
    from ovn_rules.engine import Engine
    from ovn_rules.engine.history import History
    from ovn_rules.rules.program import Program

SECONDS = 30
"""How long a question may take."""

MOST = 2
"""Questions that are answered at a time."""

BYTES = 8_000_000
"""What a reply may have: passing on so much takes some hundredths of a second."""


def register(control: Control, service: Service) -> None:
    """Add the commands to a control socket.

    Args:
        control: the socket.
        service: the daemon's work.
    """
    questions = _Questions(service)
    control.register("ask", "VERB {TEXT, OPTIONS}", 2, 2, questions.ask)
    control.register("catalogue", "", 0, 0, questions.catalogue)
    control.register("values", "RELATION COLUMN PREFIX", 3, 3, questions.values)


@dataclass(frozen=True)
class DaemonWorld:
    """What a daemon's questions are about."""

    service: Service

    @property
    def engine(self) -> Engine:
        """The engine; northd takes a new one when it gains the lock."""
        return self.service.plane.engine

    @property
    def program(self) -> Program:
        """The rule program."""
        return self.service.program

    @property
    def history(self) -> History | None:
        """The last transactions; None when none are kept."""
        return self.service.plane.history


class _Asked:
    """A question of the control socket."""

    def __init__(self, question: Question, under_way: list[_Asked]) -> None:
        self._question = question
        self._under_way = under_way
        under_way.append(self)

    def run(self) -> str | None:
        reply = self._question.run()
        if reply is None:
            return None
        self._under_way.remove(self)
        return reply.decode()

    def wait(self, poller: Any) -> None:
        self._question.wait(poller)

    def close(self) -> None:
        self._question.close()
        self._under_way.remove(self)


class _Questions:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.world = DaemonWorld(service)
        self.under_way: list[_Asked] = []

    def ask(self, arguments: list[str]) -> _Asked:
        """Answer a question, given as verb and JSON: ``{"text": "Port()", "options": {"depth": 3}}``."""
        name, asked = arguments
        try:
            verb = find_verb(name)
            given = json.loads(asked)
            text, options = str(given["text"]), dict(given["options"])
        except Failure as error:
            raise ControlError(str(error)) from error
        except (ValueError, LookupError, TypeError) as error:
            raise ControlError(f'a question is {{"text": "...", "options": {{...}}}}, not {asked!r}') from error
        if len(self.under_way) >= MOST:
            raise ControlError(f"busy: {MOST} questions are being answered; ask again")
        self.service.plane.look_up_comments(now=True)
        question = Question(self.world, verb, text, options, seconds=SECONDS, most=BYTES, state=self.service.status)
        return _Asked(question, self.under_way)

    def catalogue(self, _arguments: list[str]) -> str:
        """Relations, columns and rules, and what the daemon is doing."""
        return json.dumps(knowledge.catalogue(self.world.engine) | {"state": self.service.status})

    def values(self, arguments: list[str]) -> str:
        """Values that are in a column and begin with a prefix."""
        relation, column, prefix = arguments
        return json.dumps(knowledge.values(self.world.engine, relation, column, prefix))
