"""The experiment as the compiled functions take it: everything small, and the detector."""

from __future__ import annotations

import math
from typing import NamedTuple

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam

Triple = tuple[float, float, float]


class Spreads(NamedTuple):
    """Standard deviations of everything small, and the rotation.

    Lengths in 1/Å, angles in radians; `k` is 1/wavelength, `half` half the oscillation.
    """

    k: float
    block: float
    mosaic: float
    along_x: float
    along_y: float
    band: float
    half: float
    axis: Triple


class Plane(NamedTuple):
    """The detector: unit vectors, distance along the normal in mm, beam center and pixel."""

    fast: Triple
    slow: Triple
    normal: Triple
    distance: float
    center_x: float
    center_y: float
    pixel_x: float
    pixel_y: float
    sample: float


def spreads(beam: Beam, mosaic_deg: float, block_A: float) -> Spreads:
    """Everything small, of a crystal in a beam."""
    x, y, z = beam.axis
    return Spreads(
        k=1.0 / beam.wavelength_A,
        block=1.0 / (math.sqrt(2.0 * math.pi) * block_A),
        mosaic=math.radians(mosaic_deg),
        along_x=1e-3 * beam.divergence_mrad[0],
        along_y=1e-3 * beam.divergence_mrad[1],
        band=beam.bandwidth,
        half=math.radians(beam.oscillation_deg) / 2.0,
        axis=(float(x), float(y), float(z)),
    )


def plane_of(geometry: Geometry, beam: Beam) -> Plane:
    """The detector as the compiled functions take it, with the size of the sample seen by the beam."""
    fast, slow, normal = (tuple(float(v) for v in axis) for axis in geometry.axes())
    return Plane(
        fast=(fast[0], fast[1], fast[2]),
        slow=(slow[0], slow[1], slow[2]),
        normal=(normal[0], normal[1], normal[2]),
        distance=geometry.normal_distance_mm(),
        center_x=float(geometry.center_px[0]),
        center_y=float(geometry.center_px[1]),
        pixel_x=float(geometry.pixel_mm[0]),
        pixel_y=float(geometry.pixel_mm[1]),
        sample=float(beam.size_mm),
    )
