"""What rules call: pure functions from a logical flow's columns to OpenFlow text.

Arguments are hashable, answers depend on nothing else, and a text that isn't of the language is answered, not raised:
``problem`` says what is wrong with it, ``openflow`` gives no flows for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.actions import (
    EZBAKE_PIPELINE,
    Actions,
    Pipeline,
    actions_text,
    flood_text,
    is_flood,
    parse_actions,
)
from ovn_rules.rules.lflow.conjunctions import Flow, flows
from ovn_rules.rules.lflow.errors import LflowError
from ovn_rules.rules.lflow.expressions import All, join
from ovn_rules.rules.lflow.fields import FIELDS
from ovn_rules.rules.lflow.lexer import tokens
from ovn_rules.rules.lflow.matches import match_text
from ovn_rules.rules.lflow.normal import Setting
from ovn_rules.rules.lflow.parser import parse
from ovn_rules.rules.lflow.quick import quick
from ovn_rules.rules.lflow.tables import EZBAKE

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.symbols import Table

Ports = tuple[tuple[str, int], ...]
"""Names of logical ports with their tunnel keys."""

IDS = 20
"""Bits of a conjunction ID that the caller gives; those above number the conjunctive matches of one row."""

METADATA = FIELDS["metadata"]
STRINGS = re.compile(r'"[^"\\]*+"')


def openflow(
    match: str,
    actions: str,
    table: int,
    datapath: int,
    ports: Ports = (),
    conj_id: int = 0,
    pipeline: Pipeline = EZBAKE_PIPELINE,
    symbols: Table = EZBAKE,
) -> tuple[tuple[str, str], ...]:
    """The OpenFlow flows of one logical flow, all of the row's priority.

    Args:
        match: the row's match.
        actions: the row's actions.
        table: the row's logical table, from 0.
        datapath: the number of its logical datapath, which every flow matches in ``metadata``.
        ports: tunnel keys of the ports that match and actions name (``ports_in``); others match nothing.
        conj_id: a number of 1 to 2**20-1 of the row's own for conjunctive matches, or 0 to do without.
        pipeline: where logical tables stand in OpenFlow's.
        symbols: the symbol table.

    Returns:
        Pairs of match and actions as ``ovs-ofctl -O OpenFlow13 dump-flows`` prints them. None for a match that is
        never true, and for a row that ``problem`` has something to say about.
    """
    keys = dict(ports)
    try:
        written = flood_text(actions, symbols, keys, table, pipeline)
        needs: tuple[str, ...] = ()
        if written is None:
            parsed = _actions(actions, symbols, table, pipeline)
            written, needs = actions_text(parsed, keys, table, pipeline), parsed.needs
        found = _flows(match, needs, ports, symbols, conj_id != 0)
    except LflowError:
        return ()
    value, mask = datapath << METADATA.offset, METADATA.mask
    return tuple(_pair(flow, value, mask, written, conj_id) for flow in found)


def _pair(flow: Flow, value: int, mask: int, actions: str, conj_id: int) -> tuple[str, str]:
    cube = flow.cube[0] | value, flow.cube[1] | mask
    if flow.parts:
        shares = [f"conjunction({p.number << IDS | conj_id},{p.k + 1}/{p.n})" for p in flow.parts]
        return match_text(cube), ",".join(shares)
    return match_text(cube, None if flow.number is None else flow.number << IDS | conj_id), actions


def problem(
    match: str,
    actions: str,
    table: int = 0,
    pipeline: Pipeline = EZBAKE_PIPELINE,
    symbols: Table = EZBAKE,
) -> str:
    """What is wrong with a logical flow, as one line that says where; empty for nothing.

    A match that would need too many flows is a problem too, counted with each port that it names existing.
    """
    where, text = "actions", actions
    try:
        needs = _needs(actions, symbols, table, pipeline)
        where, text = "match", match
        keys = tuple((name, i + 1) for i, name in enumerate(ports_in(match)))
        _flows(match, needs, keys, symbols, True)
    except LflowError as e:
        place = f"offset {e.position}" if e.position < len(text) else "its end"
        return f"{e.message.rstrip('.')} ({where}, at {place})"
    return ""


def needs_conjunction(match: str, ports: Ports = (), actions: str = "", symbols: Table = EZBAKE) -> bool:
    """Whether the flows of a match need a conjunction ID to stay few (more than 16 when multiplied out)."""
    if "{" not in match and "||" not in match and "!" not in match and "<" not in match and ">" not in match:
        return False
    try:
        needs = _needs(actions, symbols, 0, EZBAKE_PIPELINE)
        return any(f.parts for f in _flows(match, needs, ports, symbols, True))
    except LflowError:
        return False


def ports_in(text: str) -> tuple[str, ...]:
    """The port names that a match or actions mention: every string in it, once, in order; none if unreadable."""
    if '"' not in text:
        return ()
    if "\\" not in text and "//" not in text and "/*" not in text:
        return tuple(dict.fromkeys([s[1:-1] for s in STRINGS.findall(text)]))
    found = tokens(text)
    if found[-1].error:
        return ()
    return tuple(dict.fromkeys(str(t.value) for t in found if t.kind == "string"))


def _flows(match: str, needs: tuple[str, ...], ports: Ports, symbols: Table, conjunctive: bool) -> tuple[Flow, ...]:
    """The flows of a match that must hold together with what actions imply; raises LflowError."""
    if not needs:
        cubes = quick(match, Setting(symbols, dict(ports)))
        if cubes is not None:
            return tuple(Flow(cube) for cube in cubes)
    found = _long_way(match, needs, ports, symbols, conjunctive)
    if isinstance(found, LflowError):
        raise found
    return found


@lru_cache(maxsize=16)
def _long_way(
    match: str, needs: tuple[str, ...], ports: Ports, symbols: Table, conjunctive: bool
) -> tuple[Flow, ...] | LflowError:
    """The same, kept for the next question about the same row: what is wrong too."""
    try:
        terms = [parse(text, symbols) for text in (match, *needs)]
        return tuple(flows(join(All, terms), Setting(symbols, dict(ports)), conjunctive))
    except LflowError as e:
        return LflowError(e.message, e.position, e.text)


def _needs(actions: str, symbols: Table, table: int, pipeline: Pipeline) -> tuple[str, ...]:
    """What actions imply for the match; raises LflowError for what are none."""
    if is_flood(actions, table, pipeline):
        return ()
    return _actions(actions, symbols, table, pipeline).needs


@lru_cache(maxsize=256)
def _actions(text: str, symbols: Table, table: int, pipeline: Pipeline) -> Actions:
    return parse_actions(text, symbols, table, pipeline)
