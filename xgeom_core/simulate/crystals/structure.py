"""Structure factors of a real structure, through gemmi.

Notes
-----
A model (mmCIF or PDB) is turned into an electron density with the scattering factors of the
International Tables, the solvent around it into a flat mask, and both are Fourier-transformed
(Sayre 1951; bulk solvent: Jiang and Brünger, J. Mol. Biol. 243 (1994) 100, here with the usual
k = 0.35 e/Å^3 and B = 46 Å^2). An MTZ file brings measured intensities or amplitudes.

Either way the intensities are divided by a line fitted to the logarithm of their means in shells over
s^2 (Wilson's plot), so that the crystal's own B factor and brightness apply, while the hills and
dips of a real structure stay. Reflections that should exist but are not in the file, or are finer
than the model was calculated for, follow Wilson's statistics.

What a file says is kept per process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.crystals.cell import Cell
from xgeom_core.simulate.crystals.symmetry import IntArray, laue_rotations
from xgeom_core.simulate.crystals.wilson import representatives, wilson_intensities

_SOLVENT_DENSITY = 0.35
_SOLVENT_B_A2 = 46.0
# Models are calculated to the next step of resolution, so that few calculations serve all frames.
_STEP_A = 0.5
_FINEST_A = 1.0
_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
_SUFFIXES = (".mtz", ".cif", ".mmcif", ".pdb", ".ent")


@dataclass(frozen=True, eq=False)
class _Table:
    """Relative intensities: ``values[h - low_h, k - low_k, l - low_l]`` of representatives, NaN unknown."""

    values: NDArray[np.float32]
    low: IntArray
    limit: float
    rotations: IntArray


def structure_cell(path: str) -> Cell:
    """Cell and symmetry of a structure file.

    Parameters
    ----------
    path : str
        mmCIF, PDB or MTZ file; those may be compressed (``.gz``).

    Raises
    ------
    RecipeError
        If the file cannot be used.
    """
    return _cell(path)


def structure_intensities(path: str, hkl: NDArray[np.integer], d_min_A: float, seed: int) -> FloatArray:
    """Squared structure factors of a file over their mean at each resolution.

    Parameters
    ----------
    path : str
        mmCIF, PDB or MTZ file.
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    d_min_A : float
        Resolution of the crystal in Å; models are calculated at least this far.
    seed : int
        Of the reflections that the file does not know; see `wilson`.

    Returns
    -------
    ndarray, shape (n,)
        About 1 in the mean.

    Raises
    ------
    RecipeError
        If the file cannot be used.
    """
    table = _table(path, max(math.floor(0.9 * d_min_A / _STEP_A) * _STEP_A, _FINEST_A))
    place = representatives(hkl, table.rotations) - table.low
    inside = _within(place, table.values.shape)
    place = np.where(inside[:, None], place, 0)
    known = table.values[place[:, 0], place[:, 1], place[:, 2]].astype(np.float64)
    unknown = ~inside | np.isnan(known)
    known[unknown] = wilson_intensities(hkl[unknown], table.rotations, seed)
    return known


def _within(place: IntArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which rows are places in an array of that shape."""
    return np.asarray(np.all((place >= 0) & (place < np.array(shape)), axis=1))


@lru_cache(maxsize=4)
def _read(path: str) -> Any:
    """A gemmi Structure or Mtz."""
    name = Path(path).name.lower().removesuffix(".gz")
    if not Path(path).is_file():
        raise RecipeError(f"There is no structure file {path}.")
    if not name.endswith(_SUFFIXES):
        raise RecipeError(f"The structure file {path} must be one of {', '.join(_SUFFIXES)} (or .gz).")
    try:
        read: Any = gemmi.read_mtz_file(path) if name.endswith(".mtz") else gemmi.read_structure(path)
    except (RuntimeError, ValueError, OSError) as error:
        raise RecipeError(f"The structure file {path} cannot be read: {error}.") from None
    if not name.endswith(".mtz"):
        read.setup_entities()
        if not len(read) or not sum(1 for _ in read[0].all()):
            raise RecipeError(f"The structure file {path} holds no atoms.")
    if read.cell.a <= 1.5 or _group(read) is None:
        raise RecipeError(f"The structure file {path} holds no unit cell or no space group.")
    return read


def _group(read: Any) -> Any:
    if isinstance(read, gemmi.Mtz):
        return read.spacegroup
    return gemmi.find_spacegroup_by_name(read.spacegroup_hm, read.cell.alpha, read.cell.gamma)


@lru_cache(maxsize=4)
def _cell(path: str) -> Cell:
    read = _read(path)
    group, cell = _group(read), read.cell
    system, centering = group.crystal_system_str(), group.centring_type()
    if system not in _SYSTEMS or group.ext == "R" or centering not in "PACIFRH":
        raise RecipeError(
            f"The space group {group.xhm()} of {path} is in a setting that is not known here; write it on "
            "hexagonal axes, or in the standard setting."
        )
    centering = "R" if centering == "H" else centering
    laue = group.laue_str()
    if laue == "-3m":
        laue = "-31m" if group.number in _31M else "-3m1"
    edges, angles = (cell.a, cell.b, cell.c), (cell.alpha, cell.beta, cell.gamma)
    return Cell(edges, angles, system, centering, laue)


# P312, P3112, P3212 and the groups above them: the twofold axes lie between the cell edges.
_31M = (149, 151, 153, 157, 159, 162, 163)


@lru_cache(maxsize=4)
def _table(path: str, d_min_A: float) -> _Table:
    read, cell = _read(path), _cell(path)
    if isinstance(read, gemmi.Mtz):
        d_min_A = max(d_min_A, float(read.resolution_high()))
        hkl, intensity = _measured(read, path)
    else:
        hkl, intensity = _calculated(read, d_min_A)
    s = read.cell.calculate_1_d2_array(hkl) ** 0.5
    keep = (s > 1e-6) & (s <= 1.0 / d_min_A + 1e-9)
    hkl, intensity, s = hkl[keep], intensity[keep], s[keep]
    if len(hkl) < 30:
        raise RecipeError(f"The structure file {path} gives no more than {len(hkl)} reflections.")
    intensity = intensity / _wilson_line(s, intensity)
    rotations = laue_rotations(cell.laue)
    # All that may exist, whether the file knows it or not; the rest is absent.
    possible = gemmi.make_miller_array(read.cell, _group(read), d_min_A, unique=True)
    names = representatives(possible, rotations)
    low, high = names.min(axis=0), names.max(axis=0)
    values = np.zeros(high - low + 1, dtype=np.float32)
    values[tuple((names - low).T)] = np.nan
    place = representatives(hkl, rotations) - low
    inside = _within(place, values.shape)
    values[tuple(place[inside].T)] = intensity[inside]
    return _Table(values, low, 1.0 / d_min_A, rotations)


def _measured(mtz: Any, path: str) -> tuple[IntArray, FloatArray]:
    """Indices and intensities of an MTZ file: its first column of intensities, or else of amplitudes."""
    for kinds, power in (("JK", 1), ("FG", 2)):
        for kind in kinds:
            columns = mtz.columns_with_type(kind)
            if len(columns):
                values = np.array(columns[0].array, dtype=np.float64)
                hkl = np.asarray(mtz.make_miller_array(), dtype=np.int64)
                good = np.isfinite(values)
                # Weak intensities may have been measured below zero; no spot has negative counts.
                return hkl[good], np.maximum(values[good], 0.0) ** power
    raise RecipeError(f"The structure file {path} holds neither intensities nor amplitudes.")


def _calculated(structure: Any, d_min_A: float) -> tuple[IntArray, FloatArray]:
    """Indices and intensities of a model with bulk solvent around it."""
    calculator = gemmi.DensityCalculatorX()
    calculator.d_min = d_min_A
    calculator.rate = 1.5
    calculator.grid.setup_from(structure)
    calculator.set_refmac_compatible_blur(structure[0])
    calculator.put_model_density_on_grid(structure[0])
    atoms = gemmi.transform_map_to_f_phi(calculator.grid).prepare_asu_data(
        dmin=d_min_A, unblur=calculator.blur
    )
    mask = gemmi.FloatGrid()
    mask.setup_from(structure, spacing=min(0.6, d_min_A / 3.0))
    gemmi.SolventMasker(gemmi.AtomicRadiiSet.Cctbx).put_mask_on_float_grid(mask, structure[0])
    solvent = gemmi.transform_map_to_f_phi(mask).prepare_asu_data(dmin=d_min_A)
    hkl = np.asarray(atoms.miller_array, dtype=np.int64)
    pairs = zip(solvent.miller_array.tolist(), solvent.value_array, strict=True)
    around = {tuple(index): value for index, value in pairs}
    flat = np.array([around.get(tuple(index), 0.0) for index in hkl.tolist()])
    fall = np.exp(-_SOLVENT_B_A2 / 4.0 * structure.cell.calculate_1_d2_array(hkl))
    return hkl, np.abs(atoms.value_array + _SOLVENT_DENSITY * fall * flat) ** 2


def _wilson_line(s: FloatArray, intensity: FloatArray) -> FloatArray:
    """The line through the logarithm of the mean intensities in shells of s^2, at every reflection."""
    order = np.argsort(s)
    shells = np.array_split(order, int(np.clip(len(s) // 40, 2, 40)))
    square = np.array([(s[shell] ** 2).mean() for shell in shells])
    mean = np.array([intensity[shell].mean() for shell in shells])
    if not (mean > 0).any():
        return np.ones_like(s)
    floor = 1e-6 * mean.max()
    slope, offset = np.polyfit(square, np.log(np.maximum(mean, floor)), 1)
    return np.asarray(np.exp(offset + slope * s**2))
