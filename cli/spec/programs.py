"""The rule programs that specs can be about: roles, databases, what they report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ovn_rules.cli.programs import find_program
from ovn_rules.engine import Database, Program
from ovn_rules.engine.errors import did_you_mean, listed

if TYPE_CHECKING:
    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.engine.sinks import Sink

Loader = Callable[[], Program]


@dataclass(frozen=True)
class Feed:
    """Rows that one role writes and another reads.

    Attributes:
        role: who writes them.
        sinks: how, relation by relation.
    """

    role: str
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, eq=False)
class Rules:
    """A rule program as specs see it.

    Attributes:
        name: what a spec's ``program`` says.
        loaders: role → what loads its rules.
        databases: by name.
        feeds: role → whose rows it reads, where it has no rows of its own.
        reports: relation and form of the facts that are problems.
    """

    name: str
    loaders: Mapping[str, Loader]
    databases: Mapping[str, Database]
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    reports: tuple[tuple[str, str], ...] = ()

    def program(self, role: str) -> Program:
        """A role's rules.

        Raises:
            LoadError: they have mistakes.
        """
        return self.loaders[role]()

    def relations(self, roles: tuple[str, ...]) -> dict[str, RelationDef]:
        """The relations that all of the roles have.

        Raises:
            LoadError: the rules have mistakes.
        """
        first, *others = (self.program(role).relations for role in roles)
        return {name: r for name, r in first.items() if all(name in each for each in others)}

    def unknown(self, name: str, roles: tuple[str, ...]) -> str:
        """What is wrong with a relation's name that not all of the roles have."""
        having = [role for role in self.loaders if name in self.program(role).relations]
        if having:
            without = listed(role for role in roles if role not in having)
            return f"{name} is no relation of the role {without}, only of {listed(having)}"
        known = {f"{d}.{t}" for d, each in self.databases.items() for t in each.tables()}
        hint = did_you_mean(name, known | set(self.relations(roles)))
        return f"no relation {name!r}; {hint or 'ovn-rules check --relations lists them'}"


@cache
def rules_of(name: str) -> Rules:
    """A rule program by name, or a user's own by the path of its module.

    A program of one role is known as ``everything``.

    Args:
        name: as ``--program`` takes it.

    Raises:
        Failure: there is none.
    """
    program = find_program(name)
    roles = {"everything": program.everything}
    feeds = {}
    if program.northd is not program.everything:
        roles = {"northd": program.northd, "controller": program.controller, **roles}
        feeds = {"controller": Feed("northd", tuple(s for s in program.northd.sinks if s.insert))}
    reports = tuple((r, form) for r, level, form in program.everything.reports if level == "warn")
    return Rules(name, {n: cache(r.load) for n, r in roles.items()}, program.databases, feeds, reports)
