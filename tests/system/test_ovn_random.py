"""Networks drawn at random and changed at random: after each step our rows are those of the installed ovn-northd.

What is drawn is in ``ovn_drawn.py``. With ``OVN_RULES_NETWORKS``, so many networks are drawn, others each time, and one
that fails is made smaller, which takes minutes.
"""

import json
import os

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from ovn_drawn import Drawn
from ovn_followed import Followed
from reference import Reference

NETWORKS = os.environ.get("OVN_RULES_NETWORKS")
STEPS = 11

pytestmark = [pytest.mark.timeout(0), pytest.mark.xdist_group("random networks")]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The installed ovn-northd, and our rules beside it."""
    reference = Reference(tmp_path_factory.mktemp("random"))
    reference.sync()
    both = Followed(reference)
    yield both
    both.close()
    reference.close()


@given(random=st.randoms(use_true_random=False))
@settings(
    max_examples=int(NETWORKS or 80),
    derandomize=NETWORKS is None,
    database=None,
    phases=[Phase.generate, *([Phase.shrink] if NETWORKS else [])],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_rows_are_those_of_the_reference(random, followed):
    """From what the reference stored and from nothing, after each of its steps; and in the end from scratch."""
    followed.clear()
    drawn = Drawn(random)
    for step in range(STEPS):
        northbound, southbound = drawn.beginning() if step == 0 else drawn.step()
        note(f"step {step}: nb {json.dumps(northbound)} sb {json.dumps(southbound)}")
        assert followed.change(northbound, southbound) == ""
        followed.catch_up()
        found = followed.differing(alone=not drawn.has_past, fresh=step == 0)
        assert not found, "\n".join(found[:40])
    again = followed.given.network.engine.recompute()
    assert not again
