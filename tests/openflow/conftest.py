"""The tests of the simulator hold it to a real switch, and draw from the language's expressions."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "lflow"))  # for what draws expressions and packets
sys.path.insert(0, str(Path(__file__).parent))

from openvswitch import OpenVSwitch

PORTS = {1: "dummy", 2: "dummy", 3: "dummy", 4: "dummy", 9: "geneve"}


@pytest.fixture(scope="session")
def switch(tmp_path_factory):
    """A real switch with ports 1 to 4, and 9 for a tunnel."""
    if missing := [p for p in ("ovsdb-server", "ovs-vswitchd", "ovs-ofctl", "ovs-vsctl") if not shutil.which(p)]:
        reason = f"not installed: {', '.join(missing)} (Debian: openvswitch-switch)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = OpenVSwitch(Path(tmp_path_factory.mktemp("ovs")))
    server.add_bridge()
    for number, kind in PORTS.items():
        options = ["options:remote_ip=192.0.2.1", "options:key=flow"] if kind == "geneve" else []
        settings = [f"type={kind}", f"ofport_request={number}", *options]
        server.vsctl("add-port", "br-int", f"p{number}", "--", "set", "Interface", f"p{number}", *settings)
    yield server
    server.close()
