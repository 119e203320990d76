"""How ``xgeom predict`` shows its answers: lines for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from xgeom_core.cli.common import say
from xgeom_core.errors import UsageError


def line(record: dict[str, Any]) -> str:
    """One frame in words."""
    name = f"{record['file']} [{record['frame']}]"
    if record["center_px"] is None:
        return f"{name}  {record['status']}: {record['reason']}"
    (x, y), sigma = record["center_px"], record["center_sigma_px"]
    text = f"{name}  {record['status']} ({record['evidence'] or record['source']})  center ({x:.2f}, {y:.2f})"
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
    details = [text, _crystal(record["crystal"]), record["reason"] or ""]
    return "\n    ".join(item for item in details if item)


def _crystal(crystal: dict[str, Any] | None) -> str:
    if crystal is None or not crystal["cell"]:
        return ""
    from xgeom_core.predict.lattice.solution import spots_in_words  # noqa: PLC0415 - torch takes time

    a, b, c, alpha, beta, gamma = crystal["cell"]
    text = f"{crystal['bravais']} {a:.1f} {b:.1f} {c:.1f} Å {alpha:.1f} {beta:.1f} {gamma:.1f}°"
    text += f"  {spots_in_words(crystal['indexed'], crystal['tried'], crystal['spots'])} indexed"
    if crystal["lattices"] > 1:
        text += f" by {crystal['lattices']} lattices"
    return text if crystal["trusted"] else f"{text}; not trusted"


def footnotes(records: list[dict[str, Any]]) -> None:
    """Warnings, each once, and the options that help."""
    warnings = dict.fromkeys(text for record in records for text in record["warnings"])
    for text in warnings:
        say(f"note: {text}")
    if any("does not state" in text for text in warnings):
        say("note: state what is missing with --distance-mm, --pixel-um, --wavelength-A.")


def write(out: Path, records: list[dict[str, Any]]) -> None:
    """Write all answers at once, whole or not at all.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
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
_CELL = ("a_A", "b_A", "c_A", "alpha_deg", "beta_deg", "gamma_deg")
_COLUMNS = (
    *("file", "dataset", "frame", "status", "source", "evidence"),
    *(name for pair in _PAIRS.values() for name in pair),
    *("network_x_px", "network_y_px", "header_x_px", "header_y_px"),
    *("spots", "indexed", "bravais", *_CELL, "reason", "elapsed_s"),
)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """One row of the CSV."""
    plain = ("file", "dataset", "frame", "status", "source", "evidence", "reason", "elapsed_s")
    row = {key: record[key] for key in plain}
    for key, names in _PAIRS.items():
        row |= dict(zip(names, record[key] or (None, None), strict=True))
    for who in ("network", "header"):
        center = record[who]["center_px"] if record[who] else (None, None)
        row |= dict(zip((f"{who}_x_px", f"{who}_y_px"), center, strict=True))
    crystal = record["crystal"] or {}
    row |= {key: crystal.get(key) for key in ("spots", "indexed", "bravais")}
    return row | dict(zip(_CELL, crystal.get("cell") or (None,) * 6, strict=True))
