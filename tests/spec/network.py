"""Whole networks given as rows: what follows from them, in a role of the program."""

from ovn_rules.cli.spec.programs import rules_of
from ovn_rules.cli.spec.rows import State
from ovn_rules.cli.spec.world import World

CONTROLLER, EVERYTHING = "controller", "everything"
CHASSIS = (CONTROLLER, EVERYTHING)

EZBAKE = rules_of("ezbake")


class Network:
    """Rows of the three databases in an engine with a role's rules.

    Reading from it commits what was changed before. As in specs, every commit is held to evaluation from scratch, and
    a controller that is given northbound rows reads what central's rules make of them.
    """

    def __init__(self, role, *, checked=True):
        """``checked`` False leaves out the comparisons with evaluation from scratch."""
        self.world = World(EZBAKE, role, checked=checked)
        self.engine = self.world.engine
        self.state = State()
        self._stale = True

    @property
    def rows(self):
        """Table → UUID → row; to be changed through ``put``, ``delete`` and ``replace``."""
        return self.state.rows

    def put(self, table, uuid, **columns):
        """Add a row, or change columns of the one that is there."""
        self._stale = True
        self.rows.setdefault(table, {}).setdefault(uuid, {"_uuid": uuid}).update(columns)

    def delete(self, table, uuid):
        """Take a row away."""
        self._stale = True
        del self.rows[table][uuid]

    def replace(self, tables):
        """Give all rows of some tables anew."""
        self._stale = True
        self.rows.update(tables)

    def fact(self, relation, *values):
        """Give a fact that is no database row."""
        self._stale = True
        self.state.facts.setdefault(relation, set()).add(values)

    def commit(self):
        """Bring the engine up to date with rows and facts."""
        if self._stale:
            self._stale = False
            self.world.commit(self.state)

    def __getitem__(self, relation):
        """The facts of a relation, after a commit of what was changed."""
        self.commit()
        return set(self.engine.facts(relation))

    def problems(self):
        """What is wrong, by what it is about."""
        self.commit()
        return {text for found in self.world.found("problems", "") for text in found.fact}
