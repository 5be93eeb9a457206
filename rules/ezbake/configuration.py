"""A host's own settings: who it is, which bridge is the network's, what it still waits for."""

from ovn_rules.engine import Relation, Uuid, _, column, rule
from ovn_rules.rules.ezbake.databases import ovs
from ovn_rules.rules.ezbake.relations import (
    ActiveChassis,
    Leaving,
    LocalBridge,
    LocalChassis,
    OwnChassis,
    Problem,
    Waiting,
    WantedBridge,
)

ENCAPSULATIONS = ("geneve", "stt", "vxlan")
NEED_ENCAP = "Need to specify an encap type and ip: set external_ids:ovn-encap-type and ovn-encap-ip"


class BridgeName(Relation, key=("host",)):
    """The name of the integration bridge that a host is to have."""

    host: Uuid = column("the host's Open_vSwitch row")
    name: str = column("the bridge")


class BridgeKind(Relation, key=("host",)):
    """The datapath type that the integration bridge is made with."""

    host: Uuid = column("the host's Open_vSwitch row")
    kind: str = column("empty for the kernel's, netdev for the one in user space")


@rule
def bridge_name(host, name):
    """The administrator names the integration bridge in external_ids:ovn-bridge."""
    BridgeName(host, name) <= ovs.Open_vSwitch.external_ids(host, "ovn-bridge", name)


@rule
def default_bridge_name(host):
    """Unless it is named otherwise, the integration bridge is br-int."""
    BridgeName(host, "br-int") <= (ovs.Open_vSwitch(_uuid=host) & ~ovs.Open_vSwitch.external_ids(host, "ovn-bridge", _))


@rule
def bridge_kind(host, kind):
    """The administrator chooses the datapath in external_ids:ovn-bridge-datapath-type."""
    BridgeKind(host, kind) <= ovs.Open_vSwitch.external_ids(host, "ovn-bridge-datapath-type", kind)


@rule
def default_bridge_kind(host):
    """Unless it is chosen otherwise, the datapath is the default one."""
    BridgeKind(host, "") <= (
        ovs.Open_vSwitch(_uuid=host) & ~ovs.Open_vSwitch.external_ids(host, "ovn-bridge-datapath-type", _)
    )


@rule
def named_host(host, name):
    """A host's name in the network is its external_ids:system-id."""
    LocalChassis(host, name) <= (ovs.Open_vSwitch.external_ids(host, "system-id", name) & (name != ""))


@rule
def wanted_bridge(host, name, kind):
    """A host has an integration bridge, named by external_ids:ovn-bridge."""
    WantedBridge(host, name, kind) <= BridgeName(host, name) & BridgeKind(host, kind)


@rule
def local_bridge(host, name, bridge):
    """The integration bridge is the bridge of that name."""
    LocalBridge(host, bridge) <= (
        BridgeName(host, name) & ovs.Open_vSwitch.bridges(host, bridge) & ovs.Bridge(_uuid=bridge, name=name)
    )


@rule
def active_chassis(name, host, bridge):
    """A host that has a name and an integration bridge takes part with flows."""
    ActiveChassis(name, host, bridge) <= LocalChassis(host, name) & LocalBridge(host, bridge)


@rule
def waiting_for_bridge(host, name):
    """Without an integration bridge a host can't have flows."""
    Waiting(host, 0, f"waiting for the integration bridge {name}: it is being made") <= (
        BridgeName(host, name) & ~LocalBridge(host, _)
    )


@rule
def waiting_for_remote(host):
    """Without a southbound database a host knows nothing of the network."""
    Waiting(host, 1, "waiting for the southbound database: set external_ids:ovn-remote in Open_vSwitch") <= (
        ovs.Open_vSwitch(_uuid=host) & ~ovs.Open_vSwitch.external_ids(host, "ovn-remote", _)
    )


@rule
def waiting_for_name(host):
    """Without a name a host can't present itself to the others."""
    Waiting(host, 2, "waiting for the chassis' name: set external_ids:system-id in Open_vSwitch") <= (
        ovs.Open_vSwitch(_uuid=host) & ~LocalChassis(host, _)
    )


@rule
def chassis(host, name, kind, ip):
    """A host presents itself with the encapsulation and the address in its external_ids."""
    OwnChassis(name, kind, ip) <= (
        LocalChassis(host, name)
        & ovs.Open_vSwitch.external_ids(host, "ovn-encap-type", kind)
        & ovs.Open_vSwitch.external_ids(host, "ovn-encap-ip", ip)
        & (kind in ENCAPSULATIONS)
        & (ip != "")
        & ~Leaving(name)
    )


@rule
def unknown_encapsulation(host, name, kind):
    """An encapsulation that the southbound database can't hold is refused before it is tried."""
    Problem(f"chassis {name}", f"external_ids:ovn-encap-type is '{kind}', but must be geneve, stt or vxlan") <= (
        LocalChassis(host, name)
        & ovs.Open_vSwitch.external_ids(host, "ovn-encap-type", kind)
        & (kind not in ENCAPSULATIONS)
    )


@rule
def incomplete_encapsulation(host, name):
    """Type and address of the encapsulation are both needed; with one of them there is no Chassis row."""
    Problem(f"chassis {name}", NEED_ENCAP) <= (
        LocalChassis(host, name) & ~ovs.Open_vSwitch.external_ids(host, "ovn-encap-type", _)
    )
    Problem(f"chassis {name}", NEED_ENCAP) <= (
        LocalChassis(host, name) & ~ovs.Open_vSwitch.external_ids(host, "ovn-encap-ip", _)
    )
    Problem(f"chassis {name}", NEED_ENCAP) <= (
        LocalChassis(host, name) & ovs.Open_vSwitch.external_ids(host, "ovn-encap-ip", "")
    )
