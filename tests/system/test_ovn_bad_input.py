"""Rows that can't be used as they are, while our northd runs: each is named in the log once."""

from __future__ import annotations

import time

import pytest
from served import Served

pytestmark = pytest.mark.xdist_group("bad input")

BAD = {
    "set Logical_Switch_Port p1 addresses=nonsense": "port p1: left out address 'nonsense'",
    "set Logical_Switch_Port p2 port_security=nonsense": "port p2: no Ethernet address in 'nonsense'",
    "lsp-set-options p3 requested-chassis=nobody": "port p3: asks for chassis 'nobody'",
    "--id=@a create ACL direction=to-lport priority=1 match=nonsense action=drop -- add Logical_Switch sw0 acls @a": (
        "no host can use it, because its match can't be read"
    ),
    "--id=@r create Logical_Router_Static_Route ip_prefix=10.0.0.0/33 nexthop=10.0.0.2"
    " -- add Logical_Router lr0 static_routes @r": "static route 10.0.0.0/33 of router lr0: left out",
    "lr-policy-add lr0 7 ip4 reroute 10.7.0.1": "policy of router lr0, priority 7: left out",
    "lr-policy-add lr0 8 'ip4.src == $nobody' drop": "priority 8: no host can use it until there is a set $nobody",
    "lrp-set-options lr0-a gateway_mtu=67": "router port lr0-a: option gateway_mtu: '67' is no number from 68 to 65535",
    "lrp-add lr0 lr0-b 02:00:00:00:00:02 10.0.0.1/25": "router port lr0-b: has the address 10.0.0.1",
    "acl-add sw0 to-lport 2 ip4 drop -- --id=@b create ACL direction=to-lport priority=2 match=ip4 action=allow"
    " -- add Logical_Switch sw0 acls @b": "one of the two is in vain",
    "set Logical_Switch sw0 other_config:subnet=nonsense": "sw0: subnet nonsense is no IPv4 subnet",
    "set Logical_Switch sw0 other_config:requested-tnl-key=99999999": "switch sw0: requested-tnl-key 99999999",
}
"""What is asked for, and what the log says."""


@pytest.fixture
def served(tmp_path):
    """Our northd with a small network."""
    ours = Served(tmp_path)
    ours.run("ls-add sw0 -- lsp-add sw0 p1 -- lsp-add sw0 p2 -- lsp-add sw0 p3")
    ours.run("--wait=sb lr-add lr0 -- lrp-add lr0 lr0-a 02:00:00:00:00:01 10.0.0.1/24")
    yield ours
    ours.close()


def said(served, text):
    """How many lines of the log say something."""
    return sum(text in line for line in served.ours.log())


def test_each_row_is_named_once(served):
    """Not again at other changes, nor when the lock has been elsewhere; again when the row has been right meanwhile."""
    for number, (line, expected) in enumerate(BAD.items()):
        served.run("--wait=sb " + line)
        assert said(served, expected) == 1, "\n".join(served.ours.log())
        served.run(f"--wait=sb lsp-add sw0 q{number}")
    served.ours.ask("pause")
    served.ours.ask("resume")
    served.sync()
    for expected in BAD.values():
        assert said(served, expected) == 1, expected
    assert all(expected in served.ours.ask("status") for expected in BAD.values())
    served.run("--wait=sb lsp-set-addresses p1 unknown")
    assert "left out address 'nonsense'" not in served.ours.ask("status")
    served.run("--wait=sb set Logical_Switch_Port p1 addresses=nonsense")
    assert said(served, BAD["set Logical_Switch_Port p1 addresses=nonsense"]) == 2
    assert not [line for line in served.ours.log() if "Traceback" in line or "|ERR|" in line]


def test_tunnel_keys_run_out(served):
    """Tunnels of VXLAN have 11 bits for a port: one waits, is named, and gets the first key that is free."""
    served.run("sb chassis-add hv1 vxlan 127.0.0.1")
    client, last = served.nb.client, 2047
    switch = next(r for r in served.nb.select("Logical_Switch", ["_uuid"]))["_uuid"]
    names = [f"k{number}" for number in range(4, last + 2)]
    ports = [
        {"op": "insert", "table": "Logical_Switch_Port", "uuid-name": name, "row": {"name": name}} for name in names
    ]
    listed = ["ports", "insert", ["set", [["named-uuid", name] for name in names]]]
    listing = {"op": "mutate", "table": "Logical_Switch", "where": [["_uuid", "==", switch]], "mutations": [listed]}
    results = client.call("transact", "OVN_Northbound", *ports, listing)
    assert not [r for r in results if r.get("error")]
    served.sync()
    bound = {r["logical_port"] for r in served.sb.select("Port_Binding", ["logical_port"])}
    (left_out,) = {*names} - bound
    assert said(served, f"port {left_out}: left out") == 1, "\n".join(served.ours.log())
    served.run("--wait=sb lsp-del p2")
    end = time.monotonic() + 10
    while left_out not in {r["logical_port"] for r in served.sb.select("Port_Binding", ["logical_port"])}:
        assert time.monotonic() < end
        time.sleep(0.05)
