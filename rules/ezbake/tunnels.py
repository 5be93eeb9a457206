"""Tunnels between hosts: one port on the integration bridge for each other chassis."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, every, pure, rule
from ovn_rules.rules.ezbake.databases import ovs, sb
from ovn_rules.rules.ezbake.relations import (
    Chassis,
    Encap,
    HostPort,
    Leaving,
    LocalBridge,
    LocalChassis,
    NewPeers,
    OwnChassis,
    PeerEncap,
    Problem,
    TakenNumbers,
    TunnelName,
    TunnelPort,
)

TUNNELS = ("geneve", "stt")


@pure
def prefix_of(chassis: str) -> str:
    """What the names of a chassis' tunnel ports start with."""
    return f"ovn-{chassis[:6]}"


@pure
def numbered(name: str) -> tuple[tuple[str, int], ...]:
    """A port name taken apart as (prefix, hexadecimal counter), if it can be."""
    prefix, dash, digits = name.rpartition("-")
    if not dash or not digits or digits.strip("0123456789abcdef"):
        return ()
    return ((prefix, int(digits, 16)),)


@pure
def first_free(chassis: tuple[str, ...], taken: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    """The first free counter, in hexadecimal, for each chassis in turn."""
    used, result, number = set(taken), [], 0
    for name in chassis:
        while number in used:
            number += 1
        used.add(number)
        result.append((name, f"{number:x}"))
    return tuple(result)


# -- who is there ----------------------------------------------------------------------------------------------


@rule
def known_chassis(name):
    """A host whose own database is read is what that says; of the others the southbound database tells."""
    Chassis(name) <= OwnChassis(name, _, _)
    Chassis(name) <= sb.Chassis(name=name) & ~LocalChassis(_, name)


@rule
def known_encapsulation(name, kind, ip, row, encap):
    """A host is reached as it says itself where its own database is read, else as the southbound one says."""
    Encap(name, kind, ip) <= OwnChassis(name, kind, ip)
    Encap(name, kind, ip) <= (
        sb.Chassis(_uuid=row, name=name)
        & ~LocalChassis(_, name)
        & sb.Chassis.encaps(row, encap)
        & sb.Encap(_uuid=encap, type=kind, ip=ip)
    )


@rule
def peer(host, name, encap, kind, ip, row):
    """A host reaches every other chassis through the first encapsulation of it that makes a tunnel."""
    PeerEncap(host, name, str(encap), kind, ip) <= (
        sb.Chassis(_uuid=row, name=name)
        & ~LocalChassis(_, name)
        & sb.Chassis.encaps(row, encap)
        & sb.Encap(_uuid=encap, type=kind, ip=ip)
        & (kind in TUNNELS)
        & every(LocalChassis(host, _))
    )


@rule
def local_peer(host, me, name, kind, ip):
    """Hosts whose own databases are read reach each other as those say."""
    PeerEncap(host, name, "", kind, ip) <= (
        OwnChassis(name, kind, ip) & (kind in TUNNELS) & every(LocalChassis(host, me)) & (me != name)
    )


@rule
def no_tunnel(host, name):
    """A chassis that offers no geneve or stt can't be reached; every chassis offers something (ovn-sb.ovsschema)."""
    Problem(f"chassis {name}", "offers only vxlan, so there is no tunnel to it: geneve or stt is needed") <= (
        sb.Chassis(name=name) & ~LocalChassis(_, name) & every(LocalChassis(host, _)) & ~PeerEncap(host, name, _, _, _)
    )


class HasTunnel(Relation):
    """A chassis that a host has a tunnel port for."""

    host: Uuid = column("the host's Open_vSwitch row")
    chassis: str = column("the other chassis")


@rule
def has_tunnel(host, bridge, port, chassis):
    """A port of the integration bridge with external_ids:ovn-chassis-id is a tunnel to that chassis."""
    HasTunnel(host, chassis) <= (
        ovs.Port.external_ids(port, "ovn-chassis-id", chassis)
        & ovs.Bridge.ports(bridge, port)
        & LocalBridge(host, bridge)
    )


# -- what the ports are called ---------------------------------------------------------------------------------


@rule
def host_port(host, bridge, port, name):
    """A port name is taken when any bridge of the host has a port of that name."""
    HostPort(host, port, name) <= (
        ovs.Open_vSwitch.bridges(host, bridge) & ovs.Bridge.ports(bridge, port) & ovs.Port(_uuid=port, name=name)
    )


@rule
def kept_name(host, bridge, port, name, chassis):
    """A tunnel keeps the port that it has."""
    TunnelName(host, chassis, name) <= (
        ovs.Port.external_ids(port, "ovn-chassis-id", chassis)
        & LocalBridge(host, bridge)
        & ovs.Bridge.ports(bridge, port)
        & ovs.Port(_uuid=port, name=name)
    )


@rule
def new_peers(host, chassis, prefix):
    """Chassis whose names start alike share a prefix, so that their ports are numbered together."""
    NewPeers(host, prefix, collect(chassis)) <= (
        PeerEncap(host=host, chassis=chassis) & ~HasTunnel(host, chassis) & (prefix == prefix_of(chassis))
    )


@rule
def taken_numbers(host, name, prefix, number):
    """A counter is taken when a port of the host has it with the same prefix."""
    TakenNumbers(host, prefix, collect(number)) <= (
        HostPort(host=host, name=name) & ((prefix, number) in numbered(name))
    )


@rule
def new_name(host, prefix, peers, taken, chassis, digits):
    """A new tunnel's port gets the first free counter."""
    TunnelName(host, chassis, f"{prefix}-{digits}") <= (
        NewPeers(host, prefix, peers)
        & TakenNumbers(host, prefix, taken)
        & ((chassis, digits) in first_free(peers, taken))
    )
    TunnelName(host, chassis, f"{prefix}-{digits}") <= (
        NewPeers(host, prefix, peers) & ~TakenNumbers(host, prefix, _) & ((chassis, digits) in first_free(peers, ()))
    )


@rule
def tunnel_port(host, bridge, name, chassis, kind, ip, me):
    """A host has one tunnel port for each chassis that it can reach; the key of a packet comes from its flow."""
    TunnelPort(bridge, name, chassis, kind, (("key", "flow"), ("remote_ip", ip))) <= (
        PeerEncap(host=host, chassis=chassis, type=kind, ip=ip)
        & TunnelName(host, chassis, name)
        & LocalBridge(host, bridge)
        & LocalChassis(host, me)
        & ~Leaving(me)
    )
