"""Our northd in the place of ovn-northd, and ovn-northd in the place of ours: what is settled stays as it is."""

from __future__ import annotations

import pytest
from reference import Reference
from served import NETWORK, Follower, OurNorthd, Served, filled, steps, unlike

from ovn_rules.rules.ovn.stale import UNSUPPORTED as UNSUPPORTED_ROWS

pytestmark = pytest.mark.xdist_group("handover")
HOSTS = 3
"""How many of the network's southbound lines are about hosts; the others are about ports."""


def settle(reference):
    """Waits until the southbound database has all, and the northbound one what follows from it."""
    reference.sync()
    reference.sync()


@pytest.fixture
def network(tmp_path):
    """Servers with a network that uses every feature, filled by ovn-northd, which has ended."""
    reference = Reference(tmp_path / "theirs")
    for line in steps(NETWORK)[0]:
        reference.run(line)
    settle(reference)
    reference.stop_northd()
    yield reference
    reference.close()


def test_nothing_is_rewritten_when_northd_is_replaced(network):
    """Taken over from ovn-northd, changed, handed back, again and again: neither writes what the other had right."""
    followers = Follower(network.nb), Follower(network.sb)
    for changes in [[], *steps(NETWORK)[1:]]:
        ours = OurNorthd(network)
        settle(network)
        assert [f.take() for f in followers] == [[], []]
        for line in changes:
            network.run(line)
        settle(network)
        ours.stop()
        for follower in followers:
            follower.take()
        network.start()
        settle(network)
        assert [f.take() for f in followers] == [[], []]
        network.stop_northd()


def test_a_database_is_filled_as_by_ovn_northd(network, tmp_path):
    """From nothing, with the same northbound database and hosts: the same rows, but for numbers that hang on chance."""
    ours = filled(tmp_path / "ours", network.nb, Served)
    hosts = [line for line in steps(NETWORK)[0] if line.startswith("sb ")]
    try:
        for line in hosts[:HOSTS]:
            ours.run(line)
        ours.start()
        settle(ours)
        for line in hosts[HOSTS:]:
            ours.run(line)
        settle(ours)
        assert unlike(network, ours) == []
    finally:
        ours.close()


UNSUPPORTED = """
lr-add r
lrp-add r a 02:00:00:00:00:01 10.0.0.1/24
ls-add s
lsp-add s v -- lsp-set-addresses v "02:00:00:00:01:01 10.0.0.5"
static-mac-binding-add a 10.0.0.44 02:00:00:00:00:44
lb-add lb 10.0.0.9:80 10.0.0.5:80
ls-lb-add s lb
set Load_Balancer lb ip_port_mappings:10.0.0.5=v:10.0.0.6
--id=@h create Load_Balancer_Health_Check vip="10.0.0.9\\:80" -- set Load_Balancer lb health_check=@h
mirror-add m gre 1 from-lport 10.0.0.7
lsp-attach-mirror v m
--bfd lr-route-add r 10.9.0.0/16 10.0.0.8 a
create Chassis_Template_Var chassis=hv1 variables:a=b
"""


def test_what_is_not_supported_is_not_left_behind(tmp_path):
    """Rows that ovn-northd made for what the rules don't do go; none keeps a router, or its tunnel key, from going."""
    network, ours = Reference(tmp_path), None
    tables = [sink.table for sink in UNSUPPORTED_ROWS]
    try:
        for line in UNSUPPORTED.strip().splitlines():
            network.run(line)
        settle(network)
        network.stop_northd()
        assert [table for table in tables if not network.sb.select(table)] == []
        ours = OurNorthd(network)
        settle(network)
        assert [table for table in tables if network.sb.select(table)] == []
        network.run("--wait=sb lr-del r")
        network.run("--wait=sb ls-add t")
        assert len(network.sb.select("Datapath_Binding")) == 2
        assert not any("refused" in line for line in ours.log())
        for table in ("Static_MAC_Binding", "Load_Balancer", "Mirror", "BFD", "Chassis_Template_Var"):
            assert any(f"{table} " in line and "not supported" in line for line in ours.log()), table
    finally:
        if ours is not None:
            ours.stop()
        network.close()
