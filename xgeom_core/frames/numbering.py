"""Numbered series of files: which files belong together by their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xgeom_core.frames.guarded import image_suffixes

PACKED = (".gz", ".bz2")
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi", ".hspy", ".emd")

_LAST_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$", re.DOTALL)
_SUFFIX = re.compile(r"^\.[A-Za-z]+\d{0,4}$")
_DATA_FILE = re.compile(r"_data_\d+$")
# A hole is shown as frames that are missing only where the series is else complete: numbers that are
# far apart are dates or names.
_LEAST_WITH_HOLES, _MOST_MISSING = 4, 0.2


@dataclass(frozen=True)
class Numbered:
    """A file name taken apart at its last number.

    Parameters
    ----------
    folder, before, after : str
        What stands around the number.
    digits : str
        The number as it is written.
    """

    folder: str
    before: str
    digits: str
    after: str

    @property
    def padded(self) -> bool:
        """Whether the number is written with zeros in front."""
        return len(self.digits) > 1 and self.digits.startswith("0")

    @property
    def template(self) -> str:
        """The path with ``#`` for each digit."""
        return str(Path(self.folder) / f"{self.before}{'#' * len(self.digits)}{self.after}")


def take_apart(path: str) -> Numbered | None:
    """Take a name apart at its last number, which does not belong to its suffix; None without one."""
    folder, name = os.path.split(path)
    stem, suffix = name, ""
    while True:
        last = Path(stem).suffix
        # A suffix such as ".0007" or ".v2_0007" holds the number itself.
        if not _SUFFIX.match(last):
            break
        stem, suffix = stem[: -len(last)], last + suffix
    found = _LAST_NUMBER.match(stem)
    if found is None:
        return None
    before, digits, after = found.groups()
    return Numbered(folder, before, digits, after + suffix)


def numbered_series(path: str) -> tuple[str, ...]:
    """Every file of the numbered series that a file belongs to, in order of their numbers.

    Parameters
    ----------
    path : str
        One of them; it need not exist.

    Returns
    -------
    tuple of str
        Holes in a series that is else complete are filled with the names that are missing. Fewer than
        two names if the file stands alone.
    """
    own = take_apart(path)
    if own is None:
        return ()
    try:
        with os.scandir(own.folder or ".") as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return ()
    return _complete(own, _numbers(own, names))


def _numbers(own: Numbered, names: Iterable[str]) -> dict[int, str]:
    """Files of a series by number."""
    found: dict[int, str] = {}
    for name in names:
        if not (name.startswith(own.before) and name.endswith(own.after)):
            continue
        digits = name[len(own.before) : len(name) - len(own.after)]
        if digits.isdigit() and digits.isascii() and _same_width(own.digits, digits):
            found[int(digits)] = str(Path(own.folder) / name)
    return found


def _same_width(one: str, other: str) -> bool:
    """Whether two numbers are written alike: to one width, or both without zeros in front."""
    if len(one) == len(other):
        return True
    shorter, longer = sorted((one, other), key=len)
    # 9, 10 and 100 follow each other; so do 9999 and 10000 in a field that overflows.
    return not longer.startswith("0") and (not shorter.startswith("0") or shorter == "0")


def _complete(own: Numbered, found: dict[int, str]) -> tuple[str, ...]:
    """The files in order, with the names of those that are missing in between."""
    if not found:
        return ()
    first, last = min(found), max(found)
    missing = last - first + 1 - len(found)
    if len(found) < _LEAST_WITH_HOLES or missing > _MOST_MISSING * len(found):
        return tuple(found[number] for number in sorted(found))
    width = len(own.digits) if own.padded or len(set(map(len, map(_digits, found.values())))) == 1 else 0
    return tuple(
        found.get(number, str(Path(own.folder) / f"{own.before}{number:0{width}d}{own.after}"))
        for number in range(first, last + 1)
    )


def _digits(path: str) -> str:
    apart = take_apart(path)
    return apart.digits if apart else ""


def from_template(template: str) -> tuple[str, ...]:
    """The files that a path with ``#`` for digits stands for; none if there are none."""
    folder, name = os.path.split(template)
    marks = re.search(r"#+(?=[^#]*$)", name)
    if marks is None:
        return ()
    zeros = name[: marks.start()] + "0" * len(marks.group()) + name[marks.end() :]
    return numbered_series(str(Path(folder) / zeros))


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """Key that sorts 2 before 10."""
    parts = re.split(r"(\d+)", path)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in parts)


def is_image_name(name: str) -> bool:
    """Whether a name is that of one image in a file of its own."""
    return _suffix(name) in _image_suffixes()


@cache
def _image_suffixes() -> frozenset[str]:
    return image_suffixes().difference(HDF5_SUFFIXES)


def frames_in(names: Sequence[str]) -> tuple[str, ...]:
    """The files of one folder that make a run: its longest numbered series, else its HDF5 files."""
    images = [name for name in names if is_image_name(name)]
    groups: dict[tuple[str, str], list[str]] = {}
    for name in images:
        apart = take_apart(name)
        if apart is not None:
            groups.setdefault((apart.before, apart.after), []).append(name)
    hdf5 = [name for name in names if _suffix(name) in HDF5_SUFFIXES]
    masters = [name for name in hdf5 if not _DATA_FILE.search(Path(name).stem)]
    longest = max(groups.values(), key=len, default=[])
    for chosen in (longest if len(longest) > 1 else [], masters, hdf5, images):
        if chosen:
            return tuple(sorted(chosen, key=natural))
    return ()


def _suffix(name: str) -> str:
    path = Path(name)
    return (Path(path.stem).suffix if path.suffix.lower() in PACKED else path.suffix).lower()
