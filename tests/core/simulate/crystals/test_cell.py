"""Cells and symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.errors import RecipeError
from xgeom_core.simulate.crystals.cell import (
    FORMS,
    SYSTEM_WEIGHTS,
    SYSTEMS,
    Cell,
    cell_fault,
    draw_cell,
    fixed_cell,
    orthogonalization,
)
from xgeom_core.simulate.crystals.symmetry import LAUE_CLASSES, laue_rotations, present


def test_cell_edges_and_angles_come_back() -> None:
    cell = (40.0, 55.0, 71.0, 82.0, 95.0, 103.0)
    axes = orthogonalization(cell).T
    assert np.linalg.norm(axes, axis=1) == pytest.approx(cell[:3])
    for (i, j), angle in zip([(1, 2), (0, 2), (0, 1)], cell[3:], strict=True):
        cosine = axes[i] @ axes[j] / np.linalg.norm(axes[i]) / np.linalg.norm(axes[j])
        assert np.degrees(np.arccos(cosine)) == pytest.approx(angle)


@pytest.mark.parametrize("system", SYSTEMS)
def test_drawn_cells_lie_in_range_and_their_symmetry_keeps_every_length(system: str) -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(40):
        cell = draw_cell(rng, {system: 1.0}, (30.0, 300.0))
        seen.add((cell.laue, cell.centering))
        assert all(30 <= edge <= 300 for edge in cell.edges_A)
        reciprocal = np.linalg.inv(orthogonalization(cell.six)).T
        hkl = rng.integers(-9, 10, size=(20, 3))
        length = np.linalg.norm(hkl @ reciprocal.T, axis=1)
        for rotation in laue_rotations(cell.laue):
            equivalent = hkl @ rotation.T
            assert np.linalg.norm(equivalent @ reciprocal.T, axis=1) == pytest.approx(length)
            # A symmetry of the structure never joins a present reflection to an absent one.
            assert (present(equivalent, cell.centering) == present(hkl, cell.centering)).all()
    assert seen <= set(FORMS[system])
    assert len(seen) > 1 or system == "triclinic"


def test_systems_are_drawn_by_their_weights() -> None:
    rng = np.random.default_rng(4)
    drawn = [draw_cell(rng, SYSTEM_WEIGHTS, (30.0, 300.0)).system for _ in range(3000)]
    for system, weight in SYSTEM_WEIGHTS.items():
        assert drawn.count(system) / 3000 == pytest.approx(weight, abs=0.03)


@pytest.mark.parametrize(
    ("laue", "order"),
    list(zip(LAUE_CLASSES, (1, 2, 4, 4, 8, 3, 6, 6, 6, 12, 12, 24), strict=True)),
)
def test_laue_classes_have_as_many_rotations_as_the_tables_say(laue: str, order: int) -> None:
    rotations = laue_rotations(laue)
    assert len(rotations) == order
    names = {rotation.tobytes() for rotation in rotations}
    assert {(a @ b).tobytes() for a in rotations for b in rotations} == names
    assert np.linalg.det(rotations) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("laue", "mates"),
    [
        ("2/m", [(-1, 2, -3)]),
        ("4/m", [(-2, 1, 3), (-1, -2, 3), (2, -1, 3)]),
        ("-3", [(2, -3, 3), (-3, 1, 3)]),
        ("-3m1", [(2, -3, 3), (-3, 1, 3), (2, 1, -3), (-3, 2, -3), (1, -3, -3)]),
        ("-31m", [(2, -3, 3), (-3, 1, 3), (-2, -1, -3), (3, -2, -3), (-1, 3, -3)]),
        ("m-3", [(1, -2, -3), (2, 3, 1), (3, 1, 2), (-1, -2, 3)]),
    ],
)
def test_mates_of_one_reflection(laue: str, mates: list[tuple[int, int, int]]) -> None:
    rotations = laue_rotations(laue)
    assert (rotations[0] == np.eye(3)).all()
    found = {tuple(mate) for mate in (rotations @ [1, 2, 3]).tolist()}
    assert found >= {(1, 2, 3), *mates}
    if laue != "m-3":
        assert found == {(1, 2, 3), *mates}


@pytest.mark.parametrize(
    ("centering", "share"), [("P", 1), ("A", 1 / 2), ("C", 1 / 2), ("I", 1 / 2), ("F", 1 / 4), ("R", 1 / 3)]
)
def test_centerings_remove_reflections_where_the_lattice_points_cancel(centering: str, share: float) -> None:
    points = {
        "P": [(0, 0, 0)],
        "A": [(0, 0, 0), (0, 0.5, 0.5)],
        "C": [(0, 0, 0), (0.5, 0.5, 0)],
        "I": [(0, 0, 0), (0.5, 0.5, 0.5)],
        "F": [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)],
        "R": [(0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3)],
    }[centering]
    span = np.arange(-6, 6)
    hkl = np.stack(np.meshgrid(span, span, span), axis=-1).reshape(-1, 3)
    factor = np.abs(np.exp(2j * np.pi * hkl @ np.array(points).T).sum(axis=1)) / len(points)
    kept = present(hkl, centering)
    assert kept.mean() == pytest.approx(share)
    assert (kept == (factor > 0.5)).all()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ((50, 50, 50, 60, 60, 130), "do not close"),
        ((50, 50, 50, 120, 120, 120), "do not close"),
        ((50, 50, 50, 90, 90, 180), "between 0 and 180"),
        ((0, 50, 50, 90, 90, 90), "between 3 and 2000"),
        ((50, -4, 50, 90, 90, 90), "between 3 and 2000"),
    ],
)
def test_cells_that_cannot_be_are_refused(cell: tuple[float, ...], words: str) -> None:
    assert words in str(cell_fault(cell))
    with pytest.raises(RecipeError, match=words):
        fixed_cell(cell, "P")


@pytest.mark.parametrize(
    ("cell", "centering", "system", "laue"),
    [
        ((50, 60, 70, 80, 95, 100), "P", "triclinic", "-1"),
        ((50, 60, 70, 90, 95, 90), "C", "monoclinic", "2/m"),
        ((50, 60, 70, 90, 90, 90), "I", "orthorhombic", "mmm"),
        ((57.8, 57.8, 150, 90, 90, 90), "P", "tetragonal", "4/mmm"),
        ((57.8, 57.8, 150, 90, 90, 120), "P", "hexagonal", "6/mmm"),
        ((57.8, 57.8, 150, 90, 90, 120), "R", "trigonal", "-3"),
        ((78, 78, 78, 90, 90, 90), "F", "cubic", "m-3m"),
    ],
)
def test_the_symmetry_of_a_given_cell(
    cell: tuple[float, ...], centering: str, system: str, laue: str
) -> None:
    found = fixed_cell(cell, centering)
    assert (found.system, found.laue, found.centering) == (system, laue, centering)


def test_centerings_that_a_system_does_not_have_are_refused() -> None:
    with pytest.raises(RecipeError, match="tetragonal cell cannot be centered F"):
        fixed_cell((50, 50, 60, 90, 90, 90), "F")
    with pytest.raises(RecipeError, match="no cubic lattice C"):
        Cell((50, 50, 50), system="cubic", centering="C", laue="m-3")
