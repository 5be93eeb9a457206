"""What an EZ Bake network has, looked up by what a question knows of it: switches, ports, hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.engine.present import Present
from ovn_rules.rules.ezbake.addresses import is_mac

if TYPE_CHECKING:
    from collections.abc import Collection

    from ovn_rules.engine import Engine, Fact

STEPS = 10**9
"""No limit: each look-up is by a key or by an index that is made once."""


class Network:
    """Looks facts up; for one question, while the engine stands still.

    Args:
        engine: with the rules of a chassis, alone or with central's.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.relations = engine.program.relations
        self.present = Present(engine, STEPS)

    def has(self, relation: str) -> bool:
        """Whether the program has a relation."""
        return relation in self.relations

    def every(self, relation: str, **columns: Any) -> Collection[Fact]:
        """The facts with these values."""
        definition = self.relations[relation]
        return self.present.matching(relation, {definition.position(c): v for c, v in columns.items()})

    def one(self, relation: str, **columns: Any) -> Fact | None:
        """A fact with these values, the smallest where there are several; None for none."""
        return min(self.every(relation, **columns), default=None)

    def value(self, relation: str, column: str, **columns: Any) -> Any:
        """The value in a column of such a fact; None where there is none."""
        fact = self.one(relation, **columns)
        return None if fact is None else fact[self.relations[relation].position(column)]

    def switches(self) -> dict[str, list[str]]:
        """The names of logical switches, each with their UUIDs; none without a northbound database."""
        found: dict[str, list[str]] = {}
        if self.has("nb.Logical_Switch"):
            definition = self.relations["nb.Logical_Switch"]
            uuid, name = definition.position("_uuid"), definition.position("name")
            for row in self.engine.facts("nb.Logical_Switch"):
                found.setdefault(row[name], []).append(row[uuid])
        return found

    def switch_name(self, datapath: str) -> str:
        """A logical switch's name; its UUID where it has none, or none is known."""
        if not self.has("nb.Logical_Switch"):
            return datapath
        return self.value("nb.Logical_Switch", "name", _uuid=datapath) or datapath

    def datapath_of(self, port: str) -> str | None:
        """The UUID of a port's logical switch; None for a port that doesn't exist."""
        found: str | None = self.value("Port", "datapath", name=port)
        return found

    def ports(self, datapath: str) -> list[str]:
        """The names of a logical switch's ports."""
        return sorted(fact[0] for fact in self.every("Port", datapath=datapath))

    def port_of(self, key: int) -> str:
        """The port with a tunnel key; empty for none."""
        return self.value("Port", "name", key=key) or ""

    def address(self, port: str) -> str | None:
        """The first Ethernet address of a port, as the language writes it; None where it has none or none is known."""
        if not self.has("nb.Logical_Port.macs"):
            return None
        uuid = self.value("nb.Logical_Port", "_uuid", name=port)
        entries = sorted(fact[1] for fact in self.every("nb.Logical_Port.macs", _uuid=uuid)) if uuid else []
        found = next((e for e in entries if is_mac(e)), None)
        return None if found is None else ":".join(byte.zfill(2) for byte in found.split()[0].lower().split(":"))

    def hosts(self) -> set[str]:
        """The chassis whose own database is read and that can have flows."""
        return {fact[0] for fact in self.engine.facts("ActiveChassis")}
