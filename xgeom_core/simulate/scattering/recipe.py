"""What the scattering that is not Bragg may look like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from xgeom_core.simulate.ranges import (
    NotNegativeRange,
    PositiveRange,
    Range,
    Section,
    Share,
    ShareRange,
    Weights,
)
from xgeom_core.simulate.scattering.plastic import MATERIALS
from xgeom_core.simulate.scattering.substances import CALIBRANTS


def _known(weights: dict[str, float], names: tuple[str, ...]) -> dict[str, float]:
    for name in weights:
        if name not in names:
            raise ValueError(f"there is no {name!r}; choose from {', '.join(names)}")
    return weights


class PowderRecipe(Section):
    """Calibrants: sharp rings."""

    present: Share = Field(0.0, description="Share of frames with a calibrant in the beam.")
    substances: Weights = Field(
        {"CeO2": 3, "LaB6": 3, "Si": 2, "Al2O3": 2, "silver behenate": 2, "NaCl": 0.5, "Au": 0.5},
        description="How often each is drawn, relative to the others.",
    )
    height: PositiveRange = Field((3, 60), description="Crest over counts_per_mm2; log-uniform.")
    crystallite_A: PositiveRange = Field((300, 5000), description="Size of crystallites, Å; log-uniform.")
    strain: NotNegativeRange = Field((0, 1e-3), description="Relative spread of cell edges.")
    instrument_mrad: NotNegativeRange = Field((0.1, 1.0), description="Spread of 2-theta, mrad.")
    spotty: Share = Field(0.5, description="Share of powders with few enough grains to see.")
    spottiness: PositiveRange = Field((0.1, 2.0), description="Spread along spotty rings over the mean.")
    grain_deg: PositiveRange = Field((0.05, 0.6), description="Width of a grain along the ring, degrees.")
    textured: Share = Field(0.2, description="Share of powders with preferred orientation.")
    texture: ShareRange = Field((0.05, 0.6), description="Relative amplitude of that.")

    @field_validator("substances")
    @classmethod
    def _substances(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value, CALIBRANTS)


class IceRecipe(Section):
    """Ice rings."""

    present: Share = Field(0.05, description="Share of frames with ice rings.")
    cubic: Share = Field(0.25, description="Share of them with stacking-disordered (cubic) ice.")
    height: PositiveRange = Field((0.1, 4), description="Crest over counts_per_mm2; log-uniform.")
    crystallite_A: PositiveRange = Field((60, 800), description="Size of crystallites, Å; log-uniform.")
    spotty: Share = Field(0.4, description="Share of them with visible grains.")
    spottiness: PositiveRange = Field((0.2, 2.5), description="Spread along spotty rings over the mean.")
    grain_deg: PositiveRange = Field((0.3, 4), description="Width of a grain along the ring, degrees.")
    textured: Share = Field(0.3, description="Share of ice with preferred orientation.")
    texture: ShareRange = Field((0.1, 0.8), description="Relative amplitude of that.")


class ParasiticRecipe(Section):
    """Scatter that does not come from the sample, and what bends the background out of round."""

    columns: Share = Field(0.2, description="Share of frames with air scatter from beside the sample.")
    column_height: PositiveRange = Field((0.05, 0.8), description="Forwards, over the water ring's crest.")
    column_mm: Range = Field((-120, 40), description="Where that air may lie along the beam, mm.")
    halo: Share = Field(0.1, description="Share of frames with a halo cut off by an aperture.")
    halo_height: PositiveRange = Field((0.3, 10), description="Over counts_per_mm2; log-uniform.")
    halo_radius_mm: PositiveRange = Field((3, 15), description="Radius of the halo, mm.")
    streaks: Share = Field(0.1, description="Share of frames with streaks through the beam.")
    streak_height: PositiveRange = Field((0.5, 10), description="Over counts_per_mm2; log-uniform.")
    streak_mm: PositiveRange = Field((3, 30), description="Length to a quarter, mm.")
    layers: Share = Field(0.05, description="Share of frames with diffuse layers of the crystal.")
    layer_height: PositiveRange = Field((0.03, 0.25), description="Over the water ring's crest; log-uniform.")
    asymmetric: Share = Field(0.3, description="Share of frames whose background is lopsided.")
    asymmetry: NotNegativeRange = Field((0.0, 0.2), description="Azimuthal waves in log intensity.")
    gradient: NotNegativeRange = Field((0.0, 0.4), description="Slope in log intensity per radian.")


class BackgroundRecipe(Section):
    """Scattering that is not Bragg."""

    shape: Literal["water", "flat", "none"] = Field("water", description="Radial course.")
    counts_per_mm2: PositiveRange = Field((20, 3000), description="At the brightest ring; log-uniform.")
    dry: Share = Field(0.0, description="Share of frames without water: small molecules, powders.")
    ring_A: PositiveRange = Field((3.1, 3.6), description="Position of the water ring, Å.")
    ring_width: PositiveRange = Field((0.04, 0.06), description="Its standard deviation, 1/Å.")
    shoulder: NotNegativeRange = Field((0.3, 0.6), description="Second hump relative to the ring.")
    plateau: NotNegativeRange = Field((0.1, 0.4), description="Level inside the ring relative to it.")
    protein: NotNegativeRange = Field(
        (0.0, 0.5), description="Diffuse maximum of protein at 4.6 Å, likewise."
    )
    small_angle: NotNegativeRange = Field((0.0, 2.0), description="Rise at the beam, likewise.")
    small_angle_width: PositiveRange = Field((0.02, 0.08), description="Where it falls to a quarter, 1/Å.")
    air: NotNegativeRange = Field((0.0, 1.0), description="Air scatter forwards, likewise.")
    floor: NotNegativeRange = Field((0.0, 0.1), description="Fluorescence and the like, likewise.")
    helium: Share = Field(0.05, description="Share of frames with helium up to the detector.")
    plastic: Share = Field(0.15, description="Share of frames with foil, glass or grease in the beam.")
    plastics: Weights = Field(
        dict.fromkeys(MATERIALS, 1.0), description="How often each is drawn, relative to the others."
    )
    plastic_height: PositiveRange = Field((0.05, 1.0), description="Over the ring's crest; log-uniform.")
    parasitic: ParasiticRecipe = ParasiticRecipe()
    ice: IceRecipe = IceRecipe()
    powder: PowderRecipe = PowderRecipe()

    @field_validator("plastics")
    @classmethod
    def _plastics(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value, tuple(MATERIALS))

    @model_validator(mode="after")
    def _something_scatters(self) -> BackgroundRecipe:
        if self.shape == "water" and self.dry > 0 and self.air[0] + self.floor[0] <= 0:
            raise ValueError(
                "dry frames need air or floor above 0 at the lower end of their range, or nothing scatters"
            )
        return self
