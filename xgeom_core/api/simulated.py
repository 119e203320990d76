"""Simulated frames with known truth, for scripts."""

from __future__ import annotations

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.simulate.recipe import load_recipe
from xgeom_core.simulate.stream import simulate_frame


def simulated_frame(
    kind: str = "standard", shape: tuple[int, int] = (820, 820), *, seed: int = 0, index: int = 0
) -> tuple[Frame, tuple[float, float], tuple[float, float]]:
    """A simulated frame and its truth.

    Parameters
    ----------
    kind : str
        A bundled kind (``"standard"``, ``"flat"``, ``"powder"``, ...: see ``xgeom simulate --list``) or a
        recipe's ``.toml`` file.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    seed, index : int
        The same numbers give the same frame.

    Returns
    -------
    frame : Frame
        Its metadata state distance, pixel size and wavelength, but no center.
    center_px : tuple of float
        True beam center ``(x, y)``, corner origin.
    tilt_deg : tuple of float
        True ``(pitch, yaw)``.

    Raises
    ------
    RecipeError
        If there is no such kind or the recipe makes no sense.
    """
    made = simulate_frame(load_recipe(kind), shape, seed, index)
    true = made.geometry
    metadata = Metadata(true.distance_mm, true.wavelength_A, true.pixel_mm)
    counts = np.where(made.known, made.counts, 0).astype(np.float32)
    frame = Frame(counts, made.known, np.zeros(shape, dtype=bool), metadata, index=index)
    return frame, true.center_px, (true.pitch_deg, true.yaw_deg)
