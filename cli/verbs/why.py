"""``why``: the reason for a fact or a flow, down to database rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.fact_names import facts_named
from ovn_rules.cli.verbs.facts import shortened
from ovn_rules.cli.verbs.flow_text import looks_like_flow
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.pasted import find_flows
from ovn_rules.cli.verbs.proof_document import proofs_document
from ovn_rules.cli.verbs.proof_graph import proof_graph
from ovn_rules.cli.verbs.proof_shown import show_proofs
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.order import in_order
from ovn_rules.engine.patterns import parse_pattern
from ovn_rules.engine.proof import Prover
from ovn_rules.engine.store import KeyedStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.engine import Engine, Fact

MOST = 5
"""Facts explained when several fit."""
MOST_FLOWS = 50
"""Flows explained when several are pasted, or hosts have them."""
DEEPEST = 200
"""Levels that may be asked for."""
LONGEST = 300
"""Characters of a question that a message repeats."""

_PATTERN = re.compile(r"\s*(?:[\w.]+\s*\(|(?:[^\W\d][\w.]*\s*)?$)")
"""How a question begins that is a pattern, unless it looks like a flow."""


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """The proofs of a fact, of each fact that a pattern fits, or of pasted flows.

    Raises:
        Failure: nothing is there that was asked about.
        QuestionError: the pattern can't be read.
    """
    if options["depth"] > DEEPEST:
        raise Failure(f"--depth is {DEEPEST} at most; what is cut off has a name that can be asked about")
    asked, notes, most = _asked(world, text, options["chassis"])
    prover = Prover(world.engine, everything=options["all"], most=options["most"])
    proofs = [prover.prove(*key, options["depth"]) for key in asked[:most]]
    return {**proofs_document(world.engine, proofs), "more": len(asked) - len(proofs), "notes": notes}


def _asked(world: World, text: str, chassis: str | None) -> tuple[list[tuple[str, Fact]], list[str], int]:
    """Which facts are asked about, what is to be noted, and how many of them are explained at once."""
    engine = world.engine
    by_name = facts_named(engine, text)
    if by_name is not None:
        return by_name, [], MOST
    if looks_like_flow(text) or not _PATTERN.match(text):
        return (*find_flows(world, text, chassis), MOST_FLOWS)
    pattern = parse_pattern(engine.program, text)
    facts = pattern.matching(engine) or in_order(filter(pattern.fits, _rivals(engine, pattern.relation.name)))
    if chassis is not None:
        columns = [c.name for c in pattern.relation.columns]
        if "chassis" not in columns:
            raise Failure(f"--chassis: {pattern.relation.name} has no column chassis")
        facts = [f for f in facts if f[columns.index("chassis")] == chassis]
    notes = pattern.notes(engine)
    if not facts:
        asked = shortened(pattern.text(), LONGEST)
        raise Failure("; ".join([f"no such fact in {pattern.relation.name}: {asked}", *notes]))
    return [(pattern.relation.name, f) for f in facts], notes, MOST


def _rivals(engine: Engine, relation: str) -> Iterator[Fact]:
    """Facts that have a derivation, but aren't kept since another one has their key."""
    store = engine.network.members[relation].store
    if isinstance(store, KeyedStore):
        for facts in store.rivals.values():
            yield from facts


VERB = Verb(
    name="why",
    argument="FACT|FLOW",
    summary="Why a fact or a flow is there.",
    help=(
        "Explain a fact or a flow, down to database rows.\n\n"
        "FACT is RELATION(column=value, ...); FLOW is a flow as ovs-ofctl, ovs-appctl ofproto/trace, ovn-sbctl or "
        "ovsdb-client print it. Every fact that fits is explained, up to five; a flow on every host that has it, "
        "unless it begins with HOST:. What is cut off has a name, like Port#1c9e05b7, that can be asked about."
    ),
    examples=(
        "'table=64, priority=50,reg7=0x1 actions=output:1'",
        "'Binding(logical_port=\"vm1\")'",
        "'Pipeline(table_id=2)' --depth 1",
        "'Pipeline(table_id=2)' --format html > why.html",
    ),
    answer=answer,
    show=show_proofs,
    graph=proof_graph,
    options=(
        Option("depth", "number", 20, "Levels of the tree."),
        Option("all", "flag", False, "Every derivation of each fact, every input of an aggregate."),
        Option("most", "number", None, "At most so many derivations of a fact, or inputs."),
        Option("chassis", "text", None, "Of flows, only those of this host."),
    ),
)
command = one_shot(VERB)
