"""The runtime management commands of ovn-northd(8), for scripts that were written for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.control import ControlError

if TYPE_CHECKING:
    from ovn_rules.cli.control import Control
    from ovn_rules.cli.northd import Northd

MOST_THREADS = 256
"""The most that set-n-threads takes, ovn-northd(8)."""


def register(control: Control, northd: Northd) -> None:
    """Add them to a control socket."""

    def pause(_arguments: list[str]) -> str:
        northd.pause()
        return ""

    def resume(_arguments: list[str]) -> str:
        northd.resume()
        return ""

    def forget(database: str) -> str:
        northd.plane.databases[database].forget_index()
        return ""

    control.register("pause", "", 0, 0, pause)
    control.register("resume", "", 0, 0, resume)
    control.register("is-paused", "", 0, 0, lambda _: "true" if northd.paused else "false")
    control.register("sb-cluster-state-reset", "", 0, 0, lambda _: forget("sb"))
    control.register("nb-cluster-state-reset", "", 0, 0, lambda _: forget("nb"))
    control.register("get-n-threads", "", 0, 0, lambda _: "1")
    control.register("set-n-threads", "N", 1, 1, lambda arguments: set_threads(northd, arguments[0]))


def set_threads(northd: Northd, text: str) -> str:
    """Take a number of threads as ovn-northd does; the rules run in one whatever it is.

    Raises:
        ControlError: it is no number from 1 to 256.
    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_THREADS:
        raise ControlError(f"{text!r} is no number of threads; 1 to {MOST_THREADS} are taken, and one is used")
    northd.log.say("info", f"set-n-threads {text}: the rules run in one thread all the same")
    return ""
