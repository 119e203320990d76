"""``xgeom predict``: beam center and tilt of frames."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import (
    DistanceOption,
    Overrides,
    PixelOption,
    WavelengthOption,
    frame_range,
    say,
)
from xgeom_core.errors import UsageError, XgeomError

if TYPE_CHECKING:
    from xgeom_core.predict.predictor import Predictor

FAILED, UNUSABLE = 1, 2


def predict(
    paths: Annotated[list[str], typer.Argument(help="Files, or FILE.h5::/dataset.", metavar="PATH...")],
    frames: Annotated[
        str | None, typer.Option("--frames", help="Which frames: 3, 0:10, 5: (default all).")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="Bundled model or model file.")] = "default",
    no_fit: Annotated[bool, typer.Option("--no-fit", help="The network alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a frame on stdout.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the answers to FILE.csv or FILE.json.")
    ] = None,
    distance_mm: DistanceOption = None,
    pixel_um: PixelOption = None,
    wavelength_A: WavelengthOption = None,
) -> None:
    """Predict beam center and detector tilt.

    Exit status 0 if every frame has an answer, 1 if some failed, 2 for unusable arguments or files.
    """
    overrides = Overrides(distance_mm, pixel_um, wavelength_A)
    if out is not None and out.suffix.lower() not in {".csv", ".json"}:
        raise UsageError(f"--out writes .csv or .json, not {out.name!r}.")
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415 - torch takes seconds

    predictor = Predictor.load(model)
    records: list[dict[str, Any]] = []
    broken = False
    for path in paths:
        try:
            for record in _records(predictor, path, frames, overrides, fit=not no_fit):
                records.append(record)
                typer.echo(json.dumps(record) if as_json else _line(record))
        except XgeomError as error:
            # One bad file must not lose the answers for the others.
            say(f"xgeom: {error}")
            broken = True
    if not as_json and records:
        _footnotes(records)
    if out is not None:
        _write(out, records)
    if broken:
        raise typer.Exit(UNUSABLE)
    if any(record["status"] == "failed" for record in records):
        raise typer.Exit(FAILED)


def _records(
    predictor: Predictor, path: str, frames: str | None, overrides: Overrides, fit: bool
) -> Iterator[dict[str, Any]]:
    from xgeom_core.files import open_frames  # noqa: PLC0415 - h5py and fabio take time

    with open_frames(path) as source:
        for index in frame_range(frames, len(source)):
            yield predictor.predict(overrides.apply(source.frame(index)), fit=fit).record()


def _line(record: dict[str, Any]) -> str:
    """One frame in words."""
    name = f"{record['file']} [{record['frame']}]"
    if record["center_px"] is None:
        return f"{name}  {record['status']}: {record['reason']}"
    (x, y), sigma = record["center_px"], record["center_sigma_px"]
    text = f"{name}  {record['status']} ({record['source']})  center ({x:.2f}, {y:.2f})"
    if sigma:
        text += f" ± ({sigma[0]:.2f}, {sigma[1]:.2f}) px"
    if record["tilt_deg"]:
        (pitch, yaw), spread = record["tilt_deg"], record["tilt_sigma_deg"]
        text += f"  pitch {pitch:+.2f} yaw {yaw:+.2f}"
        text += f" ± ({spread[0]:.2f}, {spread[1]:.2f}) deg" if spread else " deg"
    else:
        text += "  tilt unknown"
    if record["header"]:
        text += "  header ({:.2f}, {:.2f})".format(*record["header"]["center_px"])
    return text + (f"\n    {record['reason']}" if record["reason"] else "")


def _footnotes(records: list[dict[str, Any]]) -> None:
    """Warnings, each once, and the options that help."""
    warnings = dict.fromkeys(text for record in records for text in record["warnings"])
    for text in warnings:
        say(f"note: {text}")
    if any("does not state" in text for text in warnings):
        say("note: state what is missing with --distance-mm, --pixel-um, --wavelength-A.")


def _write(out: Path, records: list[dict[str, Any]]) -> None:
    """Write all answers at once, whole or not at all."""
    if out.suffix.lower() == ".json":
        text = json.dumps(records, indent=1)
    else:
        buffer = io.StringIO()
        rows = [_flat(record) for record in records]
        writer = csv.DictWriter(buffer, fieldnames=_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    partial = out.with_name(out.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from None


_PAIRS = {
    "center_px": ("x_px", "y_px"),
    "center_sigma_px": ("x_sigma_px", "y_sigma_px"),
    "tilt_deg": ("pitch_deg", "yaw_deg"),
    "tilt_sigma_deg": ("pitch_sigma_deg", "yaw_sigma_deg"),
}
_COLUMNS = (
    *("file", "dataset", "frame", "status", "source"),
    *(name for pair in _PAIRS.values() for name in pair),
    *("network_x_px", "network_y_px", "header_x_px", "header_y_px", "reason", "elapsed_s"),
)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """One row of the CSV."""
    row = {
        key: record[key] for key in ("file", "dataset", "frame", "status", "source", "reason", "elapsed_s")
    }
    for key, names in _PAIRS.items():
        row |= dict(zip(names, record[key] or (None, None), strict=True))
    for who in ("network", "header"):
        center = record[who]["center_px"] if record[who] else (None, None)
        row |= dict(zip((f"{who}_x_px", f"{who}_y_px"), center, strict=True))
    return row
