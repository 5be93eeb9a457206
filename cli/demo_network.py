"""The network of the demonstration: two logical switches with six ports on two hosts, as database rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ovn_rules.io.database_file import Written, write_database
from ovn_rules.rules import ezbake

NET_A = "0a000000-0000-4000-8000-00000000000a"
NET_B = "0b000000-0000-4000-8000-00000000000b"

PORTS = (
    ("vm1", NET_A, "fa:16:3e:76:12:96", "host1", 1),
    ("dhcp", NET_A, "fa:16:3e:b1:34:ed", "host1", 2),
    ("other", NET_B, "fa:16:3e:8c:d0:a8", "", 0),
    ("router", NET_A, "fa:16:3e:b7:cd:77", "host1", 3),
    ("vm2", NET_A, "fa:16:3e:24:46:3a", "host1", 5),
    ("vm3", NET_A, "fa:16:3e:50:01:91", "host2", 2),
)
HOSTS = (("host1", "172.16.189.6", "host2", 4), ("host2", "172.16.189.10", "host1", 1))


def uuid(kind: int, number: int) -> str:
    """A UUID that a reader recognises again, by its first eight digits too."""
    return f"{kind:x}{number:07x}-0000-4000-8000-{number:012x}"


def logical_port(number: int, name: str, switch: str, mac: str) -> dict[str, Any]:
    """A row of the northbound database."""
    return {"_uuid": uuid(1, number), "name": name, "lswitch": switch, "macs": [mac], "port_security": [mac]}


def binding(number: int, name: str, switch: str) -> dict[str, Any]:
    """The row that the southbound database has kept of a port: its tunnel key."""
    return {"_uuid": uuid(2, number), "logical_port": name, "logical_datapath": switch, "tunnel_key": number}


def host_rows(number: int, name: str, ip: str, peer: str, tunnel: int) -> dict[str, list[dict[str, Any]]]:
    """One host's own database: its settings, its integration bridge, its interfaces."""
    ports: list[dict[str, Any]] = []
    interfaces: list[dict[str, Any]] = []

    def add(label: str, ofport: int, ids: dict[str, str], port_ids: dict[str, str]) -> None:
        i = number * 100 + len(ports)
        interfaces.append({"_uuid": uuid(6, i), "name": label, "ofport": [ofport], "external_ids": ids})
        ports.append({"_uuid": uuid(5, i), "name": label, "interfaces": [uuid(6, i)], "external_ids": port_ids})

    for port, _, _, where, ofport in PORTS:
        if where == name:
            add(f"tap-{port}", ofport, {"iface-id": port}, {})
    add(f"ovn-{peer[:6]}-0", tunnel, {}, {"ovn-chassis-id": peer})
    settings = {
        "system-id": name,
        "ovn-remote": "tcp:172.16.189.3:6642",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": ip,
    }
    bridge = {"_uuid": uuid(4, number), "name": "br-int", "ports": [p["_uuid"] for p in ports]}
    return {
        "ovs.Open_vSwitch": [{"_uuid": uuid(3, number), "bridges": [uuid(4, number)], "external_ids": settings}],
        "ovs.Bridge": [bridge],
        "ovs.Port": ports,
        "ovs.Interface": interfaces,
    }


def network() -> dict[str, list[dict[str, Any]]]:
    """The whole network: two logical switches, six ports, two hosts."""
    tables: dict[str, list[dict[str, Any]]] = {
        "nb.Logical_Switch": [{"_uuid": NET_A, "name": "net-a"}, {"_uuid": NET_B, "name": "net-b"}],
        "nb.Logical_Port": [logical_port(i, n, s, m) for i, (n, s, m, _, _) in enumerate(PORTS, 1)],
        "sb.Binding": [binding(i, n, s) for i, (n, s, *_) in enumerate(PORTS, 1)],
    }
    for i, host in enumerate(HOSTS, 1):
        for table, rows in host_rows(i, *host).items():
            tables.setdefault(table, []).extend(rows)
    return tables


NEW_PORT = logical_port(7, "vm4", NET_A, "fa:16:3e:00:00:04")
"""The row of a port that comes later."""

BUILT = 1_431_680_400_000
"""When the network was built, in milliseconds since 1970: in May 2015."""


def save(folder: Path) -> list[Path]:
    """Write the network as database files: ``nb.db``, ``sb.db`` and one for each host.

    Args:
        folder: where to; it is made when it isn't there.

    Returns:
        The files.

    Raises:
        OSError: they can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = network()

    def write(name: str, database: str, schema: str, transactions: list[Written]) -> Path:
        path = folder / name
        text = (Path(ezbake.__file__).parent / schema).read_text(encoding="utf-8")
        cut = [
            Written({t.removeprefix(f"{database}."): r for t, r in each.rows.items()}, each.comment, each.date)
            for each in transactions
        ]
        write_database(path, json.loads(text), cut)
        return path

    ports = rows["nb.Logical_Port"]
    northbound = [
        Written({"nb.Logical_Switch": rows["nb.Logical_Switch"]}, "demo: two networks", BUILT),
        *(
            Written({"nb.Logical_Port": [port]}, f"demo: plug in {port['name']}", BUILT + i * 60_000)
            for i, port in enumerate(ports, 1)
        ),
    ]
    bindings = [Written({"sb.Binding": rows["sb.Binding"]}, "northd", BUILT + 400_000)]
    files = [write("nb.db", "nb", "ovn-nb.ovsschema", northbound), write("sb.db", "sb", "ovn-sb.ovsschema", bindings)]
    for i, host in enumerate(HOSTS, 1):
        settled = [Written(host_rows(i, *host), f"ovs-vsctl: set up {host[0]}", BUILT + 500_000)]
        files.append(write(f"{host[0]}.db", "ovs", "vswitch.ovsschema", settled))
    return files
