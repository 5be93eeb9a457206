"""A daemon's life as a process: going to the background, the pidfile, signals, and saying that it is ready.

As Open vSwitch's daemons do it (ovs-vswitchd(8), "Daemon Options"), so that its tools and habits work:
the pidfile is locked for as long as the process lives, and the command that starts a daemon in the background
ends when the daemon is ready, with the daemon's exit status if it fails before.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn, Self

import ovs.poller

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType, TracebackType

FILE_MODE = 0o600
"""The mode of pidfiles: the tools that read them run as the daemon's user or as root."""


class ProcessError(Exception):
    """The process can't go on as it was asked to; the message is one line."""


class Background:
    """A process that leaves its terminal; the one that started it waits until it is ready.

    Usage: ``background = Background(); background.detach()``, set everything up, ``background.ready()``.
    """

    def __init__(self) -> None:
        """Starts in the foreground."""
        self._pipe = -1
        self._chdir = True

    def detach(self, *, chdir: bool = True) -> None:
        """Goes to the background: returns in the daemon, while the caller's process waits for ``ready`` and ends.

        Args:
            chdir: Leave the working folder when ready, so that it can be unmounted.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        read, write = os.pipe()
        child = os.fork()
        if child:
            os.close(write)
            _await_child(child, read)
        os.close(read)
        os.setsid()
        self._pipe = write
        self._chdir = chdir

    def ready(self) -> None:
        """Says that the daemon works: to the process that waits, and to systemd (sd_notify(3))."""
        notify("READY=1")
        if self._pipe < 0:
            return
        if self._chdir:
            os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        with contextlib.suppress(BrokenPipeError):  # who waited was killed; the daemon is wanted all the same
            os.write(self._pipe, b"0")
        os.close(self._pipe)
        self._pipe = -1


def _await_child(child: int, read: int) -> NoReturn:
    """Ends this process as the daemon says: 0 when it is ready, else with its status."""
    try:
        done = os.read(read, 1)
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        os._exit(128 + signal.SIGINT)
    if done:
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        print(f"the daemon was killed by {signal.Signals(-status).name} before it was ready", file=sys.stderr)
    elif status == 0:
        print("the daemon ended before it was ready", file=sys.stderr)
    sys.stderr.flush()
    os._exit(status if status > 0 else 1)


def notify(state: str) -> None:
    """Tells the service manager about the daemon (sd_notify(3)); without one, nothing.

    Args:
        state: ``READY=1``, ``RELOADING=1``, ``STOPPING=1`` or another assignment.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            return


class Pidfile:
    """A file with this process's id, locked while the process lives, removed when it ends.

    The lock is a POSIX record lock, which is what ``ovs-appctl -t NAME`` asks about. It belongs to the
    process that takes it: take it after ``detach``. Closing any descriptor of the file would release it.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes and locks the file.

        Args:
            path: Where; a file that a process no longer alive left there is replaced.
            overwrite: Replace the file of a live process as well.

        Raises:
            ProcessError: Another process has it, or it can't be written.
        """
        self.path = path
        temporary = path.with_name(f"{path.name}.tmp{os.getpid()}")
        try:
            self._descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        except OSError as e:
            raise ProcessError(f"can't write pidfile {path}: {e.strerror}") from e
        try:
            os.write(self._descriptor, b"%d\n" % os.getpid())
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if overwrite:
                temporary.rename(path)
            else:
                self._link(temporary)
        except OSError as e:
            raise ProcessError(f"can't write pidfile {path}: {e.strerror}") from e
        finally:
            temporary.unlink(missing_ok=True)

    def _link(self, temporary: Path) -> None:
        """Gives the file its name, unless a live process has a file of that name."""
        while True:
            try:
                os.link(temporary, self.path)
            except FileExistsError:
                self._remove_stale()
            else:
                return

    def _remove_stale(self) -> None:
        try:
            with self.path.open("r+b") as other:
                try:
                    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as e:
                    if e.errno not in (errno.EACCES, errno.EAGAIN):
                        raise
                    pid = other.read(20).decode(errors="replace").strip() or "unknown"
                    raise ProcessError(
                        f"already running as pid {pid} (pidfile {self.path}); stop it first, or give another --pidfile"
                    ) from None
                if _same(os.fstat(other.fileno()), self.path):
                    self.path.unlink()
        except FileNotFoundError:
            return

    def close(self) -> None:
        """Removes the file, if it is still ours, and lets go of the lock."""
        if _same(os.fstat(self._descriptor), self.path):
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _same(one: os.stat_result, path: Path) -> bool:
    try:
        return os.path.samestat(one, path.stat())
    except FileNotFoundError:
        return False


class Signals:
    """SIGTERM, SIGINT and SIGHUP as flags that a loop looks at, and something to wake a poller with.

    Attributes:
        stop: The signal that asked the daemon to end (SIGTERM, SIGINT), or 0.
    """

    HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        """Takes the signals over; ``close`` gives them back."""
        self.stop = 0
        self._hangup = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._take) for number in self.HANDLED}

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._hangup = True
        else:
            self.stop = number

    def take_hangup(self) -> bool:
        """Whether SIGHUP came since the last time this was asked."""
        hangup, self._hangup = self._hangup, False
        return hangup

    def run(self) -> None:
        """Forgets the wake-ups that have been seen."""
        try:
            while os.read(self._read, 512):
                pass
        except BlockingIOError:
            return

    def wait(self, poller: Any) -> None:
        """Wakes the poller when a signal comes, also one that came just before it blocks."""
        poller.fd_wait(self._read, ovs.poller.POLLIN)

    def close(self) -> None:
        """Gives the signals back to whom they belonged."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._read)
        os.close(self._write)

    def __enter__(self) -> Self:
        """Usable in ``with``."""
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()
