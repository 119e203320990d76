"""A lattice whose cell is known, from as few as five spots: only its orientation is looked for.

The sum of ``exp(2 pi i r.k)`` over the spots is large where r is an edge of the cell, wherever the origin
lies. An edge of known length lies on a sphere; two edges with the right angle between them give the
orientation. Where the beam is known to a part of the spacing of the lattice it is one more point of it.
"""

from __future__ import annotations

import itertools

import gemmi
import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.algebra import inverse3, lengths
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.expansion import TOLERANCE, near_beam
from xgeom_core.predict.lattice.fit import Fit, fit_model
from xgeom_core.predict.lattice.model import Model, observed_rays
from xgeom_core.predict.lattice.parameterization import FIXED_CELL, Freedom
from xgeom_core.predict.lattice.symmetry import Cell

FloatArray = NDArray[np.float64]

LEAST_KNOWN = 5
_MOST_SPOTS = 60
# Steps between directions, in cycles over the extent of the spots; how many of the best are kept.
_STEP_CYCLES, _MOST_PEAKS = 0.3, 300
# Edges make the angle of the cell to so many steps; so many orientations are scored, the best ones fitted.
_ANGLE_STEPS, _MOST_SCORED, _MOST_FITTED = 2.0, 25000, 16
_NEAR = 0.12
# A spot that belongs to no lattice is off by about so much, in px and off the sphere in 1/Å.
_FAR_PX, _FAR = 5.0, 0.01
_ORIGIN_IS_WORTH = 9.0
# Few spots do not tell a cell that is a little off; these ratios of its edges are tried.
_SCALES, _FEW = (1.0, 0.987, 1.013), 30
# How far edges (relative) and cosines of a cell given may differ from the one found.
_CELL_LIMIT = 0.04


def reduced_edges(cell: Cell) -> FloatArray:
    """Rows a, b, c of the Niggli-reduced cell, in Å, in any orientation."""
    vector = gemmi.GruberVector(gemmi.UnitCell(*cell), "P")
    vector.niggli_reduce()
    return np.array(gemmi.UnitCell(*vector.cell_parameters()).orth.mat.tolist()).T


def has_cell(reciprocal: FloatArray, cell: Cell) -> bool:
    """Whether a lattice (columns a*, b*, c*) has a cell, centered ones included."""
    vectors = np.array(list(itertools.product(range(-4, 5), repeat=3))) @ inverse3(reciprocal)
    length = lengths(vectors)
    near = [np.abs(length / edge - 1.0) < _CELL_LIMIT for edge in cell[:3]]
    a, b, c = (vectors[one] / length[one, None] for one in near)
    cosine = np.cos(np.radians(cell[3:]))
    bc, ac, ab = (
        (np.abs(one @ other.T - wanted) < _CELL_LIMIT).astype(np.int64)
        for one, other, wanted in zip((b, a, a), (c, c, b), cosine, strict=True)
    )
    return bool(((ab @ bc) * ac).any())


def known_lattice(observed: Observed, start: Geometry, cell: Cell) -> Fit | None:
    """The lattice of a known cell that holds most spots, its origin free.

    Parameters
    ----------
    observed : Observed
        Spots, the strongest first.
    start : Geometry
        Through which they are mapped.
    cell : tuple of float
        In Å and degrees; a centered one will do.

    Returns
    -------
    Fit or None
        None where none holds five.
    """
    some = observed.take(np.arange(len(observed.xy)) < _MOST_SPOTS)
    rays = observed_rays(start, some.xy[:, 0], some.xy[:, 1])
    beam = np.array([0.0, 0.0, np.linalg.norm(rays[0])])
    best: Fit | None = None
    for scale in _SCALES if len(some.xy) < _FEW else _SCALES[:1]:
        edges = scale * reduced_edges(cell)
        # A lattice with a point where the beam is thought to be has less to choose from.
        for origin, handicap in ((None, 0.0), (beam, _ORIGIN_IS_WORTH)):
            fit = _best(some, start, _orientations(edges, rays, origin))
            if fit is not None and (best is None or _merit(fit) + handicap > _merit(best)):
                best = fit
    if best is None:
        return None
    # Tilt and distance with their priors, now that the rest is right.
    freedom = Freedom(origin=True, cell=FIXED_CELL)
    tilt = (start.pitch_deg, start.yaw_deg)
    tilted = fit_model(best.model, observed, freedom, tolerance=TOLERANCE, start_tilt=tilt)
    return tilted if tilted is not None and _merit(tilted) >= _merit(best) else best


def _best(observed: Observed, start: Geometry, tries: list[tuple[FloatArray, FloatArray]]) -> Fit | None:
    """The best fit of those that begin at some orientations."""
    freedom = Freedom(origin=True, cell=FIXED_CELL, tilt=False, extras=False)
    best: Fit | None = None
    for real, phase in tries:
        reciprocal = inverse3(real)
        model = near_beam(Model(start, reciprocal @ phase, reciprocal))
        fit = fit_model(model, observed, freedom, tolerance=TOLERANCE, rounds=6)
        if fit is not None and (best is None or _merit(fit) > _merit(best)):
            best = fit
    return best


def _merit(fit: Fit) -> float:
    """Log likelihood of the spots held, in two coordinates and off the sphere, against spots anywhere."""
    miss = float(np.sqrt((fit.miss[fit.used] ** 2).mean()))
    return float(fit.used.sum()) * float(
        2.0 * np.log(_FAR_PX / (fit.rms_px + 0.1)) - np.log(miss / _FAR + 0.01)
    )


def _orientations(
    edges: FloatArray, rays: FloatArray, origin: FloatArray | None
) -> list[tuple[FloatArray, FloatArray]]:
    """Edges as rows, oriented, and their phases in cycles: those that suit the spots best."""
    middle = rays.mean(axis=0) if origin is None else origin
    points = rays - middle
    extent = 2.0 * float(lengths(points).max())
    first, second = edges[0], edges[1]
    sizes = lengths(edges)
    peaks = [_peaks(size, points, extent, free=origin is None) for size in sizes[:2]]
    one = np.repeat(peaks[0], len(peaks[1]), axis=0)
    other = np.tile(peaks[1], (len(peaks[0]), 1))
    # A peak does not tell a vector from its negative.
    one, other = np.concatenate([one, one, -one, -one]), np.concatenate([other, -other, other, -other])
    wanted = np.arccos(first @ second / sizes[0] / sizes[1])
    angle = np.arccos(np.clip((one * other).sum(axis=1) / sizes[0] / sizes[1], -1.0, 1.0))
    fits = np.abs(angle - wanted) < _ANGLE_STEPS * _STEP_CYCLES / (extent * min(sizes[0], sizes[1]))
    one, other = one[fits][:_MOST_SCORED], other[fits][:_MOST_SCORED]
    if not len(one):
        return []
    turns = _frames(one, other) @ _frames(first[None], second[None]).transpose(0, 2, 1)
    turned = np.einsum("mij,kj->mki", turns, edges)
    wave = np.exp(2j * np.pi * (turned @ points.T))
    phase = np.angle(wave.mean(axis=2)) / (2.0 * np.pi) if origin is None else np.zeros(turned.shape[:2])
    rest = np.angle(wave * np.exp(-2j * np.pi * phase)[:, :, None]) / (2.0 * np.pi)
    near = np.exp(-0.5 * (rest / _NEAR) ** 2).prod(axis=1)
    order = np.argsort(-near.sum(axis=1), kind="stable")
    chosen: list[int] = []
    for number in order:
        if all(_apart(turns[number], turns[other]) > 0.5 / (extent * sizes.max()) for other in chosen):
            chosen.append(int(number))
            if len(chosen) == _MOST_FITTED:
                break
    phases = phase + turned @ middle
    return [(turned[number], phases[number]) for number in chosen]


def _apart(one: FloatArray, other: FloatArray) -> float:
    """Angle between two orientations, radians."""
    turn = one.T @ other
    # Of the sine and the cosine, which is exact at all angles.
    sine = lengths(np.array([[turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]]))
    return float(np.arctan2(sine[0], np.trace(turn) - 1.0))


def _frames(one: FloatArray, other: FloatArray) -> FloatArray:
    """Right-handed frames whose z is across both vectors and whose x lies between them, shape (n, 3, 3)."""
    x = one / lengths(one)[:, None] + other / lengths(other)[:, None]
    x /= lengths(x)[:, None]
    z = np.cross(one, other)
    z /= lengths(z)[:, None]
    return np.stack([x, np.cross(z, x), z], axis=2)


def _peaks(length: float, points: FloatArray, extent: float, *, free: bool) -> FloatArray:
    """Vectors of a length that the spots suit, one of each pair of opposite ones, the best first.

    Parameters
    ----------
    length, points, extent
        Of the edge in Å; of the spots in 1/Å, counted from the origin where it is not free.
    free : bool
        Whether the origin is.
    """
    step = _STEP_CYCLES / (extent * length)
    count = int(np.ceil(2.0 * np.pi / step**2))
    # A spiral over half of a sphere.
    z = (np.arange(count) + 0.5) / count
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count)
    flat = np.sqrt(1.0 - z * z)
    vectors = length * np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
    phase = (2.0 * np.pi * (vectors.astype(np.float32) @ points.T.astype(np.float32))).astype(np.float32)
    power = np.cos(phase).mean(axis=1)
    if free:
        power = power**2 + np.sin(phase).mean(axis=1) ** 2
    return np.asarray(vectors[np.argsort(-power, kind="stable")[:_MOST_PEAKS]])
