"""A running daemon as what a session asks, over its control socket.

Each question is a connection of its own, so that a daemon that has been started again is found again.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.control import listens
from ovn_rules.cli.daemon_questions import SECONDS
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.places import default_rundir
from ovn_rules.cli.repl.world import opened
from ovn_rules.cli.verbs.registry import find_verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ovn_rules.cli.verbs.verb import Document, Verb
    from ovn_rules.cli.verbs.watch import Difference

SOON = 0.5
"""Seconds that what is typed may wait for a suggestion."""

PATIENCE = 10.0
"""Seconds for an answer that needs no search, and beyond what a question may take."""

WATCH_SECONDS = 1.0
"""How often a daemon is asked again for what is watched."""

ROLES = ("controller", "northd")


class Attached:
    """A daemon.

    Args:
        target: the path of its control socket, ``northd``, ``controller``, or empty for the one that runs here.

    Raises:
        Failure: there is none.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.path = find_socket(target)
        self._state = ""
        self._lost = False
        self._catalogue: Document = {}
        self._catalogue = self._json("catalogue")

    # -- asking --------------------------------------------------------------------------------------------

    def ask(self, verb: Verb, text: str, options: Mapping[str, Any]) -> Document:
        """See ``Asked``."""
        asked = json.dumps({"text": text, "options": dict(options)})
        reply = self._json("ask", verb.name, asked, seconds=SECONDS + PATIENCE)
        return opened(reply)

    def watch(self, text: str, say: Callable[[str], None]) -> tuple[Sequence[str], Iterator[Difference]]:
        """A query that is asked again every second."""
        from ovn_rules.cli.verbs.watch import compared  # noqa: PLC0415 - only when it is asked for

        verb = find_verb("watch")
        first = self.ask(verb, text, verb.defaults())

        def documents() -> Iterator[Document]:
            yield first
            said = ""
            while True:
                time.sleep(WATCH_SECONDS)
                try:
                    document = self.ask(verb, text, verb.defaults())
                except Failure as failure:
                    if str(failure) != said:
                        said = str(failure)
                        say(said)
                    continue
                said = ""
                yield document

        return first["columns"], compared(documents())

    def _json(self, command: str, *arguments: str, seconds: float = PATIENCE) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(self.request(command, *arguments, seconds=seconds))
        self._state = reply.get("state", self._state)
        return reply

    def request(self, command: str, *arguments: str, seconds: float = PATIENCE) -> str:
        """A command of the control socket, and its answer.

        Args:
            command: its name.
            *arguments: its arguments.
            seconds: how long to wait.

        Raises:
            Failure: the daemon doesn't answer, or answers with an error.
        """
        try:
            if self._lost:
                self.path = find_socket(self.target)
            reply = _exchange(self.path, command, arguments, seconds)
        except TimeoutError:
            raise Failure(f"{self.path} doesn't answer; ovs-appctl -t {self.path} status may tell why") from None
        except (OSError, ValueError) as error:
            self._lost = True
            reason = getattr(error, "strerror", None) or error
            if not self._catalogue:
                raise Failure(f"no daemon answers at {self.path}: {reason}") from None
            raise Failure(f"the daemon at {self.path} is gone: {reason}; ask again when it is back") from None
        self._lost = False
        if reply.get("error") is not None:
            text = str(reply["error"]).strip()
            if "is not a valid command" in text:
                text = f"what listens at {self.path} is no daemon of ovn-rules, or an older one: it has no {command}"
            raise Failure(text)
        return str(reply["result"])

    # -- about it ------------------------------------------------------------------------------------------

    def stale(self) -> list[str]:
        """What the daemon waits for; in standby it derives nothing."""
        if self._state == "standby":
            return ["this northd stands by and has derived nothing: ask the active one"]
        return [] if self._state in ("active", "running") else [f"the daemon is {self._state}; as last seen"]

    def status(self) -> list[str]:
        """What the daemon says of itself."""
        return [f"attached to {self.path}", *self.request("status").splitlines()]

    def title(self) -> str:
        """The daemon and its state."""
        return f"{self.path.name} {'GONE' if self._lost else self._state}"

    def reload(self) -> str:
        """A daemon has no files."""
        raise Failure("a daemon follows its databases; there is nothing to read again")

    def catalogue(self) -> Document:
        """What the program has: asked for once, since a program doesn't change."""
        return self._catalogue

    def values(self, relation: str, column: str, prefix: str) -> list[str]:
        """Values of a column."""
        try:
            found: list[str] = json.loads(self.request("values", relation, column, prefix, seconds=SOON))
        except Failure:
            return []
        return found

    def run(self) -> None:
        """Nothing comes unasked."""

    def wait(self, poller: Any) -> None:
        """Nothing comes unasked."""

    def close(self) -> None:
        """No connection stays open."""


def _exchange(path: Path, command: str, arguments: tuple[str, ...], seconds: float) -> dict[str, Any]:
    """One request of ovs-appctl(8)'s protocol, JSON-RPC 1.0, and its reply."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(str(path))
        request = {"id": 0, "method": command, "params": arguments}
        connection.sendall(json.dumps(request, ensure_ascii=False).encode())
        data = bytearray()
        while True:
            part = connection.recv(1 << 20)
            if not part:
                raise ConnectionResetError("it hung up")
            data += part
            if data.rstrip().endswith(b"}"):
                try:
                    reply: dict[str, Any] = json.loads(data)
                except ValueError:
                    continue
                return reply


def find_socket(target: str) -> Path:
    """The control socket of a daemon, found as ovs-appctl(8) finds it; without a pidfile by its name.

    Args:
        target: a path, ``northd``, ``controller``, a pidfile's name without its ending, or empty for either daemon.

    Raises:
        Failure: there is none, or several.
    """
    if "/" in target:
        return Path(target)
    rundir = default_rundir()
    if target not in (*ROLES, ""):
        if not (found := _sockets(rundir, target)):
            raise Failure(
                f"--attach takes northd, controller, a pidfile's name in OVN_RUNDIR={rundir} "
                f"or the path of a control socket, not {target!r}"
            )
        return found[0]
    found = [path for role in ([target] if target else ROLES) for path in _sockets(rundir, f"ovn-rules-{role}")]
    if not found:
        what = f"ovn-rules {target}" if target else "daemon of ovn-rules"
        raise Failure(f"no {what} runs with OVN_RUNDIR={rundir}; --attach=PATH names its control socket")
    if len(found) > 1:
        raise Failure(f"several daemons run: --attach={', --attach='.join(map(str, found))}")
    return found[0]


def _sockets(rundir: Path, name: str) -> list[Path]:
    """Sockets of daemons of a name on which somebody listens; that of the pidfile alone when there is one."""
    try:
        pid = int((rundir / f"{name}.pid").read_text().strip())
        candidates = [rundir / f"{name}.{pid}.ctl"]
    except (OSError, ValueError):
        candidates = sorted(rundir.glob(f"{name}.*.ctl"))
    return [path for path in candidates if listens(path)]
