"""Logging as operators of Open vSwitch know it: modules, destinations, levels, ``vlog/set``, log rotation.

The lines have the form of ovs-vswitchd's: time in UTC, sequence number, module, level, text, separated by
``|``. Under systemd, where the journal has time and program already, they are plain text with the journal's
priority prefix (sd-daemon(3)). Python's own ``logging`` carries them: a module is the last part of a logger's
name below ``ovn_rules``.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ovn_rules.cli.ratelimit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = "ovn_rules"
"""The logger that all modules' loggers are below."""

LEVELS = {
    "off": 100,
    "emer": logging.CRITICAL,
    "err": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "dbg": logging.DEBUG,
}
"""Open vSwitch's names of levels (ovs-appctl(8)), from nothing at all to everything."""

DESTINATIONS = ("console", "syslog", "file")
"""Standard error, the system's log, and the log file."""

SYSLOG_SOCKET = "/dev/log"

_DEFAULTS = {"console": "info", "syslog": "off", "file": "info"}
_NAMES = {number: name.upper() for name, number in LEVELS.items()}
_PRIORITIES = {"EMER": 0, "ERR": 3, "WARN": 4, "INFO": 6, "DBG": 7}
_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?P<name>\b(?:psk|password|passphrase|secret)\b[\"']?\s*[=:,]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,\]})]+)",
    re.DOTALL | re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")


class LogError(ValueError):
    """A level can't be set or a file can't be written; the message is one line."""


class Log:
    """What one module says."""

    def __init__(self, module: str) -> None:
        """Gives the module its name.

        Args:
            module: As ``vlog/list`` shows it.
        """
        self._logger = logging.getLogger(f"{ROOT}.{module}")

    def say(self, level: str, text: str) -> None:
        """Says one line.

        Args:
            level: ``emer``, ``err``, ``warn``, ``info`` or ``dbg``.
            text: What to say.
        """
        self._logger.log(LEVELS[level], "%s", text)

    def fail(self, text: str, error: BaseException) -> None:
        """Says that the module can't go on, with where the error came from, for whoever mends it."""
        self._logger.critical("%s: %s: %s", text, type(error).__name__, error, exc_info=error)


class Logging(logging.Handler):
    """Where the lines of all modules go, and which of them."""

    def __init__(self, log_file: Path | None = None, limit: RateLimit | None = None) -> None:
        """Starts to write; ``close`` ends it.

        Args:
            log_file: The file to add lines to, made with mode 0640.
            limit: What repeats too often; None for the usual limits.

        Raises:
            LogError: The log file can't be opened.
        """
        super().__init__()
        self._path = log_file
        self._file: int | None = None
        self._syslog: logging.handlers.SysLogHandler | None = None
        self._limit = limit or RateLimit()
        self._default = dict(_DEFAULTS)
        self._levels: dict[str, dict[str, str]] = {}
        self._number = 0
        self._journal = _is_journal()
        if log_file is not None:
            self._file = _open(log_file)
        self._top = logging.getLogger(ROOT)
        self._top.propagate = False
        self._top.addHandler(self)
        self._set_threshold()

    # Levels

    def set(self, spec: str) -> None:
        """Sets levels as ``vlog/set`` and ``--verbose`` do.

        Args:
            spec: A module, a destination and a level in any order, separated by ``:``. ``any``, or leaving
                one out, stands for all modules or destinations; a missing level is ``dbg``.

        Raises:
            LogError: A word is none of these.
        """
        module = destination = level = ""
        for word in re.split(r"[: ]+", spec.strip().lower()):
            if word in LEVELS and not level:
                level = word
            elif word in DESTINATIONS and not destination:
                destination = word
            elif word in self.modules() and not module:
                module = word
            elif word not in ("any", ""):
                raise LogError(f'no destination, level, or module "{word}" in "{spec}"')
        level = level or "dbg"
        destinations = (destination,) if destination else DESTINATIONS
        chosen = (
            [self._levels.setdefault(module, dict(self._default))]
            if module
            else [self._default, *self._levels.values()]
        )
        for levels in chosen:
            levels.update(dict.fromkeys(destinations, level))
        self._set_threshold()

    def modules(self) -> list[str]:
        """The modules that can say something, sorted."""
        known = logging.Logger.manager.loggerDict
        return sorted(
            {_module(n) for n, g in known.items() if n.startswith(f"{ROOT}.") and isinstance(g, logging.Logger)}
        )

    def list(self) -> str:
        """The levels of every module, in the form of ``vlog/list``."""
        lines = ["                 console    syslog    file", "                 -------    ------    ------"]
        for module in self.modules():
            levels = self._levels.get(module, self._default)
            console, syslog, file = (levels[d].upper() for d in DESTINATIONS)
            lines.append(f"{module:<16}  {console:>4}       {syslog:>4}       {file:>4}")
        return "\n".join(lines) + "\n"

    def _set_threshold(self) -> None:
        """Let Python's logging pass over at once what would be written nowhere."""
        open_to = {"console", "syslog"} | ({"file"} if self._path else set())
        tables = [self._default, *self._levels.values()]
        self._top.setLevel(min(LEVELS[levels[d]] for levels in tables for d in open_to))

    # The log file

    def reopen(self) -> None:
        """Opens the log file again under its name, for after logrotate(8) has moved it away.

        Raises:
            LogError: It can't be opened, and lines go on to the old one; or there is no log file.
        """
        if self._path is None:
            raise LogError("logging to a file is not configured")
        old, self._file = self._file, _open(self._path)
        if old is not None:
            os.close(old)

    def close_file(self) -> None:
        """Writes no more to the log file until it is opened again."""
        old, self._file = self._file, None
        if old is not None:
            os.close(old)

    def close(self) -> None:
        """Says what was held back, and ends."""
        for module, text in self._limit.rest():
            self._write(module, logging.INFO, text)
        self._top.removeHandler(self)
        self.close_file()
        if self._syslog is not None:
            self._syslog.close()
        super().close()

    # Lines

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record to the destinations that want it (called by ``logging``)."""
        module = _module(record.name)
        if record.levelno < min(LEVELS[level] for level in self._levels.get(module, self._default).values()):
            return
        text = clean(record.getMessage())
        lines = [text] if record.levelno <= logging.DEBUG else self._limit.admit(module, text)
        if lines and record.exc_info:
            formatted = logging.Formatter().formatException(record.exc_info)
            lines += [clean(line) for line in formatted.splitlines()]
        for line in lines:
            self._write(module, record.levelno, line)

    def _write(self, module: str, number: int, text: str) -> None:
        """Writes a line where it is wanted; where it can't be written (disk full, pipe closed) it is lost."""
        levels = self._levels.get(module, self._default)
        name = _NAMES.get(number, "INFO")
        self._number += 1
        now = datetime.now(UTC)
        middle = f"{self._number:05}|{module}|{name}|{text}"
        if number >= LEVELS[levels["console"]]:
            if self._journal:
                line = f"<{_PRIORITIES[name]}>{module}|{name}|{text}"
            else:
                line = f"{now:%Y-%m-%dT%H:%M:%SZ}|{middle}"
            with suppress(OSError, ValueError):
                print(line, file=sys.stderr, flush=True)
        if self._file is not None and number >= LEVELS[levels["file"]]:
            line = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z|{middle}\n"
            with suppress(OSError):
                os.write(self._file, line.encode(errors="backslashreplace"))
        if number >= LEVELS[levels["syslog"]]:
            self._to_syslog(number, middle)

    def _to_syslog(self, number: int, text: str) -> None:
        if self._syslog is None and Path(SYSLOG_SOCKET).exists():
            daemon = logging.handlers.SysLogHandler.LOG_DAEMON
            self._syslog = logging.handlers.SysLogHandler(SYSLOG_SOCKET, daemon)
            self._syslog.ident = f"{Path(sys.argv[0]).name}: "
        if self._syslog is not None:
            self._syslog.handle(
                logging.makeLogRecord({"levelno": number, "levelname": logging.getLevelName(number), "msg": text})
            )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A line that can't be written is lost; a daemon must not end for its log."""


def start(log_file: Path | None = None, specs: Sequence[str] = ()) -> Logging:
    """Starts logging.

    Args:
        log_file: The file to add lines to, or None.
        specs: What ``--verbose`` was given; an empty one stands for ``dbg`` everywhere.

    Returns:
        What ``vlog/*`` commands and SIGHUP act on; close it at the end.

    Raises:
        LogError: A specification or the log file can't be used.
    """
    logs = Logging(log_file)
    try:
        for spec in specs:
            logs.set(spec)
    except LogError:
        logs.close()
        raise
    return logs


def clean(text: str) -> str:
    """A text as it may stand in a log: one line, no control characters, no keys.

    What a database holds must not be able to forge lines of a log, or to bring a secret into it: private keys
    in PEM form and the values of psk, password, passphrase and secret are left out.
    """
    text = _SECRETS.sub(lambda m: f"{m['name']}***" if m["name"] else "*** private key ***", text)
    return _CONTROL.sub(lambda m: repr(m[0])[1:-1], text)


def _module(name: str) -> str:
    return name.rpartition(".")[2]


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as e:
        raise LogError(f"can't open log file {path}: {e.strerror}") from e


def _is_journal() -> bool:
    """Whether standard error goes to systemd's journal (JOURNAL_STREAM in systemd.exec(5))."""
    try:
        at = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"
