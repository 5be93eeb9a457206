"""Everything that an engine remembers, to be compared."""

from ovn_rules.engine.store import KeyedStore


def snapshot(engine):
    """A copy of what an engine holds, by name: stores, indexes, groups, numbers, counters, statistics."""
    network = engine.network
    taken = {
        "transactions": engine.transactions,
        "seeded": engine._seeded,
        "under way": (list(engine.suppositions), dict(engine.withdrawn), list(engine._undo), list(engine._heap)),
        "queued": set(engine._queued),
        "doubts": list(network.doubts.noted),
        "rules": [(r.calls, r.nanoseconds) for r in network.rules],
    }
    for name, member in network.members.items():
        store = member.store
        taken[name] = dict(store.counts)
        if isinstance(store, KeyedStore):
            taken[name, "keys"] = dict(store.by_key)
            taken[name, "rivals"] = {k: list(r) for k, r in store.rivals.items()}
        for kind, node in (("outer", member.outer), ("inner", member.inner)):
            for late, indexes in (("", node.indexes), ("late", node.late)) if node else ():
                for positions, index in indexes.items():
                    taken[name, kind, late, positions] = {
                        k: dict(b) if b.__class__ is dict else b for k, b in index.table.items()
                    }
        taken[name, "pending"] = (dict(member.pending), dict(member.lost))
        for i, aggregator in enumerate(member.aggregators):
            groups = {g: (list(m.values), dict(m.many), m.fact) for g, m in aggregator.groups.items()}
            taken[name, "groups", i] = (groups, dict(aggregator.pending))
        for i, allocator in enumerate(member.allocators):
            taken[name, "numbers", i] = (
                *(dict(d) for d in (allocator.many, allocator.numbers, allocator.last, allocator.pending)),
                {scope: dict(s.taken) for scope, s in allocator.spaces.items()},
                [s for s in allocator.spaces.values() if s.order not in (None, sorted(s.taken))],
                set(allocator.waiting),
                (dict(allocator.claims), {k: set(gs) for k, gs in allocator.claimants.items()}),
                dict(allocator.given),
            )
    return taken


def differences(before, after):
    """The names of what differs between two snapshots."""
    return [n for n in {**before, **after} if before.get(n) != after.get(n)]
