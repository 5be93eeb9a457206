"""Today's OVN: our northd and the installed ovn-northd on the same networks, in turn on this machine.

Usage: python bench/northd.py [--ports N ...] [--changes N] [--kinds KIND ...]

PORTS/50 switches of 50 ports, each with an address and port security, behind one router; an address set of 1,000
members.
Cold start is from the process's start until it has said that the southbound database holds everything (sb_cfg follows
nb_cfg). Watched, it is until a client that reads all flows 20 times a second has read the last of them; those reads are
a load of their own. A change is one northbound transaction; its time ends when a monitor has shown the southbound row
that mentions it. The floor is what the same databases need for a northbound transaction and a southbound one with one
such row, sent by a script. All are medians: of five cold starts, of fifty changes (five of those that ovn-northd works
out from scratch). Memory is the resident size at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latency import PAUSE, Client, memory

from ovn_rules.rules import ovn

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(ovn.__file__).parent
NB, SB = "OVN_Northbound", "OVN_Southbound"
PEERS = {
    "ovn-rules": [str(Path(sys.executable).with_name("ovn-rules")), "daemon", "northd"],
    "ovn-northd": ["ovn-northd"],
}
KINDS = ("port", "ACL", "route", "policy", "address-set member")
MEMBERS = 1000
COLD_STARTS = 5
GLANCE = 0.05
"""Seconds between two looks at all flows."""

SETTLED = 1.0
"""Seconds after which no more flows are to come."""


def insert(table: str, called: str, **row: Any) -> dict[str, Any]:
    """An operation that inserts a row; others of the transaction call it so."""
    return {"op": "insert", "table": table, "uuid-name": called, "row": row}


def refer(table: str, name: str, column: str, *, add: Any = None, remove: Any = None) -> dict[str, Any]:
    """An operation that changes a set of a named row."""
    mutations = [[column, "insert", ["set", [add]]]] if add is not None else [[column, "delete", ["set", [remove]]]]
    return {"op": "mutate", "table": table, "where": [["name", "==", name]], "mutations": mutations}


def build(nb: Client, ports: int) -> None:
    """Make the network, and ask to be told when the southbound database has it."""
    switches = ports // 50
    for s in range(switches):
        operations, names = [], []
        for p in range(50):
            address = f"00:00:00:{s >> 8:02x}:{s & 255:02x}:{p:02x} 10.{s >> 8}.{s & 255}.{p + 2}"
            operations.append(
                insert("Logical_Switch_Port", f"p{p}", name=f"port-{s}-{p}", addresses=address, port_security=address)
            )
            names.append(["named-uuid", f"p{p}"])
        options = ["map", [["router-port", f"lr0-sw{s}"]]]
        row = {"name": f"sw{s}-lr0", "type": "router", "addresses": "router", "options": options}
        operations.append(insert("Logical_Switch_Port", "uplink", **row))
        names.append(["named-uuid", "uplink"])
        operations.append(insert("Logical_Switch", "switch", name=f"sw{s}", ports=["set", names]))
        nb.call("transact", NB, *operations)
    links = [
        insert(
            "Logical_Router_Port",
            f"l{s}",
            name=f"lr0-sw{s}",
            mac=f"00:01:00:00:{s >> 8:02x}:{s & 255:02x}",
            networks=f"10.{s >> 8}.{s & 255}.1/24",
        )
        for s in range(switches)
    ]
    router = insert(
        "Logical_Router", "router", name="lr0", ports=["set", [["named-uuid", f"l{s}"] for s in range(switches)]]
    )
    members = ["set", [f"192.0.{n >> 8}.{n & 255}" for n in range(MEMBERS)]]
    addresses = insert("Address_Set", "members", name="members", addresses=members)
    nb.call("transact", NB, *links, router, addresses, insert("NB_Global", "settings", nb_cfg=1))


def change(kind: str, number: int) -> tuple[list[dict[str, Any]], tuple[str, str, str] | None, str, str]:
    """A change: operations; table, name and column to take the row from to undo it; table and text to wait for."""
    row = ["named-uuid", "row"]
    if kind == "port":
        mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        port = insert(
            "Logical_Switch_Port", "row", name=f"new-{number}", addresses=f"{mac} 10.0.0.{100 + number % 100}"
        )
        return (
            [port, refer("Logical_Switch", "sw0", "ports", add=row)],
            ("Logical_Switch", "sw0", "ports"),
            "Logical_Flow",
            mac,
        )
    if kind == "ACL":
        match = f"ip4.src == 203.0.113.{number % 250}"
        acl = insert("ACL", "row", direction="to-lport", priority=1000 + number, action="drop", match=match)
        return (
            [acl, refer("Logical_Switch", "sw0", "acls", add=row)],
            ("Logical_Switch", "sw0", "acls"),
            "Logical_Flow",
            match,
        )
    if kind == "route":
        prefix = f"198.51.{number % 250}.0/24"
        route = insert("Logical_Router_Static_Route", "row", ip_prefix=prefix, nexthop="10.0.0.9")
        operations = [route, refer("Logical_Router", "lr0", "static_routes", add=row)]
        return operations, ("Logical_Router", "lr0", "static_routes"), "Logical_Flow", prefix
    if kind == "policy":
        match = f"ip4.dst == 203.0.113.{number % 250}"
        policy = insert("Logical_Router_Policy", "row", priority=1000 + number, match=match, action="drop")
        return (
            [policy, refer("Logical_Router", "lr0", "policies", add=row)],
            ("Logical_Router", "lr0", "policies"),
            "Logical_Flow",
            match,
        )
    member = f"203.0.{113 + number // 250}.{number % 250}"
    return [refer("Address_Set", "members", "addresses", add=member)], None, "Address_Set", member


class Network:
    """Two database servers with the network in them."""

    def __init__(self, folder: str, ports: int) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[Any]] = []
        for name in ("nb", "sb"):
            schema = str(SCHEMAS / f"ovn-{name}.ovsschema")
            subprocess.run(["ovsdb-tool", "create", f"{folder}/{name}.db", schema], check=True)
            remote = f"--remote=punix:{folder}/{name}.sock"
            self.start("ovsdb-server", f"{folder}/{name}.db", remote, "--unixctl=none")
            while not Path(f"{folder}/{name}.sock").exists():
                time.sleep(0.01)
        self.nb, self.sb = Client(f"{folder}/nb.sock"), Client(f"{folder}/sb.sock")
        build(self.nb, ports)

    def start(self, *argv: str) -> subprocess.Popen[Any]:
        """Start a process that lives as long as the network."""
        log = Path(f"{self.folder}/{len(self.processes)}.log").open("wb")  # noqa: SIM115 - the process has it
        environment = os.environ | {"OVN_RUNDIR": self.folder}
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def start_northd(self, peer: str) -> subprocess.Popen[Any]:
        """Start one."""
        places = [f"--ovnnb-db=unix:{self.folder}/nb.sock", f"--ovnsb-db=unix:{self.folder}/sb.sock"]
        return self.start(*PEERS[peer], *places, f"--unixctl={self.folder}/{peer}.ctl")

    def watched(self, peer: str) -> float:
        """Start one, read all flows again and again, and return the seconds until they are all there."""
        select = {"op": "select", "table": "Logical_Flow", "where": [], "columns": ["_uuid"]}
        start = settled = time.perf_counter()
        self.start_northd(peer)
        flows = 0
        while not flows or time.perf_counter() - settled < SETTLED:
            time.sleep(GLANCE)
            now = len(self.sb.call("transact", SB, select)[0]["rows"])
            if now != flows:
                flows, settled = now, time.perf_counter()
        return settled - start

    def northd(self, peer: str) -> tuple[subprocess.Popen[Any], float]:
        """Start one and wait until it has written everything; the process, and the seconds it took."""
        watch = Client(f"{self.folder}/nb.sock")
        watch.call("monitor", NB, "m", {"NB_Global": [{"columns": ["sb_cfg"], "select": {"initial": False}}]})
        start = time.perf_counter()
        process = self.start_northd(peer)
        watch.await_text('"sb_cfg": 1', gone=False)
        seconds = time.perf_counter() - start
        self.monitor = self.watch()
        return process, seconds

    def watch(self) -> Client:
        """A monitor of what changes show in."""
        client = Client(f"{self.folder}/sb.sock")
        tables = {"Logical_Flow": ["match"], "Address_Set": ["addresses"]}
        wanted = {t: [{"columns": columns, "select": {"initial": False}}] for t, columns in tables.items()}
        client.call("monitor", SB, "m", wanted)
        return client

    def times(self, kind: str, changes: int) -> tuple[list[float], list[float]]:
        """Seconds of each change, and of undoing it."""
        added, removed = [], []
        for number in range(changes):
            operations, parent, table, mark = change(kind, number)
            time.sleep(PAUSE)
            start = time.perf_counter()
            uuid = self.nb.call("transact", NB, *operations)[0].get("uuid")
            self.monitor.await_text(mark, gone=False)
            added.append(time.perf_counter() - start)
            time.sleep(PAUSE)
            undo = refer(*parent, remove=uuid) if parent else refer(table, "members", "addresses", remove=mark)
            start = time.perf_counter()
            self.nb.call("transact", NB, undo)
            if parent:
                self.monitor.await_text(mark, gone=True)
            else:
                self.await_change(table)
            removed.append(time.perf_counter() - start)
        return added, removed

    def await_change(self, table: str) -> None:
        """Wait for an update of a table."""
        while True:
            message = self.monitor.updates.pop(0) if self.monitor.updates else self.monitor.receive()
            if table in message.get("params", [None, {}])[-1]:
                return

    def floor(self, kind: str, changes: int) -> list[float]:
        """Seconds that the two transactions of a change need by themselves."""
        select = {"op": "select", "table": "Datapath_Binding", "where": [], "columns": ["_uuid"]}
        datapath = self.sb.call("transact", SB, select)[0]["rows"][0]["_uuid"]
        times = []
        for number in range(changes):
            operations, parent, table, mark = change(kind, number)
            flow = {"logical_datapath": datapath, "pipeline": "ingress", "match": mark, "actions": "next;"}
            flow |= {"table_id": 0, "priority": 1}
            row = insert("Logical_Flow", "flow", **flow)
            answer = row if parent else refer("Address_Set", "members", "addresses", add=mark)
            time.sleep(PAUSE)
            start = time.perf_counter()
            uuid = self.nb.call("transact", NB, *operations)[0].get("uuid")
            self.sb.call("transact", SB, answer)
            self.monitor.await_text(mark, gone=False)
            times.append(time.perf_counter() - start)
            undo = refer(*parent, remove=uuid) if parent else refer(table, "members", "addresses", remove=mark)
            self.nb.call("transact", NB, undo)
            where = [["match", "==", mark], ["priority", "==", 1]]
            back = {"op": "delete", "table": "Logical_Flow", "where": where}
            self.sb.call("transact", SB, back if parent else refer("Address_Set", "members", "addresses", remove=mark))
        return times

    def close(self) -> None:
        """End every process."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextlib.contextmanager
def network(ports: int) -> Iterator[Network]:
    """A network that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="northd-")
    made = None
    try:
        made = Network(folder, ports)
        yield made
    finally:
        if made is not None:
            made.close()
        shutil.rmtree(folder, ignore_errors=True)


def cpu(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cold_starts(ports: int) -> dict[str, dict[str, float]]:
    """Seconds of both peers' cold starts, in turn, for a machine may not always be as fast; the medians."""
    names = ("cold start, s", "cold start while watched, s", "cold start, processor s")
    times: dict[str, dict[str, list[float]]] = {peer: {name: [] for name in names} for peer in PEERS}
    for _ in range(COLD_STARTS):
        for peer, of_peer in times.items():
            with network(ports) as net:
                of_peer["cold start while watched, s"].append(net.watched(peer))
        for peer, of_peer in times.items():
            with network(ports) as net:
                process, seconds = net.northd(peer)
                of_peer["cold start, s"].append(seconds)
                of_peer["cold start, processor s"].append(cpu(process.pid))
    return {peer: {name: statistics.median(t) for name, t in of_peer.items()} for peer, of_peer in times.items()}


def measure(peer: str, ports: int, changes: int, kinds: list[str]) -> dict[str, Any]:
    """All other figures of one peer at one size; times in milliseconds."""
    with network(ports) as net:
        process, _ = net.northd(peer)
        result: dict[str, Any] = {}
        time.sleep(1)
        for kind in kinds:
            slow = peer == "ovn-northd" and kind != "address-set member"
            added, removed = net.times(kind, max(5, changes // 10) if slow else changes)
            result[f"{kind} added"] = statistics.median(added) * 1e3
            result[f"{kind} deleted"] = statistics.median(removed) * 1e3
            result[f"{kind} p99"] = sorted(added)[int(len(added) * 0.99)] * 1e3
        result["memory, MB"] = memory(process.pid)
        process.kill()
        process.wait()
        for kind in kinds if peer == "ovn-rules" else ():
            result[f"{kind} floor"] = statistics.median(net.floor(kind, changes)) * 1e3
        return result


def main() -> None:
    """Measure both at each size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ports", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    if any(ports < 50 or ports % 50 for ports in options.ports):
        parser.error("--ports: every switch has 50, so multiples of 50 are taken")
    print(
        "| ports | | floor | ovn-rules | p99 | ovn-northd | ratio |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    )
    for ports in options.ports:
        colds = cold_starts(ports)
        ours, theirs = (colds[peer] | measure(peer, ports, options.changes, options.kinds) for peer in PEERS)
        for name in ("cold start, s", "cold start while watched, s", "cold start, processor s", "memory, MB"):
            one, other = (f"{peer[name]:.{0 if name == 'memory, MB' else 2}f}" for peer in (ours, theirs))
            ratio = ours[name] / theirs[name]
            print(f"| {ports:,} | {name} |  | {one} |  | {other} | {ratio:.2f} |", flush=True)
        for kind in options.kinds:
            for what in (f"{kind} added", f"{kind} deleted"):
                one, other = ours[what], theirs[what]
                ratio = one / other
                floor, p99 = (f"{ours[f'{kind} {n}']:.2f}" if "added" in what else "" for n in ("floor", "p99"))
                print(
                    f"| {ports:,} | {what}, ms | {floor} | {one:.2f} | {p99} | {other:.2f} | {ratio:.4f} |", flush=True
                )


if __name__ == "__main__":
    main()
