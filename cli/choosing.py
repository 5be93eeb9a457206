"""Which rule program fits the databases that are given: their schemas say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.ovsdb_client import OvsdbClient
from ovn_rules.cli.programs import DEFAULT
from ovn_rules.io.database import Database
from ovn_rules.io.events import Lost, Unusable, Waiting
from ovn_rules.io.files import FileError, identify
from ovn_rules.io.streams import RemoteError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ovn_rules.cli.log import Log
    from ovn_rules.io.streams import Tls

SCHEMAS = {"nb": "OVN_Northbound", "sb": "OVN_Southbound", "ovs": "Open_vSwitch"}
"""Database name in a program → its name on a server."""

_MARKS = {"Logical_Port": "ezbake", "Pipeline": "ezbake", "Logical_Switch_Port": "ovn", "Logical_Flow": "ovn"}
"""Tables that only one program's schemas have: a daemon imports the program that it needs, and no other to find out."""


def program_of(tables: Collection[str]) -> str | None:
    """The program that is made for a schema with these tables; None when they don't tell."""
    return next((program for table, program in _MARKS.items() if table in tables), None)


def chosen_name(named: str | None, databases: Mapping[str, Sequence[str]], tls: Tls | None = None) -> str:
    """The program to load for databases.

    Args:
        named: what ``--program`` says, which counts; None to go by the databases.
        databases: database name in the program (``nb``) → remotes and files.
        tls: files for ``ssl:`` remotes.

    Returns:
        A name for ``find_program``; the default where no database tells, or none can be read: whoever reads
        it says why.
    """
    if named is not None:
        return named
    for name in ("nb", "sb"):
        for argument in databases.get(name, ()):
            try:
                source = identify(argument)
                tables: Collection[str] = source.tables
                if source.kind == "remote":
                    tables = _served(argument, SCHEMAS[name], tls)
            except (FileError, RemoteError, Failure):
                continue
            found = program_of(tables)
            if found is not None:
                return found
    return DEFAULT


def _served(remotes: str, schema: str, tls: Tls | None) -> Collection[str]:
    client = OvsdbClient(remotes, tls)
    try:
        return set(client.schema(schema)["tables"])
    finally:
        client.close()


class Choice:
    """A daemon's wait for a server that says which program it needs.

    Args:
        databases: database name in the program → remotes.
        tls: files for ``ssl:`` remotes.
        log: where it is said what is waited for.

    Attributes:
        delayed: a server couldn't be reached or used.

    Raises:
        RemoteError: a remote or the TLS files can't be used.
    """

    def __init__(self, databases: Mapping[str, str], tls: Tls | None, log: Log) -> None:
        self._databases = [Database(n, r, SCHEMAS[n], (), leader_only=False, tls=tls) for n, r in databases.items()]
        self._log = log
        self.delayed = False

    @property
    def status(self) -> str:
        """What is waited for."""
        return f"waiting for {', '.join(d.remote for d in self._databases)}"

    def run(self) -> str | None:
        """Do what can be done now; the program's name once a server has said its schema."""
        for database in self._databases:
            for event in database.run():
                if isinstance(event, Lost | Unusable | Waiting):
                    self.delayed = True
                    self._log.say("warn", str(event))
            found = program_of(database.schema.tables) if database.schema is not None else None
            if found is not None:
                return found
        return None

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""
        for database in self._databases:
            database.wait(poller)

    def close(self) -> None:
        """End the connections."""
        for database in self._databases:
            database.close()
