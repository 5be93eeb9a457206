"""Whole networks for commands that ask once: databases, as servers or as files, loaded into an engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import ovs.poller

from ovn_rules.cli.bundle import read_bundle
from ovn_rules.cli.choosing import SCHEMAS, chosen_name
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.places import absolute, default_nb, default_ovs, default_sb
from ovn_rules.cli.programs import find_program, program_option
from ovn_rules.cli.progress import Steps
from ovn_rules.engine import Engine, RuleFailure
from ovn_rules.io.database import Database
from ovn_rules.io.events import Unusable, Updated, Waiting
from ovn_rules.io.files import FileError, identify, read_files
from ovn_rules.io.streams import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovn_rules.engine import Fact
    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.io.files import Source
    from ovn_rules.io.rows import Delta
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program, Role

TIMEOUT = 30.0
"""Seconds to wait for a server."""

F = TypeVar("F", bound=Callable[..., Any])


def network_options(command: F) -> F:
    """Adds --nb, --sb, --ovs (several), --bundle and --program to a command; of --bundle it gets the files."""

    @wraps(command)
    def run(nb: str | None, sb: str | None, ovs: tuple[str, ...], bundle: str | None, **others: Any) -> Any:
        if bundle is not None:
            nb, sb, ovs = _unpacked(bundle, nb, sb, ovs)
        return command(nb=nb, sb=sb, ovs=ovs, **others)

    options = (
        click.option(
            "--nb",
            metavar="DB",
            help="Northbound database: remotes or a file. [default, with no database given: OVN_NB_DB]",
        ),
        click.option("--sb", metavar="DB", help="Southbound database: remotes or a file. [likewise: OVN_SB_DB]"),
        click.option(
            "--ovs",
            metavar="DB",
            multiple=True,
            help="A host's own database; once for each host. [likewise: this one's]",
        ),
        click.option(
            "--bundle",
            metavar="FOLDER",
            help="All database files in a folder and below; their schemas tell them apart.",
        ),
        program_option,
    )
    decorated: Any = run
    for option in reversed(options):
        decorated = option(decorated)
    return cast("F", decorated)


def _unpacked(
    bundle: str, nb: str | None, sb: str | None, hosts: tuple[str, ...]
) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The databases of a bundle; those that are named go before its own.

    Raises:
        Failure: it has none, or several where there can be one.
    """
    found = read_bundle(bundle, SCHEMAS)
    named = {"nb": nb, "sb": sb}
    for name, given in named.items():
        if given is None and len(found[name]) > 1:
            raise Failure(f"{bundle}: which of {', '.join(found[name])}? Name one with --{name}")
        named[name] = given or next(iter(found[name]), None)
    return named["nb"], named["sb"], hosts or tuple(found["ovs"])


facts_option: Callable[[F], F] = click.option(
    "--facts",
    "facts",
    metavar="FILE.yaml",
    help="Rows and facts beside those of databases, or instead of any, as in a rule spec's 'given'.",
)


@dataclass
class Network:
    """Databases in an engine.

    Attributes:
        program: the rule program.
        engine: with everything derived.
        warnings: what was tolerated while reading.
        databases: the arguments that are servers.
        files: the arguments that are files, by database.
    """

    program: Program
    engine: Engine
    warnings: list[str] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    files: dict[str, list[str]] = field(default_factory=dict)

    def chassis(self) -> list[str]:
        """The names of the hosts whose own databases were given."""
        return hosts_given(self.engine)


def hosts_given(engine: Engine) -> list[str]:
    """The names of the hosts whose own databases an engine has."""
    if "LocalChassis" not in engine.program.relations:
        return []
    return sorted(name for _, name in engine.facts("LocalChassis"))


def load_network(
    nb: str | None,
    sb: str | None,
    hosts: Iterable[str],
    program: str | None,
    tls: Tls | None = None,
    facts_file: str | None = None,
    beside: Callable[[Program], Mapping[str, tuple[str, ...]]] | None = None,
) -> Network:
    """Read databases and derive everything that follows from them.

    With a northbound database everything is derived; without one, Pipeline and ports are what the southbound
    database holds. When none is named, nor a file of facts, it is this machine's databases, as ovn-nbctl(8) and
    ovn-sbctl(8) find them.

    Args:
        nb: northbound database, or None.
        sb: southbound database, or None.
        hosts: the hosts' own databases.
        program: the rule program's name; None for the one that the databases are for.
        tls: files for ``ssl:`` remotes.
        facts_file: rows and facts beside those of the databases.
        beside: columns to read besides those that rules name, by relation, given the program.

    Raises:
        Failure: a database or the file can't be read, or a rule fails.
    """
    given: dict[str, list[str]] = {}
    if nb or sb or hosts or facts_file is None:
        given = chosen_databases(nb, sb, hosts)
    name = chosen_name(program, given, tls)
    chosen = find_program(name)
    role = role_for(chosen, given.get("nb") or not given)
    if beside is not None:
        role = replace(role, names={**role.names, **beside(chosen)})
    rules = role.load()
    engine = Engine(rules)
    network = Network(chosen, engine)
    facts: dict[str, tuple[list[Fact], list[Fact]]] = {}
    relations = list(rules.relations.values())
    with Steps(len(given) + 1) as steps:
        for database, arguments in given.items():
            steps.step(f"reading {', '.join(arguments)}")
            if not arguments or not fed(relations, database):
                continue
            for relation, (_, inserted) in _read(database, arguments, relations, network, tls).items():
                facts.setdefault(relation, ([], []))[1].extend(inserted)
        if facts_file is not None:
            from ovn_rules.cli.facts_file import read_facts  # noqa: PLC0415 - it reads YAML, which few need

            for relation, found in read_facts(facts_file, rules, name).items():
                facts.setdefault(relation, ([], []))[1].extend(found)
        steps.step("deriving")
        try:
            engine.transact({r: c for r, c in facts.items() if r in rules.relations})
        except RuleFailure as error:
            raise Failure(str(error)) from error
    return network


def chosen_databases(nb: str | None, sb: str | None, hosts: Iterable[str]) -> dict[str, list[str]]:
    """Database name in the program → its arguments: those given, or when none is, this machine's databases.

    Args:
        nb: northbound database, or None.
        sb: southbound database, or None.
        hosts: the hosts' own databases.
    """
    hosts = tuple(hosts)
    if not (nb or sb or hosts):
        nb, sb, hosts = default_nb(), default_sb(), _own_host()
    return {"nb": [nb] if nb else [], "sb": [sb] if sb else [], "ovs": list(hosts)}


def fed(relations: Iterable[RelationDef], database: str) -> bool:
    """Whether any of the relations is fed from a database."""
    return any(r.table is not None and r.table.database == database for r in relations)


def _own_host() -> tuple[str, ...]:
    """The default remote of this host's own database, if it is one that Open vSwitch runs on."""
    remote = default_ovs()
    return (remote,) if Path(remote.removeprefix("unix:")).exists() else ()


def role_for(program: Program, nb: object) -> Role:
    """Everything where central's input is at hand, else a host's part."""
    return program.everything if nb else program.controller


def _read(name: str, arguments: list[str], relations: list[RelationDef], network: Network, tls: Tls | None) -> Delta:
    try:
        remotes, files = parted(arguments)
        network.databases += remotes
        network.files[name] = [f.name for f in files]
        facts = read_given_files(files, name, relations, network.warnings)
        for remote in remotes:
            for relation, (_, inserted) in _read_server(name, remote, relations, tls).items():
                facts.setdefault(relation, ([], []))[1].extend(inserted)
    except (FileError, RemoteError) as error:
        raise unreadable(error, arguments, tls) from error
    return facts


def parted(arguments: Iterable[str]) -> tuple[list[str], list[Source]]:
    """Database arguments as remotes and files.

    Raises:
        FileError: a file is missing or no database.
        RemoteError: it looks like a remote, but is none.
    """
    sources = [identify(absolute(a)) for a in arguments]
    return [s.name for s in sources if s.kind == "remote"], [s for s in sources if s.kind != "remote"]


def read_given_files(files: list[Source], name: str, relations: list[RelationDef], warnings: list[str]) -> Delta:
    """The facts in files of one database.

    Args:
        files: what ``parted`` found.
        name: the database's name in the program.
        relations: the program's relations.
        warnings: gets a line for each thing that was tolerated.

    Raises:
        FileError: one can't be read.
    """
    if not files:
        return {}
    schema = None if any(f.kind == "dump" for f in files) else SCHEMAS[name]
    contents = read_files([f.name for f in files], name, relations, schema)
    warnings += contents.warnings
    return contents.facts


def unreadable(error: Exception, arguments: Iterable[str], tls: Tls | None) -> click.ClickException:
    """What to raise when database arguments can't be used."""
    if tls is None and any(part.strip().startswith("ssl:") for a in arguments for part in a.split(",")):
        return click.UsageError("ssl: remotes need --private-key, --certificate and --ca-cert")
    return Failure(str(error))


def no_answer(event: Waiting) -> Failure:
    """What to raise when a server has no usable database, or can't be reached."""
    kind = "can't be used" if isinstance(event, Unusable) else "can't be reached"
    return Failure(f"{event.remote} {kind}: {event.reason}")


def _read_server(name: str, remotes: str, relations: list[RelationDef], tls: Tls | None) -> Delta:
    return read_once(Database(name, remotes, SCHEMAS[name], relations, leader_only=False, tls=tls))


def read_once(database: Database) -> Delta:
    """All rows of a live database, read once; the connection is closed.

    Raises:
        Failure: it can't be reached or used.
    """
    end = time.monotonic() + TIMEOUT
    facts: Delta = {}
    try:
        while not database.loaded:
            for event in database.run():
                if isinstance(event, Updated):
                    facts = event.delta
                elif isinstance(event, Waiting):
                    raise no_answer(event)
            if database.loaded:
                break
            if time.monotonic() > end:
                raise Failure(f"{database.remote} did not answer in {TIMEOUT:g} s")
            poller = ovs.poller.Poller()
            database.wait(poller)
            poller.timer_wait(int((end - time.monotonic()) * 1000) + 1)
            poller.block()
    finally:
        database.close()
    return facts
