"""The files between the commands of DIALS: one frame of a list, another start, what their output tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.errors import ProgramError
from xgeom_core.formats.dials.expt import parse
from xgeom_core.formats.dials.writing import write
from xgeom_core.formats.format import Writing
from xgeom_core.formats.nexus.write_frames import write_nxmx
from xgeom_core.geometry import Geometry
from xgeom_core.programs.program import Job

_REFUSED = "Unable to handle the following arguments"
_EXCEPTION = re.compile(r"^(\w*(?:Error|Exception))\b:?\s*(.*)")
_MAIL = re.compile(r"Please report this error to \S+@[\w.]+:?\s*")
_SAVED = re.compile(r"Saved (\d+) reflections")
# "|  0 |  449 |  1 |  99.8% |" under "# indexed", "# unindexed"
_INDEXED = re.compile(r"^\|\s*\d+\s*\|\s*(\d+)\s*\|\s*(\d+)\s*\|\s*[\d.]+\s*%?\s*\|")


def cause(lines: tuple[str, ...]) -> str:
    """The line that says why a command of DIALS failed; "" where it wrote nothing.

    Its last line need not be it: a refused file is followed by the help, and of an assertion nothing but
    an address to write to is left.
    """
    for number, line in enumerate(lines):
        if line.strip().startswith("Sorry:"):
            return line.strip()
        if line.strip().startswith(_REFUSED):
            # The names of the files follow, on the same line or the next.
            return " ".join(part.strip() for part in lines[number : number + 2])
    for number in range(len(lines) - 1, -1, -1):
        found = _EXCEPTION.match(lines[number])
        if found is None:
            continue
        words = _MAIL.sub("", found.group(2)).strip()
        if not words:
            # What was asserted stands above, as a line of the program, perhaps underlined.
            above = [line.strip() for line in lines[:number] if line.strip(" ^~")]
            words = above[-1] if above else ""
        return f"{found.group(1)}: {words}"
    return lines[-1] if lines else ""


def spots_found(lines: Iterable[str]) -> int | None:
    """How many spots ``dials.find_spots`` says it saved."""
    return next((int(found.group(1)) for line in lines if (found := _SAVED.search(line))), None)


def spots_indexed(lines: Iterable[str]) -> int | None:
    """How many spots the last table of ``dials.index`` calls indexed."""
    counts = [int(found.group(1)) for line in lines if (found := _INDEXED.match(line.strip()))]
    return counts[-1] if counts else None


def pick_frame(imported: Path, index: int, target: Path) -> int | None:
    """Leave one experiment in a list: that of a frame.

    Returns
    -------
    int or None
        The image number to cut a sweep to; None where the experiment is that one image.
    """
    data = parse(imported)
    for experiment in data["experiment"]:
        first, last = _images(data, experiment)
        count = last - first + 1
        if index < count:
            target.write_text(json.dumps(data | {"experiment": [experiment]}))
            return first + index if count > 1 else None
        index -= count
    raise ProgramError(f"DIALS sees fewer images in the file than xgeom: {index + 1} more are needed.")


def _images(data: Any, experiment: Any) -> tuple[int, int]:
    number = experiment.get("scan")
    if number is None:
        return 1, 1
    first, last = data["scan"][number]["image_range"]
    return int(first), int(last)


def write_start(template: Path, geometry: Geometry, target: Path) -> None:
    """The experiments of DIALS with the detector moved; goniometer, mask and parallax stay."""
    panel = parse(template)["detector"][0]["panels"][0]
    size = (int(panel["image_size"][0]), int(panel["image_size"][1]))
    target.write_text(write(Writing(geometry, size, template)))


def write_frame(job: Job, target: Path) -> None:
    """The frame as NXmx, for formats that DIALS does not read; its header is what xgeom starts from."""
    image, valid = job.needed_pixels("DIALS")
    start = job.needed_start("DIALS")
    counts = np.where(valid, np.clip(np.rint(image), -(2**30), 2**30), 0).astype(np.int32)
    metadata = job.metadata.overridden(start.distance_mm, start.pixel_mm, start.wavelength_A)
    stated = replace(metadata, center_px=start.center_px, tilt_deg=(start.pitch_deg, start.yaw_deg))
    write_nxmx(target, counts[None], stated, valid)


def row_spacing_px(indexed: Path, geometry: Geometry) -> float | None:
    """Distance in px between rows of spots along the longest axis of the crystal.

    A center that is off by it explains the spots of a frame as well, with all indices shifted by one.
    """
    data = parse(indexed)
    try:
        crystal = data["crystal"][0]
        axes = [np.linalg.norm(crystal[f"real_space_{name}"]) for name in "abc"]
    except (KeyError, IndexError, TypeError):
        return None
    if geometry.wavelength_A is None:
        return None
    return float(geometry.wavelength_A / max(axes) * geometry.distance_mm / max(geometry.pixel_mm))
