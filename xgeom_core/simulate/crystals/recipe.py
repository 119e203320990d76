"""What a crystal may be: the section of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from xgeom_core.errors import RecipeError
from xgeom_core.simulate.crystals.cell import EDGES_A, SYSTEM_WEIGHTS, SYSTEMS, cell_fault, fixed_cell
from xgeom_core.simulate.ranges import CountRange, NotNegativeRange, PositiveRange, Section, Share, Weights

Nine = tuple[float, float, float, float, float, float, float, float, float]


def _known_systems(value: dict[str, float]) -> dict[str, float]:
    unknown = [name for name in value if name not in SYSTEMS]
    if unknown:
        raise ValueError(f"there is no crystal system {unknown[0]!r}; choose among {', '.join(SYSTEMS)}")
    return value


def _possible_edges(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < EDGES_A[0] or value[1] > EDGES_A[1]:
        raise ValueError(
            f"the range {list(value)} of cell edges must lie within {EDGES_A[0]:g} and {EDGES_A[1]:g} Å"
        )
    return value


def _possible_cell(
    value: tuple[float, float, float, float, float, float] | None,
) -> tuple[float, float, float, float, float, float] | None:
    fault = None if value is None else cell_fault(value)
    if fault:
        raise ValueError(f"no such cell can be: {fault}")
    return value


def _rotation(value: Nine | None) -> Nine | None:
    if value is not None:
        matrix = np.array(value).reshape(3, 3)
        if np.abs(matrix @ matrix.T - np.eye(3)).max() > 1e-3 or np.linalg.det(matrix) < 0:
            raise ValueError(
                "the nine numbers must be a rotation: rows at right angles, length 1, determinant 1"
            )
    return value


def _at_most_3_degrees(value: tuple[float, float]) -> tuple[float, float]:
    if value[1] > 3:
        raise ValueError(f"the range {list(value)} must lie within 0 and 3 degrees")
    return value


class CrystalRecipe(Section):
    """The crystal; a share of frames may have none."""

    present: Share = Field(1.0, description="Share of frames with a crystal.")
    systems: Annotated[Weights, AfterValidator(_known_systems)] = Field(
        dict(SYSTEM_WEIGHTS), description="How often each crystal system is drawn."
    )
    edge_A: Annotated[PositiveRange, AfterValidator(_possible_edges)] = Field(
        (40, 150), description="Cell edges, Å; log-uniform."
    )
    cell: Annotated[
        tuple[float, float, float, float, float, float] | None, AfterValidator(_possible_cell)
    ] = Field(None, description="One cell for all frames: a, b, c in Å, alpha, beta, gamma in degrees.")
    centering: Literal["P", "A", "C", "I", "F", "R"] = Field("P", description="Centering of that cell.")
    structure: str | None = Field(
        None, description="mmCIF, PDB or MTZ file with the cell and the structure factors."
    )
    rotation: Annotated[Nine | None, AfterValidator(_rotation)] = Field(
        None, description="One orientation for all frames: rows of a rotation matrix; random without."
    )
    lattices: CountRange = Field((1, 2), description="Number of lattices, fewest and most.")
    second_lattice: Share = Field(
        1.0, description="Share of frames with more than the fewest lattices, where the most are more."
    )
    same_form: Share = Field(
        0.85, description="Share of further lattices with the cell and structure factors of the first."
    )
    split: Share = Field(0.35, description="Share of those that are only slightly turned: split crystals.")
    split_deg: NotNegativeRange = Field((0.3, 5), description="By how much those are turned, degrees.")
    further_brightness: PositiveRange = Field(
        (0.1, 0.9), description="Brightness of a lattice relative to the one before."
    )
    mosaic_deg: Annotated[PositiveRange, AfterValidator(_at_most_3_degrees)] = Field(
        (0.02, 0.5), description="Standard deviation of the block orientations, degrees; log-uniform."
    )
    block_A: PositiveRange = Field((400, 3000), description="Size of a mosaic block, Å; log-uniform.")
    b_factor_A2: NotNegativeRange = Field((15, 80), description="Overall B factor, Å^2.")
    d_min_A: PositiveRange = Field((1.5, 3.5), description="Resolution limit, Å.")
    spot_counts: PositiveRange = Field(
        (50, 20000),
        description="Expected counts of an average fully recorded reflection at 10 Å; log-uniform.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> CrystalRecipe:
        if self.cell is not None and self.structure is not None:
            raise ValueError("give either a cell or a structure: the structure brings its own cell")
        if self.cell is not None:
            try:
                fixed_cell(self.cell, self.centering)
            except RecipeError as error:
                raise ValueError(str(error).rstrip(".")) from None
        elif self.centering != "P":
            raise ValueError("centering goes with cell; the centering of random cells is drawn")
        if self.block_A[0] < 50:
            raise ValueError(f"block_A must lie above 50 Å, not start at {self.block_A[0]:g}")
        return self
