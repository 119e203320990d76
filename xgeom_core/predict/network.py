"""A network's opinion of a frame: center, tilt and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, PooledFrame, pool
from xgeom_core.geometry import SYMMETRIES, FloatArray
from xgeom_core.models.inputs import canvas_image, network_input, pooling_factor
from xgeom_core.models.settings import TILT_UNIT_DEG, NetworkSettings
from xgeom_core.models.store import Model

# A network that sees the whole canvas is asked about the frame as it is, turned by half a turn, and
# transposed: where it contradicts itself it knows nothing.
_SOME = (SYMMETRIES[0], SYMMETRIES[3], SYMMETRIES[4])
# A canvas pixel of which less than this share was measured counts as unknown.
_LEAST_SHARE = 0.3


def on_canvas(frame: Frame, settings: NetworkSettings) -> PooledFrame:
    """The frame summed onto the network's canvas, exactly invertible."""
    side = settings.canvas_px
    return pool(frame, pooling_factor(frame.shape, side), (side, side))


def known_mean(pooled: PooledFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Mean light per native pixel of each canvas pixel in counts, and where enough of it was measured."""
    known = pooled.weight >= _LEAST_SHARE * pooled.pooling.factor**2
    mean = np.divide(pooled.counts, pooled.weight, out=np.zeros_like(pooled.counts), where=known)
    mean -= np.float32(pooled.dark / pooled.pooling.factor**2)
    return mean, known


def canvas_input(pooled: PooledFrame, settings: NetworkSettings) -> NDArray[np.float32]:
    """The network's input image; shape ``(input_px, input_px)``, or ``(2, canvas, canvas)``."""
    mean, known = known_mean(pooled)
    if settings.sees_canvas:
        return canvas_image(mean, known)
    return network_input(mean, known, settings.supersampling)


def to_outputs(
    center_canvas: tuple[float, float], tilt_deg: tuple[float, float], canvas_px: int
) -> FloatArray:
    """Truth in the units of the network's first four outputs."""
    return np.array(
        [
            center_canvas[0] / canvas_px - 0.5,
            center_canvas[1] / canvas_px - 0.5,
            tilt_deg[0] / TILT_UNIT_DEG,
            tilt_deg[1] / TILT_UNIT_DEG,
        ]
    )


@dataclass(frozen=True, eq=False)
class NetworkOpinion:
    """What a network says of a frame, and how far it contradicts itself.

    Parameters
    ----------
    estimate : Estimate
    spread_px : float
        Root mean square distance between its centers of the frame as it is and of the frame transposed and
        turned by half a turn, native px. It is large on frames unlike any that the network learned from.
    """

    estimate: Estimate
    spread_px: float


def run_network(
    model: Model, image: NDArray[np.float32], log_distance: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Outputs of the network for one input image in several symmetries, turned back.

    Parameters
    ----------
    model : Model
    image : ndarray of float32, shape (input_px, input_px) or (2, canvas, canvas)
        See `canvas_input`.
    log_distance : float, optional
        Logarithm of the distance over the side of the canvas.

    Returns
    -------
    mean : ndarray, shape (n, 4)
        Center x, y and pitch, yaw in the units of the model card, a row a symmetry.
    sigma : ndarray, shape (n, 4)
        Standard deviations that the network states of itself: ``sqrt 2`` times its Laplace scale.
    """
    symmetries = _SOME if model.card.network.sees_canvas else SYMMETRIES
    batch = np.stack([symmetry.image(image) for symmetry in symmetries])
    distance = np.array([[log_distance or 0.0, float(log_distance is not None)]] * len(batch))
    if image.ndim == 2:
        batch = batch[:, None]
    raw = model.network(batch, distance.astype(np.float32)).astype(np.float64)
    outputs = []
    for symmetry, row in zip(symmetries, raw, strict=True):
        back = symmetry.inverse
        # In units of the side with the origin at a corner, the frame is a unit square.
        center = back.center((row[0] + 0.5, row[1] + 0.5), (1, 1))
        tilt = back.tilt((row[2] * TILT_UNIT_DEG, row[3] * TILT_UNIT_DEG))
        scale = np.exp(row[4:])
        if symmetry.transpose:
            scale = scale[[1, 0, 3, 2]]
        outputs.append(np.concatenate([to_outputs(center, tilt, 1), scale]))
    table = np.array(outputs)
    return table[:, :4], np.sqrt(2.0) * table[:, 4:]


def network_opinion(model: Model, frame: Frame) -> NetworkOpinion:
    """What a network says of a frame: center in native pixels, tilt in degrees.

    The tilt is None if the model's card shows no skill at it.
    """
    settings = model.card.network
    pooled = on_canvas(frame, settings)
    log_distance = _log_distance(frame, pooled, settings)
    means, sigmas = run_network(model, canvas_input(pooled, settings), log_distance)
    unit = settings.canvas_px * pooled.pooling.factor
    spread = float(np.sqrt(means[:, :2].var(axis=0).sum())) * unit
    # A network that sees the whole canvas answers by the frame as it is; further symmetries gain nothing.
    mean = means[0] if settings.sees_canvas else np.median(means, axis=0)
    sigma = np.hypot(sigmas.mean(axis=0), means.std(axis=0))
    side = settings.canvas_px
    center = pooled.pooling.to_native(((mean[0] + 0.5) * side, (mean[1] + 0.5) * side))
    center_px = (float(center[0]), float(center[1]))
    variances = (sigma[:2] * unit) ** 2
    if not model.card.knows_tilt:
        return NetworkOpinion(Estimate("network", center_px, covariance=np.diag(variances)), spread)
    tilt_deg = (float(mean[2] * TILT_UNIT_DEG), float(mean[3] * TILT_UNIT_DEG))
    variances = np.append(variances, (sigma[2:] * TILT_UNIT_DEG) ** 2)
    return NetworkOpinion(Estimate("network", center_px, tilt_deg, np.diag(variances)), spread)


def network_estimate(model: Model, frame: Frame) -> Estimate:
    """A network's center and tilt of a frame; see `network_opinion`."""
    return network_opinion(model, frame).estimate


def _log_distance(frame: Frame, pooled: PooledFrame, settings: NetworkSettings) -> float | None:
    """Logarithm of the distance over the side of the canvas, if the file states both."""
    meta = frame.metadata
    if meta.distance_mm is None or meta.pixel_mm is None:
        return None
    return float(np.log(meta.distance_mm / (meta.pixel_mm[0] * pooled.pooling.factor * settings.canvas_px)))
