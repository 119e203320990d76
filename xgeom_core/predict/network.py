"""A network's opinion of a frame: center, tilt and how sure it is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, PooledFrame, pool
from xgeom_core.geometry import SYMMETRIES, FloatArray
from xgeom_core.models.inputs import network_input, pooling_factor
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.models.store import Model

# Unit of the network's tilt outputs, degrees; see the model card.
TILT_UNIT_DEG = 3.0
# A canvas pixel of which less than this share was measured counts as unknown.
_LEAST_SHARE = 0.3


def on_canvas(frame: Frame, settings: NetworkSettings) -> PooledFrame:
    """The frame summed onto the network's canvas, exactly invertible."""
    side = settings.canvas_px
    return pool(frame, pooling_factor(frame.shape, side), (side, side))


def canvas_input(pooled: PooledFrame, settings: NetworkSettings) -> NDArray[np.float32]:
    """The network's input image; shape ``(input_px, input_px)``."""
    known = pooled.weight >= _LEAST_SHARE * pooled.pooling.factor**2
    mean = np.divide(pooled.counts, pooled.weight, out=np.zeros_like(pooled.counts), where=known)
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


def run_network(model: Model, image: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Outputs of the network for one input image, averaged over its eight symmetries.

    Parameters
    ----------
    model : Model
    image : ndarray of float32, shape (input_px, input_px)

    Returns
    -------
    mean : ndarray, shape (4,)
        Center x, y and pitch, yaw in the units of the model card.
    sigma : ndarray, shape (4,)
        Standard deviations: what the network says of itself (``sqrt 2`` times its Laplace scale),
        and the scatter between the symmetries, added in quadrature.
    """
    batch = np.stack([symmetry.image(image) for symmetry in SYMMETRIES])
    with torch.inference_mode():
        tensor = torch.from_numpy(np.ascontiguousarray(batch))[:, None]
        raw = model.network(tensor.to(memory_format=torch.channels_last)).double().numpy()
    outputs = []
    for symmetry, row in zip(SYMMETRIES, raw, strict=True):
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
    mean, sigma = run_network(model, canvas_input(pooled, settings))
    side = settings.canvas_px
    center = pooled.pooling.to_native(((mean[0] + 0.5) * side, (mean[1] + 0.5) * side))
    center_px = (float(center[0]), float(center[1]))
    variances = (sigma[:2] * side * pooled.pooling.factor) ** 2
    if not model.card.knows_tilt:
        return Estimate("network", center_px, covariance=np.diag(variances))
    tilt_deg = (float(mean[2] * TILT_UNIT_DEG), float(mean[3] * TILT_UNIT_DEG))
    variances = np.append(variances, (sigma[2:] * TILT_UNIT_DEG) ** 2)
    return Estimate("network", center_px, tilt_deg, np.diag(variances))
