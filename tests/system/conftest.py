"""Fixtures of the tests with real hosts: what they need, and a lab with or without daemons."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for helper modules beside this one

from lab import Lab
from ovn_lab import TOOLS as OVN_TOOLS
from ovn_lab import OvnLab
from served import Served

from ovn_rules.rules import ezbake

FOLDER = Path(ezbake.__file__).parent
SCHEMAS = FOLDER / "ovn-nb.ovsschema", FOLDER / "ovn-sb.ovsschema"
PROGRAM = Path(sys.executable).parent / "ovn-rules"
NORTHD = f"{PROGRAM} daemon northd --nb {{nb}} --sb {{sb}} --unixctl {{folder}}/northd.ctl"
CONTROLLER = f"{PROGRAM} daemon controller --ovs {{ovs}} --unixctl {{folder}}/controller.ctl"
TOOLS = ("ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ip", "ping", "setpriv", "sysctl")


def need(tools):
    """Skips, or fails where everything must be there, unless these programs and namespaces can be had."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    reason = f"not installed: {', '.join(missing)}" if missing else ""
    if os.geteuid() != 0:
        reason = "network namespaces need root"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def served(tmp_path):
    """Our northd over databases of its own, which nobody has set up."""
    ours = Served(tmp_path)
    yield ours
    ours.close()


@pytest.fixture(scope="session")
def real_hosts():
    """Needs namespaces and Open vSwitch."""
    need(TOOLS)


@pytest.fixture
def bare_lab(real_hosts):
    """Two hosts and the databases, without daemons."""
    with Lab(SCHEMAS) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab(real_hosts):
    """Two hosts with our daemons, for all tests of a module."""
    with Lab(SCHEMAS, NORTHD, CONTROLLER) as lab:
        yield lab


@pytest.fixture(scope="module")
def ovn_lab(real_hosts):
    """Two hosts with the real ovn-controller and our northd, for all tests of a module."""
    need(OVN_TOOLS)
    with OvnLab(NORTHD) as lab:
        yield lab
