"""Fixtures for tests that talk to real servers."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for helper modules beside this one

from no_skips import pytest_sessionfinish
from servers import OvsdbServer

__all__ = ["pytest_sessionfinish"]

for size in ("COLUMNS", "LINES"):  # pytest-xdist sets them, and terminals that tests make have sizes of their own
    os.environ.pop(size, None)

# Shells start what runs in the background with SIGINT ignored, and what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Where tests are spread over processes, a file's stay together, and so do all that need the machine's network.

    A test that says its group itself keeps it.
    """
    system = Path(__file__).parent / "system"
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = "system" if item.path.is_relative_to(system) else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def ovsdb(tmp_path_factory):
    """Starts ovsdb-servers: ``ovsdb(schema, remotes=(), options=(), clustered=None) -> OvsdbServer``."""
    servers = []

    def start(schema, **how):
        server = OvsdbServer(tmp_path_factory.mktemp("ovsdb"), schema, **how)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
