"""The rule programs that commands can load: those of this package, and a user's own from a Python file."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovn_rules.cli.failure import Failure
from ovn_rules.engine import Database, LoadError
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.rules.program import Program, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SHIPPED: dict[str, str | Program] = {
    "ezbake": "ovn_rules.rules.ezbake.programs:EZBAKE",
    "ovn": "ovn_rules.rules.ovn.programs:OVN",
}
"""The programs of this package by name, or where they are: they are imported when they are used."""

DEFAULT = "ezbake"
"""The program where nothing says which."""

program_option: Callable[[Any], Any] = click.option(
    "--program",
    metavar="NAME|FILE.py",
    default=None,
    help=f"The rules to load: {', '.join(sorted(SHIPPED))}, or a module of your own. "
    f"[default: what the databases' schemas are for, else {DEFAULT}]",
)


def find_program(name: str | None) -> Program:
    """A program by its name, or a user's own by the path of its module.

    Args:
        name: as ``--program`` takes it; what ends in ``.py`` is a file. None for the default.

    Raises:
        Failure: there is none, the file can't be imported, or its rules have mistakes.
    """
    if name is None:
        name = DEFAULT
    if name.endswith(".py"):
        return _own(Path(name).resolve())
    if name not in SHIPPED:
        hint = did_you_mean(name, SHIPPED) or f"there is {', '.join(sorted(SHIPPED))}; a module of your own ends in .py"
        raise Failure(f"no program {name}; {hint}")
    found = SHIPPED[name]
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        shipped: Program = getattr(import_module(module), attribute)
        return shipped
    return found


@cache
def _own(path: Path) -> Program:
    module = _imported(path)
    role = Role((module,))
    try:
        role.load()
    except LoadError as error:
        raise Failure(f"{path.name}: the rules have mistakes:\n{error}") from error
    databases = {d.name: d for d in vars(module).values() if isinstance(d, Database)}
    return Program(path.stem, role, role, role, databases=databases)


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ovn_rules_program_{path.stem}", path)
    assert spec is not None  # noqa: S101 - a path that ends in .py has a loader
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from error
    except Exception as error:
        raise Failure(f"{path}: it can't be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module
