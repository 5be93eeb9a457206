"""``trace``: a packet's way through the logical network, across tunnels to where it ends, each step with its reason."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.rule_source import rule_place
from ovn_rules.cli.verbs.facts import fact_document
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.trace_shown import graph, show
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.cli.verbs.whynot import nearest_miss
from ovn_rules.engine.proof import Prover
from ovn_rules.rules.openflow.packet import value_text
from ovn_rules.rules.tracing import Change, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.rules.openflow import Flow
    from ovn_rules.rules.tracing import Drop, End, Named, Near, Visit

DETAILS = ("flows", "why")


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """The packet's way as nested objects: a visit of a host, its stages, what each did.

    Raises:
        QuestionError: the packet can't be read or followed.
        Failure: the program has no packets, or there is no such detail.
    """
    if world.program.trace is None:
        raise Failure(f"program {world.program.name} is not about packets: there is nothing to trace")
    if options["detail"] not in DETAILS:
        raise Failure(f"no detail {options['detail']}; there are {' and '.join(DETAILS)}")
    found = world.program.trace(world.engine, text, options["logical"])
    writer = _Writer(world, derivations=options["detail"] == "why")
    return {
        "datapath": found.datapath,
        "microflow": found.microflow,
        "notes": list(found.notes),
        "verdicts": [asdict(v) for v in found.verdicts],
        "visit": None if options["summary"] else writer.visit(found.visit),
    }


class _Writer:
    """Puts a trace into a document."""

    def __init__(self, world: World, *, derivations: bool) -> None:
        self.world = world
        self.engine = world.engine
        self.derivations = derivations
        self.prover = Prover(world.engine)
        self.misses: dict[str, Document] = {}

    def visit(self, visit: Visit) -> Document:
        return {
            "chassis": visit.chassis,
            "arrival": visit.arrival,
            "packet": visit.packet,
            "failure": visit.failure,
            "first": self.stage(visit.first),
        }

    def stage(self, stage: Stage) -> Document:
        document: Document = {
            "type": "stage",
            "table": stage.table,
            "name": stage.name,
            "flow": _flow(stage.flow),
            "conjunction": [_flow(share) for share in stage.shares],
            "logical": self.fact(stage.logical),
            "rule": stage.clause.name if stage.clause else None,
            "reason": stage.reason,
            "source": rule_place(stage.clause),
            "results": [self.result(r) for r in stage.results],
            "drop": None if stage.drop is None else self.drop(stage.drop),
        }
        if self.derivations:
            document["why"] = self.proof(stage.fact)
        return document

    def result(self, result: Change | End | Stage) -> Document:
        if isinstance(result, Stage):
            return self.stage(result)
        if isinstance(result, Change):
            return {"type": "change", **asdict(result)}
        return {
            "type": "end",
            "kind": result.kind,
            "text": result.text,
            "port": result.port,
            "chassis": result.chassis,
            "number": result.number,
            "visit": None if result.visit is None else self.visit(result.visit),
        }

    def drop(self, drop: Drop) -> Document:
        return {
            "missed": drop.missed,
            "port": drop.port,
            "near": [self.near(n) for n in drop.near],
            "more": drop.more,
            "reason": drop.reason,
            "question": drop.question,
            "whynot": self.whynot(drop),
        }

    def whynot(self, drop: Drop) -> Document | None:
        """What keeps what would have let the packet pass from being there, where nothing else says it."""
        question = drop.question
        if not question or drop.reason:
            return None
        if question not in self.misses:
            self.misses[question] = nearest_miss(self.world, question)
        return self.misses[question]

    def near(self, near: Near) -> Document:
        differing = [
            {"field": d.field, "value": value_text(d.field, d.value), "wanted": d.wanted} for d in near.differing
        ]
        return {"flow": _flow(near.flow), "logical": self.fact(near.logical), "differing": differing}

    def fact(self, named: Named | None) -> Document | None:
        return None if named is None else fact_document(self.engine, *named)

    def proof(self, named: Named | None) -> list[Document]:
        """The derivation of a flow: each fact once, with the rule and the premises, by their numbers in the list."""
        if named is None:
            return []
        steps = list(self.prover.prove(*named).steps.values())
        numbers = {step.key: i for i, step in enumerate(steps)}
        found = []
        for step in steps:
            document = fact_document(self.engine, step.relation, step.fact)
            if step.reasons:
                derivation = step.reasons[0].derivation
                document["rule"] = derivation.clause.name
                document["reason"] = " ".join(derivation.clause.doc.split())
                document["source"] = rule_place(derivation.clause)
                below = ((p.relation, p.fact) for p in derivation.premises if p.fact is not None)
                document["premises"] = [numbers[key] for key in below if key in numbers]
            found.append(document)
        return found


def _flow(flow: Flow | None) -> Document | None:
    return None if flow is None else flow._asdict()


VERB = Verb(
    name="trace",
    argument="DATAPATH MICROFLOW",
    summary="A packet's way through the logical network.",
    help="Follow a packet that a logical port sends: from the port's interface through the tables of its host, "
    "through tunnels to other hosts, to each port that gets a copy.\n\n"
    "Each step shows the flow, the logical flow and the rule behind it; a drop shows which flows would have let the "
    "packet pass, what differs, and what whynot says of the missing one. "
    "DATAPATH is a logical switch's name or UUID. MICROFLOW describes the packet as in "
    "ovn-trace(8): conditions joined by &&, inport among them; fields that aren't mentioned are 0. Two ports stand for "
    "a frame from one to the other; the second may be an Ethernet address. A port on no host that is given with --ovs "
    "is traced through the logical flows only.",
    examples=(
        "net-a vm1 vm2",
        "net-a 'inport == \"vm1\" && eth.src == fa:16:3e:76:12:96 && ip4.dst == 10.0.0.9' --logical",
        "--summary net-a vm1 fa:16:3e:00:00:99",
    ),
    answer=answer,
    show=show,
    graph=graph,
    options=(
        Option("logical", "flag", False, "The logical flows only, as ovn-trace does."),
        Option("summary", "flag", False, "Only what became of the packet, a line a copy."),
        Option("detail", "text", "flows", "flows, or why: with the derivation of each flow."),
    ),
)

command = one_shot(VERB)
