"""What a network is, apart from its weights. Needs no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CARD_VERSION = 1
# Centers are scored in pixels of a frame this wide, whatever its real size: the poster's unit.
REFERENCE_PX = 820
# How many times better than the constant predictor a tilt must be before it is believed at all.
_TILT_SKILL = 1.5


class NetworkSettings(BaseModel):
    """Design of a network; with the weights it makes a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: Literal["resnet18"] = Field("resnet18", description="Network design.")
    width: int = Field(
        24, ge=4, le=128, multiple_of=4, description="Channels of the first stage; doubled at each later one."
    )
    input_px: int = Field(
        208, ge=64, le=1024, multiple_of=16, description="Side of the square the network sees, in px."
    )
    supersampling: int = Field(
        2,
        ge=1,
        le=4,
        description="Summed px per network px and axis, of which the network keeps the maximum.",
    )
    activations: int = Field(256, ge=8, le=4096, description="Units of the layer before the outputs.")

    @property
    def canvas_px(self) -> int:
        """Side of the square of summed pixels from which the network's input is made."""
        return self.input_px * self.supersampling


class Score(BaseModel):
    """How a model did on one set of frames, always beside the constant predictor.

    Centers in pixels of an 820-px frame (so that frames of any size compare), tilts in degrees;
    medians over frames. The constant predictor says the set's mean label every time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    frames: int
    center_px820: float
    center_constant_px820: float
    tilt_deg: float
    tilt_constant_deg: float


class ModelCard(BaseModel):
    """Everything needed to use a model and to know where it came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    card_version: int = CARD_VERSION
    name: str
    xgeom_version: str
    network: NetworkSettings
    center_unit: str = "canvas px from the corner, divided by the canvas side, minus one half"
    tilt_unit: str = "degrees / 3; pitch about +x, then yaw about the fixed +y; pivot at the beam center"
    frames_seen: int
    steps: int
    training: dict[str, Any] = Field(default_factory=dict, description="The whole training configuration.")
    scores: list[Score] = Field(default_factory=list)

    @property
    def knows_tilt(self) -> bool:
        """Whether the model's tilt is worth saying: on some set it beats the constant predictor well.

        A network that answers "about zero" every time scores as the constant predictor; passing that
        on as a measurement would be a lie.
        """
        return any(score.tilt_constant_deg > _TILT_SKILL * score.tilt_deg for score in self.scores)
