"""What daemons and commands need to know of a rule program, whatever it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.saved import load_saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ovn_rules.engine import Database, Engine
    from ovn_rules.engine import Program as RuleProgram
    from ovn_rules.engine.sinks import Sink
    from ovn_rules.rules.tracing import Trace


Supported = Mapping[str, Mapping[str, tuple[str, ...] | None]]
"""Table → column → what rules go by: None for every value; or values; or keys of a map, or ``key=value`` for one value.

What isn't named is ignored.
"""


@dataclass(frozen=True)
class Role:
    """One way to run the rules.

    Attributes:
        modules: the modules it loads.
        sinks: how what it derives is written.
        early: those of the sinks that may be written before every database has been read.
        reports: relations whose new facts are said in the log: name, level, text with column names.
        names: columns that no rule reads and by which a reader knows a row, by relation.
    """

    modules: tuple[ModuleType, ...]
    sinks: tuple[Sink, ...] = ()
    reports: tuple[tuple[str, str, str], ...] = ()
    early: tuple[Sink, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def load(self) -> RuleProgram:
        """The program.

        Raises:
            LoadError: the rules have mistakes.
        """
        # Not everything that can be loaded is a module of this package: a user's file isn't, nor is a single rule.
        if all(getattr(module, "__name__", "").startswith(f"{__package__}.") for module in self.modules):
            return load_saved(Path(__file__).parent, self.modules, self.names)
        from ovn_rules.engine import load  # noqa: PLC0415 - a daemon starts sooner without what reads rules

        return load(*self.modules, extra_columns=self.names)


@dataclass(frozen=True)
class LogicalFlows:
    """Where a program's logical flows are.

    Attributes:
        relation: the relation.
        values: from what tools print of a flow, text by ``logical_datapath``, ``stage``, ``table_id``, ``priority``,
            ``match`` and ``actions``, to what the relation's columns hold of it.
    """

    relation: str
    values: Callable[[Mapping[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Contents:
    """How rows of a database are compared by what they say, whatever their UUIDs.

    Attributes:
        identities: table → the column that tells its rows apart; a reference to a row counts as that.
        spread: table → columns of references; a row counts once for each row that they lead to.
        numbers: table → column → the part, as a regular expression, that may be another number in a database that was
            filled by somebody else.
        foreign: table → column → keys of a map column that are somebody else's.
        hints: table → the key of a map column (``column:key``) that new rows get and keep: the first eight digits of a
            northbound row that asks for them. Of several, any will do.
    """

    identities: Mapping[str, str] = field(default_factory=dict)
    spread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    foreign: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """All that a daemon or a command needs to know of a rule program.

    Attributes:
        name: what --program calls it.
        northd: the central daemon's role.
        controller: a host's.
        everything: both at once, over any number of hosts.
        tables: the OpenFlow tables of the integration bridge that are its own.
        databases: by name, with the schemas that the rules were written for.
        numbers_in: finds (port key, datapath number) pairs in a flow's match and actions.
        trace: follows a packet, given an engine, what is asked and whether through the logical flows only; None for a
            program that isn't about packets.
        logical: where its logical flows are; None for a program that has none.
        contents: how its rows are compared with those that somebody else wrote.
        supported: what of the northbound database the rules go by; empty for a program that goes by all of it.
    """

    name: str
    northd: Role
    controller: Role
    everything: Role
    tables: tuple[int, ...] = ()
    databases: Mapping[str, Database] = field(default_factory=dict)
    numbers_in: Callable[[str, str], tuple[tuple[int, int], ...]] = lambda _match, _actions: ()
    trace: Callable[[Engine, str, bool], Trace] | None = None
    logical: LogicalFlows | None = None
    contents: Contents = field(default_factory=Contents)
    supported: Supported = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """Database → version of the schema that the rules were written for."""
        return {name: d.schema.version for name, d in self.databases.items()}

    @property
    def roles(self) -> dict[str, Role]:
        """The roles by name."""
        return {"northd": self.northd, "controller": self.controller, "everything": self.everything}
