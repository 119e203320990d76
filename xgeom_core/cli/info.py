"""``xgeom info``: what a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import GeometryOption, assembled
from xgeom_core.cli.doubts import choice_record, choice_words, doubts, verdict_record
from xgeom_core.cli.terminal import tell, tell_json
from xgeom_core.process.reading import start_reading

if TYPE_CHECKING:
    from xgeom_core.metadata import Metadata, Rotation


def info(
    path: Annotated[str, typer.Argument(help="File of frames (FILE.h5::/dataset), or a model.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    geometry: GeometryOption = None,
) -> None:
    """Tell what a file of frames (or a model) holds, in this project's convention.

    Of a header that is doubtful it says why, and how else it can be read.
    """
    if Path(path).suffix == ".safetensors":
        facts, verdicts, choices = _model_facts(path), [], []
    else:
        facts, meta = _frame_facts(assembled(path, geometry))
        verdicts, choices = list(meta.verdicts), list(meta.choices)
        if as_json:
            facts["verdicts"] = [verdict_record(one) for one in verdicts]
            facts["choices"] = [choice_record(one) for one in choices]
    if as_json:
        tell_json(facts)
        return
    lines = [(key, _text(value)) for key, value in facts.items()]
    lines += [("!", doubt) for doubt in doubts(verdicts)]
    lines += [("read otherwise", choice_words(one)) for one in choices]
    width = max(len(key) for key, _ in lines)
    for key, value in lines:
        tell(f"{key:<{width}}  {value}")


def _frame_facts(path: str) -> tuple[dict[str, Any], Metadata]:
    """What is known, and the header."""
    start_reading()
    from xgeom_core.frames import open_frames  # noqa: PLC0415 - numpy takes time

    with open_frames(path) as source:
        meta = source.metadata
        truth = source.truth(0)
        facts = {
            "file": source.path,
            "layout": source.layout,
            "dataset": source.dataset or None,
            "datasets": list(source.datasets),
            "frames": len(source),
            "axes (the last runs fastest)": list(source.axes),
            "axis names": [name or "?" for name in source.axis_names] if any(source.axis_names) else None,
            "shape [slow, fast]": list(source.shape),
            "detector": meta.detector or None,
            "title": meta.title or None,
            "distance_mm": meta.distance_mm,
            "pixel_mm": list(meta.pixel_mm) if meta.pixel_mm else None,
            "wavelength_A": meta.wavelength_A,
            "header center_px": list(meta.center_px) if meta.center_px else None,
            "header tilt_deg": list(meta.tilt_deg) if meta.tilt_deg else None,
            "header convention": meta.center_convention or None,
            "sensor": meta.sensor_material or None,
            "sensor_mm": meta.sensor_mm,
            "polarization": meta.polarization,
            "rotation": _rotation(meta.rotation),
            "panels": len(meta.panels) or None,
            "saturation": meta.saturation,
            "known center_px (frame 0)": list(truth.center_px) if truth else None,
            "known tilt_deg (frame 0)": list(truth.tilt_deg) if truth and truth.tilt_deg else None,
        }
    return facts, meta


def _rotation(turn: Rotation | None) -> dict[str, Any] | None:
    if turn is None:
        return None
    axis = list(turn.axis) if turn.axis is not None else None
    return {"name": turn.name or None, "start_deg": turn.start_deg, "step_deg": turn.step_deg, "axis": axis}


def _model_facts(path: str) -> dict[str, Any]:
    from xgeom_core.models.store import find_model, read_card  # noqa: PLC0415 - torch takes seconds

    return read_card(find_model(path)).model_dump(mode="json")


def _text(value: Any) -> str:
    if value is None or value == []:
        return "not stated"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
