"""Where databases and run-time files are when nothing else is said: OVN's and Open vSwitch's own defaults.

The environment variables are those of ovn-nbctl(8), ovn-sbctl(8) and ovs-vsctl(8).
"""

from __future__ import annotations

import os
from pathlib import Path


def default_rundir() -> Path:
    """Where OVN's sockets and pidfiles are: OVN_RUNDIR, or /var/run/ovn."""
    return Path(os.environ.get("OVN_RUNDIR") or "/var/run/ovn")


def default_logdir() -> Path:
    """Where OVN's log files are: OVN_LOGDIR, or /var/log/ovn."""
    return Path(os.environ.get("OVN_LOGDIR") or "/var/log/ovn")


def default_ovs_rundir() -> Path:
    """Where Open vSwitch's sockets are: OVS_RUNDIR, or /var/run/openvswitch."""
    return Path(os.environ.get("OVS_RUNDIR") or "/var/run/openvswitch")


def default_nb() -> str:
    """Remote of the northbound database: OVN_NB_DB, or the socket in OVN's folder."""
    return os.environ.get("OVN_NB_DB") or f"unix:{default_rundir()}/ovnnb_db.sock"


def default_sb() -> str:
    """Remote of the southbound database: OVN_SB_DB, or the socket in OVN's folder."""
    return os.environ.get("OVN_SB_DB") or f"unix:{default_rundir()}/ovnsb_db.sock"


def default_ovs() -> str:
    """Remote of the host's own database."""
    return f"unix:{default_ovs_rundir()}/db.sock"


def absolute(remotes: str) -> str:
    """Remotes with the files of ``unix:`` taken from the current folder, for a process that will leave it.

    Args:
        remotes: One or several, separated by commas; anything else is left as it is.
    """
    parts = [part.strip() for part in remotes.split(",")]
    return ",".join(f"unix:{Path(p[5:]).absolute()}" if p.startswith("unix:") and p[5:] else p for p in parts)
