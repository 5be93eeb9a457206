"""Databases that are followed: live ones as they change, files as they were read; nothing is ever written.

For those who ask a network more than once: the REPL, and commands that go on until they are interrupted. Like a
daemon's work it has ``run``, which does what can be done now, and ``wait``, which says what to wake up for.
"""

from __future__ import annotations

import gc
import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import ovs.poller

from ovn_rules.cli.choosing import SCHEMAS, chosen_name
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.programs import find_program
from ovn_rules.cli.progress import Steps
from ovn_rules.cli.setaside import SetAside, merge
from ovn_rules.cli.sources import (
    TIMEOUT,
    chosen_databases,
    fed,
    hosts_given,
    no_answer,
    parted,
    read_given_files,
    role_for,
    unreadable,
)
from ovn_rules.engine import Engine
from ovn_rules.io.database import Database
from ovn_rules.io.events import Connected, Lost, Unusable, Updated, Waiting
from ovn_rules.io.files import FileError
from ovn_rules.io.streams import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ovn_rules.engine import Fact
    from ovn_rules.engine.runtime import Change
    from ovn_rules.io.events import Event
    from ovn_rules.io.files import Source
    from ovn_rules.io.rows import Delta
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program

ANSWER_SECONDS = 1.0
"""How long a question waits for a database to say that nothing has changed."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until this is done, so that what a database has said isn't lost between it and the engine."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Following:
    """Databases in an engine that is kept up to date; of one database several hosts' may be given.

    Args:
        nb: northbound database, or None.
        sb: southbound database, or None.
        hosts: the hosts' own databases. When no database is given it is this machine's.
        program: the rule program's name.
        say: is told in one line what a person should know: a database that is lost or back, a row set aside.
        tls: files for ``ssl:`` remotes.
        facts_file: rows and facts beside those of the databases, or instead of any.

    Attributes:
        program: the rule program.
        engine: with everything derived, once ``load`` has returned.
        databases: the live ones.
        files: the arguments that are files, by database.

    Raises:
        Failure: an argument can't be used.
    """

    def __init__(
        self,
        nb: str | None,
        sb: str | None,
        hosts: Iterable[str],
        program: str | None,
        say: Callable[[str], None],
        tls: Tls | None = None,
        facts_file: str | None = None,
    ) -> None:
        given = chosen_databases(nb, sb, hosts) if nb or sb or hosts or facts_file is None else {}
        self._name = chosen_name(program, given, tls)
        self.program: Program = find_program(self._name)
        rules = role_for(self.program, given.get("nb") or not given).load()
        self._facts_file = facts_file
        self.engine = Engine(rules)
        self.databases: list[Database] = []
        self._tell = say
        self._aside = SetAside(self)
        self._relations = list(rules.relations.values())
        self._sources: dict[str, list[Source]] = {}
        self._stored: dict[str, Delta] = {}
        self._held: list[Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]]] = []
        self._asked: dict[Database, float] = {}
        self._gone: dict[Database, tuple[str, str]] = {}
        for name, arguments in given.items():
            if fed(self._relations, name):
                self._add(name, arguments, tls)

    def _add(self, name: str, arguments: list[str], tls: Tls | None) -> None:
        try:
            remotes, self._sources[name] = parted(arguments)
            for remote in remotes:
                relations = self._relations
                self.databases.append(Database(name, remote, SCHEMAS[name], relations, leader_only=False, tls=tls))
        except (FileError, RemoteError) as error:
            raise unreadable(error, arguments, tls) from error

    @property
    def files(self) -> dict[str, list[str]]:
        """The arguments that are files, by database."""
        found = {name: [s.name for s in sources] for name, sources in self._sources.items() if sources}
        return found | ({"facts": [self._facts_file]} if self._facts_file is not None else {})

    def chassis(self) -> list[str]:
        """The names of the hosts whose own databases were given."""
        return hosts_given(self.engine)

    # -- loading -------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read the files and wait until every live database has been read; derive what follows.

        Raises:
            Failure: a file can't be read, a database can't be reached.
        """
        end = time.monotonic() + TIMEOUT
        with Steps(3) as steps:
            steps.step(f"reading {', '.join(f for files in self.files.values() for f in files)}")
            self._read_files()
            steps.step(f"reading {', '.join(d.remote for d in self.databases)}")
            while not all(d.loaded for d in self.databases):
                for database in self.databases:
                    self._take(database, starting=True)
                if any(not d.loaded for d in self.databases):
                    self._block(end)
                late = [d.remote for d in self.databases if not d.loaded]
                if late and time.monotonic() > end:
                    raise Failure(f"{', '.join(late)} did not answer in {TIMEOUT:g} s")
            steps.step("deriving")
            self._commit()
        gc.freeze()  # most of it will stay, so the collector needn't look at it again

    def reload(self) -> Mapping[str, Change]:
        """Read the files again; what differs is the change.

        Returns:
            What changed in every relation, as ``run`` does.

        Raises:
            Failure: one can't be read; nothing has changed.
        """
        with uninterrupted():
            self._read_files()
            return self._commit()

    def _read_files(self) -> None:
        new: dict[str, Delta] = {}
        for name, sources in self._sources.items():
            warnings: list[str] = []
            try:
                new[name] = read_given_files(sources, name, self._relations, warnings)
            except FileError as error:
                raise Failure(str(error)) from error
            for warning in warnings:
                self._tell(warning)
        if self._facts_file is not None:
            from ovn_rules.cli.facts_file import read_facts  # noqa: PLC0415 - it reads YAML, which few need

            found = read_facts(self._facts_file, self.engine.program, self._name)
            new["facts"] = {relation: ([], facts) for relation, facts in found.items()}
        for name, facts in new.items():
            before, self._stored[name] = self._stored.get(name, {}), facts
            delta = {}
            for relation in {**before, **facts}:
                old = dict.fromkeys(before.get(relation, ((), ()))[1])
                now = dict.fromkeys(facts.get(relation, ((), ()))[1])
                delta[relation] = ([f for f in old if f not in now], [f for f in now if f not in old])
            self._held.append(delta)

    # -- following -----------------------------------------------------------------------------------------

    def run(self) -> Mapping[str, Change]:
        """Take in what the databases have said.

        Returns:
            What changed: relation, given or derived → (deleted facts, inserted facts); empty when nothing did.
        """
        with uninterrupted():
            for database in self.databases:
                self._take(database)
            return self._commit() if self._held else {}

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""
        for database in self.databases:
            database.wait(poller)

    def changes(self) -> Iterator[Mapping[str, Change]]:
        """What changes, as it comes: each as ``run`` returns it. Never ends; waits without using the processor."""
        while True:
            changed = self.run()
            if changed:
                yield changed
            else:
                self._block()

    def catch_up(self) -> None:
        """Take in everything that was committed before now, so that an answer is never older than its question.

        Waits for at most a second; a database that says nothing for so long is named by ``stale`` until it does.
        """
        now = time.monotonic()
        for database in self.databases:
            if database.synced and database not in self._asked:
                self._asked[database] = now
                database.echo(partial(self._answered, database))
        end = now + ANSWER_SECONDS
        while True:
            self.run()
            if not any(asked == now for asked in self._asked.values()) or time.monotonic() >= end:
                return
            self._block(end)

    def _answered(self, database: Database, _result: Any, _error: Any) -> None:
        del self._asked[database]

    def stale(self) -> list[str]:
        """A line for each database whose facts are as last seen."""
        lines = []
        for database in self.databases:
            if database in self._gone:
                when, reason = self._gone[database]
                lines.append(f"{database.name}: {database.remote} is gone since {when} ({reason}); as last seen")
            elif time.monotonic() - self._asked.get(database, time.monotonic()) >= ANSWER_SECONDS:
                lines.append(f"{database.name}: {database.remote} doesn't answer; as last seen")
        return lines

    def set_aside(self) -> list[str]:
        """A line for each fact that a rule fails on, and that is left out therefore."""
        return self._aside.lines()

    def close(self) -> None:
        """End the connections."""
        for database in self.databases:
            database.close()

    def say(self, level: str, text: str) -> None:
        """Pass on what ``SetAside`` says."""
        del level  # all of it is worth a line
        self._tell(text)

    def _block(self, end: float | None = None) -> None:
        poller = ovs.poller.Poller()
        self.wait(poller)
        if end is not None:
            poller.timer_wait(max(0, int((end - time.monotonic()) * 1000) + 1))
        poller.block()

    def _take(self, database: Database, *, starting: bool = False) -> None:
        for event in database.run():
            if isinstance(event, Updated):
                self._held.append(event.delta)
            elif starting and isinstance(event, Waiting):
                raise no_answer(event)
            elif not starting:
                self._note(database, event)

    def _note(self, database: Database, event: Event) -> None:
        """Say once that a database has gone, and once that it is back."""
        if isinstance(event, Lost):
            self._gone[database] = (time.strftime("%H:%M:%S"), event.reason)
            self._tell(f"{event}; what it held stays as last seen until it is back")
        elif isinstance(event, Unusable):
            self._tell(str(event))
        elif isinstance(event, Connected) and self._gone.pop(database, None) is not None:
            self._tell(f"{database.name}: {database.remote} is back, and up to date")

    def _commit(self) -> Mapping[str, Change]:
        held, self._held = self._held, []
        known = self.engine.program.relations
        given = {n: (list(d), list(i)) for n, (d, i) in merge(held).items() if n in known}
        changes = self._aside.transact(self.engine, given)
        return {n: c for n, c in {**given, **changes}.items() if c[0] or c[1]}
