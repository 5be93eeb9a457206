"""A client that asks a database server a few things and goes: connects, calls, waits for each answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ovs.poller

from ovn_rules.cli.failure import Failure
from ovn_rules.io.session import Session
from ovn_rules.io.streams import RemoteError, split_remotes

if TYPE_CHECKING:
    from ovn_rules.io.streams import Tls


class OvsdbClient:
    """A connection to the first of several servers that answers.

    Attributes:
        remote: The server.
    """

    def __init__(self, remotes: str, tls: Tls | None = None, timeout: float = 30.0) -> None:
        """Connects.

        Args:
            remotes: ``unix:``, ``tcp:`` and ``ssl:`` remotes, separated by commas; each is tried once.
            tls: The files for ``ssl:`` remotes.
            timeout: Seconds for everything that is asked.

        Raises:
            Failure: None of the servers can be reached.
        """
        self._end = time.monotonic() + timeout
        self._timeout = timeout
        try:
            names = split_remotes(remotes)
            self._session = Session(names, tls)
        except RemoteError as e:
            raise Failure(str(e)) from e
        self.remote = self._session.remote
        reasons: dict[str, str] = {}
        while not self._session.connected:
            self._session.run()
            if self._session.failures:
                reasons[self._session.failed_remote] = self._session.failure
            if self._session.failures >= len(names):
                self._session.close()
                said = "; ".join(f"{remote} can't be reached: {why}" for remote, why in reasons.items())
                raise Failure(f"{said}; is ovsdb-server running there? (--db or OVN_NB_DB says where)")
            if not self._session.connected:
                self._block()
        self.remote = self._session.remote
        self._failures = self._session.failures

    def call(self, method: str, *params: Any) -> Any:
        """Asks, and waits for the answer.

        Args:
            method: A method of RFC 7047 section 4.1.
            *params: Its parameters.

        Returns:
            The answer's result.

        Raises:
            Failure: The connection was lost, the time is up, or the answer is an error.
        """
        number = self._session.request(method, list(params))
        while True:
            for message in self._session.run():
                if message.get("id") == number and "method" not in message:
                    if message.get("error") is not None:
                        raise Failure(f"{self.remote}: {method}: {_error(message['error'])}")
                    return message.get("result")
            if self._session.failures != self._failures:
                raise Failure(f"{self.remote}: connection lost: {self._session.failure}")
            self._block()

    def schema(self, database: str) -> dict[str, Any]:
        """The schema of a database, as JSON (RFC 7047 section 3.2).

        Args:
            database: Its name on the server.

        Raises:
            Failure: The server has no such database.
        """
        present = self.call("list_dbs")
        if database not in present:
            others = ", ".join(sorted(set(present) - {"_Server"})) or "none"
            raise Failure(f"{self.remote} has no database {database}; it has: {others}")
        schema: dict[str, Any] = self.call("get_schema", database)
        return schema

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()

    def _block(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise Failure(f"{self.remote} did not answer within {self._timeout:g} s")
        poller = ovs.poller.Poller()
        self._session.wait(poller)
        poller.timer_wait(int(left * 1000) + 1)
        poller.block()


def _error(error: Any) -> str:
    """An error member of RFC 7047 in words, in one line."""
    if isinstance(error, dict):
        error = error.get("details") or error.get("error")
    return " ".join(str(error).split())
