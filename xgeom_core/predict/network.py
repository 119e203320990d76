"""A network's opinion of a frame: center, tilt and how sure it is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, PooledFrame, pool
from xgeom_core.geometry import SYMMETRIES, FloatArray
from xgeom_core.models.inputs import canvas_image, network_input, pooling_factor
from xgeom_core.models.settings import TILT_UNIT_DEG, NetworkSettings
from xgeom_core.models.store import Model

# A network that sees the whole canvas is asked once: further symmetries cost as much again and were
# measured to gain nothing.
_ONCE = SYMMETRIES[:1]
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


def run_network(
    model: Model, image: NDArray[np.float32], log_distance: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Outputs of the network for one input image, averaged over its symmetries.

    Parameters
    ----------
    model : Model
    image : ndarray of float32, shape (input_px, input_px) or (2, canvas, canvas)
        See `canvas_input`.
    log_distance : float, optional
        Logarithm of the distance over the side of the canvas.

    Returns
    -------
    mean : ndarray, shape (4,)
        Center x, y and pitch, yaw in the units of the model card.
    sigma : ndarray, shape (4,)
        Standard deviations: what the network says of itself (``sqrt 2`` times its Laplace scale),
        and the scatter between the symmetries, added in quadrature.
    """
    symmetries = _ONCE if model.card.network.sees_canvas else SYMMETRIES
    batch = np.stack([symmetry.image(image) for symmetry in symmetries])
    distance = np.array([[log_distance or 0.0, float(log_distance is not None)]] * len(batch))
    with torch.inference_mode():
        tensor = torch.from_numpy(np.ascontiguousarray(batch))
        if image.ndim == 2:
            tensor = tensor[:, None]
        told = torch.from_numpy(distance.astype(np.float32))
        raw = model.network(tensor.to(memory_format=torch.channels_last), told).double().numpy()
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
    own = np.sqrt(2.0) * table[:, 4:].mean(axis=0)
    return np.median(table[:, :4], axis=0), np.hypot(own, table[:, :4].std(axis=0))


def network_estimate(model: Model, frame: Frame) -> Estimate:
    """What a network says of a frame: center in native pixels, tilt in degrees.

    The tilt is None if the model's card shows no skill at it.
    """
    settings = model.card.network
    pooled = on_canvas(frame, settings)
    log_distance = _log_distance(frame, pooled, settings)
    mean, sigma = run_network(model, canvas_input(pooled, settings), log_distance)
    side = settings.canvas_px
    center = pooled.pooling.to_native(((mean[0] + 0.5) * side, (mean[1] + 0.5) * side))
    center_px = (float(center[0]), float(center[1]))
    variances = (sigma[:2] * side * pooled.pooling.factor) ** 2
    if not model.card.knows_tilt:
        return Estimate("network", center_px, covariance=np.diag(variances))
    tilt_deg = (float(mean[2] * TILT_UNIT_DEG), float(mean[3] * TILT_UNIT_DEG))
    variances = np.append(variances, (sigma[2:] * TILT_UNIT_DEG) ** 2)
    return Estimate("network", center_px, tilt_deg, np.diag(variances))


def _log_distance(frame: Frame, pooled: PooledFrame, settings: NetworkSettings) -> float | None:
    """Logarithm of the distance over the side of the canvas, if the file states both."""
    meta = frame.metadata
    if meta.distance_mm is None or meta.pixel_mm is None:
        return None
    return float(np.log(meta.distance_mm / (meta.pixel_mm[0] * pooled.pooling.factor * settings.canvas_px)))
