"""``ovn-rules check --nb``: what a northbound database uses that the rules don't do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ovn_rules.cli.choosing import SCHEMAS, chosen_name
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.programs import find_program
from ovn_rules.cli.sources import parted, read_once, unreadable
from ovn_rules.cli.unsupported import Unsupported
from ovn_rules.engine.schema import Database as Relations
from ovn_rules.io.database import Database
from ovn_rules.io.files import FileError, log_schema, read_database, read_files, records
from ovn_rules.io.streams import RemoteError

if TYPE_CHECKING:
    from ovn_rules.io.rows import Replica
    from ovn_rules.io.streams import Tls
    from ovn_rules.rules.program import Program

NAME = "nb"


def check_database(argument: str, named: str | None, tls: Tls | None) -> None:
    """Print a line for each thing in a northbound database that isn't supported.

    Args:
        argument: a remote or a file.
        named: the program, as ``--program`` says; None for the one that the database is for.
        tls: files for ``ssl:`` remotes.

    Raises:
        Failure: the database can't be read, or the program doesn't say what it goes by.
        SystemExit: with 1, when there is such a thing.
    """
    try:
        parted([argument])
        program = find_program(chosen_name(named, {NAME: [argument]}, tls))
        unsupported = Unsupported(program.supported)
        replica = _replica(argument, program, unsupported, tls)
    except (FileError, RemoteError) as error:
        raise unreadable(error, [argument], tls) from error
    if not program.supported:
        raise Failure(f"the program {program.name} doesn't say what it goes by, so nothing can be checked")
    unsupported.observe(replica)
    for line in unsupported.lines():
        click.echo(line)
    if unsupported.found:
        raise SystemExit(1)
    click.echo(f"{argument}: the program {program.name} does all that it uses")


def _replica(argument: str, program: Program, unsupported: Unsupported, tls: Tls | None) -> Replica:
    """The rows, with the columns that are looked at: as the server's or the file's own schema has them."""
    if NAME not in program.databases:
        raise Failure(f"the program {program.name} has no northbound database")
    remotes, files = parted([argument])
    if remotes:
        database = Database(
            NAME, remotes[0], SCHEMAS[NAME], (), leader_only=False, further=unsupported.columns, tls=tls
        )
        read_once(database)
        return database.replica
    schema = program.databases[NAME].schema
    if files[0].kind == "database":
        schema = log_schema(argument, next(records(argument, read_database(argument), [])))
    columns = unsupported.columns(schema)
    tables = Relations(NAME, schema)
    whole = [getattr(tables, table).__relation__ for table in columns]
    return read_files([argument], NAME, whole, None if files[0].kind == "dump" else SCHEMAS[NAME]).replica
