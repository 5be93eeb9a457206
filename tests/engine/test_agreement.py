"""The engine agrees with evaluation from scratch, after every transaction of random sequences.

``OVN_RULES_TRANSACTIONS`` sets the number of transactions to compare (10,400 when it is not given).
"""

import os

import pytest
from agreement import check_sequence, show
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from programs import programs, transactions

SEQUENCE = 20
"""Transactions in a sequence."""

SEQUENCES = -(-int(os.environ.get("OVN_RULES_TRANSACTIONS", "10400")) // SEQUENCE)

pytestmark = pytest.mark.timeout(0)


@given(data=st.data())
@settings(
    max_examples=SEQUENCES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_incremental_is_from_scratch(data, compared):
    """After any sequence of transactions the engine holds what follows from the base facts, and no more."""
    program = data.draw(programs())
    note(show(program))
    check_sequence(program, data.draw(transactions(program, SEQUENCE)), compared)
