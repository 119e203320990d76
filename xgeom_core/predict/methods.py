"""The ways to find a center that ``xgeom predict --method`` offers, and classical ones as predictions."""

from __future__ import annotations

import time

from xgeom_core.errors import UsageError
from xgeom_core.frame import Frame
from xgeom_core.predict.classical import METHODS
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.prediction import Prediction, missing_notes

AUTO = "auto"
# The Predictor's own ways and the evidence each looks at; None means the network alone.
OWN: dict[str, tuple[str, ...] | None] = {
    AUTO: ("background", "lattice"),
    "background": ("background",),
    "lattice": ("lattice",),
    "network": None,
}
_WHEN = {
    AUTO: "network for the rough start, then background and Bragg spots together; the default",
    "background": "rings of water, ice or powder about the beam, with a rough start",
    "lattice": "30 spots or more of one or a few crystals; needs distance and wavelength",
    "network": "anything a network was trained on; some pixels",
}


def listing() -> tuple[tuple[str, str], ...]:
    """Every method and when it works."""
    return tuple(_WHEN.items()) + tuple((method.name, method.when) for method in METHODS.values())


def check_method(name: str) -> None:
    """Refuse a method that does not exist.

    Raises
    ------
    UsageError
        Names those that do.
    """
    known = [method for method, _ in listing()]
    if name not in known:
        raise UsageError(f"There is no method {name!r}; choose one of {', '.join(known)}.")


def classical(frame: Frame, name: str, start_px: tuple[float, float] | None = None) -> Prediction:
    """What a classical method says of a frame.

    Parameters
    ----------
    frame : Frame
    name : str
        A key of `classical.METHODS`.
    start_px : tuple of float, optional
        Rough center, for the methods that want one.
    """
    began = time.perf_counter()
    found = METHODS[name](in_counts(frame), start_px)
    return Prediction(
        frame.path,
        frame.dataset,
        frame.index,
        found.status,
        found.reason,
        best=found,
        network=None,
        fit=None,
        header=frame.metadata.estimate(),
        warnings=frame.warnings + missing_notes(frame.metadata) + found.warnings,
        elapsed_s=time.perf_counter() - began,
        evidence=name,
    )
