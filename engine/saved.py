"""Programs that were loaded before, kept beside the byte code that Python keeps of their modules.

Reading rules, planning them and compiling their functions takes most of a daemon's start. What comes of it depends on
nothing but the sources of rules and engine and on Python, so it is kept under a digest of these, and made anew when
one of them is another. Where nothing can be kept, or what was kept is damaged, rules are loaded as ever.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from contextlib import suppress
from dataclasses import fields
from hashlib import blake2b
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.engine import ir
from ovn_rules.engine.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

_DIGEST = 32
_CLOCK_STEP = 0.1
"""Seconds by which the times of a start and of a file may be less exact than they look."""


def load_saved(home: Path, modules: Sequence[ModuleType], extra_columns: Mapping[str, Iterable[str]]) -> ir.Program:
    """As ``load``, but sooner when it has been done before.

    Args:
        home: folder of the package that the modules, and all that they import beside the engine, belong to.
        modules: what to load.
        extra_columns: as for ``load``.

    Raises:
        LoadError: the rules have mistakes.
    """
    asked = repr(([m.__name__ for m in modules], sorted((n, tuple(c)) for n, c in extra_columns.items())))
    try:
        key = _key(asked, (home, Path(__file__).parent))
    except OSError:  # no /proc, or the package isn't in files
        key = None
    if key is None:
        return _load(modules, extra_columns)
    name = blake2b(asked.encode(), digest_size=8).hexdigest()
    path = Path(cache_from_source(str(home / f"program-{name}.py")))
    known = _read(path, key)
    if known is not None:
        return known
    program = _load(modules, extra_columns)
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            _write(path, key, program)
    return program


def _load(modules: Sequence[ModuleType], extra_columns: Mapping[str, Iterable[str]]) -> ir.Program:
    from ovn_rules.engine.frontend import load  # noqa: PLC0415 - what was kept is there sooner without it

    return load(*modules, extra_columns=extra_columns)


def _key(asked: str, folders: Iterable[Path]) -> bytes | None:
    """A digest of all that the program follows from; None if that has changed since this process imported it."""
    newest = _started() - _CLOCK_STEP
    digest = blake2b(repr((asked, sys.version, sys.flags.optimize)).encode(), digest_size=_DIGEST)
    digest.update(MAGIC_NUMBER)
    for folder in folders:
        for path in _files(str(folder)):
            with open(path, "rb") as file:  # noqa: PTH123 - there are two hundred of them
                if os.fstat(file.fileno()).st_ctime > newest:
                    return None
                content = file.read()
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.digest()


def _files(folder: str) -> Iterator[str]:
    """The files in a folder and below, in order, without what Python and editors leave there."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_dir():
            yield from _files(entry.path)
        else:
            yield entry.path


def _started() -> float:
    """When this process started, in seconds since the epoch, proc(5).

    Raises:
        OSError: the system doesn't say.
    """
    fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    ago = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - ago


def _read(path: Path, key: bytes) -> ir.Program | None:
    """What was kept there under this key; None if that is nothing, or damaged."""
    try:
        kept = path.read_bytes()
        found = memoryview(kept)[_DIGEST:]
        if kept[:_DIGEST] != _sealed(found, key):
            return None
        relations, clauses, functions = pickle.loads(found)  # noqa: S301 - trusted as the byte code beside it
    except OSError:
        return None
    program = ir.Program(relations, clauses)
    program.functions.update(functions)
    return program


def _write(path: Path, key: bytes, program: ir.Program) -> None:
    """Keep a program with its functions, whole or not at all.

    Raises:
        OSError: it can't be written there.
    """
    import tempfile  # noqa: PLC0415 - likewise

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            content = _packed(program)
            file.write(_sealed(content, key))
            file.write(content)
            file.flush()
            Path(file.name).chmod(Path(__file__).stat().st_mode & 0o666)  # who may read the source may read this
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise


def _packed(program: ir.Program) -> bytes:
    """A program with its functions."""
    Network(program)
    for function in program.functions.values():
        function.compile()
    packed = _Parts()
    _Pickler(packed, pickle.HIGHEST_PROTOCOL).dump((program.relations, program.clauses, program.functions))
    return b"".join(packed)


class _Parts(list[bytes]):
    """A file in memory."""

    write = list.append


class _Pickler(pickle.Pickler):
    """One that has a program's parts made by their constructors, which takes half the time."""

    def reducer_override(self, thing: Any) -> Any:
        if type(thing).__module__ != ir.__name__:
            return NotImplemented
        return type(thing), tuple(getattr(thing, f.name) for f in fields(thing))


def _sealed(content: bytes | memoryview, key: bytes) -> bytes:
    """A digest that only this content has under this key."""
    return blake2b(content, key=key, digest_size=_DIGEST).digest()
