"""CrystFEL geometry files written: anew as one panel, or as an existing file moved rigidly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from xgeom_core.errors import GeometryError
from xgeom_core.formats import values
from xgeom_core.formats.crystfel.geom_file import GeomFile, parse_geom, split_name
from xgeom_core.formats.crystfel.layout import BEAM, Layout, Panels, lay_out, place
from xgeom_core.formats.format import Writing
from xgeom_core.formats.planes import Plane, move_to
from xgeom_core.formats.text import read_text
from xgeom_core.geometry import FloatArray, Geometry

_MOVED = ("corner_x", "corner_y", "fs", "ss", "coffset", "clen")
_SAME_PIXEL = 1e-3


def write_geom(writing: Writing) -> str:
    """The text of a geometry file; see :class:`Writing` for what a template does."""
    if writing.template is not None:
        return _altered(writing.geometry, writing.template, writing.image_size)
    return _single(writing.geometry, writing.image_size)


def _single(geometry: Geometry, image_size: tuple[int, int]) -> str:
    """One panel that is the whole image; corners in pixel widths of the fast axis."""
    fast, slow, _ = geometry.axes()
    px, py = geometry.pixel_mm
    origin = geometry.to_lab(0.0, 0.0)
    energy = "; photon_energy = ... eV   (CrystFEL needs it; it is not known here)"
    if geometry.wavelength_A is not None:
        energy = f"photon_energy = {values.HC_EV_A / geometry.wavelength_A:.9g} eV"
    lines = [
        "; CrystFEL geometry file, written by xgeom",
        "; The lab's x and y are the image's fast and slow axis, as far as the tilt allows.",
        energy,
        "adu_per_photon = 1",
        f"clen = {geometry.distance_mm / 1e3:.12g} m",
        f"res = {1e3 / px:.12g}   ; {px:g} mm pixels",
        "",
        "p0/min_fs = 0",
        f"p0/max_fs = {image_size[0] - 1}",
        "p0/min_ss = 0",
        f"p0/max_ss = {image_size[1] - 1}",
        f"p0/corner_x = {origin[0] / px:.9f}",
        f"p0/corner_y = {origin[1] / px:.9f}",
        f"p0/fs = {_vector(fast)}",
        f"p0/ss = {_vector(slow * py / px)}",
        f"p0/coffset = {(origin[2] - geometry.distance_mm) / 1e3:.12f}",
    ]
    return "\n".join(lines) + "\n"


def _altered(wanted: Geometry, template: Path, size: tuple[int, int]) -> str:
    """An existing file, its panels moved rigidly so that the wanted geometry comes true."""
    text = read_text(template)
    geom = parse_geom(text, template)
    with values.located(template):
        before = place(geom)
        layout = lay_out(before, template)
    _same_detector(wanted, geom, layout, template, size)
    after = _moved(before, layout, wanted, template)
    length_mm = wanted.distance_mm if geom.length_mm is None else _new_length(geom, before, after)
    return _rewritten(text, geom, after, length_mm, wanted.wavelength_A)


def _same_detector(
    wanted: Geometry, geom: GeomFile, layout: Layout, path: Path, size: tuple[int, int]
) -> None:
    for ours, theirs in zip(wanted.pixel_mm, layout.pixel_mm, strict=True):
        if abs(ours / theirs - 1.0) > _SAME_PIXEL:
            raise GeometryError(
                f"{path} describes pixels of {theirs:.5g} mm, the geometry to be written has {ours:.5g} mm: "
                "they are not of the same detector."
            )
    chosen = geom.panels[layout.index]
    for axis, pixels in enumerate(size):
        reach = max(panel.last[axis] for panel in geom.panels if panel.layer == chosen.layer) + 1
        if reach > pixels:
            raise GeometryError(
                f"{path} describes an image of {reach:g} pixels along one axis, the geometry to be written "
                f"belongs to one of {pixels}: they are not of the same detector."
            )


def _moved(panels: Panels, layout: Layout, wanted: Geometry, path: Path) -> Panels:
    """The panels turned and shifted as one body.

    The panel that counts the center may stand a little askew of the common plane that the tilt is
    taken from, so one step leaves a rest; each further step shrinks it by that skew.
    """
    for _ in range(6):
        u, v = layout.center_px
        px, py = layout.pixel_mm
        origin = layout.z_mm * BEAM - u * px * layout.fast - v * py * layout.slow
        move = move_to(
            Plane(origin, layout.fast, layout.slow, layout.pixel_mm), BEAM, wanted, wanted.center_px
        )
        panels = panels.moved(move.rotation, move.shift)
        layout = lay_out(panels, path, layout.index)
        miss = np.subtract(layout.center_px, wanted.center_px)
        if np.abs(miss).max() < 1e-7 and abs(layout.z_mm - wanted.distance_mm) < 1e-9:
            return panels
    return panels


def _new_length(geom: GeomFile, before: Panels, after: Panels) -> float:
    """The camera length that leaves the panels' mean offset from it as it was."""
    return (geom.length_mm or 0.0) + float(np.mean(after.corner[:, 2] - before.corner[:, 2]))


def _rewritten(
    text: str, geom: GeomFile, panels: Panels, length_mm: float, wavelength_A: float | None
) -> str:
    """The text with new values in their old places; what was a default is stated at the end."""
    new = dict(_panel_values(geom, panels, length_mm))
    written: set[str] = set()
    lines = []
    for line in text.rstrip("\n").split("\n"):
        content, semicolon, remark = line.partition(";")
        left, equals, right = content.partition("=")
        name, value = left.strip(), right.strip()
        if not equals:
            lines.append(line)
            continue
        comment = f" ;{remark}" if semicolon else ""
        old = value
        if name == "clen":
            comment += "" if values.number(value.split(" ")[0]) is not None else f" ; was {value}"
            value = f"{length_mm / 1e3:.12g} m"
        elif name in {"photon_energy", "wavelength"}:
            value = _new_wave(name, value, wavelength_A)
        elif name in new:
            value = new[name]
            written.add(name)
        lines.append(line if value == old else f"{name} = {value}{comment}")
    rest = [f"{name} = {value}" for name, value in new.items() if name not in written and _needed(name)]
    if not any(line.split(";")[0].partition("=")[0].strip() == "clen" for line in lines):
        lines.insert(0, f"clen = {length_mm / 1e3:.12g} m")
    return "\n".join(lines + (["", *rest] if rest else [])) + "\n"


def _needed(name: str) -> bool:
    """Whether a value must be stated where the template does not; a panel's own clen is only replaced."""
    where = split_name(name)
    return where is not None and where[1] != "clen"


def _panel_values(geom: GeomFile, panels: Panels, length_mm: float) -> Iterable[tuple[str, str]]:
    """Name and value of everything that a move changes."""
    for index, panel in enumerate(geom.panels):
        px = 1e3 / panel.per_m
        corner = panels.corner[index]
        stated = {
            "corner_x": f"{(corner[0] - geom.shift_mm[0]) / px:.9f}",
            "corner_y": f"{(corner[1] - geom.shift_mm[1]) / px:.9f}",
            "fs": _vector(panels.fast[index] / px),
            "ss": _vector(panels.slow[index] / px),
            "coffset": f"{(corner[2] - length_mm) / 1e3:.12f}",
            "clen": f"{length_mm / 1e3:.12g} m",
        }
        for key in _MOVED:
            yield f"{panel.name}/{key}", stated[key]


def _new_wave(name: str, value: str, wavelength_A: float | None) -> str:
    """A literal wavelength or energy renewed in its own unit; a place in the data files stays."""
    found, _, unit = value.partition(" ")
    if wavelength_A is None or values.number(found) is None:
        return value
    unit = unit.strip()
    if name == "wavelength":
        return f"{wavelength_A * (1e-10 if unit == 'm' else 1.0):.9g} {unit}"
    return f"{values.HC_EV_A / wavelength_A / (1e3 if unit == 'keV' else 1.0):.9g} {unit}".rstrip()


def _vector(vector: FloatArray) -> str:
    """A vector in CrystFEL's form; twelve digits place the far corner of any detector to 1e-6 px."""
    terms = [f"{size:+.12f}{axis}" for size, axis in zip(vector, "xyz", strict=True)]
    return " ".join(term for term in terms if float(term[:-1]) or term.endswith(("x", "y")))
