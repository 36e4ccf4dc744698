"""Struct, a record that is declared by its annotations alone. A misspelt or missing field is a mypy error.

    class Limits(Struct):
        first: int
        longest: int = 300_000

One line a field makes `Limits(first=1)`: keywords only, `__slots__`, no comparison. A default is shared by all
instances: a number, a text, a tuple, None or another Struct, never a list or a dictionary. With `frozen=True` behind
Struct mypy refuses an assignment to a field; nothing checks that at run time.

An instance takes 1 to 1.6 us, one with an `__init__` by hand 0.25: it is for what a healthy run does not load.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import Field, replace
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Stand in for that of typing, which is costly to load."""
        return lambda made: made

    def replace(struct: Any, /, **changed: Any) -> Any:
        """Return a copy with some fields changed. What mypy sees is that of dataclasses, which knows the fields."""
        return type(struct)(**struct.plain() | changed)


__all__ = ["Struct", "replace"]


@dataclass_transform(kw_only_default=True, eq_default=False)
class _FromAnnotations(type):
    """Makes a class's slots from its annotations. fields: their names, inherited ones first. defaults: of some."""

    fields: tuple[str, ...]
    defaults: dict[str, Any]

    def __new__(
        cls, name: str, bases: tuple[type, ...], space: dict[str, Any], *, frozen: bool = False
    ) -> _FromAnnotations:
        """Take the defaults out of the class, where they would stand in the way of the slots."""
        del frozen  # for mypy alone
        own = tuple(space.get("__annotations__", ()))
        defaults = {field: space.pop(field) for field in own if field in space}
        fields = own
        for base in bases:
            if isinstance(base, _FromAnnotations):
                fields = base.fields + fields
                defaults = base.defaults | defaults
        space.update(__slots__=own, fields=fields, defaults=defaults)
        return type.__new__(cls, name, bases, space)


class Struct(metaclass=_FromAnnotations):
    """The base of a record."""

    if TYPE_CHECKING:
        fields: ClassVar[tuple[str, ...]]
        defaults: ClassVar[dict[str, Any]]
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # what `replace` asks for

    def __init__(self, **fields: Any) -> None:
        """Raise TypeError for a missing field, AttributeError for an unknown one."""
        if len(fields) < len(self.fields):
            fields = self.defaults | fields
        for name, value in fields.items():
            setattr(self, name, value)
        if len(fields) < len(self.fields):
            missing = [name for name in self.fields if name not in fields]
            raise TypeError(f"{type(self).__name__} lacks {', '.join(missing)}")

    def plain(self) -> dict[str, Any]:
        """Return the fields by their names, from which `type(self)(**fields)` makes it again: what a worker sends."""
        return {name: getattr(self, name) for name in self.fields}

    def __repr__(self) -> str:
        """Show all fields, for a test that fails."""
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.fields)})"
