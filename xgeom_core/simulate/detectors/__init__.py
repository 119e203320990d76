"""Detectors: what makers build, where they stand, and what they make of photons.

===============  =================================================================
``layouts``      published pixels, modules, gaps, sensors and read-out
``coverage``     a layout in the pixels of a frame of any size
``sensor``       absorption: parallax, efficiency
``random_bits``  reproducible random bits inside compiled loops
``counting``     exact Poisson numbers, fast
``spreading``    point spread of a phosphor
``read_out``     pedestal and read-out noise of analog detectors
``faults``       gains, seams, hot and dead pixels, lines and modules
``detector``     all of that together: an expected image becomes counts
``recipe``       what a kind of frames may draw
``draw``         one detector and its geometry, drawn
===============  =================================================================
"""

from xgeom_core.simulate.detectors.detector import Detector, Record
from xgeom_core.simulate.detectors.draw import draw_detector, draw_geometry
from xgeom_core.simulate.detectors.faults import Faults
from xgeom_core.simulate.detectors.layouts import LAYOUTS, Layout
from xgeom_core.simulate.detectors.recipe import DetectorRecipe
from xgeom_core.simulate.detectors.sensor import Sensor

__all__ = [
    "LAYOUTS",
    "Detector",
    "DetectorRecipe",
    "Faults",
    "Layout",
    "Record",
    "Sensor",
    "draw_detector",
    "draw_geometry",
]
