"""What the engine costs: the EZ Bake northd rules at several sizes.

Usage: python bench/engine.py [--changes N] [--size PORTS:PORTS_PER_SWITCH ...]

For each size, in a process of its own: loading all ports in one transaction, memory for each derived fact
(helper relations and indexes included), then one port added and deleted N times, as a northbound transaction
would. Times are of ``Engine.transact`` alone. Stalls are changes that took over 5 ms, with what they coincided
with.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

SIZES = ("1000:50", "10000:50", "50000:50", "10000:5000")


def resident() -> int:
    """Resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def port(number: int, per_switch: int) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """A logical port's row and its address."""
    uuid = f"{number:08x}-0000-4000-8000-000000000000"
    switch = f"{number // per_switch:08x}-0000-4000-9000-000000000000"
    mac = (
        f"00:00:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    )
    return (uuid, switch, f"port-{number}", (mac,), (mac,)), (uuid, mac)


def row(columns: list[str], number: int, per_switch: int) -> tuple[object, ...]:
    """A logical port's row in the columns that the program reads."""
    uuid, switch, name, macs, security = port(number, per_switch)[0]
    values = {
        "_uuid": uuid,
        "lswitch": switch,
        "name": name,
        "macs": macs,
        "port_security": security,
        "parent_name": (),
        "tag": (),
    }
    return tuple(values[c] for c in columns)


def measure(ports: int, per_switch: int, changes: int) -> dict[str, object]:
    """All figures of one size."""
    from ovn_rules.engine import Engine
    from ovn_rules.rules.ezbake.programs import NORTHD

    program = NORTHD.load()
    columns = [c.name for c in program.relations["nb.Logical_Port"].columns]
    rows = [row(columns, n, per_switch) for n in range(ports)]
    macs = [port(n, per_switch)[1] for n in range(ports)]
    switches = sorted({r[columns.index("lswitch")] for r in rows})
    given = {
        "nb.Logical_Switch": ((), [(s,) for s in switches]),
        "nb.Logical_Port": ((), rows),
        "nb.Logical_Port.macs": ((), macs),
    }
    gc.collect()
    before = resident()
    engine = Engine(program)
    start = time.perf_counter()
    engine.transact(given)
    load = time.perf_counter() - start
    memory = resident() - before
    facts = sum(len(engine.facts(r)) for r in program.derived)
    gc.freeze()
    collections: list[float] = []
    gc.callbacks.append(
        lambda phase, _info: collections.append(time.perf_counter()) if phase == "start" else None
    )
    times, stalls = [], []
    for n in range(changes):
        number = (n * 7919) % ports
        new = row(columns, ports + n, per_switch)
        new = tuple(
            switches[number // per_switch] if c == "lswitch" else v for c, v in zip(columns, new, strict=True)
        )
        mac = (new[0], port(ports + n, per_switch)[1][1])
        for delta in (
            {"nb.Logical_Port": ((), (new,)), "nb.Logical_Port.macs": ((), (mac,))},
            {"nb.Logical_Port": ((new,), ()), "nb.Logical_Port.macs": ((mac,), ())},
        ):
            seen = len(collections)
            start = time.perf_counter()
            engine.transact(delta)
            took = time.perf_counter() - start
            times.append(took)
            if took > 0.005:
                stalls.append(
                    [round(took * 1e3, 1), "garbage collection" if len(collections) > seen else "resize"]
                )
    times.sort()
    return {
        "ports": ports,
        "per switch": per_switch,
        "derived facts": facts,
        "load s": round(load, 3),
        "bytes per derived fact": round(memory / facts),
        "median us": round(statistics.median(times) * 1e6, 1),
        "p99 us": round(times[int(len(times) * 0.99)] * 1e6, 1),
        "max ms": round(times[-1] * 1e3, 2),
        "stalls": stalls,
    }


def main() -> None:
    """Measure every size in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=5000)
    parser.add_argument("--size", action="append")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        ports, per_switch = map(int, options.size[0].split(":"))
        print(json.dumps(measure(ports, per_switch, options.changes)))
        return
    header = None
    for size in options.size or SIZES:
        argv = [sys.executable, __file__, "--one", "--size", size, "--changes", str(options.changes)]
        figures = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
        if header is None:
            header = list(figures)
            print("| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
        print("| " + " | ".join(str(figures[h]) for h in header) + " |", flush=True)


if __name__ == "__main__":
    main()
