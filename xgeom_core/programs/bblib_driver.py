"""Run by the interpreter that has bblib, which need not know xgeom: ``python bblib_driver.py job.json``.

Writes ``{method: [x, y]}`` in pixel numbers for the methods that converged.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

# Peakfinder8 and the search for pairs, as beambusters' own examples have them.
_CONFIG: dict[str, Any] = {
    "plots_flag": False,
    "search_radius": 8,
    "pixels_for_mask_of_bragg_peaks": 4,
    "bragg_peaks_for_center_of_mass_calculation": 0,
    "polarization": {"apply_polarization_correction": False, "axis": "x", "value": 0.99},
}


def main(path: str) -> None:
    """Center of mass, then Friedel pairs about the guess."""
    settings = json.loads(Path(path).read_text())
    methods = importlib.import_module("bblib.methods")
    models = importlib.import_module("bblib.models")
    image = np.load("image.npy")
    centers = {}
    for name, method, about in (
        ("center of mass", methods.CenterOfMass, {}),
        ("Friedel pairs", methods.FriedelPairs, {"initial_guess": settings["guess"]}),
    ):
        # A new one each time: Friedel pairs shift its pixel maps.
        info = models.PF8Info(max_num_peaks=2000, adc_threshold=10, minimum_snr=6, max_res=5000)
        info.set_geometry_from_file(settings["geometry"])
        finder = method(config=dict(_CONFIG), PF8Config=info, plots_info={})
        try:
            center = finder(data=image, **about)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            say(f"{name}: {type(error).__name__}: {error}")
            continue
        if finder.centering_converged(list(center)):
            centers[name] = [float(center[0]), float(center[1])]
            say(f"{name}: ({center[0]:.3f}, {center[1]:.3f})")
        else:
            say(f"{name}: did not converge")
    Path(settings["result"]).write_text(json.dumps(centers))


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
