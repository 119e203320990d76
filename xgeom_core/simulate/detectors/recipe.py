"""Which detectors a kind of frames shows, how they stand, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from xgeom_core.simulate.detectors.layouts import LAYOUTS
from xgeom_core.simulate.ranges import (
    NotNegativeRange,
    PositiveRange,
    Range,
    Section,
    Share,
    ShareRange,
    Weights,
)

_STEEPEST = 80.0  # degrees between the beam and the detector's normal


def _within(lowest: float, highest: float, unit: str) -> AfterValidator:
    """A check that both ends of a range lie within limits; its sentence names them."""

    def check(value: tuple[float, float]) -> tuple[float, float]:
        if value[0] < lowest or value[1] > highest:
            raise ValueError(f"the range {list(value)} must lie within {lowest:g} and {highest:g} {unit}")
        return value

    return AfterValidator(check)


def _known_layouts(value: dict[str, float]) -> dict[str, float]:
    unknown = sorted(set(value) - set(LAYOUTS))
    if unknown:
        raise ValueError(f"there is no detector {unknown[0]!r}; choose among {', '.join(LAYOUTS)}")
    return value


Tilt = Annotated[Range, _within(-60, 60, "degrees")]
Offset = Annotated[Range, _within(-3, 3, "sides of the detector")]
Distance = Annotated[PositiveRange, _within(5, 20_000, "mm")]
Sides = Annotated[PositiveRange, _within(0.05, 50, "sides of the detector")]
SwingAngle = Annotated[NotNegativeRange, _within(0, 60, "degrees")]
Fill = Annotated[PositiveRange, _within(0.1, 1, "of the frame's side")]
Rarity = Annotated[NotNegativeRange, _within(0, 0.01, "of the pixels")]


class DetectorRecipe(Section):
    """The detector: which, where, and its flaws. Center and tilt are drawn independently."""

    layouts: Annotated[Weights, AfterValidator(_known_layouts)] = Field(
        {"plain": 0.25, "pilatus_6m": 0.4, "eiger_16m": 0.2, "eiger2_16m": 0.15},
        description="How often each detector is drawn, relative to the others.",
    )
    gaps: Share = Field(1.0, description="Share of frames with gaps; in the others they are filled in.")
    unmarked: Share = Field(
        0.0, description="Share of frames whose insensitive pixels read 0 without being marked."
    )
    fill: Fill = Field(
        (1.0, 1.0), description="Share of the frame's longer side that the detector's longer side covers."
    )
    distance_mm: Distance = Field(
        (150, 500), description="Sample to beam center along the beam, mm; log-uniform."
    )
    distance_sides: Sides | None = Field(
        None,
        description="The same in sides of the detector drawn, log-uniform, instead of distance_mm: small "
        "detectors stand nearer.",
    )
    center_offset: Offset = Field(
        (-0.12, 0.12), description="Beam center minus detector middle, in detector sides, along each axis."
    )
    center_on_gap: Share = Field(0.0, description="Share of frames with the beam center in a gap.")
    center_off_panel: Share = Field(0.0, description="Share of frames with the beam center off the detector.")
    off_panel_reach: ShareRange = Field(
        (0.01, 0.2), description="How far beyond the edge the center then lies, in detector sides."
    )
    pitch_deg: Tilt = Field((-3, 3), description="Tilt about +x at the beam center, degrees.")
    yaw_deg: Tilt = Field((-3, 3), description="Tilt about +y at the beam center, degrees.")
    swing: Share = Field(0.0, description="Share of frames whose detector is swung out about the sample.")
    swing_deg: SwingAngle = Field((5, 30), description="Angle of the arm, to either side, degrees.")
    swing_distance_mm: Distance = Field(
        (60, 250), description="Distance along the arm of swung-out detectors, mm; log-uniform."
    )
    swing_vertical_axis: Share = Field(
        0.75, description="Share of arms that turn about the vertical axis; the others about the horizontal."
    )
    swing_reach: PositiveRange = Field(
        (1.0, 1.0),
        description="Farthest the beam center may come from the detector's middle, in detector sides; "
        "the arm turns no further.",
    )
    gain_step: Annotated[NotNegativeRange, _within(0, 0.3, "of the gain")] = Field(
        (0.0, 0.01), description="Relative standard deviation of the gain of modules or tiles."
    )
    seam: ShareRange = Field((0.0, 0.1), description="Share of light lost at the seams of tiled CCDs.")
    hot_fraction: Rarity = Field((1e-7, 2e-6), description="Share of hot native pixels.")
    dead_fraction: Rarity = Field((0.0, 2e-4), description="Share of dead native pixels.")
    dead_lines: Share = Field(0.05, description="Share of detectors with dead columns or rows of a chip.")
    dead_module: Share = Field(0.01, description="Share of detectors with a dead module or chip.")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.center_on_gap + self.center_off_panel > 1:
            raise ValueError(
                "center_on_gap and center_off_panel are shares of the same frames; their sum must be "
                f"within 0 and 1, not {self.center_on_gap + self.center_off_panel:g}"
            )
        return self

    @model_validator(mode="after")
    def _beam_meets_the_detector(self) -> Self:
        steepest = max(abs(angle) for angle in (*self.pitch_deg, *self.yaw_deg))
        if self.swing > 0 and steepest + self.swing_deg[1] > _STEEPEST:
            raise ValueError(
                f"swing_deg up to {self.swing_deg[1]:g} and tilts up to {steepest:g} degrees would turn "
                f"the detector edge on; their sum must be within 0 and {_STEEPEST:g}"
            )
        return self
