"""A host with a real Open vSwitch and our controller on it."""

from pathlib import Path

from openvswitch import OpenVSwitch
from world import until


class Host:
    """A host's Open vSwitch and its controller."""

    def __init__(self, world, folder, name, before=()):
        """Starts a switch with settings, and a controller on it; ``before`` are ovs-vsctl commands in between."""
        self.world, self.name = world, name
        self.switch = OpenVSwitch(folder)
        self.set(f"system-id={name}", f"ovn-remote={world.sb.remote}", "ovn-encap-type=geneve")
        self.set("ovn-encap-ip=192.0.2.1", "ovn-bridge-datapath-type=dummy")
        for command in before:
            self.switch.vsctl("--no-wait", *command)
        self.remote = f"unix:{folder}/db.sock"
        self.controller = world.controller(self.remote, title=f"controller-{name}")

    def set(self, *settings):
        """Sets external_ids of the Open_vSwitch row."""
        self.switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", *(f"external_ids:{s}" for s in settings))

    def plug(self, port, bridge="br-int"):
        """Plugs a logical port in."""
        until(lambda: bridge in self.switch.vsctl("list-br").split(), bridge)
        interface = f"i-{port}"
        settings = ("type=internal", f"external_ids:iface-id={port}")
        self.switch.vsctl("--no-wait", "add-port", bridge, interface, "--", "set", "Interface", interface, *settings)

    def unplug(self, port):
        """Takes it out."""
        self.switch.vsctl("--no-wait", "del-port", f"i-{port}")

    def flows(self, bridge="br-int"):
        """The switch's flows, or none while there is no bridge."""
        socket = Path(self.switch.folder) / f"{bridge}.mgmt"
        return self.switch.dump(bridge) if socket.exists() else []

    def tunnels(self):
        """Names of the tunnel ports and what they lead to."""
        text = self.switch.vsctl("--bare", "--columns=external_ids", "find", "Port", "external_ids:ovn-chassis-id!=x")
        return sorted(line.partition("=")[2] for line in text.split() if line.startswith("ovn-chassis-id="))

    def settled(self):
        """Waits until the daemon runs and finds no difference anywhere."""
        self.controller.wait("running")
        until(lambda: self.controller.ask("recompute").endswith("0 flows differed"), self.controller.text)
