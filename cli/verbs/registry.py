"""Every verb by name; its module is imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.engine.errors import did_you_mean

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.verb import Verb

SUMMARIES = {
    "history": "Which transactions made a fact appear or vanish.",
    "impact": "What depends on a fact, and what would vanish with it.",
    "query": "Facts that satisfy a conjunction, as a table.",
    "relations": "The relations, and how many facts each has.",
    "rules": "The rules: what they say, where they stand, what they read.",
    "show": "The facts of a relation.",
    "trace": "A packet's way through the logical network.",
    "watch": "A query's answer as the network changes.",
    "whatif": "What a change would change.",
    "why": "Why a fact or a flow is there.",
    "whynot": "Why a fact isn't there.",
}
"""Name: what it tells, in one line; module and name are the same."""


def find_verb(name: str) -> Verb:
    """The verb of that name.

    Raises:
        Failure: there is none.
    """
    if name not in SUMMARIES:
        hint = did_you_mean(name, SUMMARIES) or f"there are {', '.join(SUMMARIES)}"
        raise Failure(f"no verb {name}; {hint}")
    verb: Verb = importlib.import_module(f"ovn_rules.cli.verbs.{name}").VERB
    return verb
