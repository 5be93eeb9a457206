"""A question answered in a process of its own, while the one that is asked goes on.

The answering process is a fork: it has the facts as they were when the question was asked, whatever changes
meanwhile, and nothing that it does (``whatif``, an endless search, running out of memory) can harm the engine that
is asked. The asked one is held up for the fork alone, a few milliseconds for an engine of some hundred megabytes.

A reply is an object of JSON: ``{"document": ...}``; ``{"error": text, "status": exit status}`` for what the verb
refuses; ``{"crash": line, "traceback": text}`` for a fault in the verb.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import signal
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import ovs.poller

from ovn_rules.engine.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.cli.verbs.verb import Verb, World

MEMORY = 4 << 30
"""Bytes that the answering process may take beside those of the asked one."""

_BLOCK = 1 << 20


class Question:
    """A question under way.

    Args:
        world: what is asked about.
        verb: what is asked.
        text: its argument.
        options: its options; those not given have their defaults.
        seconds: the answering process ends itself after so long; None for never.
        most: bytes that the reply may have; None for any number.
        state: goes into the reply as it is, unless empty.
    """

    def __init__(
        self,
        world: World,
        verb: Verb,
        text: str,
        options: Mapping[str, Any],
        *,
        seconds: int | None = None,
        most: int | None = None,
        state: str = "",
    ) -> None:
        self.verb = verb
        self._seconds = seconds
        self._parts: list[bytes] = []
        self._fd, writing = os.pipe()
        self._pid: int | None = os.fork()
        if self._pid == 0:
            _answer_and_exit(writing, seconds, lambda: _encoded(_reply(world, verb, text, options), state, most))
        os.close(writing)
        os.set_blocking(self._fd, False)

    def run(self) -> bytes | None:
        """The reply as JSON once it is there, and None before."""
        while True:
            try:
                part = os.read(self._fd, _BLOCK)
            except BlockingIOError:
                return None
            if not part:
                break
            self._parts.append(part)
        status = self._end()
        if status == -signal.SIGALRM:
            return _error(f"{self.verb.name}: given up after {self._seconds} s; ask for less")
        if status < 0:
            return _error(f"{self.verb.name}: ended by {signal.Signals(-status).name} before it had an answer")
        return b"".join(self._parts)

    def wait(self, poller: Any) -> None:
        """Wake the poller when ``run`` has something to do."""
        poller.fd_wait(self._fd, ovs.poller.POLLIN)

    def close(self) -> None:
        """Give it up; nothing happens when the reply has been read."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._end()

    def _end(self) -> int:
        assert self._pid is not None  # noqa: S101 - run isn't called again after the reply
        os.close(self._fd)
        _, status = os.waitpid(self._pid, 0)
        self._pid = None
        return os.waitstatus_to_exitcode(status)


def _answer_and_exit(writing: int, seconds: int | None, reply: Any) -> NoReturn:
    """What the answering process does; nothing of the asked process is cleaned up twice."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(seconds or 0)
        _limit_memory()
        _keep_only(writing)
        logging.disable()
        gc.disable()  # it would touch, and so copy, every page that is shared with the asked process
        with os.fdopen(writing, "wb") as out:
            out.write(reply())
    finally:
        os._exit(0)


def _limit_memory() -> None:
    """End in time with a MemoryError, before the kernel picks a process to end."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted, (_, hard) = pages * resource.getpagesize() + MEMORY, resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _keep_only(fd: int) -> None:
    """Close what belongs to the asked process: who it talks to must see when it hangs up; be the first to go."""
    os.closerange(3, fd)
    os.closerange(fd + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _reply(world: World, verb: Verb, text: str, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"document": verb.answer(world, text, {**verb.defaults(), **options})}
    except click.ClickException as error:
        return {"error": error.format_message(), "status": error.exit_code}
    except QuestionError as error:
        return {"error": error.shown(), "status": 1}
    except Exception as error:  # noqa: BLE001 - it is told, and the asked process goes on
        line = " ".join(f"{type(error).__name__}: {error}".split())
        return {"crash": line, "traceback": traceback.format_exc()}


def _encoded(reply: dict[str, Any], state: str, most: int | None) -> bytes:
    if state:
        reply["state"] = state
    try:
        data = json.dumps(reply, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError, MemoryError) as error:
        return json.dumps({"crash": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}).encode()
    if most is not None and len(data) > most:
        return _error(f"the answer has {len(data) / 1e6:.0f} MB, more than {most / 1e6:.0f} MB; ask for less")
    return data


def _error(line: str) -> bytes:
    return json.dumps({"error": line, "status": 1}).encode()
