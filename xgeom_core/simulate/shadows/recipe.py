"""What may stand between sample and detector."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from xgeom_core.simulate.ranges import NotNegativeRange, PositiveRange, Section, Share, ShareRange, Weights

STOPS = ("disc", "square", "bar")
HOLDERS = ("any", "left", "right", "up", "down")


def _known(weights: dict[str, float], names: tuple[str, ...]) -> dict[str, float]:
    for name in weights:
        if name not in names:
            raise ValueError(f"there is no {name!r}; choose from {', '.join(names)}")
    return weights


class ShadowRecipe(Section):
    """Beam stop, its arm, other objects, and absorption in what holds the sample.

    Lengths are those of shadows, on a plane across the beam at the detector's distance.
    """

    stop: Share = Field(0.9, description="Share of frames with a beam stop.")
    stop_shapes: Weights = Field(
        {"disc": 8, "square": 1, "bar": 0.5}, description="How often each is drawn: disc, square, bar."
    )
    stop_radius_mm: PositiveRange = Field((2, 10), description="Radius or half side, mm; log-uniform.")
    stop_deg: float = Field(
        4.0, gt=0, lt=45, description="Half angle that no stop exceeds, seen from the sample, degrees."
    )
    stop_offset: ShareRange = Field((0, 0.5), description="How far off the beam, in radii.")
    stop_transmission: ShareRange = Field((0, 0.05), description="What passes the stop.")
    edge_mm: PositiveRange = Field((0.3, 3), description="Width of penumbras, mm; log-uniform.")
    arm: Share = Field(0.65, description="Share of stops with an arm that can be seen.")
    arm_width_mm: PositiveRange = Field((0.8, 7), description="Width of the arm, mm; log-uniform.")
    arm_directions: Weights = Field(
        {"any": 3, "left": 2, "right": 2, "up": 1, "down": 1}, description="Where the arm leads."
    )
    arm_bent: Share = Field(0.15, description="Share of arms with a bend.")
    arm_transmission: ShareRange = Field((0, 0.7), description="What passes the arm.")
    stem: Share = Field(0.1, description="Share of frames with the faint wedge of a loop's stem or pin.")
    objects: Share = Field(0.1, description="Share of frames with a nozzle, collimator, edge or plate.")
    object_kinds: Weights = Field(
        {"nozzle": 3, "edge": 2, "corner": 2, "plate": 1}, description="Which object."
    )
    object_share: ShareRange = Field((0.03, 0.22), description="How far objects reach in, of the frame.")
    object_transmission: ShareRange = Field((0, 0.8), description="What passes such objects.")
    sheet: Share = Field(0.05, description="Share of frames with a foil that darkens one side.")
    sheet_depth: NotNegativeRange = Field((0.002, 0.03), description="Its attenuation lengths, face on.")
    mount: Share = Field(0.3, description="Share of frames with absorption in loop, drop or capillary.")
    mount_depth: NotNegativeRange = Field((0.0, 0.15), description="Attenuation lengths of its half width.")

    @field_validator("stop_shapes")
    @classmethod
    def _stop_shapes(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value, STOPS)

    @field_validator("arm_directions")
    @classmethod
    def _arm_directions(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value, HOLDERS)

    @field_validator("object_kinds")
    @classmethod
    def _object_kinds(cls, value: dict[str, float]) -> dict[str, float]:
        return _known(value, ("nozzle", "edge", "corner", "plate"))

    @model_validator(mode="after")
    def _arm_no_wider_than_stop(self) -> ShadowRecipe:
        if self.stop > 0 and self.arm > 0 and self.arm_width_mm[0] > 2 * self.stop_radius_mm[1]:
            raise ValueError(
                f"arm_width_mm starts at {self.arm_width_mm[0]}, wider than the widest stop: "
                f"its lower end must be {2 * self.stop_radius_mm[1]} or less"
            )
        return self
