"""The incident beam and the exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from xgeom_core.simulate.ranges import (
    NotNegativeRange,
    PositiveRange,
    Section,
    ShareRange,
    log_uniform,
    uniform,
)

# Each reflection is taken to cross the Ewald sphere along a straight line, at an even speed.
_WIDEST_DEG = 3.0


def _narrow(value: tuple[float, float]) -> tuple[float, float]:
    if value[1] > _WIDEST_DEG:
        raise ValueError(f"the range {list(value)} must lie within 0 and {_WIDEST_DEG:g} degrees")
    return value


class BeamRecipe(Section):
    """The beam, and how long the crystal turns in it."""

    wavelength_A: PositiveRange = Field((0.9, 1.3), description="Wavelength, Å.")
    bandwidth: NotNegativeRange = Field((1e-4, 5e-4), description="Relative standard deviation.")
    divergence_mrad: NotNegativeRange = Field((0.05, 0.5), description="Standard deviation, mrad.")
    size_mm: PositiveRange = Field((0.02, 0.15), description="Standard deviation at the sample; log-uniform.")
    polarized: ShareRange = Field((0.95, 1.0), description="Share polarized along the fast axis.")
    oscillation_deg: Annotated[NotNegativeRange, AfterValidator(_narrow)] = Field(
        (0, 0.5), description="Rotation during the exposure, degrees."
    )
    stills: float = Field(0.2, ge=0, le=1, description="Share of frames without any rotation.")


@dataclass(frozen=True)
class Beam:
    """The beam of one exposure.

    Parameters
    ----------
    wavelength_A : float
        Mean wavelength in Å.
    bandwidth : float
        Relative standard deviation of the wavelength.
    divergence_mrad : tuple of float
        Standard deviation of the direction along x and y, in mrad.
    size_mm : float
        Standard deviation of the illuminated part of the sample, as seen along the beam, in mm.
    polarized : float
        Share of the intensity polarized along x: 0.5 unpolarized, 1 fully polarized.
    oscillation_deg : float
        Rotation of the crystal during the exposure; 0 for a still.
    axis : tuple of float
        Unit vector of the rotation axis in the lab frame; at right angles to the beam.
    """

    wavelength_A: float
    bandwidth: float = 0.0
    divergence_mrad: tuple[float, float] = (0.0, 0.0)
    size_mm: float = 0.0
    polarized: float = 1.0
    oscillation_deg: float = 0.0
    axis: tuple[float, float, float] = (1.0, 0.0, 0.0)

    @property
    def energy_keV(self) -> float:
        """Photon energy in keV; 12.39842 keV Å over the wavelength."""
        return 12.39842 / self.wavelength_A


def draw_beam(recipe: BeamRecipe, rng: np.random.Generator) -> Beam:
    """A beam drawn from its recipe."""
    wavelength = uniform(rng, recipe.wavelength_A)
    divergence = (uniform(rng, recipe.divergence_mrad), uniform(rng, recipe.divergence_mrad))
    still = rng.random() < recipe.stills
    oscillation = uniform(rng, recipe.oscillation_deg)
    # Most rotation axes are horizontal; some beamlines have a vertical one.
    vertical = rng.random() < 0.15
    return Beam(
        wavelength_A=wavelength,
        bandwidth=uniform(rng, recipe.bandwidth),
        divergence_mrad=divergence,
        size_mm=log_uniform(rng, recipe.size_mm),
        polarized=uniform(rng, recipe.polarized),
        oscillation_deg=0.0 if still else oscillation,
        axis=(0.0, 1.0, 0.0) if vertical else (1.0, 0.0, 0.0),
    )
