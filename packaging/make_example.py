"""Make the bundled example frame: python packaging/make_example.py"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.files import write_nxmx
from xgeom_core.frame import Metadata
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SHAPE = (1679, 1475)
SEED, FRAMES = 20, 3
# A header as beamlines write them: the center of some earlier day, a few pixels off.
HEADER_ERROR_PX = (3.4, -5.2)


def main() -> None:
    folder = Path(__file__).resolve().parent.parent / "resources" / "example"
    recipe = load_recipe(str(folder / "recipe.toml"))
    frames = [simulate_frame(recipe, SHAPE, SEED, index) for index in range(FRAMES)]
    known = np.logical_and.reduce([frame.known for frame in frames])
    geometry = frames[0].geometry
    header = tuple(c + e for c, e in zip(geometry.center_px, HEADER_ERROR_PX, strict=True))
    metadata = Metadata(
        distance_mm=geometry.distance_mm,
        wavelength_A=geometry.wavelength_A,
        pixel_mm=geometry.pixel_mm,
        center_px=(round(header[0], 1), round(header[1], 1)),
        saturation=1_000_000,
        detector="Simulated Pilatus 2M",
    )
    truth = [
        Estimate("truth", frame.geometry.center_px, (frame.geometry.pitch_deg, frame.geometry.yaw_deg))
        for frame in frames
    ]
    images = np.array([frame.counts for frame in frames]).astype(np.int32)
    write_nxmx(folder / "frame.h5", images, metadata, valid=known, truth=truth)
    for frame in frames:
        sys.stdout.write(f"center {frame.geometry.center_px} spots {frame.crystal.spots}\n")


if __name__ == "__main__":
    main()
