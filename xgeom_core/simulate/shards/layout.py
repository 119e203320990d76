"""What stands in a training file beside the images: the tables and the full truth of each frame.

The tables `labels` and `geom` are those of resonet, in its order, so that its loaders read them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.simulate.render import SimulatedFrame

# The columns of resonet's `labels`, in its order.
LABELS = (
    *("reso", "one_over_reso", "radius", "one_over_radius", "is_multi", "multi_lat_angle_sigma"),
    *("num_lat", "bg_scale", "beamstop_rad", "detdist", "wavelen", "beam_center_fast"),
    *("beam_center_slow", "cent_fast_train", "cent_slow_train", "Na", "Nb", "Nc", "pdb"),
    *("mos_spread", "xtal_scale", *(f"r{i}" for i in range(1, 10)), "pitch_deg", "yaw_deg", "bg_only"),
)
GEOM = ("detdist", "wavelen", "pixsize", "xdim", "ydim")
TRUTH = ("center_x_px", "center_y_px", "pitch_deg", "yaw_deg")
# What the column `pdb` counts in resonet's files; here it is always 0.
STRUCTURES = ("the structure that the recipe names, or random structure factors",)
CONVENTION = (
    "pixels from the outer corner of the first pixel, x fast, y slow; pitch about +x, then yaw about "
    "the fixed +y, degrees; images hold the square root of the counts"
)
PIVOT = "beam center"


def truth_row(frame: SimulatedFrame) -> NDArray[np.float64]:
    """Center in px, pitch and yaw in degrees: shape (4,), in the order of `TRUTH`."""
    geometry = frame.geometry
    return np.array([*geometry.center_px, geometry.pitch_deg, geometry.yaw_deg], dtype=np.float64)


def geom_row(frame: SimulatedFrame) -> NDArray[np.float32]:
    """Distance in mm, wavelength in Å, pixel size in mm and frame size in px, in the order of `GEOM`."""
    geometry, (slow, fast) = frame.geometry, frame.counts.shape
    row = (geometry.distance_mm, geometry.wavelength_A or 0.0, geometry.pixel_mm[0], fast, slow)
    return np.array(row, dtype=np.float32)


def label_row(frame: SimulatedFrame) -> NDArray[np.float32]:
    """Labels of one frame in the order of `LABELS`; what does not apply is 0.

    Notes
    -----
    ``radius`` is that of the resolution limit on the detector in px; ``r1..r9`` the rotation of the
    first lattice, row by row; ``pdb`` has no meaning here.
    """
    geometry, crystal = frame.geometry, frame.crystal
    values = dict.fromkeys(LABELS, 0.0)
    if crystal.lattices:
        values |= _crystal_labels(frame)
    values |= {
        "is_multi": float(crystal.lattices > 1),
        "num_lat": float(crystal.lattices),
        "bg_scale": frame.background,
        "beamstop_rad": frame.stop_radius_mm,
        "detdist": geometry.distance_mm,
        "wavelen": geometry.wavelength_A or 1.0,
        "beam_center_fast": geometry.center_px[0],
        "beam_center_slow": geometry.center_px[1],
        "cent_fast_train": geometry.center_px[0],
        "cent_slow_train": geometry.center_px[1],
        "mos_spread": crystal.mosaic_deg,
        "xtal_scale": crystal.spot_counts,
        "pitch_deg": geometry.pitch_deg,
        "yaw_deg": geometry.yaw_deg,
        "bg_only": float(crystal.lattices == 0),
    }
    return np.array([values[name] for name in LABELS], dtype=np.float32)


def _crystal_labels(frame: SimulatedFrame) -> dict[str, float]:
    """Resolution, blocks and rotation of the first lattice."""
    geometry, crystal = frame.geometry, frame.crystal
    two_theta = 2.0 * np.arcsin(min(1.0, (geometry.wavelength_A or 1.0) / (2.0 * crystal.d_min_A)))
    radius = float(geometry.distance_mm * np.tan(min(two_theta, 1.5)) / geometry.pixel_mm[0])
    real = np.linalg.inv(crystal.reciprocal).T
    rotation, upper = np.linalg.qr(real)
    rotation = rotation * np.sign(np.diag(upper))
    blocks = crystal.block_A / np.linalg.norm(real, axis=0)
    return {
        "reso": crystal.d_min_A,
        "one_over_reso": 1.0 / crystal.d_min_A,
        "radius": radius,
        "one_over_radius": 1.0 / radius,
        **dict(zip(("Na", "Nb", "Nc"), map(float, blocks), strict=True)),
        **{f"r{i + 1}": float(value) for i, value in enumerate(rotation.ravel())},
    }


def experiment_json(frame: SimulatedFrame) -> str:
    """Everything that was drawn for a frame, as one line of JSON."""
    drawn = getattr(frame, "experiment", None)
    if drawn is None:
        drawn = {
            "geometry": frame.geometry,
            "background": frame.background,
            "stop_radius_mm": frame.stop_radius_mm,
            "crystal": frame.crystal,
        }
    return json.dumps(_plain(drawn), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """The value in dicts, lists, numbers and texts; what is not finite becomes null, as JSON demands."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
