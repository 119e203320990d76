"""Structure factors of a real structure: a small one written here."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

from xgeom_core.errors import RecipeError
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals import CrystalRecipe, draw_crystals
from xgeom_core.simulate.crystals.structure import structure_cell, structure_intensities
from xgeom_core.simulate.crystals.wilson import wilson_intensities

_MATES = np.array([[3, 4, 5], [-3, 4, 5], [3, -4, 5], [3, 4, -5], [-3, -4, -5]])


def _structure():
    rng = np.random.default_rng(0)
    structure = gemmi.Structure()
    structure.cell, structure.spacegroup_hm = gemmi.UnitCell(30, 36, 45, 90, 90, 90), "P 21 21 21"
    model, chain = gemmi.Model(1), gemmi.Chain("A")
    for number in range(60):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(str(number + 1))
        for name in ("N", "CA", "C", "O", "CB"):
            atom = gemmi.Atom()
            atom.name, atom.element, atom.b_iso, atom.occ = name, gemmi.Element(name[0]), 15.0, 1.0
            atom.pos = gemmi.Position(*(rng.random(3) * [30, 36, 45]))
            residue.add_atom(atom)
        chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_entities()
    structure.setup_cell_images()
    return structure


@pytest.fixture(scope="module")
def pdb(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("structure") / "tiny.pdb"
    _structure().write_pdb(str(path))
    return str(path)


@pytest.fixture(scope="module")
def mtz(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Amplitudes of 20 for (1, 2, 3) and 10 for all others; (2, 3, 4) was not measured."""
    file = gemmi.Mtz(with_base=True)
    file.spacegroup = gemmi.find_spacegroup_by_name("P 21 21 21")
    file.set_cell_for_all(gemmi.UnitCell(30, 36, 45, 90, 90, 90))
    file.add_dataset("tiny")
    file.add_column("FP", "F")
    hkl = gemmi.make_miller_array(file.cell, file.spacegroup, 2.5)
    amplitude = np.where((hkl == [1, 2, 3]).all(axis=1), 20.0, 10.0)
    measured = ~(hkl == [2, 3, 4]).all(axis=1)
    file.set_data(np.column_stack([hkl, amplitude])[measured].astype(np.float32))
    path = tmp_path_factory.mktemp("structure") / "tiny.mtz"
    file.write_to_file(str(path))
    return str(path)


def test_the_cell_and_symmetry_come_from_the_file(pdb: str, mtz: str) -> None:
    for path in (pdb, mtz):
        cell = structure_cell(path)
        assert cell.six == pytest.approx((30, 36, 45, 90, 90, 90))
        assert (cell.system, cell.centering, cell.laue) == ("orthorhombic", "P", "mmm")


def test_intensities_are_those_of_the_atoms(pdb: str) -> None:
    """Against a direct sum over the atoms, where the solvent no longer counts."""
    structure = _structure()
    hkl = np.array([[h, k, l] for h in range(1, 14) for k in range(1, 17) for l in range(1, 20)])
    s = structure.cell.calculate_1_d2_array(hkl) ** 0.5
    hkl = hkl[(s > 0.42) & (s < 0.44)]
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    direct = np.array(
        [abs(calculator.calculate_sf_from_model(structure[0], [int(i) for i in h])) for h in hkl]
    )
    found = structure_intensities(pdb, hkl, 2.0, 1)
    assert len(hkl) > 100
    assert np.corrcoef(found, direct**2)[0, 1] > 0.98
    assert found.mean() == pytest.approx(1.0, abs=0.25)


def test_absences_of_screw_axes_and_equal_mates(pdb: str) -> None:
    axial = np.array([[1, 0, 0], [3, 0, 0], [0, 5, 0], [0, 0, 7]])
    assert structure_intensities(pdb, axial, 2.5, 1) == pytest.approx(0.0)
    mates = structure_intensities(pdb, _MATES, 2.5, 1)
    assert mates == pytest.approx(mates[0])
    assert mates[0] > 0


def test_measured_amplitudes_are_squared_and_gaps_filled(mtz: str) -> None:
    strong, plain, gap, beyond = structure_intensities(
        mtz, np.array([[1, 2, 3], [1, 2, 4], [2, 3, 4], [20, 20, 20]]), 2.0, 5
    )
    assert strong / plain == pytest.approx(4.0, rel=0.01)
    wilson = wilson_intensities(np.array([[2, 3, 4], [20, 20, 20]]), _rotations(), 5)
    assert [gap, beyond] == pytest.approx(wilson)


def test_crystals_of_a_structure(pdb: str) -> None:
    recipe = CrystalRecipe(structure=pdb, lattices=(2, 2))
    one, two = draw_crystals(recipe, Beam(1.0), 1.5, np.random.default_rng(0))
    assert one.cell == two.cell == structure_cell(pdb).six
    assert one.structure == pdb


def test_files_that_will_not_do_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no structure file .*absent\.pdb"):
        structure_cell(str(tmp_path / "absent.pdb"))
    for name, text, words in (
        ("words.txt", "words", "must be one of"),
        ("empty.pdb", "", "holds no atoms"),
        ("broken.mtz", "words", "cannot be read"),
    ):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(RecipeError, match=words):
            structure_cell(str(path))


def _rotations() -> np.ndarray:
    from xgeom_core.simulate.crystals.symmetry import laue_rotations

    return laue_rotations("mmm")
