"""Networks of every kind, made and changed by ovn-nbctl: our rows are those of the installed ovn-northd."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference import Reference, play

SCENARIOS = sorted((Path(__file__).parent / "ovn_scenarios").glob("*.nbctl"))


@pytest.mark.parametrize(
    "scenario", [pytest.param(p, id=p.stem, marks=pytest.mark.xdist_group(f"scenario {p.stem}")) for p in SCENARIOS]
)
def test_rows_are_those_of_the_reference(scenario, tmp_path):
    """After each step, from what the reference stored and from nothing, ours are its rows, and incremental is exact."""
    reference = Reference(tmp_path)
    try:
        found = play(reference, scenario.read_text().splitlines())
    finally:
        reference.close()
    assert not found, "\n".join(found[:60])
