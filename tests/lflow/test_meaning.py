"""The flows of an expression match exactly the packets that it holds for."""

import drawn
import flow_meaning
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovn_rules.rules.lflow import EZBAKE, OVN, describe, format_expression, openflow, parse
from ovn_rules.rules.lflow.conjunctions import Flow, flows
from ovn_rules.rules.lflow.matches import match_text
from ovn_rules.rules.lflow.normal import Setting

LANGUAGES = {"ezbake": (drawn.EZBAKE, EZBAKE), "ovn": (drawn.OVN, OVN)}
PORTS = tuple(drawn.PORTS.items())
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def check(flows, expression, packet):
    found = flow_meaning.reach(flows, packet) is not None
    assert found == bool(expression.holds(packet, True)), (expression.text, packet, flows)


@pytest.mark.parametrize("name", LANGUAGES)
@settings(deadline=None, max_examples=400, suppress_health_check=SLOW)
@given(data=st.data())
def test_flows_match_what_the_expression_means(name, data):
    """For any expression and packet, matching the flows says the same as evaluating the expression."""
    language, table = LANGUAGES[name]
    expression = data.draw(drawn.expressions(language))
    rows = openflow(expression.text, "next;", 0, 7, PORTS, 5, symbols=table)
    description = describe(expression.text, table, drawn.PORTS)
    assert not description.error or "too many" in description.error, description.rendering
    if description.error:
        return
    for packet in data.draw(st.lists(drawn.packets(language), min_size=3, max_size=8)):
        check(rows, expression, packet | {"metadata": 7})
        assert flow_meaning.reach(rows, packet | {"metadata": 8}) is None


@pytest.mark.parametrize("name", LANGUAGES)
@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(data=st.data())
def test_multiplied_out_or_conjunctive_is_one_meaning(name, data):
    """The flows of an expression mean the same with a conjunction ID and without."""
    language, table = LANGUAGES[name]
    sets = data.draw(st.lists(st.lists(drawn.equalities(language), min_size=2, max_size=5), min_size=2, max_size=4))
    text = " && ".join("(" + " || ".join(f"({d.text})" for d in part) + ")" for part in sets)
    setting = Setting(table, drawn.PORTS)
    plain = [(match_text(f.cube), "next") for f in flows(parse(text, table), setting, conjunctive=False)]
    both = flows(parse(text, table), setting)
    rows = [(match_text(f.cube, None if f.number is None else f.number + 1), actions(f)) for f in both]
    assert len(rows) <= max(16, len(plain))
    expression = drawn.Drawn(text, lambda p, _: all(any(d.holds(p, True) for d in part) for part in sets), False)
    for packet in data.draw(st.lists(drawn.packets(language), min_size=2, max_size=6)):
        check(plain, expression, packet)
        check(rows, expression, packet)


def actions(flow: Flow) -> str:
    return ",".join(f"conjunction({p.number + 1},{p.k + 1}/{p.n})" for p in flow.parts) or "next"


@pytest.mark.parametrize("name", LANGUAGES)
@settings(deadline=None, max_examples=300, suppress_health_check=SLOW)
@given(data=st.data())
def test_canonical_text_is_read_back(name, data):
    """The canonical form of an expression is read again, prints as itself and becomes the same flows."""
    language, table = LANGUAGES[name]
    expression = data.draw(drawn.expressions(language)).text
    text = format_expression(parse(expression, table))
    assert format_expression(parse(text, table)) == text
    assert describe(text, table, drawn.PORTS).flows == describe(expression, table, drawn.PORTS).flows
