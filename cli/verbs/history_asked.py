"""Whose history is asked for: facts that fit a pattern, or flows as tools print them, now or in the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.fact_names import facts_named
from ovn_rules.cli.verbs.flow_text import FlowText, looks_like_flow, names_ports, numbered, read_flows
from ovn_rules.cli.verbs.pasted import FLOWS, find_flows, is_match, logical_flow
from ovn_rules.engine.patterns import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ovn_rules.cli.verbs.row_text import RowText
    from ovn_rules.cli.verbs.verb import World
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.history import History

    Key = tuple[str, Fact]


def asked_facts(world: World, engine: Engine, history: History, text: str) -> tuple[list[Key], str, list[str]]:
    """The facts that are asked about, those that changed last first.

    Args:
        world: whose flows are looked for.
        engine: as it is now.
        history: what it has been through.
        text: a pattern, or flows.

    Returns:
        Relation and fact of each, what was asked in other words, and what may not have been meant.

    Raises:
        Failure: the text looks like a flow, but is none that is or was there; or no fact has the name that it is.
        QuestionError: it is no pattern.
    """
    by_name = facts_named(engine, text)
    if by_name is not None:
        return by_name, text.strip(), []
    if looks_like_flow(text):
        return _flows(world, engine, history, text)
    pattern = parse_pattern(engine.program, text)
    name = pattern.relation.name
    facts = dict.fromkeys([*history.changed(name, pattern.fits), *pattern.matching(engine)])
    return [(name, f) for f in facts], pattern.text(), pattern.notes(engine)


def _flows(world: World, engine: Engine, history: History, text: str) -> tuple[list[Key], str, list[str]]:
    """The flows that are there, or else those that were."""
    try:
        keys, notes = find_flows(world, text)
    except Failure as failure:
        keys = [key for flow in read_flows(text) for key in _past(world, engine, history, flow)]
        if not keys:
            raise Failure(f"{failure}; nor has it come or gone in the transactions kept") from failure
        notes = ["it isn't there any more"]
    return keys, text.strip(), notes


def _past(world: World, engine: Engine, history: History, flow: FlowText | RowText) -> list[Key]:
    if isinstance(flow, FlowText):
        if FLOWS not in engine.program.relations:
            return []
        fits = _like_flow([c.name for c in engine.program.relations[FLOWS].columns], flow)
        return [(FLOWS, f) for f in history.changed(FLOWS, fits)]
    name, values = logical_flow(engine, world.program, flow)
    fits = _like_row([c.name for c in engine.program.relations[name].columns], values)
    return [(name, f) for f in history.changed(name, fits)]


def _like_flow(columns: list[str], flow: FlowText) -> Callable[[Fact], bool]:
    if names_ports(flow):
        raise Failure("a flow that is gone is found by the numbers of its ports: ovs-ofctl --no-names prints them")
    match, actions = numbered(flow, {})

    def fits(fact: Fact) -> bool:
        values = dict(zip(columns, fact, strict=True))
        return (
            values["table"] == flow.table
            and flow.chassis in ("", values["chassis"])
            and flow.priority in (None, values["priority"])
            and is_match(values["match"], match)
            and actions in (None, values["actions"])
        )

    return fits


def _like_row(columns: list[str], wanted: Mapping[str, Any]) -> Callable[[Fact], bool]:
    def fits(fact: Fact) -> bool:
        values = dict(zip(columns, fact, strict=True))
        return all(values[name] == value for name, value in wanted.items())

    return fits
