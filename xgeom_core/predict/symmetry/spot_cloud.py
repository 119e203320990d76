"""Resolution limit: the density of Bragg spots depends on the distance from the beam alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.spots.spot_list import Spots
from xgeom_core.predict.symmetry.features import Canvas, make_canvas
from xgeom_core.predict.symmetry.witness import Witness

SOURCE = "resolution limit"
_LEAST_SPOTS, _LEAST_AREA = 25, 0.1
# A density this flat (log likelihood per spot over that of an even one) has no middle.
_LEAST_GAIN = 0.15
_CELLS, _PASSES = 40, 25
_SECTORS, _RINGS = 8, 3
# Reflections lie on circles of their own, and tilts move them: this share of their root mean square radius
# remains as an error with many spots too.
_SYSTEMATIC_SHARE = 0.025
# Center in units of the longer side, and five coefficients: where weak priors have them, and how sure.
_ORIGIN = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
_PRIOR = np.diag([4.0, 4.0, 1e-6, 0.01, 0.01, 0.01, 0.1])


def find_spot_cloud(frame: Frame, spots: Spots, canvas: Canvas | None = None) -> Witness | None:
    """The center of the density of spots, by Poisson regression on a free function of the radius.

    Parameters
    ----------
    frame : Frame
        Native pixels.
    spots : Spots
        What `find_spots` finds in it.
    canvas : Canvas, optional
        The same frame pooled, where it is at hand.

    Returns
    -------
    Witness or None
        Diagnostics: ``spots``, log10 of their number; ``gain``, log likelihood per spot over that of an even
        density; ``dispersion``, variance of the numbers in sectors and annuli over what chance gives;
        ``even``, share of eight sectors about the center with half to twice the expected spots; ``bar``,
        error bar over the longer side.

    Notes
    -----
    The number of spots in a cell of known area A at a distance r from c is Poisson with the mean
    ``A exp(b0 + b1 s + b2 s**2 + b3 s**3 + b4 log(s + e))``, ``s ~ r**2``; c and b are fitted together.
    Gaps and what lies beyond the panel have no area.
    """
    canvas = make_canvas(frame) if canvas is None else canvas
    if canvas is None or len(spots) < _LEAST_SPOTS:
        return None
    side = float(max(frame.shape))
    x, y, area, number = _cells(canvas, spots, side)
    total = float(number.sum())
    if total < _LEAST_SPOTS:
        return None
    middle, panel = (np.array([w @ x, w @ y]) / w.sum() for w in (number, area))
    fits = [_fit(x, y, area, number, start) for start in (panel, middle, 2.0 * middle - panel)]
    theta, covariance, mean = max(fits, key=lambda fit: _likelihood(number, fit[2]))
    gain = (_likelihood(number, mean) - _likelihood(number, area * (total / area.sum()))) / total
    if not gain > _LEAST_GAIN:
        return None
    right, down = x - theta[0], y - theta[1]
    sector = ((np.arctan2(down, right) / (2.0 * np.pi) + 1.0) * _SECTORS).astype(np.intp) % _SECTORS
    part = sector * _RINGS + _ring(np.hypot(right, down), mean)
    shape = (_SECTORS, _RINGS)
    seen, expected = (np.bincount(part, w, _SECTORS * _RINGS).reshape(shape) for w in (number, mean))
    freedom = _SECTORS * _RINGS - len(theta)
    dispersion = max(float(((seen - expected) ** 2 / (expected + 0.5)).sum() / freedom), 1.0)
    seen, expected = seen.sum(axis=1), expected.sum(axis=1)
    radius = float(number @ (right**2 + down**2) / total)
    covariance = covariance * dispersion + _SYSTEMATIC_SHARE**2 * radius * np.eye(2)
    diagnostics = {"spots": float(np.log10(total)), "gain": gain, "dispersion": dispersion}
    diagnostics["even"] = float(np.mean((seen > 0.5 * expected) & (seen < 2.0 * expected + 1.0)))
    diagnostics["bar"] = float(np.sqrt(np.linalg.eigvalsh(covariance)[-1]))
    return Witness(
        SOURCE, (float(theta[0] * side), float(theta[1] * side)), covariance * side**2, diagnostics
    )


def _cells(canvas: Canvas, spots: Spots, side: float) -> tuple[FloatArray, ...]:
    """Middles in units of the longer side, known areas and numbers of spots of the cells, each (n,)."""
    height, width = canvas.known.shape
    step = max(1, round(max(height, width) / _CELLS))
    rows, columns = -(-height // step), -(-width // step)
    down, right = np.nonzero(canvas.known)
    index, size = (down // step) * columns + right // step, rows * columns
    area = np.bincount(index, minlength=size).astype(np.float64)
    cell = step * canvas.pooling.factor
    across, along = (
        np.clip((spots.x / cell).astype(np.intp), 0, columns - 1),
        (spots.y / cell).astype(np.intp),
    )
    number = np.bincount(np.clip(along, 0, rows - 1) * columns + across, minlength=size).astype(np.float64)
    # The middle of what is known of a cell.
    x, y = (np.bincount(index, at + 0.5, minlength=size) / np.maximum(area, 1.0) for at in (right, down))
    use, unit = area > _LEAST_AREA * step**2, canvas.pooling.factor / side
    return x[use] * unit, y[use] * unit, area[use] / step**2, number[use]


def _ring(distance: FloatArray, mean: FloatArray) -> NDArray[np.intp]:
    """Which of `_RINGS` annuli of equally many expected spots."""
    order = np.argsort(distance)
    reached = np.empty_like(mean)
    reached[order] = np.cumsum(mean[order]) / max(float(mean.sum()), 1e-9)
    return np.minimum((reached * _RINGS).astype(np.intp), _RINGS - 1)


def _fit(
    x: FloatArray, y: FloatArray, area: FloatArray, number: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Center and coefficients, Poisson covariance of the center, and means, by damped Fisher scoring."""

    def posterior(theta: FloatArray, mean: FloatArray) -> float:
        return _likelihood(number, mean) - 0.5 * float((theta - _ORIGIN) @ _PRIOR @ (theta - _ORIGIN))

    theta = np.array([*start, np.log(number.sum() / area.sum()), 0.0, 0.0, 0.0, 0.0])
    mean, design = _means(x, y, area, theta)
    best, damping = posterior(theta, mean), 1e-2
    for _ in range(_PASSES):
        normal = (design * mean[:, None]).T @ design + _PRIOR
        right = design.T @ (number - mean) - _PRIOR @ (theta - _ORIGIN)
        step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal)), right, rcond=None)[0]
        step[:2] *= min(1.0, 0.1 / max(float(np.hypot(*step[:2])), 1e-9))
        new_mean, new_design = _means(x, y, area, theta + step)
        value = posterior(theta + step, new_mean)
        if not value > best:
            damping = min(10.0 * damping, 1e6)
            continue
        gained, best, damping = value - best, value, 0.3 * damping
        theta, mean, design = theta + step, new_mean, new_design
        if gained < 1e-3:
            break
    normal = (design * mean[:, None]).T @ design + _PRIOR
    covariance = np.asarray(np.linalg.pinv(normal, hermitian=True)[:2, :2], dtype=np.float64)
    return theta, covariance, mean


def _means(
    x: FloatArray, y: FloatArray, area: FloatArray, theta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Expected numbers (n,) and the derivatives (n, 7) of their logarithms."""
    right, down = x - theta[0], y - theta[1]
    s = 4.0 * (right**2 + down**2)
    inner = s + 0.02
    slope = -8.0 * (theta[3] + 2.0 * theta[4] * s + 3.0 * theta[5] * s**2 + theta[6] / inner)
    design = np.stack([right * slope, down * slope, np.ones_like(s), s, s**2, s**3, np.log(inner)], axis=1)
    return area * np.exp(np.clip(design[:, 2:] @ theta[2:], -15.0, 10.0)), design


def _likelihood(number: FloatArray, mean: FloatArray) -> float:
    return float((number * np.log(mean + 1e-12) - mean).sum())
