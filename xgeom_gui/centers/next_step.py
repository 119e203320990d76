"""What a user would do next, as one button. Knows no widget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from xgeom_core.estimate import Estimate
from xgeom_core.metadata import Metadata
from xgeom_gui.centers.compare_wording import better_reading
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.centers import Center, candidate_source
from xgeom_gui.state.current_center import CurrentCenter

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

Kind = Literal["predict", "accept", "copy_dials", "experiment", "read_as", "choose", "why"]
_OTHER_DISTANCE = re.compile(r"agree best with a distance of ([\d.]+) mm")
# How the core tells what a file lacks.
_MISSING = "The file does not state the"
_UNITS = {
    "distance_mm": ("distance", "mm"),
    "pixel_mm": ("pixel size", "mm"),
    "wavelength_A": ("wavelength", "Å"),
}


@dataclass(frozen=True)
class Step:
    """Something to do, ready for a button.

    Parameters
    ----------
    kind : str
        ``"experiment"`` states `argument`; ``"read_as"`` reads a geometry, `argument` is its name and the
        reading's; ``"choose"`` makes the center of source `argument` current.
    text, tip : str
    argument : object
    note : str
        The warning that it cures; "" for none.
    """

    kind: Kind
    text: str
    tip: str
    argument: Any = None
    note: str = ""


def cures(
    prediction: Prediction | None,
    metadata: Metadata,
    experiment: Experiment,
    centers: Sequence[Center],
    reference: Estimate | None,
) -> list[Step]:
    """What cures a warning, the most helpful first."""
    return [
        *_missing_values(prediction, metadata, experiment, centers),
        *_other_readings(centers, reference),
        *_other_distance(prediction, experiment),
    ]


def next_step(
    prediction: Prediction | None,
    cured: Sequence[Step],
    current: CurrentCenter,
    metadata: Metadata,
    accepted: bool,
) -> Step | None:
    """The one thing to do next; None while there is nothing.

    Parameters
    ----------
    prediction : Prediction or None
    cured : sequence of Step
        See `cures`.
    current : CurrentCenter
    metadata : Metadata
    accepted : bool
        Whether a center was accepted on this frame.
    """
    if prediction is None:
        return Step("predict", "Find the center", "Find center and tilt of this frame now (P)")
    if not accepted:
        # A trusted answer needs no other distance, which trades against the cell.
        trusted = prediction.status == "ok"
        needed = [step for step in cured if not (trusted and _OTHER_DISTANCE.search(step.note))]
        if needed:
            return needed[0]
        if prediction.status in {"uncertain", "failed"} and current.is_answer:
            return _in_doubt(prediction)
        if not trusted:
            return Step("accept", f"Accept {current.name}", "Take it for true on this frame (Ctrl+Return)")
    if metadata.distance_mm is not None and metadata.pixel_mm is not None:
        return Step("copy_dials", "Copy for DIALS", f"Copy {current.name} as options of dials.import")
    if accepted:
        return None
    return Step("accept", f"Accept {current.name}", "Take it for true on this frame (Ctrl+Return)")


def _in_doubt(prediction: Prediction) -> Step:
    """The other origin of a lattice, what the file states, the likeliest place, or what there is to read."""
    candidates = prediction.candidates
    lattice = [number for number, one in enumerate(candidates) if "lattice" in one.sources]
    if len(lattice) > 1:
        tip = "The lattice fits at more than one origin: look at the rings about the other one"
        return Step("choose", "Look at the other origin", tip, candidate_source(lattice[1]))
    stated = [number for number, one in enumerate(candidates) if "header" in one.sources]
    if prediction.header is not None and stated and stated[0] > 0:
        tip = "Nothing better is known than what the file states: look at its rings"
        return Step("choose", "Look at the header's center", tip, "header")
    if candidates:
        return Step("choose", "Look at its rings", "Rings about the likeliest center", candidate_source(0))
    return Step("why", "Look at what speaks for it", "Profiles, residuals and what was masked (W)")


def _missing_values(
    prediction: Prediction | None, metadata: Metadata, experiment: Experiment, centers: Sequence[Center]
) -> list[Step]:
    """What another program's file knows of the experiment and the frame's own does not."""
    missing = [name for name in _UNITS if getattr(metadata, name) is None]
    for center in centers:
        if center.compared is None or not missing:
            continue
        known = {name: getattr(center.compared.reading, name) for name in missing}
        known = {name: value for name, value in known.items() if value is not None}
        if known:
            words = " and ".join(_UNITS[name][0] for name in known)
            value = next(iter(known.values()))
            unit = _UNITS[next(iter(known))][1]
            shown = f" ({value:.5g} {unit})" if len(known) == 1 and isinstance(value, float) else ""
            text = f"Take the {words} from {center.name}{shown}"
            tip = "Fill in what the frame's file does not state, and predict again"
            said = (one for one in (prediction.warnings if prediction else ()) if one.startswith(_MISSING))
            note = next(said, f"{_MISSING} {words}; {center.name} does.")
            return [Step("experiment", text, tip, replace(experiment, **known), note)]
    return []


def _other_readings(centers: Sequence[Center], reference: Estimate | None) -> list[Step]:
    origin = next((one for one in centers if reference is not None and one.estimate is reference), None)
    if origin is None or origin.estimate.status != "ok":
        return []
    found = []
    for center in centers:
        better = better_reading(center, origin)
        if better is not None:
            choice, sentence = better
            tip = "Another reading of its ambiguous convention; holds for the whole file"
            short = "flipped" if "flipped" in choice else f"“{choice}”"
            text = f"Read {center.name} as {short}"
            found.append(Step("read_as", text, tip, (center.estimate.source, choice), sentence))
    return found


def _other_distance(prediction: Prediction | None, experiment: Experiment) -> list[Step]:
    for warning in prediction.warnings if prediction else ():
        found = _OTHER_DISTANCE.search(warning)
        if found:
            stated = replace(experiment, distance_mm=float(found[1]))
            tip = "State the distance that the spots agree with, and predict again"
            return [Step("experiment", f"Use {found[1]} mm", tip, stated, warning)]
    return []
