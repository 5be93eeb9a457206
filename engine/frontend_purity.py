"""Which functions and methods rules may call: the same arguments must always give the same value."""

from __future__ import annotations

import builtins
import dis
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ir import Uuid
from ovn_rules.engine.language import PURE, closure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUILTINS = (
    "abs all any ascii bin bool chr divmod enumerate filter float format frozenset hex int isinstance len "
    "list map max min oct ord pow range repr reversed round set slice sorted str sum tuple zip"
)
BUILTINS: dict[str, Any] = {name: getattr(builtins, name) for name in _BUILTINS.split()}
"""Builtin functions that rules may call."""

_METHODS = (
    "bit_count bit_length capitalize casefold center count difference endswith expandtabs find format get "
    "index intersection is_integer isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric "
    "isspace issubset issuperset istitle isupper items join keys ljust lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip "
    "swapcase title translate union upper values zfill"
)
METHODS = frozenset(_METHODS.split())
"""Methods that rules may call, whatever they are called on."""

_CHANGING = "__import__ breakpoint compile delattr eval exec globals hash help id input locals open print setattr vars"
_IMPURE_BUILTINS = frozenset(_CHANGING.split())
_OUTSIDE_WORLD = (
    "asyncio getpass logging multiprocessing os posix random secrets select shutil signal socket subprocess "
    "tempfile threading time"
)
_IMPURE_MODULES = frozenset(_OUTSIDE_WORLD.split())


def known(function: Any) -> bool:
    """Whether rules may call a function."""
    try:
        return function is Uuid or function in PURE or function in _PURE_BUILTINS
    except TypeError:  # not hashable, so never marked
        return False


_PURE_BUILTINS = frozenset(BUILTINS.values())


def impurity(function: Callable[..., Any]) -> str:
    """What makes a function obviously impure although it is marked pure (``calls print``), or nothing."""
    if function not in _FOUND:
        _FOUND[function] = _scan(function, set()) if isinstance(function, FunctionType) else ""
    return _FOUND[function]


_FOUND: dict[Callable[..., Any], str] = {}


def lacks_annotation(function: Callable[..., Any]) -> bool:
    """Whether a function that needs a return annotation has none."""
    return PURE.get(function, False) and "return" not in getattr(function, "__annotations__", {})


def _scan(function: FunctionType, seen: set[FunctionType]) -> str:
    """Looks through a function and the functions of its module that it uses."""
    seen.add(function)
    outside = function.__globals__ | closure(function)
    for kind, name in _uses(function.__code__, function.__code__.co_freevars):
        if kind != "reads":
            return f"{kind} {name}"
        value = outside.get(name, getattr(builtins, name, None))
        if name in _IMPURE_BUILTINS and value is getattr(builtins, name):
            return f"calls {name}"
        if _module_of(value) in _IMPURE_MODULES:
            return f"uses {name} of module {_module_of(value)}" if not isinstance(value, ModuleType) else f"uses {name}"
        if isinstance(value, FunctionType) and value.__globals__ is function.__globals__ and value not in seen:
            inner = _scan(value, seen)
            if inner:
                return f"calls {name}, which {inner}"
    return ""


def _module_of(value: Any) -> str:
    """The top-level module that a module, function, class or bound method belongs to."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0]
    if isinstance(value, BuiltinFunctionType) and not value.__module__:
        return type(value.__self__).__module__
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return str(value.__module__).partition(".")[0]
    owner = getattr(value, "__self__", None)
    return type(owner).__module__ if owner is not None else ""


def _uses(code: CodeType, outside: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What a function's code reads and changes outside it; ``outside`` are the names of its closure."""
    for instruction in dis.get_instructions(code):
        name = str(instruction.argval)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            yield "reads", name
        elif instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield "changes global", name
        elif instruction.opname in ("STORE_DEREF", "DELETE_DEREF") and name in outside:
            yield "changes nonlocal", name
        elif instruction.opname == "IMPORT_NAME" and name.partition(".")[0] in _IMPURE_MODULES:
            yield "imports", name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _uses(constant, outside)
