"""How far the answer scatters: what each part of the frame would pull it to, and honest error bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import COLUMNS, MODULES, Strength
from xgeom_core.predict.background.likelihood import Equations
from xgeom_core.predict.background.model import Part

SECTORS = 12
ZONES = 6
_PATCHES = 14


@dataclass(frozen=True, eq=False)
class Scores:
    """What every cell says of the geometry once profile and nuisance have taken their part.

    Parameters
    ----------
    columns : ndarray, shape (4, n)
        Efficient derivatives of log intensity.
    normal : ndarray, shape (4, 4)
        Information.
    pull : ndarray, shape (4, n)
        Weighted residual times derivative.
    """

    columns: FloatArray
    normal: FloatArray
    pull: FloatArray
    weight: FloatArray


def scores(found: Equations, strength: Strength, base: FloatArray) -> Scores:
    """Efficient scores of the cells.

    Parameters
    ----------
    found : Equations
        With all parts.
    strength : Strength
        Prior of the nuisance.
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    """
    prior = strength.precision()
    nuisance = found.normal[4:, 4:] + np.diag(prior[4:])
    share = linalg.solve(nuisance, found.normal[4:, :4], assume_a="pos", check_finite=False)
    left = found.cross[:, :4] - found.cross[:, 4:] @ share
    profile = linalg.cho_solve_banded((found.factor, False), left, check_finite=False)
    columns = np.concatenate([_efficient(part, share, profile) for part in found.parts], axis=1)
    if found.panels is not None:
        columns -= (found.panels @ share[MODULES - 4 :]).T
    normal = found.normal[:4, :4] - found.normal[:4, 4:] @ share + base
    pull = columns * (found.weight * found.residual)
    return Scores(columns, 0.5 * (normal + normal.T), pull, found.weight)


def _efficient(part: Part, share: FloatArray, profile: FloatArray) -> FloatArray:
    """Derivatives by the geometry at some cells without what nuisance and profile take, shape (4, n)."""
    waves, rays = share[: COLUMNS - 4], share[COLUMNS - 4 : MODULES - 4]
    columns: FloatArray = part.columns[:4] - waves.T @ part.columns[4:]
    columns -= (part.rays.matrix() @ rays).T
    for i in range(4):
        columns -= (profile[part.places.first + i] * part.basis[i][:, None]).T
    return columns


def scatter(found: Scores, part: NDArray[np.int64], count: int) -> FloatArray:
    """Covariance of the geometry from leaving out one part of the cells after the other.

    Parameters
    ----------
    found : Scores
    part : ndarray of int, shape (n,)
        Part of each cell, 0 to count - 1.
    count : int
        Number of parts.

    Notes
    -----
    ``(S - 1) / S * sum_s d_s d_s^T`` with d_s the change of the solution when part s is left out
    (Efron 1982), to first order in the residuals but with the information of the part taken out.
    """
    pulls = np.array([np.bincount(part, weights=found.pull[i], minlength=count) for i in range(4)]).T
    infos = np.empty((count, 4, 4))
    for i in range(4):
        for j in range(i, 4):
            product = found.weight * found.columns[i] * found.columns[j]
            infos[:, i, j] = infos[:, j, i] = np.bincount(part, weights=product, minlength=count)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(found.normal), 1e-30))
    outer = np.outer(scale, scale)
    whole = found.normal * outer
    # A part that holds nearly all there is to know cannot be left out: be content with half.
    values, vectors = np.linalg.eigh(whole - infos * outer)
    rest = np.maximum(values, 0.3 * np.linalg.eigvalsh(whole)[0])
    turned = np.einsum("sij,si->sj", vectors, scale * pulls)
    spread = scale * np.einsum("sij,sj->si", vectors, turned / rest)
    return np.asarray((count - 1) / count * spread.T @ spread)


def one_fold(found: Scores, at: Equations, covariance: FloatArray, size: float) -> FloatArray:
    """Covariance of the geometry if radial zones are brighter on one side, each by itself.

    Parameters
    ----------
    found : Scores
    at : Equations
    covariance : ndarray, shape (4, 4)
        Inverse of the information.
    size : float
        Standard deviation of the one-fold wave of each zone, in log intensity.
    """
    rho, cos, sin = seen(at)
    zone = _zones(rho, at.weight, 2 * ZONES)
    total = np.zeros((4, 4))
    for wave in (cos, sin):
        weight = found.weight * wave
        pull = np.array(
            [np.bincount(zone, weights=weight * found.columns[i], minlength=2 * ZONES) for i in range(4)]
        )
        moves = covariance @ pull
        total += moves @ moves.T
    return np.asarray(size**2 * total)


def shifted(found: Scores, at: Equations, covariance: FloatArray, side: float, size_px: float) -> FloatArray:
    """Covariance of the geometry if parts of the detector lie a little aside, and the whole is a little bent.

    Parameters
    ----------
    found : Scores
    at : Equations
    covariance : ndarray, shape (4, 4)
        Inverse of the information.
    side : float
        Longer side of the frame in px.
    size_px : float
        Standard deviation of each patch's shift along either axis, and of a bent field at the frame's edge.

    Notes
    -----
    A patch that lies aside changes what its cells see as a move of the center does. The profile being free,
    what features on one side of the beam show of that is read as a shift and a tilt.
    """
    patch, count = parts(at, side)["patches"]
    rho, cos, sin = seen(at)
    x, y = rho * cos, rho * sin
    x, y = ((at_px - np.average(at_px, weights=at.weight)) * 2.0 / side for at_px in (x, y))
    total = np.zeros((4, 4))
    for i in range(2):
        pulls = found.columns * (found.weight * np.concatenate([part.columns[i] for part in at.parts]))
        moves = covariance @ np.array([np.bincount(patch, pull, count) for pull in pulls])
        bent = covariance @ np.array([(pulls * bend).sum(axis=1) for bend in (x * x, x * y, y * y)]).T
        total += moves @ moves.T + bent @ bent.T
    return np.asarray(size_px**2 * total)


def seen(found: Equations) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Radius of each cell, and cos and sin of its azimuth."""
    looks = [part.look for part in found.parts]
    return (
        np.concatenate([look.rho for look in looks]),
        np.concatenate([look.cos for look in looks]),
        np.concatenate([look.sin for look in looks]),
    )


def _zones(rho: FloatArray, weight: FloatArray, count: int) -> NDArray[np.int64]:
    """Radial zone of each cell; zones of equal weight."""
    order = np.argsort(rho)
    heap = np.cumsum(weight[order])
    zone = np.empty(len(order), dtype=np.int64)
    zone[order] = np.minimum((heap / heap[-1] * count).astype(np.int64), count - 1)
    return zone


def _sector(cos: FloatArray, sin: FloatArray) -> NDArray[np.int64]:
    turn = np.arctan2(sin, cos) / (2.0 * np.pi) + 0.5
    return np.minimum((turn * SECTORS).astype(np.int64), SECTORS - 1)


def parts(found: Equations, side: float) -> dict[str, tuple[NDArray[np.int64], int]]:
    """Ways to divide the cells: azimuth sectors, radial zones of equal information, patches."""
    rho, cos, sin = seen(found)
    sector = _sector(cos, sin)
    size = side / _PATCHES
    across = (rho * cos / size).astype(np.int64) + 2 * _PATCHES
    down = (rho * sin / size).astype(np.int64) + 2 * _PATCHES
    _, patch = np.unique(
        np.clip(down, 0, 4 * _PATCHES) * (4 * _PATCHES + 1) + np.clip(across, 0, 4 * _PATCHES),
        return_inverse=True,
    )
    return {
        "sectors": (sector, SECTORS),
        "zones": (_zones(rho, found.weight, ZONES), ZONES),
        "patches": (patch, int(patch.max()) + 1),
    }


def sector_shifts(found: Equations) -> FloatArray:
    """Where the features of each sector lie, against the model.

    Returns
    -------
    ndarray, shape (SECTORS, 3)
        Azimuth of the sector's middle in degrees, shift outwards in px and its sigma (NaN where the
        sector sees nothing).
    """
    _, cos, sin = seen(found)
    sector = _sector(cos, sin)
    slope = -np.concatenate([part.slope for part in found.parts])
    slope -= np.average(slope, weights=found.weight)
    info = np.bincount(sector, weights=found.weight * slope**2, minlength=SECTORS)
    pull = np.bincount(sector, weights=found.weight * slope * found.residual, minlength=SECTORS)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift, sigma = pull / info, 1.0 / np.sqrt(info)
    empty = info <= 0
    shift[empty], sigma[empty] = np.nan, np.nan
    middle = (np.arange(SECTORS) + 0.5) * 360.0 / SECTORS - 180.0
    return np.column_stack([middle, shift, sigma])
