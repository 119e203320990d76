"""What a user says of the centers of one frame, and how session files keep it. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xgeom_core.estimate import Estimate

MANUAL, ACCEPTED = "manual", "accepted"
Point = tuple[float, float]


@dataclass(frozen=True)
class FrameId:
    """Which frame: file, dataset, number from 0."""

    path: str
    dataset: str
    index: int


@dataclass(frozen=True, eq=False)
class Correction:
    """What the user said of one frame.

    Parameters
    ----------
    manual : Estimate or None
        A center moved by hand.
    accepted : Estimate or None
        A center that the user takes for true.
    start_px : tuple of float or None
        Where the fit starts from instead of the network's center.
    """

    manual: Estimate | None = None
    accepted: Estimate | None = None
    start_px: Point | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is said."""
        return self.manual is None and self.accepted is None and self.start_px is None


def plain_words(said: Mapping[FrameId, Correction]) -> list[dict[str, Any]]:
    """Everything that was said, as plain values for a session file."""
    return [
        {
            "path": frame.path,
            "dataset": frame.dataset,
            "index": frame.index,
            "manual": _plain(one.manual),
            "accepted": _plain(one.accepted),
            "start_px": list(one.start_px) if one.start_px else None,
        }
        for frame, one in said.items()
    ]


def words_of(state: Iterable[Mapping[str, Any]]) -> dict[FrameId, Correction]:
    """What `plain_words` gave; entries that make no sense are left out."""
    said: dict[FrameId, Correction] = {}
    for entry in state:
        try:
            frame = FrameId(str(entry["path"]), str(entry["dataset"]), int(entry["index"]))
            start = _point(entry["start_px"]) if entry.get("start_px") else None
            said[frame] = Correction(
                _estimate(MANUAL, entry.get("manual")), _estimate(ACCEPTED, entry.get("accepted")), start
            )
        except (KeyError, TypeError, ValueError):
            continue
    return said


def _plain(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "center_px": list(estimate.center_px),
        "tilt_deg": list(estimate.tilt_deg) if estimate.tilt_deg else None,
        "convention": estimate.convention,
    }


def _estimate(source: str, values: Mapping[str, Any] | None) -> Estimate | None:
    if not values:
        return None
    tilt = _point(values["tilt_deg"]) if values.get("tilt_deg") else None
    return Estimate(source, _point(values["center_px"]), tilt, convention=str(values.get("convention", "")))


def _point(values: Any) -> Point:
    x, y = values
    return float(x), float(y)
