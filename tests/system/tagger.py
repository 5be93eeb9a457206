"""A VLAN device made of two raw sockets: what a container's frames pass on their way through its machine.

Not every kernel that runs the tests has VLAN devices.
"""

from __future__ import annotations

import select
import struct
import threading

from frames import Tap


class Tagger(threading.Thread):
    """Passes frames between a container's cable and its machine's eth0, with a tag on the latter.

    Args:
        namespace: The machine's.
        inner: The device in it whose other end the container has.
        tag: The VLAN ID.
    """

    def __init__(self, namespace, inner, tag):
        """Opens the sockets; ``start`` passes frames until ``stop``."""
        super().__init__(daemon=True)
        self.tag = tag
        self.outer, self.inner = Tap(namespace, "eth0"), Tap(namespace, inner)
        self.going = True

    def run(self):
        """Passes frames."""
        while self.going:
            for ready in select.select([self.outer.socket, self.inner.socket], [], [], 0.1)[0]:
                if ready is self.outer.socket:
                    arrived = self.outer.receive()
                    if arrived and arrived[1] == self.tag:
                        self.inner.send(arrived[0])
                else:
                    arrived = self.inner.receive()
                    if arrived:
                        frame = arrived[0]
                        self.outer.send(frame[:12] + struct.pack("!HH", 0x8100, self.tag) + frame[12:])

    def stop(self):
        """Ends it."""
        self.going = False
        self.join()
        self.outer.socket.close()
        self.inner.socket.close()
