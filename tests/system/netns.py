"""Network namespaces: making them, joining them, running commands and opening sockets inside."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from pathlib import Path

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
OFFLOADS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)
"""ethtool's requests to set rx and tx checksums, scatter-gather, TSO, GSO and GRO (linux/ethtool.h)."""


def command(*argv, check=True, timeout=30, **how):
    """Standard output of a command; a failure's message holds what the command said."""
    done = subprocess.run(
        [str(a) for a in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **how,
    )
    if check and done.returncode:
        words = " ".join(map(str, argv))
        raise AssertionError(f"{words}: exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """A network namespace with its loopback up and IPv6 off."""

    def __init__(self, name):
        """Makes it; the name is one of ``ip netns``."""
        self.name = name
        command("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")
        # Without IPv6 nobody sends router solicitations between the frames that tests count.
        self.sysctl(**{"ipv6.conf.all.disable_ipv6": 1, "ipv6.conf.default.disable_ipv6": 1})

    def delete(self):
        """Removes it, and with it all its devices."""
        command("ip", "netns", "del", self.name, check=False)

    def argv(self, *argv):
        """The command line that runs ``argv`` inside."""
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, *argv, **how):
        """Output of a command that runs inside."""
        return command(*self.argv(*argv), **how)

    def ip(self, *argv):
        """Output of an ``ip`` command for this namespace."""
        return command("ip", "-n", self.name, *argv)

    def sysctl(self, **settings):
        """Sets ``net.…`` variables."""
        self.run("sysctl", "-qw", *(f"net.{name}={value}" for name, value in settings.items()))

    @contextlib.contextmanager
    def joined(self):
        """The calling thread is inside; sockets opened in the block stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{self.name}").open() as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"can't join {self.name}")
            try:
                yield
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)

    def no_offloads(self, device):
        """Has the device compute checksums and segments itself.

        The userspace datapath would pass half-made TCP segments on, and they would be dropped: pings work and TCP
        hangs.
        """
        with self.joined(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for request in OFFLOADS:
                value = ctypes.create_string_buffer(struct.pack("II", request, 0), 8)
                asked = struct.pack("16sP16x", device.encode(), ctypes.addressof(value))
                with contextlib.suppress(OSError):  # not every device has every switch
                    fcntl.ioctl(control, SIOCETHTOOL, asked)


def cable(one, other, mtu, mac=None):
    """A veth pair between two (namespace, device), both up; ``mac`` is the second one's."""
    (near, near_device), (far, far_device) = one, other
    address = ("address", mac) if mac else ()
    peer = ("peer", "name", far_device, *address, "mtu", mtu, "netns", far.name)
    near.ip("link", "add", "name", near_device, "mtu", mtu, "type", "veth", *peer)
    for namespace, device in (one, other):
        namespace.ip("link", "set", device, "up")


def leftovers(prefix):
    """Removes namespaces of labs whose process is gone (they were killed before they could clean up)."""
    for path in Path("/run/netns").glob(f"{prefix}[0-9]*-*"):
        owner = path.name[len(prefix) :].partition("-")[0]
        if not Path(f"/proc/{owner}").exists():
            command("ip", "netns", "del", path.name, check=False)


def environment(folder):
    """An environment in which Open vSwitch's and OVN's programs keep all files in ``folder``."""
    kinds = ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR")
    return os.environ | {f"{product}_{kind}": str(folder) for product in ("OVS", "OVN") for kind in kinds}
