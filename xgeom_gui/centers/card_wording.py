"""The answer in a few words, large enough to be read in five seconds. Knows no widget."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from xgeom_core.estimate import Estimate
from xgeom_gui.state.formatting import sigma

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.candidate import Candidate

Tone = Literal["ok", "stated", "uncertain", "failed"]
# Up to here a bar is good enough to index with; beyond the second it is none to trust blindly.
_FINE_PX, _FAIR_PX = 1.0, 3.0
_ORDER = ("lattice", "background", "direct beam", "header", "network")
_WORDS = {
    "lattice": "lattice",
    "background": "background",
    "header": "the header",
    "network": "network alone",
}


@dataclass(frozen=True)
class Headline:
    """What the card says in large letters.

    Parameters
    ----------
    center, spread : str
        ``"1261.50, 1307.28"`` and ``"± 0.03 px"``; "" without a center, or where nobody knows.
    tilt : str
        ``"tilt 0.30° ± 0.01°"``; "" where it is not known.
    verdict : str
        How sure it is, with the size of the bar: ``"Trusted: known to 0.03 px"``.
    tone : str
        The status whose color fits: a trusted answer with a wide bar is not green.
    basis : str
        What it rests on: ``"lattice: 1269 of 1500 spots"``.
    header : str
        How far the header is off; "" where it is the answer.
    doubt : str
        Why it is not trusted; "" if it is.
    """

    center: str = ""
    spread: str = ""
    tilt: str = ""
    verdict: str = ""
    tone: Tone = "uncertain"
    basis: str = ""
    header: str = ""
    doubt: str = ""


def headline(prediction: Prediction, tilt_known: bool) -> Headline:
    """The answer in a few words.

    Parameters
    ----------
    prediction : Prediction
    tilt_known : bool
        False while distance or pixel size is missing: a tilt means nothing in degrees then.
    """
    best = prediction.best
    if best is None:
        return Headline("–", verdict="No center found", tone="failed", doubt=prediction.reason)
    verdict, tone = _verdict(prediction, best)
    x, y = best.center_px
    spread = sigma(best.center_sigma_px)
    return Headline(
        f"{x:.2f}, {y:.2f}",
        f"± {spread} px" if spread else "",
        tilt_words(best) if tilt_known else "",
        verdict,
        tone,
        basis_words(prediction) if prediction.status != "stated" else "",
        _header_words(prediction.header, best),
        prediction.reason,
    )


def in_px(value: float) -> str:
    """A length in two digits that count: ``0.03 px``, ``4.1 px``, ``65 px``."""
    if value < 0.0095:
        return f"{value:.3f} px"
    return f"{value:.2f} px" if value < 1.0 else f"{value:.1f} px" if value < 10.0 else f"{value:.0f} px"


def tilt_words(estimate: Estimate) -> str:
    """The angle between the detector's normal and the beam; "" where it is not known."""
    if estimate.tilt_deg is None:
        return ""
    pitch, yaw = (math.radians(angle) for angle in estimate.tilt_deg)
    angle = math.degrees(math.acos(min(1.0, math.cos(pitch) * math.cos(yaw))))
    spread = estimate.tilt_sigma_deg
    if spread is not None and angle < max(spread):
        return f"no tilt (± {max(spread):.2f}°)"
    return f"tilt {angle:.2f}°" + (f" ± {max(*spread, 0.01):.2f}°" if spread else "")


def basis_words(prediction: Prediction) -> str:
    """What the answer rests on, in ten words."""
    said = []
    for name in by_weight(prediction.evidence.split("+")):
        crystal = prediction.crystal
        if name == "lattice" and crystal is not None and crystal.indexed:
            said.append(f"lattice: {crystal.indexed} of {crystal.tried or crystal.spots} spots")
        elif name:
            said.append(_WORDS.get(name, name))
    return " and ".join(said)


def by_weight(sources: Iterable[str]) -> list[str]:
    """Sources, those that measure most finely first."""
    return sorted(sources, key=lambda name: _ORDER.index(name) if name in _ORDER else 2)


def _verdict(prediction: Prediction, best: Estimate) -> tuple[str, Tone]:
    status, spread = prediction.status, best.center_sigma_px
    size = max(spread) if spread else math.inf
    if status == "stated":
        # The bar that the frame gives the header; it is told at two standard deviations, as in its reason.
        return f"The header stands: it could be off by {in_px(2.0 * size)}", "stated"
    if not math.isfinite(size):
        return ("Trusted" if status == "ok" else "Uncertain"), ("stated" if status == "ok" else "uncertain")
    if status != "ok":
        likely = f"{100 * prediction.probability:.0f}% likely, " if prediction.probability is not None else ""
        return f"Uncertain: {likely}± {in_px(size)} at best", "uncertain"
    if size <= _FINE_PX:
        return f"Trusted: known to {in_px(size)}", "ok"
    return f"Known only to {in_px(size)}", "stated" if size <= _FAIR_PX else "uncertain"


def _header_words(header: Estimate | None, best: Estimate) -> str:
    if header is None:
        return "the file states no center"
    if best.source == "header":
        return ""
    return f"header is {in_px(math.dist(header.center_px, best.center_px))} off"


def candidate_words(candidate: Candidate) -> str:
    """Where the beam may be, how likely, and what speaks for it."""
    x, y = candidate.center_px
    speaks = ", ".join(by_weight(candidate.sources)) or "nothing measured"
    tilt = ""
    if candidate.tilt_deg is not None:
        tilt = f", tilt {math.hypot(*candidate.tilt_deg):.1f}°"
    label = f" ({candidate.label})" if candidate.label else ""
    spread = in_px(max(candidate.center_sigma_px))
    return f"{100 * candidate.weight:.2g}%   {x:.1f}, {y:.1f} ± {spread}{tilt}\n{speaks}{label}"
