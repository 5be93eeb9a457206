"""Fixtures for what users start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one

from daemons import Daemons
from recorded import Recorded
from world import World


@pytest.fixture
def daemons(tmp_path):
    """Starts daemons with their files in ``tmp_path``."""
    started = Daemons(tmp_path)
    yield started
    started.close()


@pytest.fixture
def world(tmp_path, ovsdb):
    """A northbound and a southbound server, without rows or daemons."""
    made = World(tmp_path, ovsdb)
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """The databases and flows of a small network that ran in the sandbox."""
    made = Recorded(tmp_path_factory.mktemp("recorded"))
    assert made.done.returncode == 7, made.done.stderr
    return made
