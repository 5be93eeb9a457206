"""ovsdbapp's OVN northbound API drives our northd as Neutron does, and ovn-northd finds nothing to change."""

from __future__ import annotations

import pytest
from lab import until
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound.impl_idl import OvnNbApiIdlImpl
from reference import Reference
from served import Follower, Served, appctl

NETWORKS = "neutron-blue", "neutron-green"


class Peer(Reference):
    """An ovn-northd that stands by at the databases of another."""

    def __init__(self, other):
        """Starts it."""
        self.folder, self.nb, self.sb, self.environment = other.folder, other.nb, other.sb, other.environment
        self.start()

    def ask(self, *words):
        """What a command to its control socket answers."""
        return appctl(self.folder / "northd.ctl", *words)


class Cloud:
    """Our northd at work, driven through ovsdbapp, with ovn-northd standing by."""

    def __init__(self, folder):
        """Starts the servers and both daemons, and connects."""
        self.ours = Served(folder)
        self.ours.sync()
        self.followers = Follower(self.ours.nb), Follower(self.ours.sb)
        self.theirs = Peer(self.ours)
        idl = connection.OvsdbIdl.from_server(self.ours.nb.remote, "OVN_Northbound")
        self.api = OvnNbApiIdlImpl(connection.Connection(idl=idl, timeout=20))

    def close(self):
        """Ends everything."""
        self.api.ovsdb_connection.stop()
        self.theirs.stop_northd()
        self.ours.close()

    def commit(self, *commands):
        """Runs commands in one transaction; their results."""
        with self.api.transaction(check_error=True) as change:
            for command in commands:
                change.add(command)
        return [command.result for command in commands]

    def uuid(self, table, name):
        """A row's UUID."""
        return self.api.lookup(table, name).uuid

    def agreed(self):
        """Has ovn-northd take over and give back; holds that neither finds anything to write then."""
        self.ours.sync()
        self.ours.sync()  # what the first round found out has been written, too
        for follower in self.followers:
            follower.take()
        for active, other in ((self.ours.ours, self.theirs), (self.theirs, self.ours.ours)):
            active.ask("pause")
            until(lambda a=active, o=other: self._replaced(a, o), "the other is active")
            self.ours.sync()
            active.ask("resume")
        assert [follower.take() for follower in self.followers] == [[], []]

    @staticmethod
    def _replaced(paused, other):
        """Whether the other one works now; ovn-northd drops its lock when it next wakes up, so it is asked, too."""
        return "paused" in paused.ask("status") and "active" in other.ask("status")

    def flows(self, datapath):
        """The datapath's flows as ovn-sbctl lists them."""
        return self.ours.run(f"sb lflow-list {datapath}")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Two networks with two ports each."""
    made = Cloud(tmp_path_factory.mktemp("cloud"))
    make_networks(made)
    make_ports(made)
    made.agreed()
    yield made
    made.close()


@pytest.fixture
def api(cloud):
    """The northbound API of ovsdbapp; after the test ovn-northd must agree with what ours has written."""
    yield cloud.api
    cloud.agreed()


def mac(number):
    return f"fa:16:3e:00:00:{number:02x}"


def make_networks(cloud):
    """Switches with a localnet port, the second with a tag."""
    for number, name in enumerate(NETWORKS):
        physical = {"type": "localnet", "options": {"network_name": "physnet", "localnet_learn_fdb": "false"}}
        if number:
            physical["tag_request"] = 101
        cloud.commit(
            cloud.api.ls_add(
                name,
                external_ids={"neutron:network_name": name[8:], "neutron:mtu": "1442"},
                other_config={"mcast_snoop": "false", "mcast_flood_unregistered": "false", "vlan-passthru": "false"},
            ),
            cloud.api.lsp_add(name, f"provnet-{number}", addresses=["unknown"], **physical),
        )


def make_ports(cloud):
    """Ports with addresses, port security and options, each with a port for the metadata service."""
    for number in range(1, 5):
        subnet = (number - 1) // 2
        addresses = f"{mac(number)} 10.0.{subnet}.{number} fd00:{subnet}::{number}"
        cloud.commit(
            cloud.api.lsp_add(
                NETWORKS[subnet],
                f"port{number}",
                may_exist=True,
                addresses=[addresses],
                port_security=[addresses],
                enabled=True,
                options={"requested-chassis": "compute1", "mcast_flood_reports": "true"},
                external_ids={"neutron:port_name": f"vm{number}", "neutron:device_owner": "compute:nova"},
            ),
            cloud.api.lsp_add(NETWORKS[subnet], f"meta{number}", type="localport", addresses=[mac(64 + number)]),
        )


def test_networks_and_ports(cloud, api):
    """What was made of switches and ports at the start is bound and found; ports are down without hosts."""
    bound = cloud.ours.run("sb --bare --columns=logical_port,type list Port_Binding").split()
    assert {"port1", "meta4", "localport", "provnet-0", "localnet"} <= set(bound)
    flow = f'match=(eth.dst == {mac(1)}), action=(outport = "port1"; output;)'
    assert flow in cloud.flows(NETWORKS[0])
    assert api.lsp_get_up("port1").execute(check_error=True) is False


def test_dhcp_options(cloud, api):
    """DHCP options made, filled, given to ports, changed, and taken from one of them."""
    rows = []
    for subnet, version in ((0, 4), (0, 6), (1, 4)):
        cidr = f"10.0.{subnet}.0/24" if version == 4 else f"fd00:{subnet}::/64"
        (row,) = cloud.commit(api.dhcp_options_add(cidr, subnet_id=f"subnet{subnet}v{version}"))
        options = {"server_id": mac(254)}
        if version == 4:
            server = f"10.0.{subnet}.254"
            options = {"server_id": server, "router": server, "lease_time": "43200", "mtu": "1442"}
            options |= {"server_mac": mac(254), "dns_server": "{10.0.0.53, 10.0.0.54}"}
            options["classless_static_route"] = f"{{169.254.169.254/32,10.0.{subnet}.2, 0.0.0.0/0,{server}}}"
        cloud.commit(api.dhcp_options_set_options(row.uuid, **options))
        rows.append(row.uuid)
    cloud.commit(
        api.lsp_set_dhcpv4_options("port1", rows[0]),
        api.lsp_set_dhcpv4_options("port2", rows[0]),
        api.db_set("Logical_Switch_Port", "port1", ("dhcpv6_options", rows[1])),
        api.lsp_set_dhcpv4_options("port3", rows[2]),
    )
    cloud.agreed()
    assert "lease_time = 43200" in cloud.flows(NETWORKS[0])
    cloud.commit(
        api.db_set("DHCP_Options", rows[0], ("options", {"lease_time": "600"})),
        api.db_clear("Logical_Switch_Port", "port2", "dhcpv4_options"),
        api.dhcp_options_del(rows[2]),
    )
    cloud.agreed()
    flows = cloud.flows(NETWORKS[0])
    assert "lease_time = 600" in flows
    assert 'inport == "port2"' not in [line for line in flows.splitlines() if "put_dhcp_opts" in line]


def test_security_groups(cloud, api):
    """Port groups and their ACLs, remote groups through their address sets, logging, ports that come and go."""
    drop, group, other = "neutron_pg_drop", "pg_web", "pg_db"
    ports = {n: cloud.uuid("Logical_Switch_Port", f"port{n}") for n in range(1, 5)}
    cloud.commit(
        api.meter_add("acl_log_meter", "pktps", rate=100, fair=True, burst_size=25),
        *(api.pg_add(name, may_exist=True, acls=[], external_ids={"sg": name}) for name in (drop, group, other)),
    )
    owned = {"may_exist": True, "log": True, "severity": "info", "name": "logged", "meter": "acl_log_meter"}
    cloud.commit(
        api.pg_acl_add(drop, "to-lport", 1001, f"outport == @{drop} && ip", "drop", **owned),
        api.pg_acl_add(drop, "from-lport", 1001, f"inport == @{drop} && ip", "drop", **owned),
        api.pg_add_ports(drop, list(ports.values())),
        api.pg_acl_add(group, "from-lport", 1002, f"inport == @{group} && ip4", "allow-related", rule="1"),
        api.pg_acl_add(group, "from-lport", 1002, f"inport == @{group} && ip6", "allow-related", rule="2"),
        api.pg_acl_add(group, "to-lport", 1002, f"outport == @{group} && tcp.dst == 80", "allow-related", rule="3"),
        api.pg_add_ports(group, [ports[1], ports[3]]),
        api.pg_acl_add(other, "to-lport", 1002, f"outport == @{other} && ip4.src == $pg_web_ip4", "allow-stateless"),
        api.pg_add_ports(other, ports[2]),
    )
    cloud.agreed()
    assert set(cloud.ours.run("sb --bare --columns=name list Address_Set").split()) >= {"pg_web_ip4", "pg_web_ip6"}
    assert "outport == @pg_web && tcp.dst == 80" in cloud.flows(NETWORKS[1])
    cloud.commit(
        api.pg_del_ports(group, ports[3]),
        api.pg_acl_del(group, "to-lport", 1002, f"outport == @{group} && tcp.dst == 80"),
        api.pg_acl_add(group, "to-lport", 1002, f"outport == @{group} && ip4.src == $trusted", "reject"),
        api.address_set_add("trusted", ["10.9.0.1", "10.9.0.2"]),
    )
    cloud.commit(api.address_set_add_addresses("trusted", ["10.9.0.3"]), api.pg_del(other))
    cloud.commit(api.address_set_remove_addresses("trusted", ["10.9.0.1"]))
    cloud.agreed()
    assert "@pg_web" not in cloud.flows(NETWORKS[1])
    addresses = cloud.ours.run("sb --bare --columns=addresses find Address_Set name=trusted")
    assert sorted(addresses.split()) == ["10.9.0.2", "10.9.0.3"]


def test_routers(cloud, api):
    """A router between the networks, with static routes and policies, changed and taken away one by one."""
    router, options = "neutron-router", {"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"}
    cloud.commit(api.lr_add(router, options=options, enabled=True, external_ids={"neutron:router_name": "r"}))
    for number, switch in enumerate(NETWORKS):
        advertised = {"address_mode": "slaac", "send_periodic": "true", "mtu": "1442"}
        cloud.commit(
            api.lrp_add(
                router,
                f"lrp-{number}",
                mac(254 - number),
                [f"10.0.{number}.254/24", f"fd00:{number}::fe/64"],
                options={"gateway_mtu": "1442"} if number else {},
                ipv6_ra_configs=advertised,
                external_ids={"neutron:revision_number": "3"},
            ),
            api.lsp_add(
                switch,
                f"router-port{number}",
                type="router",
                addresses=["router"],
                options={"router-port": f"lrp-{number}", "nat-addresses": ""},
            ),
        )
    cloud.commit(
        api.lr_route_add(router, "0.0.0.0/0", "10.0.1.253", port="lrp-1"),
        api.lr_route_add(router, "192.0.2.0/24", "10.0.0.9", policy="src-ip"),
        api.lr_route_add(router, "198.51.100.0/24", "10.0.0.9", ecmp=True),
        api.lr_route_add(router, "203.0.113.0/24", "discard"),
        api.lr_policy_add(router, 10, "ip4.src == 10.0.0.0/24", "drop"),
        api.lr_policy_add(router, 11, "ip4.src == 10.0.0.1", "reroute", nexthops=["10.0.1.7"]),
    )
    cloud.commit(api.lr_route_add(router, "198.51.100.0/24", "10.0.0.8", ecmp=True))
    cloud.agreed()
    flows = cloud.flows(router)
    assert "reg8[0..15]" in flows
    assert "ip4.dst == 203.0.113.0/24), action=(drop;)" in flows
    cloud.commit(
        api.lr_route_del(router, "198.51.100.0/24", nexthop="10.0.0.8"),
        api.lr_policy_del(router, 10),
        api.lrp_add_networks("lrp-0", ["172.16.0.1/24"]),
        api.lrp_set_options("lrp-0", gateway_mtu="1500"),
        api.lsp_set_addresses("port1", [f"{mac(1)} 10.0.0.1 172.16.0.9"]),
    )
    cloud.agreed()
    assert "172.16.0.9" in cloud.flows(router)
    cloud.commit(api.lrp_del("lrp-1", router, if_exists=True), api.lsp_del("router-port1"))


def test_names_and_rates(cloud, api):
    """DNS records and QoS rules, given to switches, changed and deleted."""
    (names,) = cloud.commit(api.dns_add(external_ids={"ls_name": NETWORKS[0]}))
    switch = cloud.uuid("Logical_Switch", NETWORKS[0])
    cloud.commit(
        api.dns_set_records(names.uuid, **{"vm1": "10.0.0.1 fd00:0::1", "vm1.example.": "10.0.0.1"}),
        api.ls_set_dns_records(switch, [names.uuid]),
        api.qos_add(NETWORKS[0], "from-lport", 2002, 'inport == "port1"', rate=1000, burst=800, dscp=16),
        api.qos_add(NETWORKS[1], "to-lport", 2002, 'outport == "port3"', rate=2000, external_ids={"neutron:port": "3"}),
    )
    cloud.agreed()
    records = cloud.ours.run("sb --bare --columns=records list DNS")
    assert "vm1=10.0.0.1 fd00:0::1" in records.replace('"', "")
    assert "set_meter(1000, 800)" in cloud.flows(NETWORKS[0])
    cloud.commit(
        api.dns_add_record(names.uuid, "vm2", "10.0.0.2"),
        api.dns_remove_record(names.uuid, "vm1"),
        api.qos_del(NETWORKS[0], "from-lport", 2002, 'inport == "port1"'),
        api.qos_del_ext_ids(NETWORKS[1], {"neutron:port": "3"}),
    )
    cloud.agreed()
    assert "set_meter" not in cloud.flows(NETWORKS[0]) + cloud.flows(NETWORKS[1])
    cloud.commit(api.ls_remove_dns_record(switch, names.uuid), api.dns_del(names.uuid))


def test_ports_are_changed(cloud, api):
    """A trunk's subport, an address that another machine takes over, a disabled port, port security off."""
    cloud.commit(
        api.lsp_add(NETWORKS[0], "sub", parent_name="port1", tag=7, addresses=[f"{mac(40)} 10.0.0.40"]),
        api.lsp_add(NETWORKS[0], "vip", type="virtual", addresses=[f"{mac(41)} 10.0.0.41"]),
        api.lsp_set_options("vip", **{"virtual-ip": "10.0.0.41", "virtual-parents": "port1,port2"}),
        api.lsp_set_enabled("port4", False),
        api.lsp_set_port_security("port2", []),
        api.lsp_set_addresses("port2", ["unknown"]),
    )
    cloud.agreed()
    assert "bind_vport" in cloud.flows(NETWORKS[0])
    cloud.commit(
        api.lsp_set_enabled("port4", True),
        api.lsp_set_type("vip", ""),
        api.lsp_set_options("vip"),
        api.lsp_del("sub"),
        api.lsp_set_options("port1", **{"requested-chassis": "compute2"}),
    )


def test_a_transaction_that_fails_leaves_nothing(cloud, api):
    """A command that can't be carried out takes the others of its transaction with it."""
    with pytest.raises(RuntimeError, match="nosuch does not exist"):
        cloud.commit(api.ls_add("lost"), api.lsp_del("nosuch"))
    cloud.agreed()
    assert "lost" not in cloud.ours.run("sb list Datapath_Binding")


def test_everything_is_deleted(cloud, api):
    """Networks, routers, groups and options go, and nothing of them stays."""
    for table in ("Logical_Switch", "Logical_Router", "Port_Group", "DHCP_Options", "Address_Set", "Meter", "DNS"):
        rows = api.db_list(table, columns=["_uuid"]).execute(check_error=True)
        cloud.commit(*(api.db_destroy(table, row["_uuid"]) for row in rows))
    cloud.agreed()
    for table in ("Datapath_Binding", "Port_Binding", "Logical_Flow", "Port_Group", "Multicast_Group", "Meter"):
        assert cloud.ours.run(f"sb --bare --columns=_uuid list {table}") == "", table
