"""Seeds: small whole files, made by code, that damage begins with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# HDF5's message of when an object was changed, which h5py leaves out but for virtual datasets.
_CHANGED = re.compile(rb"(\x12\x00\x08\x00.\x00{3}\x01\x00{3}).{4}", re.DOTALL)

Kind = Literal["frames", "geometry"]


@dataclass(frozen=True)
class Seed:
    """A whole file.

    Parameters
    ----------
    key : str
        What it is called in tables.
    name : str
        Its file's name, which some formats are told by.
    data : bytes
    kind : {"frames", "geometry"}
        What is read from it. Of frames the geometry is read as well.
    checked : tuple of int or None
        First and last-plus-one byte that a checksum in the file covers: damage to these alone must not
        give other pixels without a word.
    beside : mapping
        Files that must lie beside it, by name.
    """

    key: str
    name: str
    data: bytes
    kind: Kind
    checked: tuple[int, int] | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)


def without_times(data: bytes) -> bytes:
    """An HDF5 file that does not tell when it was made."""
    return _CHANGED.sub(rb"\1\0\0\0\0", data)


def all_seeds() -> list[Seed]:
    """Every seed, in an order that stays."""
    from fuzzing.frames import frame_seeds  # noqa: PLC0415 - these modules need Seed
    from fuzzing.geometries import geometry_seeds  # noqa: PLC0415

    return [*frame_seeds(), *geometry_seeds()]
