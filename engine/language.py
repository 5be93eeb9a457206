"""What rule modules import: relations, ``@rule``, ``@pure`` and the words used inside rules.

Nothing here is evaluated when a rule "runs", because rules never run: their source is read (``frontend.py``).
The classes and signatures are what type checkers see, and the errors are for a rule called by mistake.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, dataclass_transform

from ovn_rules.engine.errors import LoadError, Problem, did_you_mean
from ovn_rules.engine.frontend_types import from_annotation
from ovn_rules.engine.ir import After, Column, Location, RelationDef, Uuid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

F = TypeVar("F", bound=Callable[..., Any])


class Pattern:
    """``R(x, y)`` as type checkers see it: combined with ``&``, negated with ``~``, derived with ``<=``."""

    def __and__(self, other: object) -> Pattern:
        """Stands between the literals of a body."""
        refuse()

    def __rand__(self, other: object) -> Pattern:
        """Stands between the literals of a body."""
        refuse()

    def __invert__(self) -> Pattern:
        """Negates an atom."""
        refuse()

    def __le__(self, body: object) -> bool:
        """Stands between head and body."""
        refuse()


def refuse() -> NoReturn:
    """Raises what says that a rule was run."""
    raise TypeError("rules are read, not run: put @rule on the function and give it to load()")


class _ColumnDoc:
    def __init__(self, doc: str) -> None:
        self.doc = doc


def column(doc: str = "") -> Any:
    """Documents a column of a relation.

    ``priority: int = column("the highest one wins, 0 to 65535")``
    """
    return _ColumnDoc(doc)


@dataclass_transform()
class Relation(Pattern):
    """Base of relations that rules derive or that are given as facts.

    ``class Binding(Relation, key=("port",)): port: Uuid = column("…")``. Columns are the annotated names, of
    type ``str int float bool Uuid tuple[T, ...] tuple[A, B]``; the docstring documents the relation. Class
    keywords: ``key``, the columns that identify a fact, and ``name``, when it isn't the class's.

    Raises:
        LoadError: A column's type is none of these, or the key names no column.
    """

    __relation__: ClassVar[RelationDef]

    def __init__(self, *_terms: object, **_columns: object) -> None:
        """Patterns exist in rules only."""
        refuse()

    def __init_subclass__(cls, *, key: tuple[str, ...] | str = (), name: str = "", **kwargs: Any) -> None:
        """Makes the relation's definition from the class's annotations."""
        super().__init_subclass__(**kwargs)
        frame = _caller()
        cls.__relation__ = _definition(cls, name or cls.__name__, key, frame)


def _caller() -> FrameType:
    """The frame of the nearest caller outside this module."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    assert frame is not None  # noqa: S101 - a module is never its own first caller
    return frame


def _definition(cls: type, name: str, key: tuple[str, ...] | str, frame: FrameType) -> RelationDef:
    scope = {"Uuid": Uuid, **frame.f_globals, **frame.f_locals}
    columns: list[Column] = []
    for each, annotation in vars(cls).get("__annotations__", {}).items():
        if each == "__relation__":
            continue
        given = vars(cls).get(each)
        found = None
        try:
            # A string under ``from __future__ import annotations``: the source of a type, not foreign input.
            value = eval(annotation, scope) if isinstance(annotation, str) else annotation  # noqa: S307 - the rules are code
            found = from_annotation(value, columns=True)
        except Exception:  # noqa: BLE001, S110 - whatever it is, it is no type
            pass
        if found is None:
            raise _declaration_error(
                f"column {each!r} of relation {name} has no type that facts can have: {annotation}",
                "types are str, int, float, bool, Uuid, tuple[T, ...] and tuple[A, B]",
                frame,
            )
        columns.append(Column(each, found, given.doc if isinstance(given, _ColumnDoc) else ""))
    names = [c.name for c in columns]
    wanted = (key,) if isinstance(key, str) else tuple(key)
    for each in wanted:
        if each not in names:
            raise _declaration_error(
                f"key of relation {name} names unknown column {each!r}",
                did_you_mean(each, names) or f"its columns are {', '.join(names)}",
                frame,
            )
    positions = tuple(sorted({names.index(k) for k in wanted}))
    return RelationDef(name, tuple(columns), positions or None, inspect.cleandoc(cls.__doc__ or ""))


def _declaration_error(message: str, hint: str, frame: FrameType) -> LoadError:
    import linecache  # noqa: PLC0415 - needed for this error only

    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).rstrip("\n")
    start = len(text) - len(text.lstrip())
    where = Location(frame.f_code.co_filename, frame.f_lineno, start, len(text), text)
    return LoadError([Problem(message, where, hint)])


class Rule:
    """A rule function, as ``@rule`` found it.

    Attributes:
        function: The function, which is never called.
        name: Its name, unique in a program.
        doc: Its docstring.
        module: Name of the module that defines it.
        names: What the function's free names meant when it was decorated.
    """

    def __init__(self, function: FunctionType) -> None:
        """Remembers the function and what its names mean now."""
        self.function = function
        self.name: str = function.__name__
        self.doc: str = inspect.cleandoc(function.__doc__ or "")
        self.module: str = function.__module__
        self.names: Mapping[str, Any] = MappingProxyType(_snapshot(function))

    def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refuses: rules are read."""
        refuse()

    def __repr__(self) -> str:
        """Names the rule."""
        return f"<rule {self.name} of {self.module}>"


def rule(function: Callable[..., None]) -> Rule:
    """Makes a function a rule: its source is read when a program is loaded, and it is never called.

    Raises:
        TypeError: It is not put on a plain function.
    """
    if not isinstance(function, FunctionType):
        raise TypeError(f"@rule goes on a function, not on {function!r}")
    return Rule(function)


def free_names(code: CodeType) -> Iterator[str]:
    """Names that a function's code, and the code inside it, takes from outside (attributes too)."""
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from free_names(constant)


def _snapshot(function: FunctionType) -> dict[str, Any]:
    found = {n: function.__globals__[n] for n in free_names(function.__code__) if n in function.__globals__}
    return found | closure(function)


def closure(function: FunctionType) -> dict[str, Any]:
    """The variables that a function closes over and that have a value by now."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


PURE: dict[Callable[..., Any], bool] = {}
"""Functions that rules may call; True for those that must have a return annotation."""


def pure(function: F) -> F:
    """Allows rules to call a function: as a decorator, or as ``pure(f)`` for a function of a library.

    A pure function gives the same value for the same arguments and touches nothing else. One that is defined
    where it is marked needs a return annotation, which gives its values' type.
    """
    own = isinstance(function, FunctionType) and function.__globals__ is _caller().f_globals
    PURE[function] = own
    return function


def every(pattern: Pattern) -> Pattern:  # noqa: ARG001 - read, not run
    """``every(R(x))``: R is meant to combine with all other literals, sharing no variable with them."""
    refuse()


def collect(value: object) -> Any:  # noqa: ARG001 - read, not run
    """In a head: the sorted tuple of the distinct values that ``value`` takes in the group."""
    refuse()


def count(value: object) -> Any:  # noqa: ARG001 - read, not run
    """In a head: how many distinct values ``value`` takes in the group."""
    refuse()


def allocate(
    low: int,  # noqa: ARG001 - read, not run
    high: int,  # noqa: ARG001 - likewise
    hints: object = None,  # noqa: ARG001 - likewise
    *,
    within: object = None,  # noqa: ARG001 - likewise
    wanted: object = None,  # noqa: ARG001 - likewise
    after: After = "last",  # noqa: ARG001 - likewise
) -> Any:
    """In a head: a number from ``low`` to ``high`` that no other group has, kept as long as the group exists.

    Args:
        low: The smallest number.
        high: The largest number.
        hints: A relation with the group's columns followed by the number that it had before a restart.
        within: A variable of the head, or a tuple of some: numbers are unique among the groups that agree in them.
        wanted: A relation with the group's columns followed by a number that the group gets even from another group,
            unless that wants it as well.
        after: Where a free number is searched: after the last one given, after the largest in use, after the
            group's hint, or (None) from the smallest on; beyond the largest number the search goes on at the smallest.
    """
    refuse()


_: Any = Pattern()
"""Stands for a value that doesn't matter."""
