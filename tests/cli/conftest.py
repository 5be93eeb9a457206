"""Fixtures for what users start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one

from daemons import Daemons
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
