"""``xgeom info``: what a file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xgeom_core.cli.terminal import tell, tell_json


def info(
    path: Annotated[str, typer.Argument(help="File of frames (FILE.h5::/dataset), or a model.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Tell what a file of frames (or a model) holds, in this project's convention."""
    facts = _model_facts(path) if Path(path).suffix == ".safetensors" else _frame_facts(path)
    if as_json:
        tell_json(facts)
        return
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        tell(f"{key:<{width}}  {_text(value)}")


def _frame_facts(path: str) -> dict[str, Any]:
    from xgeom_core.frames import open_frames  # noqa: PLC0415 - h5py and fabio take time

    with open_frames(path) as source:
        meta = source.metadata
        truth = source.truth(0)
        return {
            "file": source.path,
            "layout": source.layout,
            "dataset": source.dataset or None,
            "datasets": list(source.datasets),
            "frames": len(source),
            "shape [slow, fast]": list(source.shape),
            "detector": meta.detector or None,
            "distance_mm": meta.distance_mm,
            "pixel_mm": list(meta.pixel_mm) if meta.pixel_mm else None,
            "wavelength_A": meta.wavelength_A,
            "header center_px": list(meta.center_px) if meta.center_px else None,
            "header tilt_deg": list(meta.tilt_deg) if meta.tilt_deg else None,
            "header convention": meta.center_convention or None,
            "saturation": meta.saturation,
            "known center_px (frame 0)": list(truth.center_px) if truth else None,
            "known tilt_deg (frame 0)": list(truth.tilt_deg) if truth and truth.tilt_deg else None,
        }


def _model_facts(path: str) -> dict[str, Any]:
    from xgeom_core.models.store import find_model, read_card  # noqa: PLC0415 - torch takes seconds

    return read_card(find_model(path)).model_dump(mode="json")


def _text(value: Any) -> str:
    if value is None or value == []:
        return "not stated"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
