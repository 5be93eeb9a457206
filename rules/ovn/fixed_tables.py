"""Tables that are always the same: the DHCP options that hosts can write, and what a host may change.

What a host's ovn-controller may change counts where the southbound database asks for its role, ovn-architecture(7).
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.text import made_row

DHCP_OPTIONS = (
    ("offerip", 0, "ipv4"),
    ("netmask", 1, "ipv4"),
    ("router", 3, "ipv4"),
    ("dns_server", 6, "ipv4"),
    ("log_server", 7, "ipv4"),
    ("lpr_server", 9, "ipv4"),
    ("hostname", 12, "str"),
    ("domain_name", 15, "str"),
    ("swap_server", 16, "ipv4"),
    ("ip_forward_enable", 19, "bool"),
    ("policy_filter", 21, "ipv4"),
    ("default_ttl", 23, "uint8"),
    ("mtu", 26, "uint16"),
    ("broadcast_address", 28, "ipv4"),
    ("router_discovery", 31, "bool"),
    ("router_solicitation", 32, "ipv4"),
    ("arp_cache_timeout", 35, "uint32"),
    ("ethernet_encap", 36, "bool"),
    ("tcp_ttl", 37, "uint8"),
    ("tcp_keepalive_interval", 38, "uint32"),
    ("nis_server", 41, "ipv4"),
    ("ntp_server", 42, "ipv4"),
    ("netbios_name_server", 44, "ipv4"),
    ("netbios_node_type", 46, "uint8"),
    ("lease_time", 51, "uint32"),
    ("server_id", 54, "ipv4"),
    ("T1", 58, "uint32"),
    ("T2", 59, "uint32"),
    ("tftp_server", 66, "host_id"),
    ("bootfile_name", 67, "str"),
    ("domain_search_list", 119, "domains"),
    ("classless_static_route", 121, "static_routes"),
    ("tftp_server_address", 150, "ipv4"),
    ("path_prefix", 210, "str"),
    ("ms_classless_static_route", 249, "static_routes"),
    ("wpad", 252, "str"),
    ("next_server", 253, "ipv4"),
    ("bootfile_name_alt", 254, "str"),
)
"""Name, code and type of DHCPv4 options; a code of 0 or 1 is none of its own, or any of those in a message."""

DHCPV6_OPTIONS = (
    ("server_id", 2, "mac"),
    ("ia_addr", 5, "ipv6"),
    ("dns_server", 23, "ipv6"),
    ("domain_search", 24, "str"),
)
"""Name, code and type of DHCPv6 options."""

PERMISSIONS = (
    ("BFD", (), False, ("status",)),
    (
        "Chassis",
        ("name",),
        True,
        ("encaps", "external_ids", "nb_cfg", "other_config", "transport_zones", "vtep_logical_switches"),
    ),
    ("Chassis_Private", ("name",), True, ("chassis", "external_ids", "nb_cfg", "nb_cfg_timestamp")),
    ("Controller_Event", (), True, ("chassis", "event_info", "event_type", "seq_num")),
    ("Encap", ("chassis_name",), True, ("ip", "options", "type")),
    ("FDB", (), True, ("dp_key", "mac", "port_key")),
    ("IGMP_Group", (), True, ("address", "chassis", "datapath", "ports")),
    ("MAC_Binding", (), True, ("datapath", "ip", "logical_port", "mac", "timestamp")),
    (
        "Port_Binding",
        (),
        False,
        ("additional_chassis", "additional_encap", "chassis", "encap", "options", "up", "virtual_parent"),
    ),
    ("Service_Monitor", (), False, ("status",)),
)
"""Table, columns that must hold the host's own name, whether rows may come and go, columns that may change."""


class DhcpOption(Relation):
    """A DHCPv4 option that hosts can write."""

    name: str = column("as put_dhcp_opts() takes it, ovn-sb(5)")
    code: int = column("as messages have it")
    type: str = column("what its value is")


class Dhcpv6Option(Relation):
    """A DHCPv6 option that hosts can write."""

    name: str = column("as put_dhcpv6_opts() takes it, ovn-sb(5)")
    code: int = column("as messages have it")
    type: str = column("what its value is")


class PermissionRow(Relation, key=("table",)):
    """The RBAC_Permission row of a table."""

    table: str = column("the table")
    row: Uuid = column("the first stored one, or one that is to be made")


class StoredPermission(Relation):
    """A RBAC_Permission row that is a table's."""

    table: str = column("the table")
    row: Uuid = column("the first such row")


class Permission(Relation, key=("row",)):
    """What a host may change in a table."""

    row: Uuid = column("its row")
    table: str = column("the table")
    authorization: tuple[str, ...] = column("columns that must hold the host's name; an empty name for any host")
    insert_delete: bool = column("whether rows may come and go")
    update: tuple[str, ...] = column("columns that may change")


class RolePermissions(Relation):
    """What a host may change in all tables."""

    name: str = column("its role")
    permissions: tuple[tuple[str, Uuid], ...] = column("tables, and their rows")


@rule
def dhcp_options(name, code, kind):
    """Hosts read from the database which options they can write."""
    DhcpOption(name, code, kind) <= ((name, code, kind) in DHCP_OPTIONS)
    Dhcpv6Option(name, code, kind) <= ((name, code, kind) in DHCPV6_OPTIONS)


@rule
def permission_row(table, row):
    """A table keeps the row that it has."""
    StoredPermission(table, min(row)) <= sb.RBAC_Permission(_uuid=row, table=table)
    PermissionRow(table, row) <= ((table, _, _, _) in PERMISSIONS) & StoredPermission(table, row)
    PermissionRow(table, made_row((table,))) <= ((table, _, _, _) in PERMISSIONS) & ~StoredPermission(table, _)


@rule
def permission(row, table, names, coming, columns):
    """A host may change what it writes itself, in its own rows where they are marked."""
    Permission(row, table, names or ("",), coming, columns) <= (
        PermissionRow(table, row) & ((table, names, coming, columns) in PERMISSIONS)
    )


@rule
def role_permissions(table, row):
    """There is one role, ovn-controller's."""
    RolePermissions("ovn-controller", collect((table, row))) <= PermissionRow(table, row)


DHCP_OPTIONS_TABLE = Sink(
    relation="DhcpOption",
    database="sb",
    table="DHCP_Options",
    key=("name", "code", "type"),
    columns={"name": "name", "code": "code", "type": "type"},
)
DHCPV6_OPTIONS_TABLE = Sink(
    relation="Dhcpv6Option",
    database="sb",
    table="DHCPv6_Options",
    key=("name", "code", "type"),
    columns={"name": "name", "code": "code", "type": "type"},
)
RBAC_PERMISSION = Sink(
    relation="Permission",
    database="sb",
    table="RBAC_Permission",
    key=("_uuid",),
    columns={
        "_uuid": "row",
        "table": "table",
        "authorization": "authorization",
        "insert_delete": "insert_delete",
        "update": "update",
    },
)
RBAC_ROLE = Sink(
    relation="RolePermissions",
    database="sb",
    table="RBAC_Role",
    key=("name",),
    columns={"name": "name", "permissions": "permissions"},
)
