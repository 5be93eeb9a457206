"""The transactions in a database's log, with what a monitor doesn't tell: time and comment of each (ovsdb(5)).

A log is followed while its server writes it, standalone or clustered. When a server compacts its database it writes
another file in its place, in which one record holds all rows.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovn_rules.io.files import FileError
from ovn_rules.io.log_format import CLUSTERED, HEADER_LIMIT, Header, log_kind, read_header

MOST = 1 << 20
"""Bytes that ``LogTail.read`` reads at most, so that whoever follows a log isn't held up: 10 ms. A longer record is
passed over."""

FAR = 1 << 26
"""Bytes that it may be behind; what is further back is passed over."""

_SNAPSHOTS = ("compacting database", "converted by ovsdb-server", 'produced by "ovsdb-client backup"')
"""How the comments begin of records that hold all rows."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A transaction in a log.

    Attributes:
        time: When it was committed, in seconds since 1970; None where the log doesn't say.
        comment: Its comments, a line each.
        rows: (table, UUID) to the columns that it set; None for a row that it deleted.
    """

    time: float | None
    comment: str
    rows: dict[tuple[str, str], frozenset[str] | None]


def server_files(path: str) -> list[Path]:
    """The database files that the server behind a Unix socket has open, if it is on this machine and we may look.

    Args:
        path: The socket.

    Raises:
        OSError: It can't be asked, or its process can't be looked at.
    """
    with socket.socket(socket.AF_UNIX) as sock:
        # Not settimeout(): a busy server's queue is waited for then as well.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 1, 0))
        sock.connect(path)
        pid, _, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            place = _open_file(entry, pid)
        except FileNotFoundError:
            continue  # closed since it was listed, as the sockets of short connections are
        if place is not None and _is_log(place):
            found.append(place)
    return found


def _open_file(entry: Path, pid: int) -> Path | None:
    """Where the file behind a process's descriptor is; None if it is no file, or not to be reached from here."""
    file = entry.readlink()
    if not file.is_absolute():
        return None
    # A server in a container has another root.
    places = (p for p in (file, Path(f"/proc/{pid}/root{file}")) if p.is_file() and p.samefile(entry))
    return next(places, None)


def _is_log(path: Path) -> bool:
    """Whether a file can be read and is a log."""
    try:
        with path.open("rb") as file:
            return bool(log_kind(file.read(HEADER_LIMIT)))
    except OSError:
        return False


class LogTail:
    """Follows the log of a database, from where it ends now.

    Attributes:
        path: The file.
        caught_up: All that was there has been read; else ``read`` has more to say at once.
    """

    def __init__(self, path: str | Path, schema_name: str) -> None:
        """Opens the file.

        Args:
            path: The file.
            schema_name: The name that its schema must have.

        Raises:
            FileError: It can't be read, or is no log of such a database.
        """
        self.path = Path(path)
        self.caught_up = True
        self._kind = b""
        self._tables: frozenset[str] = frozenset()
        self._at = 0
        self._file = self._open()
        name = self._schema_name()
        if name != schema_name:
            self._file.close()
            raise FileError(f"{path}: it is a database of {name}, not of {schema_name}")
        self._at = self._size()
        self._fresh = False

    def close(self) -> None:
        """Ends."""
        self._file.close()

    def skip(self) -> None:
        """Passes over what has been committed since the last time."""
        self._at = self._size()
        self._fresh = False

    def read(self) -> list[Logged]:
        """What has been committed since the last time, or the next part of it.

        Raises:
            FileError: The file is gone or can't be read.
        """
        found = self._rest()
        if self.caught_up and self._replaced():
            # What was written before the other file came has just been read.
            self._file.close()
            self._file = self._open()
            self._at = 0
            self._fresh = True
            found += self._rest()
        return found

    def _open(self) -> Any:
        try:
            file = self.path.open("rb", buffering=0)
        except OSError as e:
            raise FileError(f"{self.path}: {e.strerror}") from e
        self._kind = log_kind(file.read(HEADER_LIMIT))
        if not self._kind:
            file.close()
            raise FileError(f"{self.path}: it is no database file")
        return file

    def _schema_name(self) -> str:
        """The schema's name, from the first record (of a cluster's log: ``name`` too)."""
        header = self._header(0)
        try:
            return str(json.loads(self._bytes(header.start, header.end))["name"]) if header else ""
        except (ValueError, LookupError, TypeError):
            return ""

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _replaced(self) -> bool:
        try:
            now = self.path.stat()
        except OSError as e:
            raise FileError(f"{self.path}: {e.strerror}") from e
        return (now.st_dev, now.st_ino) != _identity(self._file)

    def _bytes(self, start: int, end: int) -> bytes:
        return os.pread(self._file.fileno(), end - start, start)

    def _header(self, at: int) -> Header | None:
        """The header at a byte of the file, with places in the file."""
        header = read_header(self._bytes(at, at + HEADER_LIMIT), 0, self._kind)
        return header and Header(at + header.start, at + header.end, header.sha1)

    def _rest(self) -> list[Logged]:
        size = self._size()
        self._at = min(self._at, size)  # what was written in part may have been taken back
        found: list[Logged] = []
        budget = MOST
        self.caught_up = True
        while self._at < size:
            header = self._header(self._at)
            if header is None or header.end > size:
                if header is None and size - self._at >= HEADER_LIMIT:
                    self._at = size  # not what the server wrote
                break  # the server is writing it
            length = header.end - header.start
            if length <= MOST and size - self._at <= FAR:
                budget -= length
                if budget < 0:
                    self.caught_up = False
                    break
                body = self._bytes(header.start, header.end)
                if not header.fits(body):
                    break
                found += self._parse(body)
            self._at = header.end
        return found

    def _parse(self, body: bytes) -> list[Logged]:
        try:
            record = json.loads(body)
        except (ValueError, RecursionError):
            return []
        if not isinstance(record, dict):
            return []
        if self._kind == CLUSTERED:
            data = record.get("data")
            # Where a schema stands first, the database was converted, and what follows are all rows.
            record = data[1] if isinstance(data, list) and len(data) == 2 and data[0] is None else None
        if not isinstance(record, dict) or "tables" in record:
            return []
        fresh, self._fresh = self._fresh, False
        if fresh and is_snapshot(record):
            return []
        return [_logged(record)]


def _identity(file: Any) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def is_snapshot(record: dict[str, Any]) -> bool:
    """Whether the first record after the schema holds all rows, rather than a transaction."""
    return "_date" not in record or str(record.get("_comment", "")).startswith(_SNAPSHOTS)


def _logged(record: dict[str, Any]) -> Logged:
    rows: dict[tuple[str, str], frozenset[str] | None] = {}
    for table, changes in record.items():
        if not table.startswith("_") and isinstance(changes, dict):
            for row, change in changes.items():
                rows[table, row] = None if change is None else frozenset(change)
    return Logged(commit_time(record), str(record.get("_comment", "")), rows)


def commit_time(record: dict[str, Any]) -> float | None:
    """When a record was committed, in seconds since 1970; None where it doesn't say.

    ``_date`` is in milliseconds; servers before Open vSwitch 2.0 wrote seconds (ovsdb(5)).
    """
    date = record.get("_date")
    if not isinstance(date, int):
        return None
    return date / 1000 if date > 1 << 33 else float(date)
