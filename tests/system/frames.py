"""Ethernet frames made by hand, sent and counted where they arrive."""

from __future__ import annotations

import os
import socket
import struct
import time

BROADCAST = "ff:ff:ff:ff:ff:ff"
ETH_P_ALL = 3
PACKET_OUTGOING = 4
AUXDATA = 263, 8
"""SOL_PACKET and PACKET_AUXDATA (linux/if_packet.h)."""
EXPERIMENT = 253
"""An IP protocol number for experiments (RFC 3692)."""


def octets(mac):
    """A MAC address as bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def ipv4(source_mac, target_mac, source, target, tag=None):
    """An IPv4 packet in an Ethernet frame, with an 802.1Q tag when one is given."""
    payload = os.urandom(30)
    length = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 1, 0, 64, EXPERIMENT, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    total = sum(struct.unpack("!10H", head))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    vlan = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
    ether = octets(target_mac) + octets(source_mac) + vlan + b"\x08\x00"
    return ether + head[:10] + struct.pack("!H", checksum) + head[12:] + payload


def arp_request(source_mac, source, target):
    """Who has ``target``? Asked of everybody."""
    ether = octets(BROADCAST) + octets(source_mac) + b"\x08\x06"
    fixed = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return ether + fixed + octets(source_mac) + socket.inet_aton(source) + bytes(6) + socket.inet_aton(target)


class Tap:
    """A raw socket on a device of a namespace: sends frames, and counts those that come in."""

    def __init__(self, namespace, device="eth0"):
        """Opens the socket; frames are kept from now on."""
        with namespace.joined():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(*AUXDATA, 1)
            self.socket.bind((device, ETH_P_ALL))

    def __enter__(self):
        """Itself."""
        return self

    def __exit__(self, *_):
        """Closes the socket."""
        self.socket.close()

    def send(self, frame):
        """Puts a frame on the wire."""
        self.socket.send(frame)

    def frames(self, seconds):
        """The frames that come in until ``seconds`` have passed."""
        return [frame for frame, _ in self._arriving(seconds)]

    def tags(self, seconds):
        """The VLAN tags of the frames that come in until ``seconds`` have passed, 0 for none."""
        return [tag for _, tag in self._arriving(seconds)]

    def count(self, wanted, seconds):
        """How many untagged frames that are exactly ``wanted`` come in until ``seconds`` have passed."""
        return self._arriving(seconds).count((wanted, 0))

    def _arriving(self, seconds):
        """Frames and their tags; the kernel takes a tag out of the frame and hands it over beside it."""
        found, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                arrived = self.receive()
            except TimeoutError:
                break
            if arrived:
                found.append(arrived)
        return found

    def receive(self):
        """The next frame and its VLAN tag (0: none); None when it is one that was sent from here."""
        frame, beside, _, address = self.socket.recvmsg(1 << 16, 256)
        if address[2] == PACKET_OUTGOING:
            return None
        # struct tpacket_auxdata (linux/if_packet.h): the TCI stands after 16 bytes.
        data = next((d for level, kind, d in beside if (level, kind) == AUXDATA), bytes(20))
        return frame, struct.unpack_from("=H", data, 16)[0] & 0xFFF


def copies(sender, frame, receivers, seconds=0.3):
    """Sends a frame from a machine; how many copies each of the receivers got."""
    taps = [Tap(r.namespace, r.device) for r in receivers]
    with Tap(sender.namespace, sender.device) as out:
        out.send(frame)
    counts = []
    for tap in taps:
        with tap:
            counts.append(tap.count(frame, seconds))
            seconds = max(0.05, seconds / 2)
    return counts
