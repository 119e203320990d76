"""What a network is, apart from its weights. Needs no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CARD_VERSION = 1
# Centers are scored in pixels of a frame this wide, whatever its real size: the poster's unit.
REFERENCE_PX = 820
# Unit of tilts in the outputs of a network, degrees.
TILT_UNIT_DEG = 3.0
Architecture = Literal["resnet18", "polar", "baseline", "resnet34", "resnet50", "resnet64", "vit"]
# How many times better than the constant predictor a tilt must be before it is believed at all.
_TILT_SKILL = 1.5


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolarSettings(_Section):
    """Stage 2 of the architecture "polar": the frame laid out as radius against azimuth."""

    radii: int = Field(96, ge=16, le=384, multiple_of=4, description="Bins of the radius.")
    azimuths: int = Field(96, ge=16, le=384, multiple_of=4, description="Bins of the azimuth.")
    r_min: float = Field(0.02, ge=0, lt=0.2, description="Smallest radius, in sides of the canvas.")
    r_max: float = Field(0.72, gt=0.2, le=1.5, description="Largest radius, in sides of the canvas.")
    width: int = Field(24, ge=4, le=128, description="Channels; doubled halfway.")
    blocks: int = Field(2, ge=0, le=8, description="Residual blocks of each half.")
    hidden: int = Field(64, ge=8, le=512, description="Units that weigh the evidence.")
    refinements: int = Field(2, ge=1, le=5, description="Looks taken, each about the center of the last.")
    fine: Literal["no", "yes"] = Field(
        "no", description="Whether stage 1 also sees the single px of which it keeps the maximum."
    )


class TransformerSettings(_Section):
    """The architecture "vit": a transformer over patches of the frame."""

    patch_px: int = Field(16, ge=4, le=64, description="Side of a patch; divides the input size.")
    embedding: int = Field(192, ge=16, le=1024, description="Numbers that stand for a patch.")
    depth: int = Field(6, ge=1, le=24, description="Transformer layers.")
    attention_heads: int = Field(4, ge=1, le=16, description="Attention heads; divide the embedding.")


class NetworkSettings(_Section):
    """Design of a network; with the weights it makes a model."""

    architecture: Architecture = Field("resnet18", description="Network design.")
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
    first_activations: int = Field(
        0, ge=0, le=4096, description="Units of a further layer before that one; 0 for none."
    )
    predicts: Literal["both", "center", "tilt"] = Field("both", description="What the head answers.")
    uncertainty: Literal["predicted", "none"] = Field(
        "predicted", description="Whether the network says how wrong it may be."
    )
    coordinates: Literal["no", "yes"] = Field(
        "no", description="Whether two channels tell the network where each pixel is."
    )
    distance_input: Literal["no", "yes"] = Field(
        "no", description="Whether the head is told the distance, where it is known; polar always is."
    )
    polar: PolarSettings = PolarSettings()
    vit: TransformerSettings = TransformerSettings()

    @model_validator(mode="after")
    def _fits(self) -> NetworkSettings:
        if self.architecture == "vit":
            if self.input_px % self.vit.patch_px:
                raise ValueError("model.input_px must be a multiple of model.vit.patch_px")
            if self.vit.embedding % self.vit.attention_heads:
                raise ValueError("model.vit.embedding must be a multiple of model.vit.attention_heads")
        if self.architecture == "polar" and (self.predicts != "both" or self.uncertainty == "none"):
            raise ValueError("the architecture 'polar' always predicts center and tilt with uncertainty")
        return self

    @property
    def canvas_px(self) -> int:
        """Side of the square of summed pixels from which the network's input is made."""
        return self.input_px * self.supersampling

    @property
    def sees_canvas(self) -> bool:
        """Whether the network takes the whole canvas and its mask rather than the pooled input."""
        return self.architecture == "polar"


class Score(_Section):
    """How a model did on one set of frames, always beside the constant predictor.

    Centers in pixels of an 820-px frame (so that frames of any size compare), tilts in degrees;
    medians over frames. The constant predictor says the set's mean label every time.
    """

    data: str
    frames: int
    center_px820: float
    center_constant_px820: float
    tilt_deg: float
    tilt_constant_deg: float


class ModelCard(_Section):
    """Everything needed to use a model and to know where it came from."""

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
