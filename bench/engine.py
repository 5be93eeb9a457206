"""What the engine costs: the EZ Bake northd rules at several sizes, and pyDatalog beside it.

Usage: python bench/engine.py [--changes N] [--size PORTS:PORTS_PER_SWITCH ...] [--no-pydatalog]

For each size, in a process of its own: loading all ports in one transaction; memory for each derived fact, helper
relations, given facts' tables and indexes included, as growth of the process and as bytes of live objects; then one
port added and deleted N times, as northbound transactions would. Times are of ``Engine.transact`` alone. Changes that
took over 5 ms are listed with what they coincided with. Last, evaluation from scratch on both engines, at sizes that
double until pyDatalog needs over half a minute.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.engine import Engine, Fact, Program, reference
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import NORTHD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIZES = ("1000:50", "10000:50", "50000:50", "10000:5000")
PYDATALOG_SIZES = tuple(25 * 2**i for i in range(12))
LIMIT = 60.0
STALL = 0.005


def resident() -> int:
    """Resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def switch(number: int) -> str:
    """The UUID of a logical switch."""
    return f"{number:08x}-0000-4000-9000-000000000000"


def rows(numbers: Iterable[int], per_switch: int) -> list[dict[str, Any]]:
    """Rows of logical ports."""
    result = []
    for n in numbers:
        mac = f"00:00:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
        uuid, where = f"{n:08x}-0000-4000-8000-000000000000", switch(n // per_switch)
        result.append({"_uuid": uuid, "lswitch": where, "name": f"port-{n}", "macs": [mac], "port_security": [mac]})
    return result


def network(program: Program, ports: int, per_switch: int) -> dict[str, list[Fact]]:
    """The facts of a whole network."""
    switches = [{"_uuid": switch(n), "name": f"sw{n}"} for n in range(-(-ports // per_switch))]
    tables = {"nb.Logical_Switch": switches, "nb.Logical_Port": rows(range(ports), per_switch)}
    return facts_of(program, tables)


def single_changes(program: Program, ports: int, per_switch: int, count: int) -> Iterator[dict[str, Any]]:
    """One port added and deleted again, over and over, on different switches."""
    for n in range(count):
        (row,) = rows([ports + n], per_switch)
        row["lswitch"] = switch((n * 7919) % ports // per_switch)
        facts = facts_of(program, {"nb.Logical_Port": [row]})
        yield {r: ((), f) for r, f in facts.items()}
        yield {r: (f, ()) for r, f in facts.items()}


def measure(ports: int, per_switch: int, changes: int) -> dict[str, object]:
    """All figures of one size."""
    program = NORTHD.load()
    facts = network(program, ports, per_switch)
    gc.collect()
    before = resident()
    engine = Engine(program)
    start = time.perf_counter()
    engine.transact({r: ((), f) for r, f in facts.items()})
    load = time.perf_counter() - start
    memory = resident() - before
    derived = sum(len(engine.facts(r)) for r in program.derived)
    gc.freeze()
    seen: list[int] = []
    gc.callbacks.append(lambda phase, info: seen.append(info["generation"]) if phase == "start" else None)
    times, stalls = [], []
    for delta in single_changes(program, ports, per_switch, changes):
        collected = len(seen)
        switched = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        start = time.perf_counter()
        engine.transact(delta)
        took = time.perf_counter() - start
        times.append(took)
        if took > STALL:
            preempted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw > switched
            cause = "collection" if len(seen) > collected else "preempted" if preempted else "table resize"
            stalls.append(f"{took * 1e3:.1f} {cause}")
    times.sort()
    return {
        "ports": ports,
        "a switch": per_switch,
        "derived facts": derived,
        "load s": round(load, 3),
        "bytes a fact, resident": round(memory / derived),
        "bytes a fact, live": round(live_bytes(ports, per_switch) / derived),
        "median us": round(statistics.median(times) * 1e6, 1),
        "p99 us": round(times[int(len(times) * 0.99)] * 1e6, 1),
        "max ms": round(times[-1] * 1e3, 2),
        "stalls over 5 ms": ", ".join(stalls) or "none",
    }


def live_bytes(ports: int, per_switch: int) -> int:
    """Bytes of all objects that the engine keeps alive, as allocated."""
    program = NORTHD.load()
    facts = network(program, ports, per_switch)
    engine = Engine(program)
    tracemalloc.start()
    engine.transact({r: ((), f) for r, f in facts.items()})
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def against_pydatalog(ports: int) -> dict[str, object]:
    """The same from scratch on both engines."""
    program = NORTHD.load()
    facts = network(program, ports, 50)
    engine = Engine(program)
    start = time.perf_counter()
    engine.transact({r: ((), f) for r, f in facts.items()})
    ours = time.perf_counter() - start
    start = time.perf_counter()
    reference.evaluate(program, facts, {r: engine.allocations(r) for r in program.derived})
    theirs = time.perf_counter() - start
    return {
        "ports": ports,
        "ovn-rules s": round(ours, 4),
        "pyDatalog s": round(theirs, 2),
        "ratio": round(theirs / ours),
    }


def print_row(figures: dict[str, object], *, first: bool) -> None:
    """A line of a Markdown table, with its header when it is the first."""
    if first:
        print("| " + " | ".join(figures) + " |\n|" + " --- |" * len(figures))
    print("| " + " | ".join(map(str, figures.values())) + " |", flush=True)


def main() -> None:
    """Measure every size in a process of its own and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=5000)
    parser.add_argument("--size", action="append", metavar="PORTS:PORTS_PER_SWITCH")
    parser.add_argument("--no-pydatalog", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        ports, per_switch = map(int, options.size[0].split(":"))
        print(json.dumps(measure(ports, per_switch, options.changes)))
        return
    for i, size in enumerate(options.size or SIZES):
        argv = [sys.executable, __file__, "--one", "--size", size, "--changes", str(options.changes)]
        out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        print_row(json.loads(out), first=i == 0)
    if not options.no_pydatalog:
        print()
        for i, ports in enumerate(PYDATALOG_SIZES):
            figures = against_pydatalog(ports)
            print_row(figures, first=i == 0)
            if float(str(figures["pyDatalog s"])) * 2 > LIMIT:
                break


if __name__ == "__main__":
    main()
