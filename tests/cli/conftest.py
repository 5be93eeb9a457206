"""Fixtures for what users start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one

from daemons import Daemons


@pytest.fixture
def daemons(tmp_path):
    """Starts daemons with their files in ``tmp_path``."""
    started = Daemons(tmp_path)
    yield started
    started.close()
