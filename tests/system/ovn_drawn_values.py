"""Values of northbound columns as they are drawn: few names and addresses, so that they collide; some slightly wrong.

A value is what ``ovn_drawn.encoded`` takes: a list is a set, a dict a map. ``CELLS`` says for each column of a table
how a value is drawn; columns that refer to other rows are drawn in ``ovn_drawn.py``.
"""

MACS = ("00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03", "0a:00:00:00:00:04", "AA:bb:00:00:00:5")
V4 = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.254", "10.0.1.1", "10.0.1.2", "172.16.0.1")
V6 = ("fd00::1", "fd00::2", "fd00::3", "fd01::1", "fe80::1", "FD00::0004")
BAD = ("", "nonsense", "10.0.0", "1:2:3", "0.0.0.00", "::", "10.0.0.1/33", "256.1.1.1")

SWITCHES = ("s1", "s2", "s3")
ROUTERS = ("lr1", "lr2", "lr3")
PORTS = ("a", "b", "c", "d", "e", "f", "g", 'h "1"')
ROUTER_PORTS = ("r1", "r2", "r3", "r4", "p1", "p2", "p3")
"""Those that begin with p may have a peer; no switch port is attached to them, for ovn-northd doesn't survive both."""

CHASSIS = ("hv1", "hv2", "hv3")
SETS = ("as1", "as2")
GROUPS = ("pg1", "pg2")
METERS = ("m1", "m2", "m3")
TABLES = ("", "t1", "t2")
TEXTS = ("", "true", "false", "TRUE", "yes", "0", "1", "-1", "7", "100", "nonsense", " 5")
FLAGS = ("true", "false", "true", "false", "True", "1", "yes", "")
KEYS = ("1", "2", "3", "5", "2047", "2048", "4095", "4096", "32767", "0", "x", "")
"""Tunnel keys; none that the southbound schema refuses, for ovn-northd then tries for ever."""


MATCHES = (
    "ip4",
    "ip6",
    "tcp",
    "1",
    "0",
    "",
    "ip4 &&",
    "tcp.dst == 80",
    "udp && ip4.src == 10.0.0.1",
    "ip4.src == $as1",
    "ip6.dst == $as2 || ip4.dst == $as1_ip4",
    "inport == @pg1",
    "outport == @pg2 && tcp",
    'inport == "a"',
    'outport == "b" && ip4',
    'inport == "r1"',
    "ct.est && !ct.rel",
    "icmp4 || icmp6",
    "eth.src == 00:00:00:00:00:01",
    "tcp.dst == 70000",
)


def one(*values):
    """Any of these values."""
    return lambda random: random.choice(values)


def maybe(cell):
    """A set of at most one."""
    return lambda random: [cell(random)] if random.random() < 0.5 else []


def some(cell, most):
    """A set of any of these."""
    return lambda random: sorted({cell(random) for _ in range(random.randint(0, most))})


class Keys:
    """A map with some of these keys.

    Attributes:
        cells: Key → its chance, and how its value is drawn.
    """

    def __init__(self, chance, cells, **further):
        """Each key is there with this chance."""
        self.cells = {key: (chance, cell) for key, cell in {**cells, **further}.items()}

    def __or__(self, other):
        """The keys of both."""
        both = Keys(0, {})
        both.cells = {**self.cells, **other.cells}
        return both

    def __call__(self, random):
        """A map."""
        return {key: cell(random) for key, (chance, cell) in self.cells.items() if random.random() < chance}

    def changed(self, value, random):
        """The map with one key set, set anew or taken out."""
        key = random.choice(sorted(self.cells))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if key in value and random.random() < 0.4 else {**rest, key: self.cells[key][1](random)}


def mac(random):
    """An Ethernet address, nearly always."""
    return random.choice(MACS) if random.random() < 0.96 else random.choice(BAD)


def address(random):
    """An entry of a switch port's addresses."""
    forms = ("{m} {a}",) * 5 + ("{m}", "{m} {a} {b}", "{m} {b} {a}", "{m} {a} {c}", "unknown", "unknown", "router")
    forms += ("dynamic", "dynamic", "{m} dynamic", "dynamic {a}", "dynamic {b}", "dynamic {a} {b}", "{m} {a}/24")
    forms += ("{x}", "{m} {x}", "{m} {a} {x}", "{m},{a}", "Unknown", "{m} {b}/64", "  {m}  {a} ", "{m} {a} dynamic")
    return _filled(random.choice(forms), random)


def security(random):
    """An entry of a switch port's port_security."""
    forms = ("{m} {a}",) * 4 + ("{m}", "{m} {b}", "{m} {a} {b}", "{m} {a}/24", "{m} {b}/64", "{x}", "{m} {x}")
    return _filled(random.choice((*forms, "{m} 10.0.0.0/24", "{m} 224.0.0.1", "{m} {a}/0")), random)


def network(random):
    """A network of a router port."""
    forms = ("{a}/24",) * 5 + ("{b}/64",) * 3 + ("{a}/16", "{a}", "{b}", "{a}/32", "{b}/128", "{a}/255.255.255.0")
    return _filled(random.choice((*forms, "{x}", "10.0.0.0/24", "{a}/25", "fe80::5/64", "{b}/48", "{a}/31")), random)


def _filled(form, random):
    picked = {name: random.choice(pool) for name, pool in (("m", MACS), ("a", V4), ("b", V6), ("c", V4), ("x", BAD))}
    return form.format(**picked)


def networks(random):
    """One to three networks."""
    return sorted({network(random) for _ in range(random.choice((1, 1, 2, 3)))})


PREFIXES = ("10.0.0.0/24", "10.0.0.0/25", "192.168.0.0/16", *("192.168.0.0/24",) * 4, "0.0.0.0/0", "0.0.0.0/0")
PREFIXES += ("192.168.0.1", "192.168.0.9/24", *("fd09::/64",) * 3, "::/0", "fd00::/64", "fd09::1", "10.0.1.7/32")
HOPS = ("10.0.0.2", "10.0.0.3", "10.0.0.9", "10.0.1.2", "172.16.0.9", "fd00::2", "fd00::9", "fe80::9", "fd01::9")
ODD_HOPS = ("discard", "discard", "", "10.0.0.2/24", "fd00::2/64", "10.0.0.1", "fd00::1")

IDS = Keys(0.2, {"owner": one("me", "you", ""), "neutron:port_name": one("web", ""), "neutron:network_name": one("n")})
ROUTER_IDS = Keys(0.2, {"owner": one("me", ""), "neutron:router_name": one("r", "")})
RA = Keys(0.6, {"address_mode": one("slaac", "dhcpv6_stateful", "dhcpv6_stateless", "odd")}) | Keys(
    0.2,
    {
        "mtu": one("1500", "1280", "1279", "x", "-1"),
        "router_preference": one("HIGH", "LOW", "MEDIUM", "odd", ""),
        "route_info": one("HIGH-fd07::/64", "LOW-fd08::/48,HIGH-fd07::/64", ""),
        "rdnss": one("fd00::53", ""),
        "dnssl": one("aa.bb", "aa.bb,cc"),
        "send_periodic": one(*FLAGS),
        "max_interval": one("5", "2000", "3", "x"),
        "min_interval": one("3", "1", "900", "x"),
    },
)
REQUESTED_KEY = Keys(0.08, {"requested-tnl-key": one(*KEYS)})

CELLS = {
    "NB_Global": {
        "options": Keys(
            0.2,
            {},
            debug_drop_collector_set=one("0", "7", "x"),
            debug_drop_domain_id=one("0", "3"),
            default_acl_drop=one(*FLAGS),
            mac_prefix=one("0a:00:00", "0c:11", "1:2:3", ""),
            svc_monitor_mac=one("00:00:00:00:00:77", "x"),
            use_ct_inv_match=one(*FLAGS),
            use_logical_dp_groups=one(*FLAGS),
            use_parallel_build=one("false"),
            odd=one(*TEXTS),
        ),
        "ipsec": one(False, True),
        "name": one("", "zone"),
        "external_ids": IDS,
    },
    "Logical_Switch": {
        "name": one(*SWITCHES),
        "other_config": REQUESTED_KEY
        | Keys(
            0.35,
            {"vlan-passthru": one(*FLAGS)},
            subnet=one("10.0.0.0/24", "10.0.0.0/29", "10.0.1.0/24", "10.0.0.5/30", "nonsense", "10.0.0.0"),
            exclude_ips=one("10.0.0.2", "10.0.0.2..10.0.0.4", "10.0.0.2 10.0.0.5..10.0.0.6", "x", "10.0.0.4..10.0.0.2"),
            ipv6_prefix=one("fd00::", "fd00::/64", "fd02::/48", "x"),
            mac_only=one(*FLAGS),
        ),
        "external_ids": IDS,
    },
    "Logical_Switch_Port": {
        "name": one(*PORTS),
        "type": one(
            *("",) * 8,
            *("router",) * 6,
            "localnet",
            "localnet",
            "localport",
            "external",
            "external",
            "virtual",
            "virtual",
            "odd",
        ),
        "options": REQUESTED_KEY
        | Keys(0.7, {"router-port": one("r1", "r1", "r2", "r2", "r3", "r4", "nowhere")})
        | Keys(
            0.1,
            {
                "requested-chassis": one("hv1", "hv2", "hv1,hv2", "hv3,hv1", "host1", "host2,hv1,", "nobody", ""),
                "activation-strategy": one("rarp"),
                "nat-addresses": one("router", "00:00:00:00:00:01 10.0.0.1"),
                "virtual-ip": one("10.0.0.50", "10.0.0.1", "fd00::50", "10.0.0", ""),
                "virtual-parents": one("a", "a,b", "b,nowhere,c", "", "a,a"),
            },
            arp_proxy=one("10.0.0.7", "10.0.0.0/28 fd00::/120", "00:00:00:00:00:0a 10.0.0.8", "x", ""),
            hostname=one("h"),
            network_name=one("phys"),
            ethtype=one("802.1ad", "x"),
            localnet_learn_fdb=one(*FLAGS),
            mcast_flood=one(*FLAGS),
            mcast_flood_reports=one(*FLAGS),
            qdisc_queue_id=one("7", "x"),
            qos_max_rate=one("1000"),
            qos_burst=one("10"),
        ),
        "parent_name": maybe(one("a", "b", "", "nowhere")),
        "tag_request": maybe(one(0, 0, 5, 6, 4095)),
        "tag": maybe(one(1, 5, 6, 4095)),
        "addresses": some(address, 3),
        "port_security": some(security, 2),
        "enabled": maybe(one(True, False)),
        "external_ids": IDS,
    },
    "Address_Set": {"name": one(*SETS), "addresses": some(one(*V4, *V6, "10.0.0.0/24", *MACS, "x"), 4)},
    "Port_Group": {"name": one(*GROUPS), "external_ids": IDS},
    "ACL": {
        "name": maybe(one("n1", "n2", "")),
        "priority": one(0, 1, 1000, 1000, 1001, 32767),
        "direction": one("from-lport", "to-lport"),
        "match": one(*MATCHES),
        "action": one("allow", "allow-related", "allow-related", "allow-stateless", "drop", "reject"),
        "log": one(False, True),
        "severity": maybe(one("alert", "info", "debug")),
        "meter": maybe(one(*METERS)),
        "label": one(0, 0, 1, 4294967295),
        "options": Keys(0.4, {"apply-after-lb": one(*FLAGS), "log-related": one(*FLAGS)}),
    },
    "QoS": {
        "priority": one(0, 100, 100, 32767),
        "direction": one("from-lport", "to-lport"),
        "match": one(*MATCHES),
        "action": one({}, {"dscp": 0}, {"dscp": 46}),
        "bandwidth": one({}, {"rate": 100}, {"rate": 1, "burst": 5}, {"burst": 7}),
    },
    "Meter": {"name": one(*METERS), "unit": one("kbps", "pktps"), "fair": maybe(one(True, False))},
    "Meter_Band": {"action": one("drop"), "rate": one(1, 100, 4294967295), "burst_size": one(0, 10)},
    "Logical_Router": {
        "name": one(*ROUTERS),
        "enabled": maybe(one(True, True, False)),
        "options": REQUESTED_KEY
        | Keys(0.2, {}, always_learn_from_arp_request=one(*FLAGS), dynamic_neigh_routers=one(*FLAGS)),
        "external_ids": ROUTER_IDS,
    },
    "Logical_Router_Port": {
        "name": one(*ROUTER_PORTS),
        "mac": mac,
        "networks": networks,
        "peer": maybe(one("p1", "p2", "p3", "nowhere")),
        "enabled": maybe(one(True, True, False)),
        "ipv6_ra_configs": RA,
        "options": REQUESTED_KEY
        | Keys(
            0.2,
            {},
            gateway_mtu=one("1500", "1400", "0", "-1", "x"),
            gateway_mtu_bypass=one("tcp", "udp || tcp", ""),
            route_table=one(*TABLES),
        ),
        "external_ids": ROUTER_IDS,
    },
    "Logical_Router_Static_Route": {
        "route_table": one(*TABLES, ""),
        "ip_prefix": one(*PREFIXES, *PREFIXES, *BAD[:4]),
        "policy": maybe(one("src-ip", "dst-ip")),
        "nexthop": one(*HOPS, *HOPS, *HOPS, *ODD_HOPS, *BAD[:4]),
        "output_port": lambda random: [random.choice((*ROUTER_PORTS, "nowhere"))] if random.random() < 0.25 else [],
    },
    "Logical_Router_Policy": {
        "priority": one(0, 10, 10, 20, 32767),
        "match": one(*MATCHES),
        "action": one("allow", "drop", "reroute", "reroute"),
        "nexthop": lambda random: [random.choice((*HOPS, *BAD))] if random.random() < 0.2 else [],
        "nexthops": some(lambda random: random.choice((*HOPS, *HOPS, *BAD[:2])), 3),
        "options": Keys(0.3, {}, pkt_mark=one("5", "0", "4294967295", "4294967296", "x", "-1")),
    },
    "DHCP_Options": {
        "cidr": one(
            "10.0.0.0/24", "10.0.0.0/24", "10.0.0.0/23", "fd00::/64", "fd00::/64", "10.0.1.0/24", "nonsense", "10.0.0.1"
        ),
        "options": Keys(
            0.95,
            {},
            server_id=one("10.0.0.254", "10.0.0.254", "00:00:00:00:00:fe", "x"),
            server_mac=one("00:00:00:00:00:fe", "00:00:00:00:00:fd"),
            lease_time=one("3600", "7200", "x"),
            router=one("10.0.0.254", "10.0.0.1"),
        )
        | Keys(
            0.3,
            {},
            mtu=one("1400"),
            domain_name=one('"a.b"', "a.b"),
            dns_server=one("fd00::53", "{10.0.0.53, 10.0.0.54}"),
            dhcpv6_stateless=one(*FLAGS),
            odd=one("1"),
        ),
    },
    "DNS": {
        "records": Keys(
            0.5, {"vm1.example": one("10.0.0.1", "10.0.0.1 fd00::1"), "VM2.Example": one("10.0.0.2", ""), "": one("x")}
        ),
        "external_ids": IDS,
    },
    "HA_Chassis": {"chassis_name": one(*CHASSIS, "nobody"), "priority": one(1, 10, 20)},
    "HA_Chassis_Group": {"name": one("g1", "g2")},
}
"""How columns are drawn, by table; rows are made with each of them."""

TYPICAL = {
    "router": ({"router-port": one("r1", "r1", "r2", "r2", "r3", "r4")}, ["router"]),
    "virtual": ({"virtual-ip": one("10.0.0.50", "fd00::50"), "virtual-parents": one("a,b", "a", "b,c")}, []),
    "localnet": ({"network_name": one("phys")}, ["unknown"]),
}
"""Options and addresses that most switch ports of a type have."""
