"""From committing a northbound port to its rows in the southbound database and its flow on the switch.

Usage: python bench/latency.py [--ports N ...] [--changes N] [--no-switch]

Real ovsdb-servers, ovs-vswitchd (dummy datapath) and both daemons, all on this machine. A change adds one port with
an address to a switch of 50. Times are from sending the northbound transaction until a monitor has shown the southbound
row that mentions the new address, and until the switch has reported the flow that does. The floor is the time the
same databases, as full and at the same pace, need for the same two transactions when a script sends them: the
northbound one, and with its reply in hand the rows that the daemon would write.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.rules import ezbake

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(ezbake.__file__).parent
PAUSE = 0.02
"""Seconds between changes: an administrator's machine isn't in a tight loop."""

VSWITCH = "/usr/share/openvswitch/vswitch.ovsschema"


class Client:
    """A plain OVSDB client (RFC 7047)."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.text = ""
        self.number = 0
        self.updates: list[Any] = []

    def receive(self) -> Any:
        """The next message; probes are answered."""
        while True:
            try:
                message, end = json.JSONDecoder().raw_decode(self.text)
            except json.JSONDecodeError:
                self.text += self.socket.recv(1 << 22).decode()
                continue
            self.text = self.text[end:].lstrip()
            if message.get("method") != "echo":
                return message
            self.socket.sendall(json.dumps({"id": message["id"], "result": [], "error": None}).encode())

    def call(self, method: str, *params: Any) -> Any:
        """The result of a request."""
        self.number += 1
        self.socket.sendall(json.dumps({"id": self.number, "method": method, "params": params}).encode())
        while True:
            message = self.receive()
            if message.get("id") == self.number:
                return message["result"]
            self.updates.append(message)

    def await_text(self, text: str, *, gone: bool) -> None:
        """Wait for an update of a monitor that mentions a text in a row that came (or went)."""
        while True:
            message = self.updates.pop(0) if self.updates else self.receive()
            for rows in message.get("params", [None, {}])[-1].values():
                for change in rows.values():
                    if text in json.dumps(change.get("old" if gone else "new") or {}) and (
                        not gone or "new" not in change
                    ):
                        return


class Site:
    """Databases, a switch and the daemons in a temporary folder."""

    def __init__(self, folder: str, *, switch: bool) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[Any]] = []
        self.daemons: list[subprocess.Popen[Any]] = []
        self.environment = {
            **os.environ,
            **{f"{who}_{what}DIR": folder for who in ("OVS", "OVN") for what in ("RUN", "LOG", "DB")},
        }
        schemas = {"nb": SCHEMAS / "ovn-nb.ovsschema", "sb": SCHEMAS / "ovn-sb.ovsschema"}
        if switch:
            schemas["db"] = Path(VSWITCH)
        for name, schema in schemas.items():
            subprocess.run(["ovsdb-tool", "create", f"{folder}/{name}.db", str(schema)], check=True)
            self.start("ovsdb-server", f"{folder}/{name}.db", f"--remote=punix:{folder}/{name}.sock", "--unixctl=none")
            self.until(lambda name=name: Path(f"{folder}/{name}.sock").exists())
        if switch:
            self.start(
                "ovs-vswitchd",
                f"unix:{folder}/db.sock",
                "--enable-dummy",
                "--disable-system",
                f"--unixctl={folder}/v.ctl",
            )
            self.vsctl(
                "set",
                "Open_vSwitch",
                ".",
                "external_ids:system-id=hv",
                f"external_ids:ovn-remote=unix:{folder}/sb.sock",
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=127.0.0.1",
                "external_ids:ovn-bridge-datapath-type=dummy",
            )

    def start(self, *argv: str) -> subprocess.Popen[Any]:
        """Start a process that lives as long as the site."""
        log = Path(f"{self.folder}/{len(self.processes)}-{Path(argv[0]).name}.log").open("wb")  # noqa: SIM115 - the process has it
        process = subprocess.Popen(argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def daemon(self, *argv: str) -> subprocess.Popen[Any]:
        """Start one of the daemons."""
        self.daemons.append(self.start(str(Path(sys.executable).with_name("ovn-rules")), "daemon", *argv))
        return self.daemons[-1]

    def vsctl(self, *argv: str) -> None:
        """Configure the switch."""
        subprocess.run(["ovs-vsctl", "--no-wait", f"--db=unix:{self.folder}/db.sock", *argv], check=True)

    def until(self, test: Any, timeout: float = 120) -> None:
        """Wait until something is so."""
        end = time.monotonic() + timeout
        while not test():
            if time.monotonic() > end:
                raise SystemExit(f"timeout; see {self.folder}")
            time.sleep(0.01)

    def close(self) -> None:
        """End every process."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def build(nb: Client, ports: int) -> list[str]:
    """Make the switches and ports; returns the switches' UUIDs."""
    switches = []
    for s in range(ports // 50):
        ops: list[Any] = [
            "OVN_Northbound",
            {"op": "insert", "table": "Logical_Switch", "row": {"name": f"sw{s}"}, "uuid-name": "s"},
        ]
        for p in range(50):
            mac = f"00:00:00:{s >> 8:02x}:{s & 255:02x}:{p:02x}"
            ops.append(insert(["named-uuid", "s"], f"port-{s}-{p}", mac))
        switches.append(nb.call("transact", *ops)[0]["uuid"][1])
    return switches


def insert(switch: list[str], name: str, mac: str) -> dict[str, Any]:
    """The operation that adds a port."""
    row = {"lswitch": switch, "name": name, "macs": mac, "port_security": mac}
    return {"op": "insert", "table": "Logical_Port", "row": row}


def mac_of(number: int) -> str:
    """The address of the port that a change adds."""
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


class FlowWatch:
    """Reports of the switch about its flows."""

    def __init__(self, site: Site) -> None:
        argv = ["ovs-ofctl", "monitor", f"{site.folder}/br-int.mgmt", "watch:!initial"]
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", *argv], env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        site.processes.append(self.process)

    def await_text(self, text: str) -> None:
        """Wait for a report that mentions a text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return


def settled(sb: Client, ports: int) -> bool:
    """Whether every port has its rows."""
    result = sb.call(
        "transact", "OVN_Southbound", {"op": "select", "table": "Binding", "where": [], "columns": ["tunnel_key"]}
    )
    return len(result[0]["rows"]) == ports


def measure(ports: int, changes: int, *, switch: bool) -> dict[str, Any]:
    """All figures of one size."""
    with site_for(switch=switch) as site:
        nb, sb = (Client(f"{site.folder}/{x}.sock") for x in ("nb", "sb"))
        switches = build(nb, ports)
        start = time.perf_counter()
        northd = site.daemon("northd", "--nb", f"unix:{site.folder}/nb.sock", "--sb", f"unix:{site.folder}/sb.sock")
        site.until(lambda: settled(sb, ports))
        cold = time.perf_counter() - start
        watch = None
        if switch:
            site.daemon("controller", "--ovs", f"unix:{site.folder}/db.sock")
            site.until(lambda: Path(f"{site.folder}/br-int.mgmt").exists())
            site.until(lambda: flow_count(site) >= 3 * ports)
            watch = FlowWatch(site)
        time.sleep(1)
        monitor = Client(f"{site.folder}/sb.sock")
        monitor.call(
            "monitor", "OVN_Southbound", "m", {"Pipeline": [{"columns": ["match"], "select": {"initial": False}}]}
        )
        rows, flows = [], []
        for n in range(changes):
            mac, where = mac_of(n), ["uuid", switches[n % len(switches)]]
            start = time.perf_counter()
            uuid = nb.call("transact", "OVN_Northbound", insert(where, f"new-{n}", mac))[0]["uuid"]
            monitor.await_text(f"eth.dst == {mac}", gone=False)
            rows.append(time.perf_counter() - start)
            if watch is not None:
                watch.await_text(f"dl_dst={mac}")
                flows.append(time.perf_counter() - start)
            time.sleep(PAUSE)
            nb.call(
                "transact",
                "OVN_Northbound",
                {"op": "delete", "table": "Logical_Port", "where": [["_uuid", "==", uuid]]},
            )
            monitor.await_text(f"eth.dst == {mac}", gone=True)
            time.sleep(PAUSE)
        used = memory(northd.pid)
        for process in site.daemons:
            process.kill()
            process.wait()
        floor = floors(site, switches, changes)
        result = {"ports": ports, "cold start s": round(cold, 2), **figures("floor", floor), **figures("rows", rows)}
        if flows:
            result |= figures("flow", flows)
        result["rows / floor"] = round(statistics.median(rows) / statistics.median(floor), 2)
        if flows:
            result["flow / floor"] = round(statistics.median(flows) / statistics.median(floor), 2)
        result["northd MB"] = used
        return result


def floors(site: Site, switches: list[str], changes: int) -> list[float]:
    """What the same databases need for the same transactions, sent by a script at the same pace."""
    nb, sb, monitor = (Client(f"{site.folder}/{x}.sock") for x in ("nb", "sb", "sb"))
    monitor.call("monitor", "OVN_Southbound", "m", {"Pipeline": [{"columns": ["match"], "select": {"initial": False}}]})
    times = []
    for n in range(changes):
        mac, name, where = mac_of(n), f"floor-{n}", ["uuid", switches[n % len(switches)]]
        ops, undo = southbound_changes(sb, where, name, mac, 60000 - n)
        time.sleep(PAUSE)
        start = time.perf_counter()
        port = nb.call("transact", "OVN_Northbound", insert(where, name, mac))[0]["uuid"]
        sb.call("transact", "OVN_Southbound", *ops)
        monitor.await_text(f"eth.dst == {mac}", gone=False)
        times.append(time.perf_counter() - start)
        time.sleep(PAUSE)
        nb.call(
            "transact", "OVN_Northbound", {"op": "delete", "table": "Logical_Port", "where": [["_uuid", "==", port]]}
        )
        sb.call("transact", "OVN_Southbound", *undo)
        monitor.await_text(f"eth.dst == {mac}", gone=True)
    return times


def southbound_changes(
    sb: Client, where: list[str], name: str, mac: str, key: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The operations that the daemon's transaction for a new port consists of, and some that undo them."""
    flood = [["match", "==", "eth.dst[40]"], ["table_id", "==", 1], ["logical_datapath", "==", where]]
    columns = ["_uuid", "actions"]
    select = {"op": "select", "table": "Pipeline", "where": flood, "columns": columns}
    (old,) = sb.call("transact", "OVN_Southbound", select)[0]["rows"]

    def row(table: int, match: str, actions: str, priority: int = 50) -> dict[str, Any]:
        columns = {"table_id": table, "priority": priority, "match": match, "actions": actions}
        return {"op": "insert", "table": "Pipeline", "row": {"logical_datapath": where, **columns}}

    out = f'outport = "{name}"; next;'
    rows = [
        row(0, f'inport == "{name}" && eth.src == {{{mac}}}', "next;"),
        row(1, f"eth.dst == {mac}", out),
        row(3, f'outport == "{name}" && eth.dst == {{{mac}}}', "output;"),
    ]
    binding = {"logical_datapath": where, "logical_port": name, "tunnel_key": key, "mac": mac}
    changes = [
        {"op": "insert", "table": "Binding", "row": binding},
        *rows,
        {"op": "delete", "table": "Pipeline", "where": [["_uuid", "==", old["_uuid"]]]},
        row(1, "eth.dst[40]", f"{old['actions']} {out}", 100),
    ]
    undo = [
        {"op": "delete", "table": "Binding", "where": [["logical_port", "==", name]]},
        *({"op": "delete", "table": "Pipeline", "where": [["match", "==", r["row"]["match"]]]} for r in rows),
        {"op": "delete", "table": "Pipeline", "where": flood},
        row(1, "eth.dst[40]", old["actions"], 100),
    ]
    return changes, undo


def flow_count(site: Site) -> int:
    """How many flows the switch has."""
    argv = ["ovs-ofctl", "dump-aggregate", f"{site.folder}/br-int.mgmt"]
    out = subprocess.run(argv, capture_output=True, text=True, env=site.environment, check=False).stdout
    return int(out.rpartition("flow_count=")[2] or 0)


def memory(pid: int) -> int:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 1_000_000


def figures(what: str, times: list[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(times)
    return {
        f"{what} p50 ms": round(statistics.median(ordered) * 1e3, 2),
        f"{what} p99 ms": round(ordered[int(len(ordered) * 0.99)] * 1e3, 2),
    }


@contextlib.contextmanager
def site_for(*, switch: bool) -> Iterator[Site]:
    """A site that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="latency-")
    site = None
    try:
        site = Site(folder, switch=switch)
        yield site
    finally:
        if site is not None:
            site.close()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure each size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ports", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--no-switch", action="store_true")
    options = parser.parse_args()
    header = None
    for ports in options.ports:
        result = measure(ports, options.changes, switch=not options.no_switch)
        if header is None:
            header = list(result)
            print("| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
        print("| " + " | ".join(str(result[h]) for h in header) + " |", flush=True)


if __name__ == "__main__":
    main()
