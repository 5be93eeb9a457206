"""The control socket: what ``ovs-appctl -t`` and ``ovn-appctl -t`` talk to.

``ovs.unixctl.server`` does the work. What is added here: a socket for the daemon's user alone, no socket of
another daemon taken away, and a command that fails answers with its error and ends nothing.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import ovs.stream
import ovs.unixctl
import ovs.unixctl.server

from ovn_rules.cli.log import Log

if TYPE_CHECKING:
    from pathlib import Path


class Pending(Protocol):
    """An answer that is being worked on."""

    def run(self) -> str | None:
        """The answer's text, once it is there; raises ControlError for an error's text."""

    def wait(self, poller: Any) -> None:
        """Wakes the poller when ``run`` has something to do."""

    def close(self) -> None:
        """Gives it up: nobody waits for it any more."""


Handler = Callable[[list[str]], "str | Pending"]
"""Takes a command's arguments, returns the answer's text or what works on it; raises ControlError for an error's."""

LATER = "\0later"
"""What a handler returns when the answer comes at the daemon's end: whoever asks for it waits for that."""


class ControlError(Exception):
    """A command can't be carried out, or the socket can't be made; the message is one line."""


class Control:
    """A daemon's control socket, with the commands ``help``, ``list-commands`` and ``version`` to begin with."""

    def __init__(self, path: Path | None, program: str, version: str) -> None:
        """Listens.

        Args:
            path: The socket, mode 0600; None for no socket (``--unixctl=none``).
            program: Name that ``version`` tells.
            version: Version that ``version`` tells.

        Raises:
            ControlError: The socket can't be made, or another process listens there.
        """
        self.path = path
        self._log = Log("unixctl")
        self._usage: dict[str, str] = {}
        self._held: list[Any] = []
        self._working: list[tuple[Any, str, Pending]] = []
        self._server = None if path is None else ovs.unixctl.server.UnixctlServer(_listen(path))
        self.register("version", "", 0, 0, lambda _: f"{program} {version}")
        self.register("list-commands", "", 0, 0, self._list)
        self.register("help", "", 0, 0, self._list)

    def register(self, command: str, usage: str, min_args: int, max_args: int, handler: Handler) -> None:
        """Adds a command, or gives it another handler.

        Args:
            command: Its name, like ``relation/list``.
            usage: Its arguments, as ``list-commands`` shows them.
            min_args: How many arguments it takes at least.
            max_args: How many arguments it takes at most.
            handler: What it does.
        """
        self._usage[command] = usage
        ovs.unixctl.commands.pop(command, None)
        ovs.unixctl.command_register(command, usage, min_args, max_args, self._answer, (command, handler))

    def run(self) -> None:
        """Answers the commands that have come."""
        if self._server is not None:
            self._server.run()
            working, self._working = self._working, []
            for connection, command, pending in working:
                if _hung_up(connection):
                    pending.close()
                    _reply(connection, connection.reply, "")  # the server sees then that nobody is there
                else:
                    self._carry_out(connection, command, pending.run, pending)

    def wait(self, poller: Any) -> None:
        """Wakes the poller when a command comes."""
        if self._server is not None:
            self._server.wait(poller)
            for _, _, pending in self._working:
                pending.wait(poller)

    def close(self) -> None:
        """Answers what was to be answered at the end, stops listening and removes the socket."""
        if self._server is not None:
            for connection, _, pending in self._working:
                pending.close()
                _reply(connection, connection.reply_error, "the daemon ends\n")
            self._working = []
            for connection in self._held:
                _reply(connection, connection.reply, "")
            self.run()
            self._server.close()
            self._server = None

    def _answer(self, connection: Any, arguments: list[str], registered: tuple[str, Handler]) -> None:
        command, handler = registered
        self._log.say("dbg", f"received request {command}{json.dumps(arguments)}")
        self._carry_out(connection, command, lambda: handler(arguments), None)

    def _carry_out(
        self, connection: Any, command: str, step: Callable[[], str | Pending | None], pending: Pending | None
    ) -> None:
        """One step of a command: answer, or note what works on it."""
        try:
            answer = step()
            if answer == LATER:
                self._held.append(connection)
            elif isinstance(answer, str):
                connection.reply(_lines(answer))
            elif (working := answer or pending) is not None:
                self._working.append((connection, command, working))
        except ControlError as e:
            connection.reply_error(_lines(str(e)))
        except Exception as e:  # noqa: BLE001 - a question must not end the daemon
            self._log.say("err", f"{command}: {type(e).__name__}: {e}")
            connection.reply_error(_lines(f"{command} failed: {type(e).__name__}: {e}"))

    def _list(self, _arguments: list[str]) -> str:
        lines = [f"  {name:<23} {usage}".rstrip() for name, usage in sorted(self._usage.items())]
        return "\n".join(["The available commands are:", *lines, ""])


def _hung_up(connection: Any) -> bool:
    """Whether who asked has gone; ``ovs.unixctl.server`` may look only when it has answered."""
    stream = connection._rpc.stream  # noqa: SLF001 - there is no other way to ask
    if stream is None:
        return True
    sock: socket.socket = stream.socket
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _reply(connection: Any, send: Callable[[str], None], text: str) -> None:
    """Answers, unless the server has closed the connection."""
    if connection._request_id is not None:  # noqa: SLF001 - likewise
        send(text)


def _lines(text: str) -> str:
    """The text with its last line ended, as ovs-appctl(8) expects it."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def _listen(path: Path) -> Any:
    _make_way(path)
    before = os.umask(0o177)
    try:
        error, listener = ovs.stream.PassiveStream.open(f"punix:{path}")
    finally:
        os.umask(before)
    if error:
        reason = os.strerror(error) if isinstance(error, int) else str(error)
        hint = "; give another --unixctl=PATH, or OVN_RUNDIR" if error in (errno.ENOENT, errno.EACCES) else ""
        raise ControlError(f"can't make control socket {path}: {reason}{hint}")
    return listener


def listens(path: Path) -> bool:
    """Whether somebody takes connections at a Unix socket; that its file is there doesn't say so yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(path)) == 0


def _make_way(path: Path) -> None:
    """Makes sure that what is removed to listen there is a socket that nobody listens on any more."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"can't make control socket {path}: a file that is no socket is there")
    if listens(path):
        raise ControlError(f"can't make control socket {path}: another process listens there")
