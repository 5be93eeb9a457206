"""Packets go where today's OVN says, with our northd between ovn-nbctl and the real ovn-controller of two hosts.

What ovn-trace foretells of a packet is held against what became of it.
"""

import contextlib
import itertools
import select
import signal
import socket
from types import SimpleNamespace

import pytest
from conftest import need
from lab import until

pytestmark = pytest.mark.system
GATEWAYS = ("10.0.0.254", "02:00:00:00:00:fe"), ("10.0.1.254", "02:00:00:00:01:fe")
PORT = 5001


class Net(SimpleNamespace):
    """The network's parts."""

    def packet(self, source, target, rest="icmp4.type == 8"):
        """A packet as ovn-trace takes it; off to another network it goes to the router."""
        near = source.address.rpartition(".")[0] == target.address.rpartition(".")[0]
        mac = target.mac if near else GATEWAYS[int(source.address.split(".")[2])][1]
        addresses = f"ip4.src == {source.address} && ip4.dst == {target.address} && ip.ttl == 64"
        return f'inport == "{source.logical}" && eth.src == {source.mac} && eth.dst == {mac} && {addresses} && {rest}'

    def arrives(self, source, target, rest="icmp4.type == 8", state=None):
        """Whether ovn-trace sees such a packet arrive, and nowhere else; ``state``: of its connection."""
        switch = "sw" + source.address.split(".")[2]
        found = self.lab.arrives(switch, self.packet(source, target, rest), *([f"--ct={state}"] * 2 if state else []))
        assert found in ([], [target.logical]), found
        return bool(found)

    @contextlib.contextmanager
    def acls(self, *acls):
        """ACLs of sw0 (direction, priority, match, action) for the time of the block."""
        words = [("acl-add", "sw0", *map(str, acl), "--") for acl in acls]
        self.lab.change(*itertools.chain(*words))
        try:
            yield
        finally:
            self.lab.change("acl-del", "sw0")


@pytest.fixture(scope="module")
def net(ovn_lab):
    """a1 and a2 on sw0, b1 and b2 on sw1, one of each on either host, and a router between the switches."""
    lab = ovn_lab
    found = Net(lab=lab, one=lab.hosts["host1"], two=lab.hosts["host2"])
    words = ["lr-add", "lr0"]
    for number, (address, mac) in enumerate(GATEWAYS):
        words += f"-- ls-add sw{number} -- lrp-add lr0 lr0-sw{number} {mac} {address}/24".split()
        words += f"-- lsp-add sw{number} sw{number}-lr0 -- lsp-set-type sw{number}-lr0 router".split()
        words += f"-- lsp-set-addresses sw{number}-lr0 router".split()
        words += f"-- lsp-set-options sw{number}-lr0 router-port=lr0-sw{number}".split()
    found.all = []
    for switch, host in itertools.product((0, 1), (found.one, found.two)):
        name = f"{'ab'[switch]}{host.number}"
        mac, address = f"02:00:00:00:0{switch}:0{host.number}", f"10.0.{switch}.{host.number}"
        machine = host.machine(name, name, mac, address)
        machine.namespace.ip("route", "add", "default", "via", GATEWAYS[switch][0])
        machine.plug()
        words += ["--", "lsp-add", f"sw{switch}", name, "--", "lsp-set-addresses", name, f"{mac} {address}"]
        words += ["--", "lsp-set-port-security", name, f"{mac} {address}"]
        setattr(found, name, machine)
        found.all.append(machine)
    lab.change(*words)
    for source, target in ((found.a1, found.a2), (found.a2, found.a1)):  # the tunnels' first packets, too
        lab.connected(source, target, 30)
    return found


def outcome(source, target, wait=10.0, port=PORT):
    """What becomes of a TCP connection to a listening machine: "answered", "refused", or "silent" after ``wait`` s."""
    with target.namespace.joined():
        server = socket.create_server((target.address, port))
    with source.namespace.joined():
        client = socket.socket()
    with server, client:
        client.settimeout(wait)
        try:
            client.connect((target.address, port))
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"answer")
                return "answered" if client.recv(100) == b"answer" else "closed"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"


def asked(source, target):
    """What a UDP datagram to a machine that answers brings back: "answered", or "refused" by ICMP."""
    with target.namespace.joined():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with source.namespace.joined():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        server.bind((target.address, PORT))
        client.settimeout(10)
        client.connect((target.address, PORT))
        client.send(b"question")
        if select.select([server, client], [], [], 10)[0] == [server]:
            server.sendto(b"answered", server.recvfrom(100)[1])
        try:
            return client.recv(100).decode()
        except ConnectionRefusedError:
            return "refused"


def test_everybody_reaches_everybody(net):
    """On a switch and through the router, on one host and through the tunnel, as ovn-trace says."""
    for source, target in itertools.permutations(net.all, 2):
        assert net.arrives(source, target), (source.name, target.name)
        assert source.ping(target) == 3, (source.name, target.name, net.lab.state())


def test_routed_packets_have_passed_a_router(net):
    """The router takes one off the time to live and answers when nothing is left, and to pings of its own."""
    out = net.a1.namespace.run("ping", "-n", "-c", 1, "-W", 5, net.b2.address)
    assert "ttl=63" in out
    out = net.a1.namespace.run("ping", "-n", "-c", 1, "-W", 5, "-t", 1, net.b2.address, check=False)
    assert f"From {GATEWAYS[0][0]} icmp_seq=1 Time to live exceeded" in out
    assert "1 received" in net.a1.namespace.run("ping", "-n", "-c", 1, "-W", 5, GATEWAYS[1][0])
    assert net.a1.tcp(net.b2) == 2_000_000


def test_ports_are_up(net):
    """A port is up when its host says so, and down when its machine is gone."""
    for machine in net.all:
        until(lambda machine=machine: net.lab.nbctl("lsp-get-up", machine.logical) == "up", "up")
    net.b1.unplug()
    until(lambda: net.lab.nbctl("lsp-get-up", "b1") == "down", "down")
    net.b1.plug()
    until(lambda: net.lab.nbctl("lsp-get-up", "b1") == "up", "up again")
    net.lab.connected(net.a2, net.b1)


def test_a_client_can_wait_for_the_hosts(net):
    """``ovn-nbctl --wait=hv`` returns when each host's switch has the flows, and not before."""

    def there():
        return [any("nw_dst=10.0.0.77" in flow for flow in host.flows()) for host in net.lab.hosts.values()]

    drop = ("acl-add", "sw0", "to-lport", "1", "ip4.dst == 10.0.0.77", "drop")
    late = net.lab.processes["host2/controller"]
    late.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(AssertionError, match=f"exit status -{signal.SIGALRM.value}"):
            net.lab.nbctl("--timeout=1", "--wait=hv", *drop)
        until(lambda: there() == [True, False], "the first host has the flow")
        assert net.lab.nbctl("get", "NB_Global", ".", "hv_cfg") != net.lab.nbctl("get", "NB_Global", ".", "nb_cfg")
    finally:
        late.process.send_signal(signal.SIGCONT)
    net.lab.nbctl("--wait=hv", "sync")
    assert there() == [True, True]
    net.lab.nbctl("--wait=hv", "acl-del", "sw0")
    assert there() == [False, False]


def test_related_packets_come_back(net):
    """Who may begin is answered; the other may not begin."""
    allow = ("from-lport", 1002, 'inport == "a1" && ip4', "allow-related")
    drop = ("to-lport", 1001, 'outport == "a1" && ip4', "drop")
    assert outcome(net.a2, net.a1) == "answered"
    with net.acls(allow, drop):
        for other in (net.a2, net.b2):
            rest = "tcp.src == 1025 && tcp.dst == 5001"
            assert outcome(net.a1, other) == "answered"
            assert net.arrives(net.a1, other, rest, "new")
            assert net.arrives(other, net.a1, rest, "est,rpl")
            assert outcome(other, net.a1, 0.5) == "silent"
            assert not net.arrives(other, net.a1, rest, "new")
            assert net.a1.ping(other) == 3
            assert other.ping(net.a1, wait=0.2) == 0
    assert outcome(net.a2, net.a1) == "answered"


def test_rejected_packets_are_answered(net):
    """A rejected connection gets a reset and a datagram an ICMP message, though somebody listens there."""
    with net.acls(("to-lport", 1001, f'outport == "a2" && (tcp.dst == {PORT} || udp)', "reject")):
        for source in (net.a1, net.b1):
            assert outcome(source, net.a2) == "refused"
            assert asked(source, net.a2) == "refused"
            packet = net.packet(source, net.a2, f"tcp.src == 1025 && tcp.dst == {PORT}")
            said = net.lab.trace(f"sw{source.address.split('.')[2]}", packet)
            assert "tcp_reset" in said
            assert f'output("{source.logical}")' in said  # the reset
            assert 'output("a2")' not in said
            assert outcome(source, net.a2, port=PORT + 1) == "answered"
    assert asked(net.a1, net.a2) == "answered"
    assert outcome(net.a1, net.a2) == "answered"


def test_dropped_packets_are_dropped(net):
    """A drop ACL silences what it matches and nothing else."""
    with net.acls(("from-lport", 1001, f'inport == "a1" && ip4.dst == {net.a2.address} && tcp', "drop")):
        assert outcome(net.a1, net.a2, 0.5) == "silent"
        assert not net.arrives(net.a1, net.a2, f"tcp.dst == {PORT}")
        assert net.a1.ping(net.a2) == 3
        assert net.arrives(net.a1, net.a2)
        assert outcome(net.a2, net.a1, 0.5) == "silent"  # its answers are what is dropped
        assert outcome(net.a1, net.b2) == "answered"


def test_a_machine_gets_its_address_by_dhcp(net):
    """Debian's DHCP client gets the address that IPAM chose, with our options, and reaches the other network."""
    need(["udhcpc"])
    mac = "02:00:00:00:00:05"
    options = {
        "server_id": GATEWAYS[0][0],
        "server_mac": GATEWAYS[0][1],
        "router": GATEWAYS[0][0],
        "lease_time": 4321,
        "dns_server": "10.0.0.53",
        "mtu": 1400,
    }
    made = ("--id=@options", "create", "DHCP_Options", 'cidr="10.0.0.0/24"')
    made += tuple(f'options:{name}="{value}"' for name, value in options.items())
    pool = ("other_config:subnet=10.0.0.0/24", 'other_config:exclude_ips="10.0.0.1..10.0.0.49"')
    net.lab.nbctl("--wait=sb", "set", "Logical_Switch", "sw0", *pool)
    port = ("lsp-add", "sw0", "d1", "--", "lsp-set-addresses", "d1", f"{mac} dynamic")
    net.lab.nbctl("--wait=sb", *port, "--", *made, "--", "set", "Logical_Switch_Port", "d1", "dhcpv4_options=@options")
    machine = net.two.machine("d1", "d1", mac, None)
    machine.plug()
    net.lab.change("sync")
    lease = leased(machine)
    wanted = {"ip": "10.0.0.50", "mask": "24", "router": GATEWAYS[0][0], "serverid": GATEWAYS[0][0]}
    wanted |= {"lease": "4321", "dns": "10.0.0.53", "mtu": "1400"}
    assert {name: lease.get(name) for name in wanted} == wanted
    asks = f'inport == "d1" && eth.src == {mac} && eth.dst == ff:ff:ff:ff:ff:ff && ip4.src == 0.0.0.0 && ip.ttl == 64'
    asks += " && ip4.dst == 255.255.255.255 && udp.src == 68 && udp.dst == 67"
    assert net.lab.arrives("sw0", asks) == ["d1"]  # the answer
    machine.address = lease["ip"]
    machine.namespace.ip("addr", "add", f"{lease['ip']}/{lease['mask']}", "dev", "eth0")
    machine.namespace.ip("route", "add", "default", "via", lease["router"])
    for other in (net.a1, net.b1):
        net.lab.connected(machine, other)
        assert other.ping(machine) == 3
        assert net.arrives(other, machine)


def leased(machine):
    """What a DHCP client hands to its script when it has a lease."""
    folder = machine.host.folder
    script, found = folder / "leased", folder / "lease"
    script.write_text(f'#!/bin/sh\nif [ "$1" = bound ]; then env > {found}; fi\n')
    script.chmod(0o755)
    machine.namespace.run("udhcpc", "-f", "-q", "-n", "-t", 10, "-T", 1, "-i", "eth0", "-s", script)
    return dict(line.partition("=")[::2] for line in found.read_text().splitlines())


def test_nothing_is_lost_when_our_daemon_restarts(net):
    """Killed under traffic and back: no packet lost, no flow of a host touched; what was asked meanwhile is done."""
    watched = [host.watch_flows() for host in net.lab.hosts.values()]
    with net.a1.stream(net.a2) as near, net.a2.stream(net.b1) as routed:
        net.lab.kill("northd")
        net.lab.start("northd")
        net.lab.nbctl("--wait=hv", "sync")
    assert [watcher.changes() for watcher in watched] == [[], []]
    assert (near.lost, routed.lost) == (0, 0)
    net.lab.kill("northd")
    mac, address = "02:00:00:00:01:09", "10.0.1.9"
    net.lab.nbctl("lsp-add", "sw1", "b9", "--", "lsp-set-addresses", "b9", f"{mac} {address}")
    machine = net.one.machine("b9", "b9", mac, address)
    machine.plug()
    net.lab.start("northd")
    net.lab.change("sync")
    net.lab.connected(net.b2, machine)


def test_no_daemon_ended(net):
    """After all this every daemon and server still runs."""
    assert net.lab.ended() == {}
