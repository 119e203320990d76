"""Values as plain JSON and back, each checked against the type that is expected.

What comes from the other end of a channel can become nothing but what its receiver has asked for: numbers,
text, tuples, lists and dicts of these, arrays of numbers, and dataclasses made of them. No name in the
message is looked up, and nothing in it is run.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

_ALIGNED = 64
_LARGEST_ARRAY = 2**32
_NUMBERS = "biuf"


class NotPlainError(Exception):
    """A value is not of the type that is expected."""


class Packed(NamedTuple):
    """A value ready to be sent: its JSON, and the bytes of its arrays one after the other."""

    text: bytes
    pieces: list[memoryview]


class _Arrays:
    """The bytes of arrays as they are gathered."""

    def __init__(self) -> None:
        self.pieces: list[memoryview] = []
        self.size = 0

    def add(self, array: NDArray[Any]) -> int:
        """Where an array begins."""
        gap = -self.size % _ALIGNED
        if gap:
            self.pieces.append(memoryview(bytes(gap)))
        start = self.size + gap
        if array.nbytes:
            self.pieces.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        self.size = start + array.nbytes
        return start


_Encode = Callable[[Any, _Arrays], Any]
_Decode = Callable[[Any, memoryview], Any]


class _Codec(NamedTuple):
    encode: _Encode
    decode: _Decode


def pack(hint: Any, value: Any) -> Packed:
    """A value of the type `hint`, ready to be sent.

    Raises
    ------
    NotPlainError
        If it is of another type.
    """
    arrays = _Arrays()
    text = json.dumps(_codec(hint).encode(value, arrays)).encode("ascii")
    return Packed(text, arrays.pieces)


def unpack(hint: Any, text: bytes | bytearray, data: memoryview) -> Any:
    """The value of the type `hint` that was sent.

    Raises
    ------
    NotPlainError
        If the message holds anything else.
    """
    try:
        return _codec(hint).decode(json.loads(text), data)
    except (ValueError, RecursionError, OverflowError) as error:
        raise NotPlainError(f"{error}") from error


def signature(function: Callable[..., Any]) -> tuple[tuple[Any, ...], Any]:
    """Types of a method's arguments (but for the first) and of its result."""
    hints = get_type_hints(function)
    result = hints.pop("return")
    return tuple(hints.values()), result


@cache
def _codec(hint: Any) -> _Codec:
    """How values of a type are written and read."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is float:
        return _Codec(_as_float, _to_float)
    if hint in (int, str, bool, type(None)):
        return _exactly(hint)
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if origin is tuple and (len(arguments) != 2 or arguments[1] is not Ellipsis):
        return _fixed(arguments)
    if origin in (tuple, list):
        return _row(origin, arguments[0])
    if origin is dict and arguments[0] is str:
        return _table(arguments[1])
    if origin is np.ndarray:
        return _array(get_args(arguments[1])[0])
    if dataclasses.is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"values of type {hint} cannot be sent")


def _as_float(value: Any, _: _Arrays) -> float:
    if isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool):
        return float(value)
    raise _other(float, value)


def _to_float(plain: Any, _: memoryview) -> float:
    if isinstance(plain, float | int) and not isinstance(plain, bool):
        return float(plain)
    raise _other(float, plain)


def _exactly(kind: type) -> _Codec:
    def encode(value: Any, _: _Arrays) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        return decode(value, _NO_DATA)

    def decode(plain: Any, _: memoryview) -> Any:
        if type(plain) is kind:
            return plain
        # A text of a class of its own, such as numpy's, is a text.
        if kind is str and isinstance(plain, str):
            return str(plain)
        raise _other(kind, plain)

    return _Codec(encode, decode)


def _one_of(choices: Sequence[Any]) -> _Codec:
    def check(plain: Any, _: Any) -> Any:
        if any(type(plain) is type(choice) and plain == choice for choice in choices):
            return plain
        raise _other(f"one of {choices}", plain)

    return _Codec(check, check)


def _optional(kinds: Sequence[Any]) -> _Codec:
    (kind,) = (kind for kind in kinds if kind is not type(None))
    inner = _codec(kind)
    return _Codec(
        lambda value, arrays: None if value is None else inner.encode(value, arrays),
        lambda plain, data: None if plain is None else inner.decode(plain, data),
    )


def _fixed(kinds: Sequence[Any]) -> _Codec:
    inner = [_codec(kind) for kind in kinds]

    def encode(value: Any, arrays: _Arrays) -> Any:
        return [
            one.encode(item, arrays) for one, item in zip(inner, _of(tuple, value, len(kinds)), strict=True)
        ]

    def decode(plain: Any, data: memoryview) -> Any:
        return tuple(
            one.decode(item, data) for one, item in zip(inner, _of(list, plain, len(kinds)), strict=True)
        )

    return _Codec(encode, decode)


def _row(row: Any, kind: Any) -> _Codec:
    inner = _codec(kind)
    return _Codec(
        lambda value, arrays: [inner.encode(item, arrays) for item in _of(row, value)],
        lambda plain, data: row(inner.decode(item, data) for item in _of(list, plain)),
    )


def _table(kind: Any) -> _Codec:
    key, inner = _codec(str), _codec(kind)
    return _Codec(
        lambda value, arrays: {
            key.encode(name, arrays): inner.encode(item, arrays) for name, item in _of(dict, value).items()
        },
        lambda plain, data: {name: inner.decode(item, data) for name, item in _of(dict, plain).items()},
    )


def _record(cls: Any) -> _Codec:
    hints = get_type_hints(cls)
    fields = [field.name for field in dataclasses.fields(cls) if field.init]
    inner = [(name, _codec(hints[name])) for name in fields]

    def encode(value: Any, arrays: _Arrays) -> Any:
        if type(value) is not cls:
            raise _other(cls.__name__, value)
        return [one.encode(getattr(value, name), arrays) for name, one in inner]

    def decode(plain: Any, data: memoryview) -> Any:
        values = _of(list, plain, len(inner))
        return cls(**{name: one.decode(item, data) for (name, one), item in zip(inner, values, strict=True)})

    return _Codec(encode, decode)


def _array(scalar: Any) -> _Codec:
    """Arrays of one type of number, or of any if only ``np.generic`` is promised.

    A mask of nothing, as that of saturated pixels often is, takes no room.
    """

    def encode(value: Any, arrays: _Arrays) -> Any:
        if not isinstance(value, np.ndarray) or not _fits(value.dtype, scalar):
            raise _other(f"array of {scalar.__name__}", value)
        plain = value.astype(value.dtype.newbyteorder("="), copy=False)
        empty = plain.dtype.kind == "b" and not plain.any()
        return [plain.dtype.str, list(plain.shape), None if empty else arrays.add(plain)]

    def decode(plain: Any, data: memoryview) -> Any:
        name, shape, start = _of(list, plain, 3)
        sides = [_to_size(side) for side in _of(list, shape)]
        if not isinstance(name, str) or len(name) > 4:
            raise _other("type of number", name)
        try:
            kind = np.dtype(name)
        except TypeError:
            raise _other("type of number", name) from None
        count = math.prod(sides)
        if not _fits(kind, scalar) or count * kind.itemsize > _LARGEST_ARRAY:
            raise _other("array", plain)
        if start is None:
            return np.zeros(sides, kind)
        if _to_size(start) + count * kind.itemsize > len(data):
            raise _other("array", plain)
        return np.frombuffer(data, kind, count, start).reshape(sides)

    return _Codec(encode, decode)


def _fits(kind: np.dtype[Any], scalar: Any) -> bool:
    if kind.kind not in _NUMBERS:
        return False
    return scalar is np.generic or kind == np.dtype(scalar)


def _to_size(plain: Any) -> int:
    if type(plain) is int and 0 <= plain < 2**48:
        return plain
    raise _other("size", plain)


def _of(kind: Any, value: Any, length: int | None = None) -> Any:
    if not isinstance(value, kind) or (length is not None and len(value) != length):
        raise _other(kind.__name__, value)
    return value


def _other(expected: Any, found: Any) -> NotPlainError:
    name = expected if isinstance(expected, str) else expected.__name__
    return NotPlainError(f"{name} was expected, {type(found).__name__} {str(found)[:60]!r} was found")


_NO_DATA = memoryview(b"")
