"""What the user stated of an experiment, remembered by detector. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.metadata import Metadata
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.session import Session
from xgeom_gui.state.settings import Settings

_KEPT = 100
_NAMES = {"distance_mm": "distance", "pixel_mm": "pixel size", "wavelength_A": "wavelength"}


class ExperimentMemory(QObject):
    """Fills in what a file does not say with what was stated last for its detector.

    Parameters
    ----------
    session : Session
    settings : Settings

    Signals
    -------
    changed
        Other values of the file shown are remembered ones.
    """

    changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        # By file: going back to one must not pass for the user's own word.
        self._filled: dict[str, Experiment] = {}
        self._filling = False
        session.source_changed.connect(self._recall)
        session.metadata_changed.connect(self._keep)

    @property
    def detector(self) -> str:
        """Name under which the detector shown is remembered; "" before a frame is shown."""
        source = self._session.source
        if source is None:
            return ""
        name = self._session.metadata.detector
        size = f"{source.shape[1]} × {source.shape[0]} px"
        return f"{name}, {size}" if name else f"detector of {size}"

    @property
    def remembered(self) -> tuple[str, ...]:
        """Names of the values shown that are remembered ones."""
        source = self._session.source
        filled = self._filled.get(source.path) if source else None
        if filled is None:
            return ()
        now = self._session.experiment
        return tuple(
            text
            for name, text in _NAMES.items()
            if getattr(filled, name) is not None and getattr(filled, name) == getattr(now, name)
        )

    def forget(self) -> None:
        """Forget the detector shown, and take its values back from the file shown."""
        kept = self._settings.experiments
        kept.pop(self.detector, None)
        self._settings.experiments = kept
        self._filled.clear()
        self._state(Experiment())
        self.changed.emit()

    def _recall(self) -> None:
        """Another file is shown: fill in what it does not say, unless the user has said it."""
        session = self._session
        stated = experiment_of(self._settings.experiments.get(self.detector))
        if session.source is not None and session.experiment == Experiment() and stated is not None:
            filled = _missing_only(stated, session.metadata)
            if filled != Experiment():
                self._filled[session.source.path] = filled
                self._state(filled)
        self.changed.emit()

    def _state(self, experiment: Experiment) -> None:
        """State an experiment without remembering it as the user's word."""
        self._filling = True
        self._session.set_experiment(experiment)
        self._filling = False

    def _keep(self) -> None:
        """The user may have stated something: remember it."""
        source, experiment, detector = self._session.source, self._session.experiment, self.detector
        if self._filling or source is None or experiment in {Experiment(), self._filled.get(source.path)}:
            return
        kept = self._settings.experiments
        before = experiment_of(kept.get(detector)) or Experiment()
        after = Experiment(
            experiment.distance_mm or before.distance_mm,
            experiment.pixel_mm or before.pixel_mm,
            experiment.wavelength_A or before.wavelength_A,
        )
        if after != before:
            kept.pop(detector, None)
            kept[detector] = plain_experiment(after)
            self._settings.experiments = dict(list(kept.items())[-_KEPT:])
            self.changed.emit()


def _missing_only(stated: Experiment, metadata: Metadata) -> Experiment:
    """What was stated, where the file is silent."""
    return Experiment(
        stated.distance_mm if metadata.distance_mm is None else None,
        stated.pixel_mm if metadata.pixel_mm is None else None,
        stated.wavelength_A if metadata.wavelength_A is None else None,
    )


def plain_experiment(experiment: Experiment) -> dict[str, Any]:
    """As plain values, for preferences and session files."""
    pixel = experiment.pixel_mm
    return {
        "distance_mm": experiment.distance_mm,
        "pixel_mm": list(pixel) if pixel else None,
        "wavelength_A": experiment.wavelength_A,
    }


def experiment_of(values: Any) -> Experiment | None:
    """What was kept, or None if it makes no sense."""
    if not isinstance(values, Mapping):
        return None
    try:
        pixel = values.get("pixel_mm")
        lengths = [values.get("distance_mm"), *(pixel or (None,)), values.get("wavelength_A")]
        if any(length is not None and not float(length) > 0 for length in lengths):
            return None
        return Experiment(
            float(lengths[0]) if lengths[0] is not None else None,
            (float(pixel[0]), float(pixel[1])) if pixel else None,
            float(lengths[-1]) if lengths[-1] is not None else None,
        )
    except (TypeError, ValueError, IndexError):
        return None
