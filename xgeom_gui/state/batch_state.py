"""What was found over a run as plain values for a session file, and back. Knows no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_gui.services.locations import RUN_SEPARATOR, paths_of
from xgeom_gui.state.batch_rows import BatchRow, RunPlan

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.candidate import Candidate

_OPINIONS = ("best", "network", "fit", "header", "background", "lattice")
_STATUSES = ("ok", "stated", "uncertain", "failed")


@dataclass(frozen=True, eq=False)
class BatchState:
    """A run as far as it was predicted.

    Parameters
    ----------
    plan : RunPlan
        Which frames were asked for.
    rows : tuple of BatchRow
        What was found of those that are done.
    shared : Estimate or None
        The geometry that the frames share.
    """

    plan: RunPlan
    rows: tuple[BatchRow, ...]
    shared: Estimate | None = None


def plain_batch(state: BatchState) -> dict[str, Any]:
    """A run as dicts, lists, numbers and text."""
    plan = state.plan
    return {
        # One path an entry: a session file finds those that were moved.
        "files": list(paths_of(plan.spec)),
        "path": plan.path,
        "dataset": plan.dataset,
        "frames": [plan.frames.start, plan.frames.stop, plan.frames.step],
        "shared": _plain_estimate(state.shared),
        "rows": [_plain_row(row) for row in state.rows],
    }


def batch_of(values: Mapping[str, Any]) -> BatchState:
    """The run that `plain_batch` described.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the values describe none.
    """
    path, dataset = str(values["path"]), str(values["dataset"])
    first, stop, step = (int(value) for value in values["frames"])
    plan = RunPlan(
        RUN_SEPARATOR.join(str(one) for one in values["files"]), path, dataset, range(first, stop, step)
    )
    rows = tuple(_row(path, dataset, entry) for entry in values["rows"])
    if any(row.index not in plan.frames for row in rows):
        raise ValueError("a frame that is not in the run")
    return BatchState(plan, rows, _estimate(values.get("shared")))


def _plain_row(row: BatchRow) -> dict[str, Any]:
    entry: dict[str, Any] = {"index": row.index}
    if row.error:
        entry["error"] = row.error
    if row.known_px:
        entry["known_px"] = list(row.known_px)
    found = row.prediction
    if found is None:
        return entry
    # What was thought is kept, what it was thought from is not: an explanation holds pictures.
    return entry | {
        "file": found.frame_path,
        "dataset": found.dataset,
        "frame": found.index,
        "status": found.status,
        "reason": found.reason,
        "warnings": list(found.warnings),
        "elapsed_s": found.elapsed_s,
        "evidence": found.evidence,
        "crystal": asdict(found.crystal) if found.crystal is not None else None,
        "probability": found.probability,
        "candidates": [asdict(item) for item in found.candidates],
        "said": {name: _plain_estimate(getattr(found, name)) for name in _OPINIONS},
    }


def _row(path: str, dataset: str, entry: Mapping[str, Any]) -> BatchRow:
    index = int(entry["index"])
    found = _prediction(entry) if "said" in entry else None
    known = tuple(float(value) for value in entry.get("known_px", ()))
    known_px = (known[0], known[1]) if len(known) == len("xy") else None
    return BatchRow(path, dataset, index, found, str(entry.get("error", "")), known_px)


def _prediction(entry: Mapping[str, Any]) -> Prediction:
    from xgeom_core.predict.prediction import LatticeSummary, Prediction  # noqa: PLC0415 - slow to import

    if entry["status"] not in _STATUSES:
        raise ValueError(entry["status"])
    said = entry["said"]
    crystal = dict(entry["crystal"]) if entry.get("crystal") else None
    if crystal is not None:
        crystal["cell"] = tuple(crystal["cell"]) if crystal.get("cell") else None
        crystal["origins"] = tuple(tuple(one) for one in crystal.get("origins", ()))
    return Prediction(
        frame_path=str(entry["file"]),
        dataset=str(entry["dataset"]),
        index=int(entry["frame"]),
        status=entry["status"],
        reason=str(entry["reason"]),
        best=_estimate(said.get("best")),
        network=_estimate(said.get("network")),
        fit=_estimate(said.get("fit")),
        header=_estimate(said.get("header")),
        background=_estimate(said.get("background")),
        lattice=_estimate(said.get("lattice")),
        warnings=tuple(str(one) for one in entry["warnings"]),
        elapsed_s=float(entry["elapsed_s"]),
        evidence=str(entry.get("evidence", "")),
        crystal=LatticeSummary(**crystal) if crystal is not None else None,
        probability=entry.get("probability"),
        candidates=tuple(_candidate(item) for item in entry.get("candidates", ())),
    )


def _candidate(values: Mapping[str, Any]) -> Candidate:
    from xgeom_core.predict.candidate import Candidate  # noqa: PLC0415 - slow to import

    def pair(name: str) -> tuple[float, float]:
        x, y = values[name]
        return float(x), float(y)

    return Candidate(
        pair("center_px"),
        pair("center_sigma_px"),
        pair("tilt_deg") if values["tilt_deg"] else None,
        pair("tilt_sigma_deg") if values["tilt_sigma_deg"] else None,
        float(values["weight"]),
        tuple(str(one) for one in values["sources"]),
        str(values["label"]),
    )


def _plain_estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    covariance = estimate.covariance
    return {
        "source": estimate.source,
        "center_px": [float(value) for value in estimate.center_px],
        "tilt_deg": [float(value) for value in estimate.tilt_deg] if estimate.tilt_deg else None,
        "covariance": covariance.ravel().tolist() if covariance is not None else None,
        "status": estimate.status,
        "reason": estimate.reason,
        "warnings": list(estimate.warnings),
        "convention": estimate.convention,
    }


def _estimate(values: Mapping[str, Any] | None) -> Estimate | None:
    if not values:
        return None
    if values["status"] not in _STATUSES:
        raise ValueError(values["status"])
    return Estimate(
        str(values["source"]),
        _pair(values["center_px"]),
        _pair(values["tilt_deg"]) if values.get("tilt_deg") else None,
        _matrix(values["covariance"]) if values.get("covariance") else None,
        values["status"],
        str(values["reason"]),
        tuple(str(one) for one in values["warnings"]),
        str(values["convention"]),
    )


def _pair(values: Sequence[Any]) -> tuple[float, float]:
    x, y = values
    return float(x), float(y)


def _matrix(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    size = 4 if len(values) == 16 else 2
    return np.array(values, dtype=np.float64).reshape(size, size)
