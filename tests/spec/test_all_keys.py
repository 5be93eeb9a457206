"""As many ports as there are tunnel keys, and one more."""

from ovn_rules.engine import Engine, load
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake import bindings


def test_all_keys():
    """65,535 ports have keys, each its own, and one more waits."""
    engine = Engine(load(bindings))
    rows = [{"_uuid": f"{i:05}", "name": f"{i:05}", "lswitch": "sw0"} for i in range(65536)]
    facts = facts_of(engine.program, {"nb.Logical_Port": rows})
    engine.transact({relation: ((), found) for relation, found in facts.items()})
    assert sorted(key for _, key in engine.facts("PortKey")) == list(range(1, 65536))
    assert [e.groups for e in engine.exhausted()] == [(("65535",),)]
