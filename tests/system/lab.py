"""Two hosts and a central one, each in a network namespace, with real servers, daemons and packets.

The central namespace has the northbound and southbound ovsdb-servers and the central daemon. Each host has its own
ovsdb-server, ovs-vswitchd with the userspace datapath, and the host's daemon. Geneve goes over one network
(192.0.2.0/24), the daemons' connections over another (198.51.100.0/24), so that a restart of ovs-vswitchd doesn't cut
its daemon off.
"""

from __future__ import annotations

import csv
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from machine import VirtualMachine
from netns import Namespace, cable, command, environment, leftovers

from ovn_rules.cli.control import listens

PREFIX = "ovnrules"
MTU = 1600
"""Of the network below the tunnels: Geneve adds 58 bytes to a frame of 1500."""
CENTRAL = "198.51.100.254"
NB_PORT, SB_PORT = 6641, 6642
OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def until(test, what, seconds=15.0):
    """Waits until ``test()`` is true; how many seconds that took."""
    start = time.monotonic()
    while not test():
        passed = time.monotonic() - start
        assert passed < seconds, f"after {seconds} s still not: {what}"
        time.sleep(0.02)
    return time.monotonic() - start


class Process:
    """A server or daemon that can be killed and started again; it dies with the process that made it."""

    def __init__(self, name, namespace, argv, folder, ready=None):
        """Notes the arguments; ``ready`` is a socket that is there when the process answers."""
        self.name, self.ready, self.log = name, ready, folder / f"{name}.log"
        self.argv = namespace.argv("setpriv", "--pdeathsig", "KILL", *argv)
        self.environment = environment(folder)
        self.process = None

    def start(self):
        """Starts it; returns when it is ready."""
        if self.ready:
            self.ready.unlink(missing_ok=True)  # left by a kill
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        if self.ready:
            until(lambda: listens(self.ready) or self.ended, f"{self.name} ready")
        assert not self.ended, f"{self.name} ended:\n{self.tail()}"

    @property
    def ended(self):
        """Whether it stopped by itself."""
        return self.process is not None and self.process.poll() is not None

    def stop(self, how=signal.SIGKILL):
        """Sends a signal and waits for the end; the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(how)
        status = self.process.wait(15)
        self.process = None
        return status

    def tail(self, characters=3000):
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""


class Host:
    """A hypervisor."""

    def __init__(self, lab, number, name, *, bridge):
        """Starts the database server and the switch, with the tunnels' network on br-phy."""
        self.lab, self.number, self.name = lab, number, name
        self.folder = lab.folder / name
        self.folder.mkdir()
        self.database = f"unix:{self.folder}/db.sock"
        self.namespace = lab.namespace(name)
        # The kernel sees eth0's frames besides Open vSwitch, and would answer ARP for br-phy's address with eth0's MAC.
        self.namespace.sysctl(**{"ipv4.conf.all.rp_filter": 1, "ipv4.conf.all.arp_ignore": 1})
        for device, network in (("eth0", "underlay"), ("mgmt0", "mgmt")):
            cable((lab.central, f"{network[:5]}-{name}"), (self.namespace, device), MTU)
            lab.central.ip("link", "set", f"{network[:5]}-{name}", "master", network)
        self.namespace.ip("addr", "add", f"198.51.100.{number}/24", "dev", "mgmt0")
        self.namespace.no_offloads("eth0")
        file = self.folder / "conf.db"
        command("ovsdb-tool", "create", file, OVS_SCHEMA)
        self.ovsdb = lab.add(f"{name}/ovsdb", self.namespace, ovsdb_argv(file, self.folder / "db"), self.folder)
        self.vswitchd = lab.add(
            f"{name}/vswitchd",
            self.namespace,
            ["ovs-vswitchd", "--disable-system", f"--unixctl={self.folder}/vswitchd.ctl", self.database],
            self.folder,
            ready=self.folder / "vswitchd.ctl",
        )
        self.ovsdb.start()
        self._configure(bridge=bridge)
        self.start_switch()

    def _configure(self, *, bridge):
        external = {
            "system-id": self.name,
            "hostname": self.name,
            "ovn-remote": f"tcp:{CENTRAL}:{SB_PORT}",
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": f"192.0.2.{self.number}",
            "ovn-bridge": "br-int",
            "ovn-bridge-datapath-type": "netdev",
        }
        settings = [f'external-ids:{key}="{value}"' for key, value in external.items()]
        physical = ("--", "add-br", "br-phy", "--", "set", "Bridge", "br-phy", "datapath_type=netdev")
        uplink = ("--", "add-port", "br-phy", "eth0")
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *settings, *physical, *uplink)
        if bridge:
            options = ("datapath_type=netdev", "fail_mode=secure")
            self.vsctl("--no-wait", "add-br", "br-int", "--", "set", "Bridge", "br-int", *options)

    def start_switch(self):
        """Starts ovs-vswitchd and gives br-phy the tunnel end's address, which it takes from there."""
        self.vswitchd.start()
        # A change waited for: before ovs-vswitchd is through with its configuration it misses the address.
        self.vsctl("set", "Open_vSwitch", ".", f"external-ids:started={time.time()}")
        self.namespace.ip("link", "set", "br-phy", "mtu", MTU, "up")
        self.namespace.ip("addr", "replace", f"192.0.2.{self.number}/24", "dev", "br-phy")
        until(lambda: "192.0.2.0/24 dev br-phy" in self.appctl("ovs/route/show"), "route to the other hosts")

    def vsctl(self, *argv):
        """Output of ovs-vsctl."""
        return command("ovs-vsctl", "--timeout=15", f"--db={self.database}", *argv)

    def appctl(self, *argv):
        """Output of ovs-appctl to ovs-vswitchd."""
        return command("ovs-appctl", "-t", self.folder / "vswitchd.ctl", *argv)

    def ofctl(self, name, *argv):
        """Output of an ovs-ofctl command on br-int."""
        return command("ovs-ofctl", "-O", "OpenFlow13", name, f"unix:{self.folder}/br-int.mgmt", *argv)

    def flows(self):
        """br-int's flows without statistics, sorted."""
        lines = self.ofctl("dump-flows", "--no-names", "--no-stats").splitlines()
        return sorted(line.strip() for line in lines if "actions=" in line)

    def watch_flows(self):
        """Starts watching br-int's flows; the answer's ``changes()`` ends that and gives the changes seen."""
        return FlowWatcher(self)

    def ofport(self, interface):
        """The OpenFlow port of an interface."""
        return int(self.vsctl("get", "Interface", interface, "ofport"))

    def machine(self, name, port, mac, address):
        """A virtual machine on this host, not plugged in yet."""
        return VirtualMachine(self, name, port, mac, address)


class FlowWatcher:
    """An ``ovs-ofctl monitor`` of a host's br-int."""

    def __init__(self, host):
        """Starts it; returns when it watches."""
        self.control = host.folder / "watch.ctl"
        self.log = host.folder / "watch.log"
        target = f"unix:{host.folder}/br-int.mgmt"
        line = ["ovs-ofctl", "-O", "OpenFlow14", f"--unixctl={self.control}", "monitor", target, "watch:!initial"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, "the watcher watches")

    def _answers(self):
        """Whether all that happened so far has been seen."""
        line = ["ovs-appctl", "-t", self.control, "ofctl/barrier"]
        return subprocess.run(line, check=False, capture_output=True).returncode == 0

    def changes(self):
        """Stops watching; a line for each flow that was added, changed or deleted."""
        assert self._answers()
        self.process.kill()
        self.process.wait()
        self.control.unlink()
        return [line.strip() for line in self.log.read_text().splitlines() if line.startswith(" event=")]


def ovsdb_argv(file, stem, *remotes):
    """The command line of an ovsdb-server with its sockets at ``stem``.sock and ``stem``.ctl."""
    listen = [f"--remote={remote}" for remote in (f"punix:{stem}.sock", *remotes)]
    return ["ovsdb-server", *listen, f"--unixctl={stem}.ctl", file]


class Lab:
    """``with Lab(…) as lab:`` everything runs inside the block and is gone after it.

    Args:
        schemas: Files of the northbound and the southbound schema.
        northd, controller: Command lines of the daemons, or None to do without. They may hold ``{nb} {sb} {ovs}``
            (remotes), ``{folder}`` (for sockets, the host's own for the controller) and ``{host}``.
        hosts: Names of the hosts.
        bridge: Whether br-int is there at the start.
    """

    def __init__(self, schemas, northd=None, controller=None, hosts=("host1", "host2"), *, bridge=True):
        """Notes the arguments; entering the block builds it."""
        self.schemas, self.templates, self.names, self.bridge = schemas, (northd, controller), hosts, bridge
        self.namespaces, self.processes, self.hosts, self.taggers = [], {}, {}, []
        self.purges = 0
        self._numbers = itertools.count(1)

    def __enter__(self):
        """Builds the network and starts everything."""
        leftovers(PREFIX)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """Stops and removes everything."""
        for tagger in self.taggers:
            tagger.stop()
        for process in reversed(self.processes.values()):
            process.stop()
        for namespace in self.namespaces:
            namespace.delete()
        shutil.rmtree(self.folder, ignore_errors=True)

    def namespace(self, name):
        """A new namespace; its full name tells whose it is."""
        made = Namespace(f"{self.folder.name}-{name}")
        self.namespaces.append(made)
        return made

    def start_tagger(self, tagger):
        """Starts a container's VLAN device; it ends with the lab."""
        self.taggers.append(tagger)
        tagger.start()

    def add(self, key, namespace, argv, folder, ready=None):
        """A process of the lab by the key it has from now on; not started."""
        name = key.rpartition("/")[2]
        if ready is None and argv[0] == "ovsdb-server":
            ready = Path(argv[1].removeprefix("--remote=punix:"))
        self.processes[key] = process = Process(name, namespace, argv, folder, ready)
        return process

    def _build(self):
        self.central = self.namespace("central")
        for network in ("underlay", "mgmt"):
            self.central.ip("link", "add", "name", network, "mtu", MTU, "type", "bridge")
            self.central.ip("link", "set", network, "up")
        self.central.ip("addr", "add", f"{CENTRAL}/24", "dev", "mgmt")
        for key, schema, port in zip(("nb", "sb"), self.schemas, (NB_PORT, SB_PORT), strict=True):
            file = self.folder / f"{key}.db"
            command("ovsdb-tool", "create", file, schema)
            argv = ovsdb_argv(file, self.folder / key, f"ptcp:{port}:{CENTRAL}")
            self.add(key, self.central, argv, self.folder).start()
        self.nb, self.sb = f"unix:{self.folder}/nb.sock", f"unix:{self.folder}/sb.sock"
        self._fill_databases()
        northd, controller = self.templates
        if northd:
            self.add("northd", self.central, self._fill(northd, self.folder, ""), self.folder).start()
        for name in self.names:
            host = Host(self, len(self.hosts) + 1, name, bridge=self.bridge)
            self.hosts[name] = host
            if controller:
                argv = self._fill(controller, host.folder, name)
                self.add(f"{name}/controller", host.namespace, argv, host.folder).start()

    def _fill_databases(self):
        """Writes what must be there before the daemons start."""

    def _fill(self, template, folder, host):
        words = {"nb": self.nb, "sb": self.sb, "ovs": f"unix:{folder}/db.sock", "folder": folder, "host": host}
        return [word.format(**words) for word in shlex.split(template)]

    def kill(self, *keys, how=signal.SIGKILL):
        """Ends processes: ``nb sb northd``, ``host1/ovsdb``, ``host1/vswitchd``, ``host1/controller``."""
        return [self.processes[key].stop(how) for key in keys]

    def start(self, *keys):
        """Starts processes again."""
        for key in keys:
            host, _, name = key.partition("/")
            if name == "vswitchd":
                self.hosts[host].start_switch()
            else:
                self.processes[key].start()

    def control(self, key, *words, check=True):
        """A daemon's answer to ovs-appctl."""
        host, _, name = key.rpartition("/")
        return command("ovs-appctl", "-t", self.folder / host / f"{name}.ctl", *words, check=check).strip()

    def running(self, *keys):
        """Waits until these daemons say that they work."""
        for key in keys:
            until(lambda key=key: self._works(key), f"{key} runs")

    def _works(self, key):
        return self.control(key, "status", check=False).partition("\n")[0] in ("Status: active", "Status: running")

    def ended(self):
        """The processes that ended by themselves, with their last words."""
        return {key: process.tail() for key, process in self.processes.items() if process.ended}

    def rows(self, table, *columns):
        """The southbound table's rows, sorted: a tuple each, of the columns named, as ovsdb-client spells them."""
        argv = ("ovsdb-client", "--format=csv", "--data=bare", "dump", self.sb, "OVN_Southbound", table, *columns)
        _title, header, *rows = csv.reader(command(*argv).splitlines())
        order = [header.index(column) for column in columns]
        return sorted(tuple(row[i] for i in order) for row in rows)

    def purge(self):
        """Empties the datapaths' caches, and counts that in ``purges``.

        Open vSwitch 3.1 can keep an outdated entry in the userspace datapath: its flow tables are right, what it
        does with a packet isn't.
        """
        self.purges += 1
        for host in self.hosts.values():
            host.appctl("revalidator/purge")

    def connected(self, source, target, seconds=15):
        """Waits for the first answer; how many seconds it took. After 3 s the datapaths' caches are emptied."""
        start = time.monotonic()
        if not source.reaches(target, 3):
            self.purge()
            while not source.reaches(target, 2):
                assert time.monotonic() - start < seconds, f"no answer from {target.address}:\n{self.state()}"
        return time.monotonic() - start

    def silent(self, source, target, seconds=10):
        """Waits until pings get no answer; after 3 s the datapaths' caches are emptied."""
        start = time.monotonic()
        while source.ping(target, count=1, wait=0.2):
            if time.monotonic() - start > 3 and not self.purges:
                self.purge()
            assert time.monotonic() - start < seconds, f"{target.address} still answers:\n{self.state()}"

    def state(self):
        """What a failed test should show: each host's flows and each daemon's last words."""
        parts = [f"-- {key}\n{process.tail(1500)}" for key, process in self.processes.items()]
        for name, host in self.hosts.items():
            parts.append(f"-- flows of {name}\n" + "\n".join(host.flows()))
        return "\n".join(parts)
