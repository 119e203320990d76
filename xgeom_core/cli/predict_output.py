"""How ``xgeom predict`` shows its answers to people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from xgeom_core.cli.terminal import say

# Places listed below an uncertain answer.
_MOST_CANDIDATES = 4


def lines(record: dict[str, Any]) -> list[str]:
    """One frame in words."""
    name = f"{record['file']} [{record['frame']}]"
    if record["center_px"] is None:
        return [f"{name}  {record['status']}: {record['reason']}"]
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
    below = [item for item in (_crystal(record["crystal"]), record["reason"]) if item]
    if record["status"] == "uncertain" and len(record["candidates"]) > 1:
        below += [_candidate(item) for item in record["candidates"][:_MOST_CANDIDATES]]
    return [text, *(f"    {item}" for item in below)]


def _candidate(item: dict[str, Any]) -> str:
    """A place where the beam may be, and what speaks for it."""
    (x, y), sigma = item["center_px"], max(item["center_sigma_px"])
    speaks = " and ".join(item["sources"]) or "nothing"
    named = f" ({item['label']})" if item["label"] else ""
    return f"{100 * item['weight']:5.1f}%  ({x:.2f}, {y:.2f}) ± {sigma:.2f} px, by {speaks}{named}"


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


def footnotes(warnings: Collection[str]) -> None:
    """Warnings, each once, and the options that help."""
    for text in warnings:
        say(f"note: {text}")
    if any("does not state" in text for text in warnings):
        say("note: state what is missing with --distance-mm, --pixel-um, --wavelength-A.")
