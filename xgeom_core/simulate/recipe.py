"""Recipes: what a kind of simulated frame may look like. A small TOML file, checked."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from xgeom_core.errors import RecipeError
from xgeom_core.resources import resource


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the range {list(value)} is upside down")
    return value


def _positive(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] <= 0:
        raise ValueError(f"the range {list(value)} must lie above 0")
    return _ascending(value)


def _not_negative(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0:
        raise ValueError(f"the range {list(value)} must not reach below 0")
    return _ascending(value)


def _share(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0 or value[1] > 1:
        raise ValueError(f"the range {list(value)} must lie within 0 and 1")
    return _ascending(value)


def _counted(value: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= value[0] <= value[1]:
        raise ValueError(f"{list(value)} must be the fewest and the most, 1 or more")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
NotNegativeRange = Annotated[tuple[float, float], AfterValidator(_not_negative)]
ShareRange = Annotated[tuple[float, float], AfterValidator(_share)]
CountRange = Annotated[tuple[int, int], AfterValidator(_counted)]
PositiveRange = Annotated[tuple[float, float], AfterValidator(_positive)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DetectorRecipe(_Section):
    """Where the detector is and what it is made of."""

    distance_mm: PositiveRange = Field((150, 500), description="Along the beam; drawn log-uniformly.")
    center_offset: Range = Field(
        (-0.12, 0.12), description="Beam center minus frame middle, as a share of the frame side."
    )
    pitch_deg: Range = Field((-3, 3), description="Tilt about +x, degrees.")
    yaw_deg: Range = Field((-3, 3), description="Tilt about +y, degrees.")
    gaps: Share = Field(0.6, description="Share of frames with module gaps.")
    modules: Literal["any", "pilatus", "eiger"] = Field("any", description="Whose gaps.")
    stop: Share = Field(0.7, description="Share of frames with a beam stop (half of them with its arm).")
    stop_radius_mm: PositiveRange = Field((2, 10), description="Radius of the stop's shadow.")
    hot_fraction: Share = Field(2e-5, description="Share of hot pixels.")


class BeamRecipe(_Section):
    """The beam."""

    wavelength_A: PositiveRange = Field((0.9, 1.3), description="Å.")
    bandwidth: NotNegativeRange = Field((1e-4, 5e-4), description="Relative standard deviation.")
    polarized: ShareRange = Field((0.95, 1.0), description="Share polarized along the fast axis.")


class CrystalRecipe(_Section):
    """The crystal; a share of frames may have none."""

    present: Share = Field(1.0, description="Share of frames with a crystal.")
    edge_A: PositiveRange = Field((40, 150), description="Cell edges, Å.")
    lattices: CountRange = Field((1, 2), description="Number of lattices, fewest and most.")
    mosaic_deg: PositiveRange = Field((0.02, 0.5), description="Mosaic spread; log-uniform.")
    block_A: PositiveRange = Field((400, 3000), description="Mosaic block size; log-uniform.")
    oscillation_deg: NotNegativeRange = Field((0, 0.5), description="Rotation during the exposure.")
    b_factor_A2: PositiveRange = Field((15, 80), description="Overall B factor, Å^2.")
    d_min_A: PositiveRange = Field((1.5, 3.5), description="Resolution limit, Å.")
    spot_counts: PositiveRange = Field(
        (50, 20000), description="Mean counts of a fully excited low-angle spot; log-uniform."
    )
    spot_sigma_mm: PositiveRange = Field((0.1, 0.35), description="Standard deviation of a spot.")


class BackgroundRecipe(_Section):
    """Scattering that is not Bragg."""

    shape: Literal["water", "flat", "none"] = Field("water", description="Radial course.")
    counts_per_mm2: PositiveRange = Field((20, 3000), description="At the peak; log-uniform.")
    ring_A: PositiveRange = Field((3.1, 3.6), description="Position of the water ring, Å.")
    ring_width: PositiveRange = Field((0.04, 0.07), description="Its standard deviation, 1/Å.")
    shoulder: NotNegativeRange = Field((0.2, 0.5), description="Second hump relative to the ring.")
    air: NotNegativeRange = Field((0.0, 3.0), description="Air scatter at the beam relative to the ring.")
    air_width: PositiveRange = Field((0.03, 0.12), description="1/Å.")
    floor: NotNegativeRange = Field((0.0, 0.2), description="Constant part relative to the ring.")
    asymmetric: Share = Field(0.3, description="Share of frames whose background is lopsided.")
    asymmetry: NotNegativeRange = Field((0.0, 0.3), description="Largest azimuthal wave in log intensity.")


class Recipe(_Section):
    """A kind of simulated frames."""

    name: str
    description: str = ""
    width_mm: PositiveRange = Field((423.6, 423.6), description="Side of the square detector, mm.")
    binary: bool = Field(False, description="1 where a Bragg peak is, 0 elsewhere.")
    detector: DetectorRecipe = DetectorRecipe()
    beam: BeamRecipe = BeamRecipe()
    crystal: CrystalRecipe = CrystalRecipe()
    background: BackgroundRecipe = BackgroundRecipe()


KINDS = ("standard", "varied", "flat", "binary", "long")


def load_recipe(kind: str) -> Recipe:
    """The recipe of a named kind, or of a TOML file.

    Parameters
    ----------
    kind : str
        One of `KINDS`, or the path of a ``.toml`` file.

    Raises
    ------
    RecipeError
        If there is no such kind or file, or an entry will not do; names the key.
    """
    path = Path(kind)
    if path.suffix != ".toml":
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RecipeError(
                f"There is no kind {kind!r}; choose one of {', '.join(KINDS)}, or name a .toml recipe.{hint}"
            )
        path = resource(f"kinds/{kind}.toml")
    try:
        with path.open("rb") as stream:
            raw = tomllib.load(stream)
        return Recipe.model_validate(raw)
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe file {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {path} is not valid TOML: {error}.") from None
    except ValidationError as error:
        item = error.errors()[0]
        where = ".".join(str(step) for step in item["loc"])
        if item["type"] == "extra_forbidden":
            raise RecipeError(f"The recipe {path} has an unknown key {where!r}.") from None
        what = item["msg"].removeprefix("Value error, ")
        raise RecipeError(
            f"The recipe {path} will not do: {where} = {item.get('input')!r}: {what}."
        ) from None


def uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number drawn evenly from a range."""
    return float(rng.uniform(*limits))


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A positive number whose logarithm is drawn evenly from a range."""
    return float(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]))))
