"""Our northd in the place of ovn-northd, and ovn-northd in the place of ours: what is settled stays as it is."""

from __future__ import annotations

import pytest
from reference import Reference
from served import NETWORK, Follower, OurNorthd, Served, filled, steps, unlike

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
