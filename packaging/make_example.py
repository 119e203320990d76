"""Make the bundled example frame: python packaging/make_example.py"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from xgeom_core.estimate import Estimate
from xgeom_core.frames import write_nxmx
from xgeom_core.metadata import Metadata
from xgeom_core.simulate import Experiment, draw_experiment, expose, load_recipe

SHAPE = (1679, 1475)
SEED, FRAMES = 20, 3
# The crystal turns so far from one frame to the next.
STEP_DEG = 40.0
# A header as beamlines write them: the center of some earlier day, a few pixels off.
HEADER_ERROR_PX = (3.4, -5.2)


def main() -> None:
    folder = Path(__file__).resolve().parent.parent / "resources" / "example"
    recipe = load_recipe(str(folder / "recipe.toml"))
    drawn = draw_experiment(recipe, SHAPE, np.random.default_rng(SEED))
    frames = [
        expose(turned(drawn, STEP_DEG * index), SHAPE, np.random.default_rng([SEED, index]))
        for index in range(FRAMES)
    ]
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
        sensor_material=drawn.detector.sensor.material,
        sensor_mm=drawn.detector.sensor.thickness_mm,
        polarization=drawn.beam.polarized,
    )
    truth = [
        Estimate("truth", frame.geometry.center_px, (frame.geometry.pitch_deg, frame.geometry.yaw_deg))
        for frame in frames
    ]
    images = np.array([frame.counts for frame in frames]).astype(np.int32)
    write_nxmx(folder / "frame.h5", images, metadata, valid=known, truth=truth)
    for frame in frames:
        sys.stdout.write(f"center {frame.geometry.center_px} spots {frame.crystal.spots}\n")


def turned(experiment: Experiment, degrees: float) -> Experiment:
    """The same experiment with its crystals turned about the rotation axis."""
    turn = Rotation.from_rotvec(np.array(experiment.beam.axis) * degrees, degrees=True).as_matrix()
    crystals = tuple(
        replace(crystal, rotation=tuple((turn @ np.reshape(crystal.rotation, (3, 3))).ravel().tolist()))
        for crystal in experiment.crystals
    )
    return replace(experiment, crystals=crystals)


if __name__ == "__main__":
    main()
