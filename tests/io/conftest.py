"""The fixtures of a real Open vSwitch."""

import os
import shutil
from pathlib import Path

import pytest
from openvswitch import OpenVSwitch


@pytest.fixture(scope="session")
def ovs_session(tmp_path_factory):
    """One Open vSwitch for all tests that need none of their own."""
    if missing := [p for p in ("ovsdb-server", "ovs-vswitchd", "ovs-ofctl", "ovs-vsctl") if not shutil.which(p)]:
        reason = f"not installed: {', '.join(missing)} (Debian: openvswitch-switch)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # A socket's path has at most 107 bytes, so not pytest's own long folders.
    folder = tmp_path_factory.mktemp("ovs")
    assert len(str(folder)) < 80
    server = OpenVSwitch(Path(folder))
    yield server
    server.close()


@pytest.fixture
def ovs(ovs_session):
    """An Open vSwitch with one bridge, br-int, that holds no flows."""
    if "ovs-vswitchd" not in ovs_session.processes:
        ovs_session.start()
    ovs_session.add_bridge()
    yield ovs_session
    if "ovs-vswitchd" not in ovs_session.processes:
        ovs_session.start()
    for bridge in ovs_session.vsctl("list-br").split():
        ovs_session.vsctl("del-br", bridge)
