"""Damage to files, as disks, copies, programs and people do it; the same numbers do the same damage."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

from fuzzing.seeds import without_times

_NUMBER = re.compile(rb"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_ODD_NUMBERS = (
    *(b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"0", b"-0.0", b"", b"-1", b"1e5000"),
    *(b"1" * 5000, b"9" * 400, b"1_000", b"0x10", b"\xc2\xb2", b"1,5", b"None", b"null", b"true", b"{}"),
    *(b"[[1]]", b"\x00", b"1e9", b"99999999", b"2147483648", b"4294967295", b"18446744073709551616"),
    *(b'"x"', b"1 2", b"*******", b"1D400", b"..", b"--1", b"65536", b"100000", b"1.5"),
)
_JUNK = (
    *(
        b"[" * 3000,
        b'{"a":' * 2000,
        b"\x00" * 8,
        b"\xff\xfe",
        b"=" * 50,
        b"x" * 5000,
        b"\n" * 40,
        b"/",
        b"\r",
    ),
    *(b'"', b"\x1b]0;x\x07", "\u202e".encode(), b"../" * 40, b"/etc/passwd", b";", b"}", b"\x0c\x1a\x04\xd5"),
)
_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, "x", "", [], {}, [1, 2], [1, 2, 3], [0, 0, 0], [[1], 2, 3], {"panel": 0}, -1, 0, 1.5),
    *(float("nan"), float("inf"), 1e308, 10**400, [1e308] * 3, [1, 0, 0], 1, 7, "\x1b[2J\n"),
)
_ODD_INTEGERS = (0, 1, -1, 2, 255, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**63 - 1, -(2**63))
_ODD_FIELDS: tuple[Any, ...] = (
    *(np.nan, np.inf, -1e308, 0.0, -1, 2**62, "text", b"", "", "\x1b[2J\n", np.zeros(3), np.zeros((0, 2))),
    *(np.array([1, np.nan]), True, "/", ".", "../..", "/entry/instrument/detector", 1 + 2j, h5py.Empty("f8")),
    *(np.array(["a", "b"], dtype="S1"), np.zeros((2, 2, 2, 2)), np.array([b"\xff\xfe"], dtype="S2")),
)

_HDF5 = b"\x89HDF\r\n\x1a\n"

Mutation = Callable[[bytes, random.Random], bytes]


def _place(data: bytes, rng: random.Random) -> int:
    """Somewhere; half of the time near the beginning, where most formats keep what matters."""
    if rng.random() < 0.5:
        return min(int(rng.expovariate(1 / 300)), len(data))
    return rng.randrange(len(data) + 1)


def _size(rng: random.Random) -> int:
    return int(2 ** rng.uniform(0, 11))


def flip(data: bytes, rng: random.Random) -> bytes:
    """Some bits are turned."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = _place(data, rng)
        if at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def bits(data: bytes, rng: random.Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 20)):
        at = _place(data, rng)
        if at < len(changed):
            changed[at] = rng.randrange(256)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    """The end is gone."""
    return data[: _place(data, rng)]


def drop(data: bytes, rng: random.Random) -> bytes:
    """A part is gone."""
    at = _place(data, rng)
    return data[:at] + data[at + _size(rng) :]


def repeat(data: bytes, rng: random.Random) -> bytes:
    """A part is there many times."""
    at, size = _place(data, rng), _size(rng)
    return data[:at] + data[at : at + size] * rng.choice((2, 2, 3, 50)) + data[at + size :]


def splice(data: bytes, rng: random.Random) -> bytes:
    """A part stands in another place of the file as well, over what was there."""
    at, there, size = _place(data, rng), _place(data, rng), _size(rng)
    part = data[at : at + size]
    return data[:there] + part + data[there + len(part) :]


def fill(data: bytes, rng: random.Random) -> bytes:
    """A part is zeros, or ones, as on a disk that lost it."""
    at, size = _place(data, rng), _size(rng)
    part = data[at : at + size]
    return data[:at] + rng.choice((b"\x00", b"\x00", b"\xff")) * len(part) + data[at + len(part) :]


def insert(data: bytes, rng: random.Random) -> bytes:
    """Something stands in between."""
    at = _place(data, rng)
    return data[:at] + rng.choice(_JUNK) + data[at:]


def numbers(data: bytes, rng: random.Random) -> bytes:
    """Numbers in words are others, or none."""
    found = list(_NUMBER.finditer(data[:100_000]))
    for match in sorted(rng.sample(found, min(len(found), rng.randint(1, 3))), key=lambda m: -m.start()):
        data = data[: match.start()] + rng.choice(_ODD_NUMBERS) + data[match.end() :]
    return data


def integers(data: bytes, rng: random.Random) -> bytes:
    """A binary number is another."""
    size = rng.choice((2, 4, 4, 8))
    at = _place(data, rng) // size * size
    value = rng.choice(_ODD_INTEGERS) % 2 ** (8 * size)
    number = value.to_bytes(size, rng.choice(("little", "little", "big")))
    return data[:at] + number + data[at + size :]


def lines(data: bytes, rng: random.Random) -> bytes:
    """A line is gone, there again, in another's place or turned around."""
    rows = data.split(b"\n")
    at, other = rng.randrange(len(rows)), rng.randrange(len(rows))
    match rng.randrange(4):
        case 0:
            del rows[at]
        case 1:
            rows[at:at] = [rows[other]] * rng.randint(1, 4)
        case 2:
            rows[at], rows[other] = rows[other], rows[at]
        case _:
            rows[at] = rows[at][::-1]
    return b"\n".join(rows)


def values(data: bytes, rng: random.Random) -> bytes:
    """Still JSON, but some of its values are of another kind or gone."""
    tree = json.loads(data)
    for _ in range(rng.randint(1, 2)):
        node, deeper = tree, True
        while deeper and len(node):
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            deeper = isinstance(node[key], dict | list) and len(node[key]) > 0 and rng.random() < 0.85
            if deeper:
                node = node[key]
            elif rng.random() < 0.1:
                del node[key]
            else:
                node[key] = copy.deepcopy(rng.choice(_ODD_VALUES))
    return json.dumps(tree).encode()


def fields(data: bytes, rng: random.Random) -> bytes:
    """Still HDF5, but fields, attributes and links are what a program might have put there by mistake."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for name in rng.sample(names, min(len(names), rng.randint(1, 3))):
            # What went before may have taken it away.
            with suppress(KeyError, TypeError, ValueError, OSError, RuntimeError):
                _spoil(file, name, rng)
    return without_times(buffer.getvalue())


def _spoil(file: h5py.File, name: str, rng: random.Random) -> None:
    node = file[name]
    if len(node.attrs) and rng.random() < 0.5:
        node.attrs[rng.choice(list(node.attrs))] = rng.choice(_ODD_FIELDS)
        return
    attributes = dict(node.attrs)
    shape = getattr(node, "shape", None) or (3, 48, 64)
    del file[name]
    match rng.randrange(8):
        case 0:
            file[name] = h5py.SoftLink(rng.choice((f"/{name}", "/", "/nowhere", ".")))
        case 1:
            file[name] = h5py.ExternalLink(rng.choice(("gone.h5", ".", "/etc/passwd", "/dev/zero")), "/data")
        case 2:
            # A dataset that is made of itself.
            layout = h5py.VirtualLayout(shape, "i4")
            layout[...] = h5py.VirtualSource(".", f"/{name}", shape, "i4")
            file.create_virtual_dataset(name, layout)
        case 3:
            # Declared, without room on any disk.
            file.create_dataset(name, rng.choice(((10**6,) * 2, (3, 10**5, 10**5), (2**40,))), "u4")
        case 4:
            file.create_dataset(name, (2, 48, 64), "i4", external=[("/dev/zero", 0, 2**40)])
        case _:
            file[name] = rng.choice(_ODD_FIELDS)
            file[name].attrs.update(attributes)


_ANY: tuple[Mutation, ...] = (flip, flip, bits, cut, drop, repeat, splice, fill, insert, numbers, integers)
_UNPACK: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.decompress, lambda data: gzip.compress(data, mtime=0)),
    ".bz2": (bz2.decompress, bz2.compress),
}


def damaged(name: str, data: bytes, checked: tuple[int, int] | None, rng: random.Random) -> tuple[bytes, str]:
    """A damaged copy of a file.

    Parameters
    ----------
    name, data
        The whole file.
    checked : tuple of int or None
        Bytes under a checksum: a quarter of the copies are damaged there alone.
    rng : random.Random

    Returns
    -------
    bytes, str
        The copy, and what was done to it.
    """
    if checked is not None and rng.random() < 0.25:
        first, last = checked
        inner = rng.choice((flip, bits, fill, integers))(data[first:last], rng)
        return data[:first] + inner[: last - first] + data[last:], "inside"
    ending = f".{name.rpartition('.')[2]}"
    if ending in _UNPACK and rng.random() < 0.5:
        unpack, pack = _UNPACK[ending]
        inner, what = _damage(unpack(data), rng)
        return pack(inner), f"unpacked-{what}"
    if data.startswith(_HDF5) and rng.random() < 0.5:
        return fields(data, rng), "fields"
    if ending in (".json", ".expt") and rng.random() < 0.5:
        return values(data, rng), "values"
    return _damage(data, rng)


def _damage(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """One to three kinds of damage that are the same for every format."""
    kinds = (*_ANY, lines, lines, numbers, numbers) if b"\x00" not in data else _ANY
    names = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.choice(kinds)
        data = kind(data, rng) or b" 0 "
        names.append(getattr(kind, "__name__", ""))
    return data, "+".join(names)
