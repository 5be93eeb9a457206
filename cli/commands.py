"""What a running daemon answers on its control socket about its engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from ovn_rules.cli import daemon_questions
from ovn_rules.cli.control import Control, ControlError
from ovn_rules.cli.log import clean
from ovn_rules.engine import inspection
from ovn_rules.engine.errors import did_you_mean

if TYPE_CHECKING:
    from ovn_rules.cli.plane import Plane
    from ovn_rules.rules.program import Program


class Service(Protocol):
    """A daemon's work: northd or controller."""

    plane: Plane
    program: Program

    @property
    def status(self) -> str:
        """One line: what it is doing or waiting for."""

    def run(self) -> None:
        """Do what can be done now."""

    def wait(self, poller: Any) -> None:
        """Wake the poller when there is something to do."""

    def resync(self) -> dict[str, int]:
        """Compare everything; how much differed, by kind."""

    def register(self, control: Control) -> None:
        """Add the commands that only this daemon has to its control socket."""

    def leave(self) -> bool:
        """Clean up for a clean exit; whether it is done."""

    def close(self) -> None:
        """End the connections."""


def register(control: Control, service: Service) -> None:
    """Add the commands about the engine to a control socket.

    Args:
        control: the socket.
        service: the daemon's work.
    """
    answers = _Answers(service)
    control.register("status", "", 0, 0, answers.status)
    control.register("recompute", "", 0, 0, answers.recompute)
    control.register("memory/show", "", 0, 0, answers.memory)
    control.register("relation/list", "", 0, 0, answers.relations)
    control.register("relation/dump", "NAME", 1, 1, answers.dump)
    control.register("rule/stats", "[PATTERN]", 0, 1, answers.rules)
    daemon_questions.register(control, service)
    service.register(control)


class _Answers:
    def __init__(self, service: Service) -> None:
        self.service = service

    def status(self, _arguments: list[str]) -> str:
        """What the daemon is doing, then each connection and what is set aside."""
        plane = self.service.plane
        lines = [f"Status: {self.service.status}"]
        for name, database in plane.databases.items():
            state = "connected" if database.synced else "not connected"
            lock = f", lock {database.lock} {'held' if database.has_lock else 'not held'}" if database.lock else ""
            lines.append(f"{name}: {database.remote} {state}{lock}")
        for writer in plane.writers.values():
            lines.extend(f"refused: table {table}: {reason}; wanted: {fact}" for table, reason, fact in writer.refused)
        lines.extend(
            f"conflict: {c.relation}: {len(c.rejected)} rejected for {', '.join(map(str, c.key))}"
            for c in plane.engine.conflicts()
        )
        lines.extend(plane.aside.lines())
        lines.extend(f"exhausted: {e.relation}: {len(e.groups)} waiting" for e in plane.engine.exhausted())
        lines.extend(plane.reported())
        lines.extend(plane.unsupported.lines() if plane.unsupported is not None else ())
        lines.extend(plane.history_lines())
        return "\n".join(clean(line) for line in lines)

    def recompute(self, _arguments: list[str]) -> str:
        """Differences from evaluation from scratch and from what is stored; there must be none."""
        counts = self.service.resync()
        text = ", ".join(f"{n} {kind} differed" for kind, n in counts.items()) or "nothing to compare"
        if any(counts.values()):
            raise ControlError(f"differences found, and repaired where they are stored: {text}")
        return f"no difference: {text}"

    def memory(self, _arguments: list[str]) -> str:
        """Counts, in the form of ovs-vswitchd's memory/show."""
        engine = self.service.plane.engine
        sizes = inspection.relations(engine)
        given = sum(r.facts for r in sizes if not r.derived)
        derived = sum(r.facts for r in sizes if r.derived)
        counts = {"base-facts": given, "derived-facts": derived, "rules": len(engine.network.rules)}
        history = self.service.plane.history
        if history is not None:
            counts |= {"history-transactions": len(history.kept), "history-facts": history.facts}
        return " ".join(f"{k}:{v}" for k, v in (counts | {"transactions": engine.transactions}).items())

    def relations(self, _arguments: list[str]) -> str:
        """Every relation: facts, derivations, indexes, in the order of evaluation."""
        lines = [f"{'relation':32} {'facts':>9} {'derivations':>11}  indexes"]
        for each in inspection.relations(self.service.plane.engine):
            kind = "" if each.derived else " *"
            lines.append(
                f"{each.name + kind:32} {each.facts:9} {each.derivations:11}  {'; '.join(each.indexes)}".rstrip()
            )
        return "\n".join([*lines, "* given, not derived"])

    def dump(self, arguments: list[str]) -> str:
        """The facts of a relation as JSON objects, one a line."""
        (name,) = arguments
        engine = self.service.plane.engine
        definition = engine.program.relations.get(name)
        if definition is None:
            hint = did_you_mean(name, engine.program.relations)
            raise ControlError(f"no relation {name}{f'; {hint}' if hint else ''} (relation/list names them)")
        columns = [c.name for c in definition.columns]
        return "\n".join(
            json.dumps(dict(zip(columns, fact, strict=True)), ensure_ascii=False) for fact in sorted(engine.facts(name))
        )

    def rules(self, arguments: list[str]) -> str:
        """What each rule has cost, the most expensive first."""
        lines = [f"{'rule':36} {'relation':20} {'calls':>9} {'ms':>10}"]
        found = (r for r in inspection.rules(self.service.plane.engine) if not arguments or arguments[0] in r.name)
        lines.extend(f"{r.name:36} {r.relation:20} {r.calls:9} {r.seconds * 1e3:10.3f}" for r in found)
        return "\n".join(lines)
