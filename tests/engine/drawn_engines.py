"""Engines that Hypothesis draws: a random program with random facts."""

from agreement import show
from hypothesis import note
from programs import changes, programs, transactions

from ovn_rules.engine.runtime import Engine, RuleFailure


def drawn_engine(data):
    """An engine with a random program, after random transactions; those that fail are left out."""
    drawn = data.draw(programs())
    note(show(drawn))
    engine = Engine(drawn)
    base = {n: set() for n in drawn.relations if n not in drawn.derived}
    for transaction in data.draw(transactions(drawn, 6)):
        given = changes(transaction, base)
        try:
            engine.transact(given)
        except RuleFailure:
            continue
        for name, (deleted, inserted) in given.items():
            base[name] = base[name] - set(deleted) | set(inserted)
    note(f"facts: {base}")
    return engine
