"""The logical flow language of ovn-sb(5), as a plain library.

What rules call (pure functions of hashable arguments; nothing raised, see ``flows.py``)::

    ports_in(text) -> tuple[str, ...]
    problem(match, actions, table=0, pipeline=EZBAKE_PIPELINE, symbols=EZBAKE) -> str           # "" when fine
    needs_conjunction(match, ports=(), actions="", symbols=EZBAKE) -> bool
    openflow(match, actions, table, datapath, ports=(), conj_id=0, pipeline=EZBAKE_PIPELINE, symbols=EZBAKE)
        -> tuple[tuple[match_text, actions_text], ...]

``ports`` is ``((name, tunnel_key), ...)``, ``conj_id`` 1 to 2**20-1, or 0 to multiply everything out.

What people ask (``describe.py``)::

    describe(expression, symbols=OVN, ports=None, residents=frozenset(), sets=NO_SETS) -> Description
        # .expression .parsed .prerequisites .flows, or .error .position .rendering

The steps, each a file: ``lexer``, ``parser`` (with all checks), ``expressions`` (the tree and its canonical text),
``normal`` (to clauses of cubes), ``cubes``, ``conjunctions`` (to flows), ``matches`` (to text), ``actions``; ``quick``
is a short way for common matches. Symbols are data: ``openflow.toml``, ``ezbake.toml`` and ``ovn.toml``, read by
``fields``, ``symbols`` and ``tables``.
"""

from ovn_rules.rules.lflow.actions import EZBAKE_PIPELINE, Actions, Pipeline, actions_text, parse_actions
from ovn_rules.rules.lflow.describe import Description, describe
from ovn_rules.rules.lflow.errors import LflowError, TooManyFlowsError
from ovn_rules.rules.lflow.expressions import Expression, format_expression
from ovn_rules.rules.lflow.flows import needs_conjunction, openflow, ports_in, problem
from ovn_rules.rules.lflow.parser import NO_SETS, Sets, parse
from ovn_rules.rules.lflow.symbols import Symbol, Table
from ovn_rules.rules.lflow.tables import EZBAKE, OVN

__all__ = [
    "EZBAKE",
    "EZBAKE_PIPELINE",
    "NO_SETS",
    "OVN",
    "Actions",
    "Description",
    "Expression",
    "LflowError",
    "Pipeline",
    "Sets",
    "Symbol",
    "Table",
    "TooManyFlowsError",
    "actions_text",
    "describe",
    "format_expression",
    "needs_conjunction",
    "openflow",
    "parse",
    "parse_actions",
    "ports_in",
    "problem",
]
