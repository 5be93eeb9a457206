"""Several northds on the same databases: one works at a time, and nobody can tell which it was."""

from __future__ import annotations

from random import Random

import pytest
from ovn_stream import Stream, rewritten_by_theirs
from reference import Reference
from served import OurNorthd, appctl, filled, unlike

pytestmark = pytest.mark.xdist_group("northds")


class Theirs:
    """The real ovn-northd, in the form of ``OurNorthd``."""

    def __init__(self, reference):
        """Starts it."""
        self._reference = reference
        self._control_socket = reference.folder / "northd.ctl"
        self.start()

    def start(self):
        """Starts it."""
        self._reference.start()

    def stop(self):
        """Ends it without warning."""
        self._reference.stop_northd()
        self._control_socket.unlink(missing_ok=True)

    def ask(self, *words):
        """What a command to its control socket answers."""
        return appctl(self._control_socket, *words)


class Northds:
    """The real one and two of ours, on the same servers.

    Attributes:
        worked: Those that were found at work when they were told to leave it to others.
    """

    def __init__(self, reference, random):
        """Starts them."""
        self.all = [Theirs(reference), OurNorthd(reference, "first"), OurNorthd(reference, "second")]
        self.worked = set()
        self._paused = None
        self._random = random

    def hand_on(self):
        """Whoever works is paused, or killed and started again; who was paused may work again."""
        active = next((n for n in self.all if "Status: active" in n.ask("status")), self.all[0])
        self.worked.add(active)
        if self._paused is not None:
            self._paused.ask("resume")
        self._paused = active if self._random.random() < 0.6 else None
        if self._paused is not None:
            self._paused.ask("pause")
        else:
            active.stop()
            active.start()

    def stop(self):
        """Ends all."""
        for northd in self.all:
            northd.stop()


@pytest.fixture
def reference(tmp_path):
    """Servers without a northd."""
    servers = Reference(tmp_path / "one", northd=False)
    yield servers
    servers.close()


def test_the_lock_goes_round(reference, tmp_path):
    """Under 1,000 changes one works after the other, and no row is written in vain; in the end nothing is missing."""
    random = Random(7)  # noqa: S311 - nothing secret
    northds = Northds(reference, random)
    try:
        stream = Stream(reference, 7)
        stream.settled()
        while stream.changes < 1000:
            whole = stream.change()
            handed = random.random() < 0.15
            if handed:
                stream.ask()
                northds.hand_on()
            vain = stream.settled()
            assert not whole or vain == []
            if handed:
                northds.hand_on()
                stream.settle()
                assert stream.southbound.take() == []
        assert len(northds.worked) == 3
        assert rewritten_by_theirs(reference, stream, northds.all) == []
    finally:
        northds.stop()
    other = filled(tmp_path / "other", reference.nb)
    try:
        other.start()
        other.sync()
        other.sync()
        assert unlike(reference, other) == []
    finally:
        other.close()
