"""Writes into networks/*.json what follows from their rows now; for after a wanted change, whose difference is read.

Run it as ``python tests/spec/rewrite_networks.py``.
"""

import json
from pathlib import Path

from network import EVERYTHING, Network

FOLDER = Path(__file__).parent / "networks"


def lines(values):
    """Values of a JSON list or object, one a line."""
    return ",\n".join(f"  {v}" for v in values)


def listed(values):
    """A JSON list with a line for each value."""
    return f"[\n{lines(map(text, values))}\n]" if values else "[]"


def text(value):
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False)


def written(about, rows, net):
    """A network's file."""
    tables = (f"{text(t)}: {{\n{lines(f'{text(u)}: {text(r)}' for u, r in x.items())}\n}}" for t, x in rows.items())
    flows = {}
    for chassis, table, priority, match, actions in sorted(net["OpenFlow"], key=lambda f: (f[:2], -f[2], f[3])):
        flow = f"table={table}, priority={priority}{match and ','}{match} actions={actions}"
        flows.setdefault(chassis, []).append(flow)
    hosts = (f"{text(c)}: {listed(found)}" for c, found in flows.items())
    bindings = sorted(net["Binding"], key=lambda f: f[2])
    pipeline = sorted(net["Pipeline"], key=lambda f: (f[:2], -f[2], f[3:]))
    parts = [
        f'"about": {text(about)}',
        '"rows": {\n' + ",\n".join(tables) + "\n}",
        f'"bindings": {listed(bindings)}',
        f'"pipeline": {listed(pipeline)}',
        '"flows": {\n' + ",\n".join(hosts) + "\n}",
        f'"problems": {listed(sorted(net.problems()))}',
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    """Rewrite every file."""
    for file in sorted(FOLDER.glob("*.json")):
        network = json.loads(file.read_text(encoding="utf-8"))
        net = Network(EVERYTHING)
        for table, found in network["rows"].items():
            for uuid, row in found.items():
                net.put(table, uuid, **row)
        file.write_text(written(network["about"], network["rows"], net), encoding="utf-8")


if __name__ == "__main__":
    main()
