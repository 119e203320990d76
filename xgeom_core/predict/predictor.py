"""The Predictor: a network for the rough start, physics for the digits, and an honest verdict."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.frame import Frame
from xgeom_core.models.store import Model, load_model
from xgeom_core.predict.network import network_estimate
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.verdict import why_not

# A network alone is called sure below this share of the longer side (2527 px: 50 px).
_SURE_SHARE = 0.02
_LEAST_PIXELS = 64


class Predictor:
    """Predicts center and tilt of frames.

    Parameters
    ----------
    model : Model
        An opened model; see `load`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, model: str = "default") -> Predictor:
        """A predictor with a bundled model or a model file.

        Raises
        ------
        ModelError
            If there is no such model or it cannot be used.
        """
        return cls(load_model(str(model)))

    def predict(self, frame: Frame, fit: bool = True) -> Prediction:
        """Center and tilt of one frame.

        Parameters
        ----------
        frame : Frame
            Distance and pixel size in its metadata let the tilt be fitted.
        fit : bool
            False for the network's opinion alone.

        Returns
        -------
        Prediction
            Never raises on odd frames: those get the status "failed" or "uncertain" and a reason.
        """
        start = time.perf_counter()
        header = frame.metadata.estimate()
        trouble = _unusable(frame)
        if trouble:
            return _prediction(frame, "failed", trouble, None, None, None, header, start)
        network = network_estimate(self.model, frame)
        if not fit:
            status, reason = _alone(network, max(frame.shape))
            network = replace(network, status=status, reason=reason)
            return _prediction(frame, status, reason, network, network, None, header, start)
        fitted = _try_fit(frame, network.center_px)
        refused = why_not(fitted, network, max(frame.shape))
        if refused or fitted is None:
            reason = f"{_capital(refused)}; this is the network's rough center."
            network = replace(network, status="uncertain", reason=reason)
            return _prediction(frame, "uncertain", reason, network, network, None, header, start)
        best = Estimate("fit", fitted.center_px, fitted.tilt_deg, fitted.covariance)
        return _prediction(frame, "ok", "", best, network, best, header, start)


def _try_fit(frame: Frame, start_px: tuple[float, float]) -> RadialFit | None:
    try:
        with np.errstate(all="ignore"):
            return fit_radial(frame, start_px)
    except np.linalg.LinAlgError:
        # A frame can be so empty that the normal matrix has no inverse: then there is no fit.
        return None


def _unusable(frame: Frame) -> str:
    valid = int(frame.valid.sum())
    if valid < _LEAST_PIXELS:
        return f"Only {valid} of {frame.valid.size} pixels are usable; the rest is masked or saturated."
    values = frame.data[frame.valid]
    if values.min() == values.max():
        return f"All usable pixels hold the same value ({values[0]:g}); there is nothing to see."
    return ""


def _alone(network: Estimate, side_px: int) -> tuple[Status, str]:
    sigma = max(network.center_sigma_px or (np.inf, np.inf))
    if sigma > _SURE_SHARE * side_px:
        return "uncertain", f"The network itself is unsure by {sigma:.0f} px."
    return "ok", ""


def _prediction(
    frame: Frame,
    status: Status,
    reason: str,
    best: Estimate | None,
    network: Estimate | None,
    fit: Estimate | None,
    header: Estimate | None,
    start: float,
) -> Prediction:
    return Prediction(
        frame.path,
        frame.dataset,
        frame.index,
        status,
        reason,
        best,
        network,
        fit,
        header,
        frame.warnings + _missing(frame),
        time.perf_counter() - start,
    )


def _missing(frame: Frame) -> tuple[str, ...]:
    """What the file lacks, and what cannot be said without it."""
    missing = frame.metadata.missing
    if not missing:
        return ()
    needed = [name for name in missing if name != "wavelength"]
    lost = "the tilt in degrees and resolutions in Å" if needed else "resolutions in Å"
    return (f"The file does not state the {' and '.join(missing)}, so {lost} cannot be given.",)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
