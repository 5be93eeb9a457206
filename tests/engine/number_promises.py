"""What ``allocate`` promises about the numbers before and after a transaction, said without a word on how."""

from collections import defaultdict

from ovn_rules.engine.ir import Allocate


class Numbers:
    """One relation's numbers, watched over transactions."""

    def __init__(self, clause):
        """Start without numbers."""
        self.relation = clause.relation
        self.position, self.term = next((i, t) for i, t in enumerate(clause.terms) if isinstance(t, Allocate))
        self.numbers = {}
        self.groups = set()

    def scope(self, group):
        """What the groups that share numbers with this one have in common."""
        fact = (*group[: self.position], None, *group[self.position :])
        return tuple(fact[i] for i in self.term.within)

    def said(self, state, relation):
        """Numbers in range that a relation says, by group."""
        found = defaultdict(set)
        for *group, number in state.facts[relation] if relation else ():
            if self.term.low <= number <= self.term.high:
                found[tuple(group)].add(number)
        return found

    def check(self, engine, state):
        """Numbers are in range, unique, wanted, kept, hinted and never held back; takes them as the next start."""
        numbers, groups = engine.allocations(self.relation), state.groups[self.relation]
        hints = self.said(state, self.term.hints)
        wishes = {g: min(n) for g, n in self.said(state, self.term.wanted).items() if g in groups}
        places = [(self.scope(g), n) for g, n in numbers.items()]
        assert set(numbers) <= groups
        assert len(set(places)) == len(places)
        assert all(self.term.low <= n <= self.term.high for n in numbers.values())
        waiting = groups - set(numbers)
        for group in waiting:
            assert sum(scope == self.scope(group) for scope, _ in places) == self.term.high - self.term.low + 1
        exhausted = {g for e in engine.exhausted() if e.relation == self.relation for g in e.groups}
        assert exhausted == waiting
        wanting = defaultdict(set)
        for group, number in wishes.items():
            wanting[self.scope(group), number].add(group)
        holders = dict(zip(places, numbers, strict=True))
        for place, claimants in wanting.items():
            self.check_wish(place, claimants, hints, holders.get(place))
        free = {g for g in numbers if numbers[g] != wishes.get(g)}
        for group in free & self.numbers.keys():
            kept = numbers[group] == self.numbers[group]
            assert kept is ((self.scope(group), self.numbers[group]) not in wanting)
        self.check_hints(numbers, free - {g for g in free if self.numbers.get(g) == numbers[g]}, hints)
        assert engine.recompute() == {}
        self.numbers, self.groups = numbers, groups

    def check_wish(self, place, claimants, hints, holder):
        """Who had a number and wants it still has it; else one that was there before, has a hint, is the first."""
        _, number = place
        pool = {g for g in claimants if self.numbers.get(g) == number} or claimants & self.groups or claimants
        assert holder == min({g for g in pool if number in hints[g]} or pool)

    def check_hints(self, numbers, new, hints):
        """A group that needed a number has a hinted one, unless each is taken by one that keeps or hints it, too."""
        fixed = {(self.scope(g), n) for g, n in numbers.items() if g not in new}
        for group in new:
            scope = self.scope(group)
            usable = {n for n in hints[group] if (scope, n) not in fixed}
            others = {n for g, n in numbers.items() if g in new - {group} and self.scope(g) == scope and n in hints[g]}
            assert numbers[group] in usable or usable <= others
