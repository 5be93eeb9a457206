"""Rule modules written to a folder and imported, since rules are read from files."""

import importlib.util
import itertools
import sys
import textwrap

import pytest

from ovn_rules.engine import LoadError, load

_numbers = itertools.count()

WORLD = '''
from __future__ import annotations

import random
import time

from ovn_rules.engine import Database, Relation, Uuid, column, pure

nb = Database("nb", {"name": "NB", "version": "1.0.0", "tables": {
    "Switch": {"columns": {"name": {"type": "string"}}},
    "Port": {"columns": {
        "name": {"type": "string"},
        "switch": {"type": "uuid"},
        "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
        "macs": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "options": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "up": {"type": "boolean"},
        "rate": {"type": "real"},
    }},
}})

PRIORITY = 50
TABLES = {"in": 0, "out": 32}

class Link(Relation):
    """A cable between two places."""

    a: str = column("one end")
    b: str = column("the other end")

class Reach(Relation):
    """Which places can be reached from which."""

    a: str = column("from")
    b: str = column("to")

class Place(Relation):
    """A place with its floor."""

    name: str = column("its name")
    floor: int = column("0 is the ground")

class Level(Relation, key=("name",)):
    """How far from the entrance a place is."""

    name: str = column("the place")
    steps: int = column("links to walk")

class Weight(Relation):
    """How heavy something is."""

    name: str = column("the thing")
    kilos: float = column("its weight")

class Tags(Relation):
    """Labels of a place."""

    name: str = column("the place")
    tags: tuple[str, ...] = column("sorted labels")

class Owner(Relation):
    """Whose row it is."""

    row: Uuid = column("the row")
    name: str = column("its owner")

@pure
def shout(text: str) -> str:
    return text.upper()

@pure
def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())

@pure
def is_high(floor: int) -> bool:
    return floor > 3

@pure
def unsaid(text):
    return text

@pure
def roll(text: str) -> int:
    return random.randint(1, 6) + len(text)

@pure
def told(text: str) -> str:
    return _say(text)

def _say(text):
    print(text)
    return text

def unmarked(text: str) -> str:
    return text
'''

HEADER = "from ovn_rules.engine import _, allocate, collect, count, every, pure, rule\nfrom world import *\n\n"


def import_file(path, name):
    """The module that a file holds, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Files:
    """A folder of rule modules; ``world.py`` in it holds relations and functions to write rules with."""

    def __init__(self, folder, monkeypatch):
        """Make the folder the current one, write ``world.py`` to it and import that."""
        monkeypatch.chdir(folder)
        self.folder = folder
        (folder / "world.py").write_text(WORLD)
        sys.modules.pop("world", None)
        self.world = import_file(folder / "world.py", "world")

    def module(self, source, file="rules.py"):
        """Import a module made of the usual imports, which take three lines, and the source."""
        (self.folder / file).write_text(HEADER + textwrap.dedent(source).lstrip("\n"))
        return import_file(self.folder / file, f"rules_{next(_numbers)}")

    def load(self, source, **options):
        """Load a program of one module."""
        return load(self.module(source), **options)

    def refused(self, source, **options):
        """What loading a program of one module is refused with."""
        module = self.module(source)
        with pytest.raises(LoadError) as caught:
            load(module, **options)
        return str(caught.value)


def shown(text):
    """A message as it stands in a test."""
    return textwrap.dedent(text).strip()
