"""Geometry from headers of images: read and judged as the metadata of their frames are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.header import Header
from xgeom_core.formats.judging import judged, same_center
from xgeom_core.formats.reading import Hints, Reading


def reading_of_headers(
    program: str, headers: Callable[[Path, Hints], list[Header]], lacking: str
) -> Callable[[Path, Hints], list[Reading]]:
    """How a format of images reads geometry: ``read`` of its `Format`.

    Parameters
    ----------
    program : str
        The format's name; the source of its readings.
    headers : callable
        ``headers(path, hints)``: every part of the file that states something, the most trusted first.
    lacking : str
        What the message says where no center is stated: ``"BEAM_CENTER_X and BEAM_CENTER_Y are not set"``.
    """

    def read(path: Path, hints: Hints) -> list[Reading]:
        """The judged whole first, then every part of the file that states another center.

        Raises
        ------
        MissingDatasetError
            If no part states a beam center.
        """
        parts = headers(path, hints)
        whole = judged(parts, hints.image_size).reading(program, path, hints)
        if whole is None:
            raise MissingDatasetError(f"{path} states no beam center: {lacking}.")
        found = [whole]
        for part in parts:
            reading = part.reading(program, path, hints)
            if reading is not None and not any(
                same_center(reading.estimate.center_px, one.estimate.center_px) for one in found
            ):
                found.append(reading)
        return found

    return read
