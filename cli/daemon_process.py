"""What makes a loop a daemon: background, signals, pidfile, log and control socket, set up in the order that works.

with DaemonProcess("ovn-rules-northd", options) as process:
    process.control.register("status", "", 0, 0, lambda _: northd.status)
    process.ready()
    while not process.stopping:
        northd.run()
        process.run()
        northd.wait(poller)
        process.wait(poller)
        poller.block()
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ovn_rules.cli import __version__
from ovn_rules.cli.control import LATER, Control, ControlError
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.log import Log, LogError, Logging, start
from ovn_rules.cli.places import default_logdir, default_rundir
from ovn_rules.cli.process import Background, Pidfile, ProcessError, Signals, notify

if TYPE_CHECKING:
    from types import TracebackType

    from ovn_rules.cli.options import DaemonOptions


class DaemonProcess:
    """A daemon as its operator sees it.

    Attributes:
        name: Its name, like ``ovn-rules-northd``.
        control: Its control socket; ``exit``, ``version``, ``list-commands`` and ``vlog/*`` are there.
        logging: Where its lines go.
        log: For lines about the process itself.
        cleanup: What a clean exit undoes is to be undone: ``exit`` was asked for, not ``exit --restart``, and
            not by SIGTERM or SIGINT (ovn-controller(8), "exit").
    """

    def __init__(self, name: str, options: DaemonOptions) -> None:
        """Takes the options; nothing happens before ``with``."""
        self.name = name
        self.cleanup = False
        self.log = Log("daemon")
        self._options = options
        self._background = Background()
        self._stack = ExitStack()
        self._exiting = False
        self._is_ready = False
        self._signals: Signals
        self.control: Control
        self.logging: Logging

    def __enter__(self) -> Self:
        """Sets everything up.

        Raises:
            Failure: Something can't be set up; what was set up before is taken down again.
        """
        options = self._options
        rundir = default_rundir()
        pidfile = _place(options.pidfile, rundir / f"{self.name}.pid")
        log_file = _place(options.log_file, default_logdir() / f"{self.name}.log")
        with ExitStack() as stack:
            try:
                if options.detach:
                    self._background.detach(chdir=options.chdir)
                self._signals = stack.enter_context(Signals())
                self.logging = start(log_file, options.verbose)
                stack.callback(self.logging.close)
                if pidfile is not None:
                    stack.callback(Pidfile(pidfile, overwrite=options.overwrite_pidfile).close)
                self.control = self._listen(rundir, pidfile)
                stack.callback(self.control.close)
            except (ControlError, LogError, ProcessError) as e:
                raise Failure(str(e)) from e
            self._register()
            self._stack = stack.pop_all()
        return self

    def _listen(self, rundir: Path, pidfile: Path | None) -> Control:
        given = self._options.unixctl
        # ovs-appctl -t NAME goes by NAME.pid and NAME.PID.ctl.
        name = pidfile.stem if pidfile is not None and pidfile.suffix == ".pid" else self.name
        default = rundir / f"{name}.{os.getpid()}.ctl"
        path = None if given == "none" else _place(given or "", default)
        return Control(path, self.name, __version__)

    def _register(self) -> None:
        register = self.control.register
        register("exit", "[--restart]", 0, 1, self._exit)
        register("vlog/list", "", 0, 0, lambda _: self.logging.list())
        register("vlog/set", "{spec}", 1, sys.maxsize, self._set_levels)
        register("vlog/reopen", "", 0, 0, self._reopen)
        register("vlog/close", "", 0, 0, self._close_log)

    @property
    def stopping(self) -> bool:
        """The daemon is to end: ``exit`` was asked for, or SIGTERM or SIGINT came."""
        return self._exiting or bool(self._signals.stop)

    def ready(self) -> None:
        """Says that the daemon works, once; with --detach, the command that started it returns now."""
        if self._is_ready:
            return
        self.log.say("info", f"{self.name} {__version__}")
        self._is_ready = True
        self._background.ready()

    def run(self) -> None:
        """Answers the control socket and SIGHUP."""
        self._signals.run()
        if self._signals.take_hangup():
            try:
                self.logging.reopen()
            except LogError as e:
                self.log.say("warn", f"SIGHUP: {e}")
        self.control.run()

    def wait(self, poller: Any) -> None:
        """Wakes the poller when ``run`` has something to do, and at once when the daemon is to end."""
        if self.stopping:
            poller.immediate_wake()
        self._signals.wait(poller)
        self.control.wait(poller)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Takes everything down: socket and pidfile are removed."""
        notify("STOPPING=1")
        if isinstance(value, Failure) and not self._is_ready:
            pass  # whoever started it is told
        elif isinstance(value, Exception):
            self.log.fail("ends", value)
        elif self._signals.stop:
            self.log.say("info", f"ends: signal {self._signals.stop}")
        elif self._exiting:
            self.log.say("info", "ends: asked to exit")
        self._stack.__exit__(kind, value, traceback)

    def _exit(self, arguments: list[str]) -> str:
        if arguments not in ([], ["--restart"]):
            raise ControlError(f"exit takes --restart or nothing, not {arguments[0]!r}")
        self._exiting = True
        self.cleanup = not arguments
        return LATER

    def _set_levels(self, specs: list[str]) -> str:
        for spec in specs:
            try:
                self.logging.set(spec)
            except LogError as e:
                raise ControlError(str(e)) from e
        return ""

    def _reopen(self, _arguments: list[str]) -> str:
        try:
            self.logging.reopen()
        except LogError as e:
            raise ControlError(str(e)) from e
        return ""

    def _close_log(self, _arguments: list[str]) -> str:
        self.logging.close_file()
        return ""


def _place(given: str | None, default: Path) -> Path | None:
    """A file: None when not asked for, the default when asked for without a name."""
    if given is None:
        return None
    return Path(given) if given else default
