"""The tests of the engine import the modules beside them by name, and say how much they compared."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rule_files import Files

_COMPARED = pytest.StashKey[Counter]()


def pytest_configure(config):
    config.stash[_COMPARED] = Counter()


@pytest.fixture(scope="session")
def compared(request):
    """Numbers of things compared, by name; printed after the run."""
    return request.config.stash.setdefault(_COMPARED, Counter())


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to write rules in."""
    return Files(tmp_path, monkeypatch)


def pytest_terminal_summary(terminalreporter, config):
    for what, number in config.stash.get(_COMPARED, Counter()).items():
        terminalreporter.write_line(f"{number:>8,} {what}")
