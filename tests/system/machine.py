"""Virtual machines: network namespaces that are plugged into a host's integration bridge."""

from __future__ import annotations

import contextlib
import itertools
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

from netns import cable
from tagger import Tagger

MTU = 1500


@dataclass
class Stream:
    """What a ping in the background saw; ``silence`` is the longest time in seconds without an answer."""

    sent: int = 0
    received: int = 0
    silence: float = 0.0
    missing: list[int] = field(default_factory=list)

    @property
    def lost(self):
        """Requests without an answer."""
        return self.sent - self.received


class Machine:
    """A namespace with a device, an address, and what tests do from inside."""

    def __init__(self, namespace, device, mac, address):
        """Gives the device its address; None when it will ask for one."""
        self.namespace, self.device, self.mac, self.address = namespace, device, mac, address
        # The kernel asks for an unknown neighbour once a second; first pings would take whole seconds.
        namespace.sysctl(**{f"ipv4.neigh.{device.replace('.', '/')}.retrans_time_ms": 50})
        if address is not None:
            namespace.ip("addr", "add", f"{address}/24", "dev", device)

    def ping(self, other, count=3, size=56, wait=1.0):
        """How many of ``count`` pings are answered."""
        words = ("-c", count, "-i", 0.1, "-W", wait, "-s", size, "-M", "do", "-I", self.device)
        out = self.namespace.run("ping", "-n", *words, other.address, check=False)
        found = re.search(r"(\d+) received", out)
        return int(found[1]) if found else 0

    def reaches(self, other, seconds=1.0):
        """Whether a ping every 20 ms gets an answer within the time."""
        words = ("-c", 1, "-i", 0.02, "-w", max(1, round(seconds)), "-I", self.device)
        return "bytes from" in self.namespace.run("ping", "-n", *words, other.address, check=False)

    @contextlib.contextmanager
    def stream(self, other, interval=0.02):
        """Pings in the background, yields a Stream that is complete after the block."""
        words = ("ping", "-n", "-D", "-i", interval, "-I", self.device, other.address)
        process = subprocess.Popen(self.namespace.argv(*words), stdout=subprocess.PIPE, text=True)
        seen = Stream()
        start = time.time()
        try:
            time.sleep(0.2)
            yield seen
            time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGINT)
            end = time.time()
            out = process.communicate(timeout=10)[0]
        answers = re.findall(r"^\[([\d.]+)\].*icmp_seq=(\d+)", out, re.MULTILINE)
        counts = re.search(r"(\d+) packets transmitted, (\d+) received", out)
        seen.sent, seen.received = int(counts[1]), int(counts[2])
        # The last request may be on its way when ping is stopped.
        if seen.lost and int(answers[-1][1] if answers else 0) < seen.sent and end - float(answers[-1][0]) < 0.1:
            seen.sent = int(answers[-1][1])
        times = [start, *(float(t) for t, _ in answers), end]
        seen.silence = max(b - a for a, b in itertools.pairwise(times))
        seen.missing = sorted(set(range(1, seen.sent + 1)) - {int(n) for _, n in answers})

    def tcp(self, other, size=2_000_000, port=5001):
        """Sends ``size`` bytes over TCP; how many came."""
        with other.namespace.joined():
            server = socket.create_server((other.address, port))
        with self.namespace.joined():
            client = socket.socket()
        with server, client:
            client.settimeout(10)
            client.connect((other.address, port))
            peer, _ = server.accept()
            with peer:
                peer.settimeout(10)
                sender = threading.Thread(target=self._send_all, args=(client, size), daemon=True)
                sender.start()
                return sum(iter(lambda: len(peer.recv(1 << 16)), 0))

    @staticmethod
    def _send_all(client, size):
        client.sendall(bytes(size))
        client.shutdown(socket.SHUT_WR)


class VirtualMachine(Machine):
    """A machine whose eth0 is the other end of a port that a host's integration bridge can have."""

    def __init__(self, host, name, port, mac, address):
        """Makes the machine; ``plug`` connects it. ``port`` is the logical port's name."""
        self.host, self.name, self.logical = host, name, port
        self.port = f"vif-{name}"[:15]
        namespace = host.lab.namespace(name)
        cable((host.namespace, self.port), (namespace, "eth0"), MTU, mac)
        namespace.no_offloads("eth0")
        super().__init__(namespace, "eth0", mac, address)

    def plug(self):
        """Adds the port to br-int with its iface-id."""
        identity = ("--", "set", "Interface", self.port, f"external_ids:iface-id={self.logical}")
        self.host.vsctl("--may-exist", "add-port", "br-int", self.port, *identity)

    def unplug(self):
        """Takes the port off br-int."""
        self.host.vsctl("--if-exists", "del-port", "br-int", self.port)

    def container(self, tag, mac, address):
        """A container inside: its frames leave eth0 with a VLAN tag. It has a namespace of its own."""
        lab, inner = self.host.lab, f"inner{tag}"
        inside = lab.namespace(f"{self.name}-{tag}")
        cable((self.namespace, inner), (inside, "eth0"), MTU, mac)
        inside.no_offloads("eth0")
        lab.start_tagger(Tagger(self.namespace, inner, tag))
        return Machine(inside, "eth0", mac, address)
