"""Write simulated frames as training files that resonet's loaders read too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from xgeom_core import __version__
from xgeom_core.errors import RecipeError
from xgeom_core.simulate.recipe import Recipe
from xgeom_core.simulate.render import SimulatedFrame, render

# The columns of resonet's `labels` (dermen/resonet, sims/main.py), in its order.
LABELS = (
    *("reso", "one_over_reso", "radius", "one_over_radius", "is_multi", "multi_lat_angle_sigma"),
    *("num_lat", "bg_scale", "beamstop_rad", "detdist", "wavelen", "beam_center_fast"),
    *("beam_center_slow", "cent_fast_train", "cent_slow_train", "Na", "Nb", "Nc", "pdb"),
    *("mos_spread", "xtal_scale", *(f"r{i}" for i in range(1, 10)), "pitch_deg", "yaw_deg", "bg_only"),
)
GEOM = ("detdist", "wavelen", "pixsize", "xdim", "ydim")
CONVENTION = (
    "pixels from the outer corner of the first pixel, x fast, y slow; pitch about +x, then yaw about "
    "the fixed +y, degrees; images hold the square root of the counts"
)


def simulate_frame(recipe: Recipe, shape: tuple[int, int], seed: int, index: int) -> SimulatedFrame:
    """Frame number `index` of a data set: it depends on recipe, shape, seed and number alone."""
    return render(recipe, shape, np.random.default_rng([seed, index]))


def write_training_file(
    path: Path,
    recipe: Recipe,
    shape: tuple[int, int],
    count: int,
    seed: int,
    tell: Callable[[int], None] = lambda done: None,
) -> None:
    """Simulate frames into an HDF5 file in the training layout.

    Parameters
    ----------
    path : Path
        File to write; replaced only when the new one is whole.
    recipe : Recipe
        What to simulate.
    shape : tuple of int
        ``(slow, fast)`` of each frame.
    count, seed : int
        Number of frames, and the seed that makes them.
    tell : callable
        Called with the number of frames done after each one.

    Raises
    ------
    RecipeError
        If the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with h5py.File(partial, "w") as file:
            _write(file, recipe, shape, count, seed, tell)
        partial.replace(path)
    except OSError as error:
        raise RecipeError(f"{path} cannot be written: {error}.") from None
    finally:
        partial.unlink(missing_ok=True)


def _write(
    file: h5py.File,
    recipe: Recipe,
    shape: tuple[int, int],
    count: int,
    seed: int,
    tell: Callable[[int], None],
) -> None:
    file.attrs["xgeom_version"] = __version__
    file.attrs["recipe"] = recipe.model_dump_json()
    file.attrs["seed"] = seed
    file.attrs["convention"] = CONVENTION
    file.attrs["pivot"] = "beam center"
    packed = {"chunks": (1, *shape), "compression": "gzip", "compression_opts": 4, "shuffle": True}
    images = file.create_dataset("images", (count, *shape), dtype=np.float32, **packed)
    images.attrs["transform"] = "sqrt"
    images.attrs["pooling"] = 1
    known = file.create_dataset("known", (count, *shape), dtype=np.uint8, **packed)
    known.attrs["meaning"] = "1 where the detector is sensitive, 0 in gaps"
    labels = file.create_dataset("labels", (count, len(LABELS)), dtype=np.float32)
    labels.attrs["names"] = LABELS
    geom = file.create_dataset("geom", (count, len(GEOM)), dtype=np.float32)
    geom.attrs["names"] = GEOM
    truth = file.create_dataset("truth", (count, 4), dtype=np.float64)
    truth.attrs["names"] = ("center_x_px", "center_y_px", "pitch_deg", "yaw_deg")
    for index in range(count):
        frame = simulate_frame(recipe, shape, seed, index)
        images[index] = np.sqrt(frame.counts).astype(np.float32)
        known[index] = frame.known
        labels[index] = label_row(frame)
        geometry = frame.geometry
        geom[index] = (
            *(geometry.distance_mm, geometry.wavelength_A, geometry.pixel_mm[0]),
            *(shape[1], shape[0]),
        )
        truth[index] = (*geometry.center_px, geometry.pitch_deg, geometry.yaw_deg)
        tell(index + 1)


def label_row(frame: SimulatedFrame) -> NDArray[np.float32]:
    """Labels of one frame in the order of `LABELS`; what does not apply is 0.

    Notes
    -----
    ``radius`` is that of the resolution limit on the detector in px; ``r1..r9`` the rotation of the
    first lattice, row by row; ``pdb`` has no meaning here.
    """
    geometry = frame.geometry
    wavelength = geometry.wavelength_A or 1.0
    crystal = frame.crystal
    values = dict.fromkeys(LABELS, 0.0)
    if crystal.lattices:
        two_theta = 2.0 * np.arcsin(min(1.0, wavelength / (2.0 * crystal.d_min_A)))
        radius = geometry.distance_mm * np.tan(min(two_theta, 1.5)) / geometry.pixel_mm[0]
        real = np.linalg.inv(crystal.reciprocal).T
        rotation, upper = np.linalg.qr(real)
        rotation = rotation * np.sign(np.diag(upper))
        blocks = crystal.block_A / np.linalg.norm(real, axis=0)
        values |= {
            "reso": crystal.d_min_A,
            "one_over_reso": 1.0 / crystal.d_min_A,
            "radius": float(radius),
            "one_over_radius": float(1.0 / radius),
        }
        values |= dict(zip(("Na", "Nb", "Nc"), blocks, strict=True))
        values |= {f"r{i + 1}": float(value) for i, value in enumerate(rotation.ravel())}
    values |= {
        "is_multi": float(crystal.lattices > 1),
        "num_lat": float(crystal.lattices),
        "bg_scale": frame.background,
        "beamstop_rad": frame.stop_radius_mm,
        "detdist": geometry.distance_mm,
        "wavelen": wavelength,
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
