"""Everything that was drawn for the scattering of one frame that is not Bragg."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from xgeom_core.simulate.scattering.air import Air, AirColumn
from xgeom_core.simulate.scattering.lopsided import Gradient, Wave
from xgeom_core.simulate.scattering.parasitic import Halo, Layers, Streak
from xgeom_core.simulate.scattering.plastic import Plastic
from xgeom_core.simulate.scattering.powder import Powder
from xgeom_core.simulate.scattering.protein import Protein
from xgeom_core.simulate.scattering.small_angle import SmallAngle
from xgeom_core.simulate.scattering.water import Water


@dataclass(frozen=True)
class Background:
    """Scattering of one frame; plain numbers only, so that `dataclasses.asdict` is a full record.

    Parameters
    ----------
    shape : {"water", "flat", "none"}
        "water": all parts below. "flat": ``counts_per_mm2`` everywhere, and calibrants if any. "none":
        calibrants only, if any.
    counts_per_mm2 : float
        Expected counts per mm^2 where the sum of the radial terms is brightest at 1/d of 0.15 per Å and
        beyond, as an untilted detector would see it; heights of other parts refer to it.
    water, protein, small_angle, air : terms or None
        Radial terms about the sample.
    plastics : tuple of Plastic
        Foils, glass, grease in the beam.
    fluorescence : float
        Even in all directions and not polarized, relative to the crest of the water ring.
    columns : tuple of AirColumn
        Air before or behind the sample.
    powders : tuple of Powder
        Sharp rings: calibrants and ice.
    layers : Layers or None
        Diffuse layers.
    waves : tuple of Wave
        Lopsided factors.
    gradient : Gradient or None
        Even slope.
    halo : Halo or None
        Parasitic scatter about the beam.
    streaks : tuple of Streak
        Streaks through the beam.
    helium : bool
        Whether the way to the detector is filled with helium, which absorbs next to nothing.
    """

    shape: Literal["water", "flat", "none"] = "water"
    counts_per_mm2: float = 100.0
    water: Water | None = field(default_factory=Water)
    protein: Protein | None = None
    small_angle: SmallAngle | None = None
    air: Air | None = None
    plastics: tuple[Plastic, ...] = ()
    fluorescence: float = 0.0
    columns: tuple[AirColumn, ...] = ()
    powders: tuple[Powder, ...] = ()
    layers: Layers | None = None
    waves: tuple[Wave, ...] = ()
    gradient: Gradient | None = None
    halo: Halo | None = None
    streaks: tuple[Streak, ...] = ()
    helium: bool = False
