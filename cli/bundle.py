"""A folder of database files, as support bundles have them: which is which, their schemas say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.io.files import FileError, identify
from ovn_rules.io.log_format import HEADER_LIMIT, log_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read_bundle(folder: str, schemas: Mapping[str, str]) -> dict[str, list[str]]:
    """The database files in a folder and those below it, by database; other files are passed over.

    Args:
        folder: where they are.
        schemas: each database's name in the program → its schema's.

    Raises:
        Failure: the folder can't be read or has none, or one of the files can't be used.
    """
    if not Path(folder).is_dir():
        raise Failure(f"{folder}: no such folder")
    names = {schema: name for name, schema in schemas.items()}
    found: dict[str, list[str]] = {name: [] for name in schemas}
    try:
        for path in _databases(Path(folder)):
            name = names.get(identify(str(path)).schema_name)
            if name is not None:
                found[name].append(str(path))
    except FileError as error:
        raise Failure(str(error)) from error
    if not any(found.values()):
        raise Failure(f"{folder}: no database file of {', '.join(schemas.values())} is in it")
    return found


def _databases(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                with path.open("rb") as file:
                    kind = log_kind(file.read(HEADER_LIMIT))
            except OSError as error:
                raise Failure(f"{path}: {error.strerror}") from error
            if kind:
                yield path
