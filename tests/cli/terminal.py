"""A program on a terminal of its own, typed to and read from."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>()][0-9AB]?|\x07")


class Terminal:
    """A program on a pseudo-terminal.

    Attributes:
        raw: all that it has printed, with control sequences.
    """

    def __init__(self, command, rows=30, columns=100, folder=None, **environment):
        """Starts the program."""
        self.raw = ""
        self.seen = 0
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder or "/")
            os.execvpe(command[0], command, os.environ | {"TERM": "xterm"} | environment)  # noqa: S606 - it needs none
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        """Types."""
        os.write(self.fd, text.encode())

    def read(self, seconds):
        """What has been printed within so many seconds at most; whether anything was."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self.fd, 65536)
        except OSError:  # it has ended
            part = b""
        self.raw += part.decode(errors="replace")
        if b"\x1b[6n" in part:  # where is the cursor?
            self.send("\x1b[1;1R")
        return bool(part)

    @property
    def text(self):
        """What has been printed since what the last ``until`` found, without control sequences."""
        return CONTROL.sub("", self.raw).replace("\r", "")[self.seen :]

    def until(self, pattern, seconds=20):
        """Waits until something that matches has been printed after the last such; the match."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.text!r}"
            self.read(left)
        self.seen += found.end()
        return found

    def ask(self, text, pattern):
        """Types a line, waits until something that matches is printed, and then for the next prompt."""
        self.send(text + "\r")
        self.until(pattern)
        self.until(r"\n> ")

    def ended(self, seconds=20):
        """Waits until the program has ended; its exit status."""
        end = time.monotonic() + seconds
        while True:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
            assert time.monotonic() < end, self.text

    def close(self):
        """Kills it if it is still there."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
