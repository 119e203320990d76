"""Prediction: everything that was said about one frame's center and tilt. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.metadata import Metadata

if TYPE_CHECKING:
    from xgeom_core.predict.candidate import Candidate
    from xgeom_core.predict.lattice import LatticeSolution
    from xgeom_core.predict.report.explanation import Explanation
    from xgeom_core.predict.spots.find import Spots


@dataclass(frozen=True)
class LatticeSummary:
    """What the spots of a frame say of its crystals.

    Parameters
    ----------
    spots : int
        Spots found.
    cell : tuple of float or None
        Conventional cell of the first lattice (Å, degrees); None if no lattice was found.
    bravais : str
        Bravais lattice that its metric shows, such as ``"tP"``.
    indexed : int
        Spots that the lattices explain.
    rms_px : float
        Residual of those, per coordinate.
    lattices : int
        Number of lattices.
    origins : tuple
        Origins that fit, ``(x, y, probability)``, likeliest first.
    trusted : bool
        Whether the lattice is believed.
    tried : int
        Spots, the strongest, that indexing looked at.
    """

    spots: int
    cell: tuple[float, ...] | None = None
    bravais: str = ""
    indexed: int = 0
    rms_px: float = 0.0
    lattices: int = 0
    origins: tuple[tuple[float, float, float], ...] = ()
    trusted: bool = False
    tried: int = 0

    @classmethod
    def of(
        cls,
        solution: LatticeSolution | None,
        spots: Spots | None,
        origins: Sequence[tuple[float, float, float]],
        trusted: bool,
    ) -> LatticeSummary:
        """Summarize what indexing found; origins and trust are the posterior's."""
        count = 0 if spots is None else len(spots)
        if solution is None:
            return cls(count)
        return cls(
            count,
            tuple(float(value) for value in solution.cell),
            solution.bravais,
            int(np.sum(solution.indexed)),
            solution.rms_px,
            len(solution.lattices),
            tuple(origins),
            trusted,
            solution.tried or count,
        )

    def record(self) -> dict[str, Any]:
        """One JSON object; lengths in Å, angles in degrees, centers in native px."""
        return {
            "spots": self.spots,
            "tried": self.tried,
            "indexed": self.indexed,
            "cell": None if self.cell is None else [round(value, 2) for value in self.cell],
            "bravais": self.bravais or None,
            "lattices": self.lattices,
            "rms_px": round(self.rms_px, 3) if self.lattices else None,
            "trusted": self.trusted,
            "origins": [[round(x, 2), round(y, 2), round(odds, 4)] for x, y, odds in self.origins],
        }


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one frame, and who said what.

    Parameters
    ----------
    frame_path, dataset, index
        Which frame.
    status : {"ok", "stated", "uncertain", "failed"}
        Whether the answer can be used; "stated": it is the header's, which nothing in the frame contradicts.
    reason : str
        Why not "ok", in words; "" if ok.
    best : Estimate or None
        The answer; None if failed.
    network, fit, header : Estimate or None
        The opinions behind it. ``fit`` is what background and lattice say together; one that was refused
        is not kept, but the likeliest of several centers is, as uncertain.
    warnings : tuple of str
        What the user should know besides.
    elapsed_s : float
        Seconds from frame to answer.
    background, lattice : Estimate or None
        What each kind of evidence says by itself, believed or not (see their status).
    evidence : str
        What the answer rests on: sources that tell it, joined by ``"+"``, such as ``"lattice+background"``,
        ``"direct beam"``, ``"header"``, ``"network"``; or the name of a method.
    crystal : LatticeSummary or None
        Spots, cell and indexed share.
    explanation : Explanation or None
        Kept if asked for.
    seconds : dict
        Seconds of each stage.
    probability : float or None
        That the center is right within its tolerance: three of its error bars, or one pixel.
    candidates : tuple of Candidate
        Where the beam may be, likeliest first.
    """

    frame_path: str
    dataset: str
    index: int
    status: Status
    reason: str
    best: Estimate | None
    network: Estimate | None
    fit: Estimate | None
    header: Estimate | None
    warnings: tuple[str, ...]
    elapsed_s: float
    background: Estimate | None = None
    lattice: Estimate | None = None
    evidence: str = ""
    crystal: LatticeSummary | None = None
    explanation: Explanation | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    probability: float | None = None
    candidates: tuple[Candidate, ...] = ()

    @classmethod
    def failed(
        cls,
        place: tuple[str, str, int],
        reason: str,
        header: Estimate | None = None,
        warnings: tuple[str, ...] = (),
        elapsed_s: float = 0.0,
    ) -> Prediction:
        """No answer, for this reason; `place` is the frame's file, dataset and number."""
        return cls(*place, "failed", reason, None, None, None, header, warnings, elapsed_s)

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Header, network and fit: those that exist; or the answer of a method of another name."""
        best = self.best
        # A header that stands carries the bar that the frame gives it.
        header = best if best is not None and best.source == "header" else self.header
        known = [item for item in (header, self.network, self.fit) if item is not None]
        if self.best is not None and all(item.source != self.best.source for item in known):
            known.append(self.best)
        return tuple(known)

    def record(self) -> dict[str, Any]:
        """One JSON object: centers in native px (corner origin), tilts ``[pitch, yaw]`` in degrees."""
        best = self.best
        header = None if self.header is None else _rounded(self.header.center_px, 3)
        return {
            "file": self.frame_path,
            "dataset": self.dataset or None,
            "frame": self.index,
            "status": self.status,
            "reason": self.reason or None,
            "center_px": _rounded(best.center_px if best else None, 3),
            "center_sigma_px": _rounded(best.center_sigma_px if best else None, 3),
            "tilt_deg": _rounded(best.tilt_deg if best else None, 4),
            "tilt_sigma_deg": _rounded(best.tilt_sigma_deg if best else None, 4),
            "source": best.source if best else None,
            "evidence": self.evidence or None,
            "probability": None if self.probability is None else round(self.probability, 5),
            "candidates": [item.record() for item in self.candidates],
            "background": _opinion(self.background),
            "lattice": _opinion(self.lattice),
            "crystal": None if self.crystal is None else self.crystal.record(),
            "network": _opinion(self.network),
            "header": None if header is None else {"center_px": header},
            "warnings": list(self.warnings),
            "elapsed_s": round(self.elapsed_s, 3),
        }


def _opinion(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "center_px": _rounded(estimate.center_px, 3),
        "center_sigma_px": _rounded(estimate.center_sigma_px, 3),
        "tilt_deg": _rounded(estimate.tilt_deg, 4),
        "tilt_sigma_deg": _rounded(estimate.tilt_sigma_deg, 4),
        "status": estimate.status,
        "reason": estimate.reason or None,
    }


def _rounded(pair: tuple[float, float] | None, digits: int) -> list[float] | None:
    """Rounded numbers; None as well for what is not finite, since JSON knows no NaN."""
    if pair is None or not np.all(np.isfinite(pair)):
        return None
    return [round(float(value), digits) for value in pair]


def missing_notes(metadata: Metadata) -> tuple[str, ...]:
    """What the file lacks, and what cannot be said without it."""
    missing = metadata.missing
    if not missing:
        return ()
    needed = [name for name in missing if name != "wavelength"]
    lost = "the tilt in degrees and resolutions in Å" if needed else "resolutions in Å"
    return (
        f"The file does not state the {' and '.join(missing)}, so {lost} cannot be given, "
        "and spots cannot be indexed.",
    )
