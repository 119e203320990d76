"""Run by pyFAI's interpreter, which need not know xgeom: ``python pyfai_driver.py job.json``.

Refines a PONI on the rings of a calibrant and writes another. Talks on standard output, one line a cycle.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

_CYCLES = 5
_RINGS = 8
# Beam center in px and tilt in degrees that no longer matter.
_CENTER_PX, _TILT_DEG = 0.02, 0.01
_PLACES = ("dist", "poni1", "poni2", "rot1", "rot2")


def main(path: str) -> None:
    """Refine until the center stands still, at most five times."""
    settings = json.loads(Path(path).read_text())
    single_geometry, geometry, calibrant = _start(settings)
    refinement = None
    before = geometry.getFit2D()
    for cycle in range(1, _CYCLES + 1):
        # Where the rings are looked for follows from the geometry of the last cycle.
        single = single_geometry(geometry)
        single.extract_cp(max_rings=_RINGS, pts_per_deg=1.0)
        refinement = single.geometry_refinement
        points = len(refinement.data)
        if points < 20:
            sys.exit(f"only {points} points were found on the rings of {calibrant}")
        refinement.refine3(fix=["rot3", "wavelength"])
        for name in _PLACES:
            setattr(geometry, name, getattr(refinement, name))
        now = geometry.getFit2D()
        spread = np.degrees(np.sqrt(refinement.chi2() / points))
        say(
            f"cycle {cycle}: {points} points, center ({now['centerX']:.3f}, {now['centerY']:.3f}) px, "
            f"tilt {now['tilt']:.3f} deg, distance {now['directDist']:.4f} mm, scatter {spread:.4f} deg"
        )
        moved = np.hypot(now["centerX"] - before["centerX"], now["centerY"] - before["centerY"])
        if moved < _CENTER_PX and abs(now["tilt"] - before["tilt"]) < _TILT_DEG:
            break
        before = now
    geometry.save(settings["result"])


def _start(settings: dict[str, Any]) -> tuple[Any, Any, str]:
    """A maker of SingleGeometry objects, the start geometry and the calibrant's name."""
    # By name: the interpreter that checks xgeom's types need not have pyFAI.
    pyfai = importlib.import_module("pyFAI")
    goniometer = importlib.import_module("pyFAI.goniometer")
    calibrants = importlib.import_module("pyFAI.calibrant")
    say(f"pyFAI {pyfai.version}")
    image = np.load("image.npy")
    geometry = pyfai.load(settings["start"])
    geometry.detector.shape = geometry.detector.max_shape = image.shape
    invalid = np.load("invalid.npy")
    # Hot pixels would be taken for points of a ring.
    invalid |= image > np.percentile(image[~invalid], 99.99) if (~invalid).any() else False
    geometry.detector.mask = invalid.astype(np.int8)
    name = settings["calibrant"]
    if name not in calibrants.ALL_CALIBRANTS.keys():  # noqa: SIM118 - not a dict
        sys.exit(f"pyFAI knows no calibrant {name!r}")
    calibrant = calibrants.get_calibrant(name)
    calibrant.wavelength = geometry.wavelength
    clean = np.where(invalid, 0, image)

    def single_geometry(current: Any) -> Any:
        return goniometer.SingleGeometry(
            "frame", image=clean, calibrant=calibrant, detector=current.detector, geometry=current
        )

    return single_geometry, geometry, name


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
