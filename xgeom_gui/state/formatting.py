"""Numbers in words: what tables, read-outs and the status line say. Knows no widget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry, Pooling
from xgeom_core.metadata import Metadata
from xgeom_gui.state.centers import Center

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xgeom_core.predict import Prediction

_PREDICTING = {"network", "second", "start", "fit", "combined", "background", "lattice", "accepted", "manual"}
_FINE, _COARSE_A, _ENDLESS_A = 0.01, 100.0, 1e5


@dataclass(frozen=True)
class CenterRow:
    """One line of the table of centers.

    Parameters
    ----------
    center : Center
        What the line is about.
    is_reference : bool
        Whether the differences of the others refer to this one.
    difference_px : tuple of float or None
        ``(x, y)`` of this center minus the reference, in native pixels.
    difference_mm : float or None
        Distance from the reference on the detector, in mm; None while the pixel size is unknown.
    tilt_known : bool
        False while distance or pixel size is missing: a tilt seen in the picture alone is no tilt
        in degrees then.
    """

    center: Center
    is_reference: bool
    difference_px: tuple[float, float] | None
    difference_mm: float | None
    tilt_known: bool

    @property
    def estimate(self) -> Estimate:
        """The estimate of `center`."""
        return self.center.estimate

    @property
    def tilt_deg(self) -> tuple[float, float] | None:
        """Pitch and yaw in degrees; None where the source or the experiment does not tell."""
        return self.estimate.tilt_deg if self.tilt_known else None

    @property
    def tilt_sigma_deg(self) -> tuple[float, float] | None:
        """Standard deviations of `tilt_deg`."""
        return self.estimate.tilt_sigma_deg if self.tilt_known else None

    @property
    def distance_px(self) -> float | None:
        """Distance from the reference in native pixels."""
        return math.hypot(*self.difference_px) if self.difference_px else None


def center_rows(
    centers: Sequence[Center], reference: Estimate | None, metadata: Metadata
) -> tuple[CenterRow, ...]:
    """The table of centers, with every difference to the reference."""
    rows = []
    for center in centers:
        estimate = center.estimate
        is_reference = reference is not None and estimate.source == reference.source
        difference = millimeters = None
        if reference is not None and not is_reference:
            dx, dy = (a - b for a, b in zip(estimate.center_px, reference.center_px, strict=True))
            difference = (dx, dy)
            if metadata.pixel_mm is not None:
                millimeters = math.hypot(dx * metadata.pixel_mm[0], dy * metadata.pixel_mm[1])
        stated = estimate.source not in _PREDICTING or not missing_for_tilt(metadata)
        rows.append(CenterRow(center, is_reference, difference, millimeters, stated))
    return tuple(rows)


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, typeset with a true minus; zero has none."""
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}".replace("-", "\N{MINUS SIGN}") if rounded else f"{0:.{digits}f}"


def sigma(pair: tuple[float, float] | None) -> str:
    """The larger of two standard deviations, to a hundredth; finer below that; "" if unknown."""
    if pair is None:
        return ""
    value = max(pair)
    if not math.isfinite(value):
        return "∞"
    return f"{value:.2f}" if round(value, 2) >= _FINE else f"{value:.3f}"


def center_text(estimate: Estimate) -> str:
    """``center (1261.56, 1307.32) ± 0.05 px``."""
    spread = sigma(estimate.center_sigma_px)
    x, y = estimate.center_px
    return f"center ({x:.2f}, {y:.2f})" + (f" ± {spread}" if spread else "") + " px"


def prediction_text(prediction: Prediction) -> str:
    """The answer for the status line."""
    best = prediction.best
    if best is None:
        return f"no center found: {prediction.reason}"
    text = f"{best.source}: {center_text(best)}"
    return text if prediction.status == "ok" else f"{text} ({prediction.status})"


def candidate_lines(prediction: Prediction, most: int = 4) -> list[str]:
    """Where the beam may be, a line a candidate: its odds, its center, and what speaks for it."""
    lines = []
    for item in prediction.candidates[:most]:
        x, y = item.center_px
        speaks = " and ".join(item.sources) or "nothing"
        named = f", {item.label}" if item.label else ""
        spread = sigma(item.center_sigma_px)
        lines.append(f"{100 * item.weight:.2g}%: ({x:.1f}, {y:.1f}) ± {spread} px, by {speaks}{named}")
    return lines


def pitch_text(pitch: float, spread: float | None) -> str:
    """Pitch in words.

    A pixel ``v`` below the center lies ``v sinP cosY`` further along the beam, so a positive pitch
    moves the bottom edge away from the sample.
    """
    return _lean("pitch", pitch, spread, ("bottom", "top"))


def yaw_text(yaw: float, spread: float | None) -> str:
    """Yaw in words.

    A pixel ``u`` to the right of the center lies ``-u sinY`` further along the beam, so a positive
    yaw moves the left edge away from the sample.
    """
    return _lean("yaw", yaw, spread, ("left", "right"))


def _lean(name: str, angle: float, spread: float | None, edges: tuple[str, str]) -> str:
    value = f"{name} {signed(angle)}°" + (f" ± {max(spread, _FINE):.2f}°" if spread is not None else "")
    if round(angle, 2) == 0:
        return f"{value}: no lean"
    # Below two standard deviations a lean may well be noise.
    if spread is not None and abs(angle) < 2 * spread:
        return f"{value}: no lean beyond its uncertainty"
    edge = edges[0] if angle > 0 else edges[1]
    return f"{value}: the {edge} edge leans away from the sample"


def missing_for_tilt(metadata: Metadata) -> tuple[str, ...]:
    """What must be known before a tilt means anything in degrees."""
    return tuple(name for name in metadata.missing if name != "wavelength")


def tilt_unknown_text(metadata: Metadata, prediction: Prediction | None) -> str:
    """Why there is no tilt."""
    missing = missing_for_tilt(metadata)
    if missing:
        return f"tilt unknown: {' and '.join(missing)} missing"
    if prediction is None:
        return "tilt unknown: not predicted yet"
    return "tilt unknown: this frame does not determine it"


def missing_for_rings(metadata: Metadata, center_known: bool) -> str:
    """Why no rings can be drawn."""
    missing = list(metadata.missing) + ([] if center_known else ["center"])
    return (
        f"no rings: {' and '.join(missing)} missing" if missing else "no rings: the geometry is not possible"
    )


def cursor_text(
    frame: Frame,
    geometry: Geometry | None,
    point: tuple[float, float],
    pooling: Pooling | None = None,
) -> str:
    """What lies under the pointer: place, counts, resolution, scattering angle, azimuth, network pixel.

    Parameters
    ----------
    point : tuple of float
        ``(x, y)`` in native pixels, corner origin.
    pooling : Pooling, optional
        How the network's input is cut out of the frame.
    """
    x, y = point
    place = f"fast {x:.1f}  slow {y:.1f} px"
    column, row = math.floor(x), math.floor(y)
    if not (0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]):
        return f"{place}   outside"
    text = f"{place}   {_counts_text(frame, row, column)}   {_angle_text(frame, geometry, x, y)}"
    if pooling is not None:
        u, v = pooling.to_pooled(point)
        text += f"   net {u:.1f}, {v:.1f}"
    return text


def _counts_text(frame: Frame, row: int, column: int) -> str:
    if frame.saturated[row, column]:
        return "saturated"
    if not frame.valid[row, column]:
        return "masked"
    counts = float(frame.data[row, column])
    return f"{counts:.0f} counts" if counts.is_integer() else f"{counts:.4g} counts"


def _angle_text(frame: Frame, geometry: Geometry | None, x: float, y: float) -> str:
    if geometry is None:
        missing = missing_for_tilt(frame.metadata)
        return f"Å, 2θ: {' and '.join(missing)} missing" if missing else "Å, 2θ: center unknown"
    azimuth = np.degrees(geometry.azimuth(x, y)) % 360.0
    two_theta = f"2θ {np.degrees(geometry.two_theta(x, y)):.2f}°   φ {azimuth:.0f}°"
    if geometry.wavelength_A is None:
        return f"{two_theta}   Å: wavelength missing"
    resolution = float(geometry.resolution_A(x, y))
    # Next to the beam the resolution grows without bound and says nothing.
    digits = 2 if resolution < _COARSE_A else 0
    shown = f"{resolution:.{digits}f}" if resolution < _ENDLESS_A else "∞"
    return f"{shown} Å   {two_theta}"


def plain_table(rows: Sequence[CenterRow], prediction: Prediction | None) -> str:
    """The table of centers as plain text for a terminal."""
    width = max([14, *(len(row.center.name) + 2 for row in rows)])
    lines = [
        f"{'source':<{width}}{'x px':>10}{'y px':>10}{'+- px':>8}"
        f"{'pitch':>8}{'yaw':>8}{'diff px':>9}{'diff mm':>9}"
    ]
    for row in rows:
        estimate = row.estimate
        pitch, yaw = row.tilt_deg or (None, None)
        lines.append(
            f"{row.center.name:<{width}}{estimate.center_px[0]:>10.2f}{estimate.center_px[1]:>10.2f}"
            f"{sigma(estimate.center_sigma_px) or '-':>8}{_cell(pitch, '+.2f'):>8}{_cell(yaw, '+.2f'):>8}"
            f"{_cell(row.distance_px, '.2f'):>9}{_cell(row.difference_mm, '.3f'):>9}"
        )
    if prediction is None:
        lines.append("No answer.")
    else:
        reason = f": {prediction.reason}" if prediction.reason else ""
        lines.append(f"{prediction.status}{reason}")
        lines += [f"Note: {warning}" for warning in prediction.warnings]
    return "\n".join(lines)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


_STANDING = {
    "truth": "known",
    "header": "stated",
    "network": "rough",
    "second": "rough",
    "start": "stated",
    "background": "fitted",
    "lattice": "fitted",
    "fit": "trusted",
    "combined": "trusted",
    "accepted": "accepted",
    "manual": "by hand",
}


def standing(center: Center) -> str:
    """What a center is worth, in a word: a header states, a network is rough, a fit measures."""
    estimate, compared = center.estimate, center.compared
    if center.for_size is not None:
        return f"for a detector of {center.for_size[0]} × {center.for_size[1]}"
    if estimate.status != "ok":
        return estimate.status
    if compared is None:
        return _STANDING.get(estimate.source, "ok")
    if compared.ambiguous:
        return "ambiguous"
    return "stated" if compared.choice is None else "chosen"
