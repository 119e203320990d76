"""Answer: what `locate` says of one frame, to be read, written and shown."""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from xgeom_core.api.geometries import write_geometry
from xgeom_core.errors import UsageError
from xgeom_core.estimate import Status
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.candidate import Candidate
from xgeom_core.predict.prediction import Prediction

Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Answer:
    """Center and tilt of one frame, with error bars. Draws itself in a notebook.

    Pixels count from the outer corner of the first one: x fast (right), y slow (down).

    Parameters
    ----------
    prediction : Prediction
        Everything that was said about the frame: network, background, lattice, header.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``; None for a frame that could not be read.
    metadata : Metadata
        What is known of the experiment.
    """

    prediction: Prediction
    image_size: tuple[int, int] | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @classmethod
    def of(cls, prediction: Prediction, frame: Frame) -> Answer:
        """The answer for a frame."""
        return cls(prediction, (frame.shape[1], frame.shape[0]), frame.metadata)

    @property
    def status(self) -> Status:
        """``"ok"``, ``"stated"`` (the header's, uncontradicted), ``"uncertain"`` or ``"failed"``."""
        return self.prediction.status

    @property
    def ok(self) -> bool:
        """Whether center and error bar can be relied upon."""
        return self.status == "ok"

    @property
    def reason(self) -> str:
        """Why the status is not "ok", as a sentence."""
        return self.prediction.reason

    @property
    def center_px(self) -> Pair | None:
        """Beam center ``(x, y)``; None if there is no answer."""
        best = self.prediction.best
        return None if best is None else best.center_px

    @property
    def center_sigma_px(self) -> Pair | None:
        """Its standard deviation."""
        best = self.prediction.best
        return None if best is None else best.center_sigma_px

    @property
    def tilt_deg(self) -> Pair | None:
        """``(pitch, yaw)`` in degrees; None where the frame does not tell it."""
        best = self.prediction.best
        return None if best is None else best.tilt_deg

    @property
    def tilt_sigma_deg(self) -> Pair | None:
        """Its standard deviation."""
        best = self.prediction.best
        return None if best is None else best.tilt_sigma_deg

    @property
    def evidence(self) -> str:
        """What the answer rests on, such as ``"lattice+background"``."""
        return self.prediction.evidence

    @property
    def probability(self) -> float | None:
        """That the center is right within three of its error bars, or one pixel."""
        return self.prediction.probability

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Where the beam may be, likeliest first."""
        return self.prediction.candidates

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know besides."""
        return self.prediction.warnings

    @property
    def geometry(self) -> Geometry | None:
        """The whole geometry; None without an answer, a distance or a pixel size."""
        best = self.prediction.best
        return None if best is None else self.metadata.geometry(best.center_px, best.tilt_deg)

    def to_dict(self) -> dict[str, Any]:
        """What ``xgeom predict --json`` prints: centers in px, tilts in degrees."""
        return self.prediction.record()

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        like: str | os.PathLike[str] | None = None,
        format: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write the geometry for another program; see `xgeom_core.write_geometry`.

        Raises
        ------
        UsageError
            If there is no answer, or distance or pixel size is unknown; and as `write_geometry` does.
        """
        geometry, size = self._whole()
        return write_geometry(geometry, size, path, like=like, format=format, overwrite=overwrite)

    def to_pyfai(self) -> Any:
        """The geometry as pyFAI's ``AzimuthalIntegrator``.

        Raises
        ------
        UsageError
            If pyFAI is not installed, or as `write` does.
        """
        try:
            import pyFAI  # noqa: PLC0415 - not needed by anything else here
        except ImportError:
            raise UsageError("pyFAI is not installed here: pip install pyFAI.") from None
        with tempfile.TemporaryDirectory() as folder:
            return pyFAI.load(str(self.write(Path(folder) / "answer.poni")))

    def picture(self) -> bytes:
        """A PNG of the frame and of all that the answer rests on.

        Raises
        ------
        UsageError
            If nothing was kept to draw: `locate` keeps it, `locate_each` does not.
        """
        explanation = self.prediction.explanation
        if explanation is None:
            raise UsageError(
                "There is nothing to draw of this answer; xgeom.locate(...) of one frame keeps it."
            )
        from xgeom_core.predict.report.explain import explain_figure  # noqa: PLC0415 - matplotlib takes time

        return explain_figure(explanation)

    def __repr__(self) -> str:
        center, sigma = self.center_px, self.center_sigma_px
        if center is None:
            return f"<Answer {self.status}: {self.reason}>"
        text = f"<Answer {self.status}: center ({center[0]:.2f}, {center[1]:.2f})"
        text += f" ± ({sigma[0]:.2f}, {sigma[1]:.2f}) px" if sigma else " px"
        tilt, spread = self.tilt_deg, self.tilt_sigma_deg
        if tilt is not None:
            text += f", tilt ({tilt[0]:+.3f}, {tilt[1]:+.3f})"
            text += f" ± ({spread[0]:.3f}, {spread[1]:.3f}) deg" if spread else " deg"
        return text + (f", {self.evidence}>" if self.evidence else ">")

    def _repr_html_(self) -> str:
        words = f"<pre>{escape(repr(self))}{escape(chr(10) + self.reason if self.reason else '')}</pre>"
        if self.prediction.explanation is None:
            return words
        picture = base64.b64encode(self.picture()).decode()
        return f'{words}<img style="max-width:100%" src="data:image/png;base64,{picture}">'

    def _whole(self) -> tuple[Geometry, tuple[int, int]]:
        if self.prediction.best is None or self.image_size is None:
            raise UsageError(f"There is no center to write: {self.reason}")
        geometry = self.geometry
        if geometry is None:
            raise UsageError(
                "Distance and pixel size are not known: say xgeom.locate(..., distance_mm=..., pixel_mm=...)."
            )
        return geometry, self.image_size
