"""Fixtures for tests that talk to real servers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for helper modules beside this one

from no_skips import pytest_sessionfinish
from servers import OvsdbServer

__all__ = ["pytest_sessionfinish"]


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
