"""What hosts answer themselves passes ACLs, ovn-northd(8): DHCP and DNS replies in egress table 4, priority 34000.

Names of ports stand in the matches as they are, not escaped, as ovn-northd has them.
"""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.acl_switches import StatefulSwitch
from ovn_rules.rules.ovn.addresses import link_local, mac_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options
from ovn_rules.rules.ovn.relations import Flow, Group, GroupFlow, SwitchPort
from ovn_rules.rules.ovn.text import hint


class DhcpServer(Relation):
    """DHCP options that say enough of the server for hosts to speak for it."""

    options: Uuid = column("the row of DHCP_Options")
    version: int = column("4 or 6")
    match: str = column("what its replies are like")


class DnsSwitch(Relation):
    """A switch with DNS records."""

    switch: Uuid = column("the switch")


@pure
def dhcpv4_server(options: Options) -> tuple[str, ...]:
    """The match for replies of a DHCPv4 server, as a tuple of one; empty when options that it needs are missing."""
    said = dict(options)
    if not {"server_id", "server_mac", "lease_time"} <= said.keys():
        return ()
    source = f"eth.src == {said['server_mac']} && ip4.src == {said['server_id']}"
    return (f"{source} && udp && udp.src == 67 && udp.dst == 68",)


@pure
def dhcpv6_server(options: Options) -> tuple[str, ...]:
    """The match for replies of a DHCPv6 server, whose address its Ethernet address makes; empty without that one."""
    text = dict(options).get("server_id", "")
    mac = mac_of(text)
    if not mac:
        return ()
    return (f"eth.src == {text} && ip6.src == {link_local(mac)} && udp && udp.src == 547 && udp.dst == 546",)


@rule
def dhcp_server(row, options, match):
    """A DHCPv4 server has an Ethernet address, an IP address and a lease time, a DHCPv6 server an Ethernet address."""
    DhcpServer(row, 4, match) <= (nb.DHCP_Options(_uuid=row, options=options) & (match in dhcpv4_server(options)))
    DhcpServer(row, 6, match) <= (nb.DHCP_Options(_uuid=row, options=options) & (match in dhcpv6_server(options)))


@rule
def dhcpv4_reply(port, switch, name, kind, row, match):
    """No ACL can stop what a host says for the DHCPv4 server of a port."""
    Flow(switch, "ls_out_acl", 34000, f'outport == "{name}" && {match}', "next;", (), hint(row)) <= (
        nb.Logical_Switch_Port.dhcpv4_options(port, row)
        & DhcpServer(row, 4, match)
        & SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "external")
        & ~StatefulSwitch(switch)
    )
    Flow(switch, "ls_out_acl", 34000, f'outport == "{name}" && {match}', "ct_commit; next;", (), hint(row)) <= (
        nb.Logical_Switch_Port.dhcpv4_options(port, row)
        & DhcpServer(row, 4, match)
        & SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "external")
        & StatefulSwitch(switch)
    )


@rule
def dhcpv6_reply(port, switch, name, kind, row, match):
    """No ACL can stop what a host says for the DHCPv6 server of a port."""
    Flow(switch, "ls_out_acl", 34000, f'outport == "{name}" && {match}', "next;", (), hint(row)) <= (
        nb.Logical_Switch_Port.dhcpv6_options(port, row)
        & DhcpServer(row, 6, match)
        & SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "external")
        & ~StatefulSwitch(switch)
    )
    Flow(switch, "ls_out_acl", 34000, f'outport == "{name}" && {match}', "ct_commit; next;", (), hint(row)) <= (
        nb.Logical_Switch_Port.dhcpv6_options(port, row)
        & DhcpServer(row, 6, match)
        & SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "external")
        & StatefulSwitch(switch)
    )


@rule
def dns_switch(switch, dns):
    """DNS records without any name don't count."""
    DnsSwitch(switch) <= nb.Logical_Switch.dns_records(switch, dns) & nb.DNS.records(dns, _, _)


@rule
def dns_groups(switch):
    """Switches with DNS records differ by whether they follow connections."""
    Group("stateful switches with DNS", switch) <= DnsSwitch(switch) & StatefulSwitch(switch)
    Group("stateless switches with DNS", switch) <= DnsSwitch(switch) & ~StatefulSwitch(switch)


@rule
def dns_reply():
    """No ACL can stop what a host answers to DNS queries."""
    GroupFlow("stateful switches with DNS", "ls_out_acl", 34000, "udp.src == 53", "ct_commit; next;", (), ())
    GroupFlow("stateless switches with DNS", "ls_out_acl", 34000, "udp.src == 53", "next;", (), ())
