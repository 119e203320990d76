"""CrystFEL geometry files: read against rotation matrices, written and read back, moved as a whole."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_geometry import geometries
from xgeom_core.errors import GeometryError, MissingDatasetError, UnreadableFileError, XgeomError
from xgeom_core.formats.crystfel import geometry as crystfel
from xgeom_core.formats.crystfel.geom_file import parse_geom
from xgeom_core.formats.crystfel.layout import place
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import Geometry

SIZE = (1475, 1679)
square = geometries.map(
    lambda g: Geometry(g.center_px, g.distance_mm, (0.172, 0.172), 1.0, g.pitch_deg, g.yaw_deg)
)


def read_text(folder: Path, text: str, hints: Hints = Hints()) -> Reading:  # noqa: B008
    path = folder / "detector.geom"
    path.write_text(text)
    assert crystfel.recognizes(path, text.encode()[: 64 * 1024])
    (found,) = crystfel.read(path, hints)
    return found


def assert_same(found: Reading, wanted: Geometry, px: float = 0.01) -> None:
    """The demands on every round trip: 0.01 px, 0.001 degrees, 1 um."""
    assert found.geometry is not None
    assert found.geometry.center_px == pytest.approx(wanted.center_px, abs=px)
    assert found.estimate.tilt_deg == pytest.approx((wanted.pitch_deg, wanted.yaw_deg), abs=1e-3)
    assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=1e-3)


def rotation(pitch_deg: float, yaw_deg: float, roll_deg: float) -> np.ndarray:
    """Roll about the beam, of R_y(yaw) R_x(pitch); written out independently of the package."""
    p, y, r = np.radians([pitch_deg, yaw_deg, roll_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def assembled(wanted: Geometry, roll_deg: float, mirror: bool, *, clen: str = "") -> str:
    """A file of 2 x 3 panels with gaps, each corner turned and placed by hand."""
    turn = rotation(wanted.pitch_deg, wanted.yaw_deg, roll_deg)
    if mirror:
        turn = np.diag([1.0, -1.0, 1.0]) @ turn
    px = wanted.pixel_mm[0]
    lines = [
        f"res = {1000 / px!r}  ; pixels per meter",
        clen or f"clen = {wanted.distance_mm - 3.0!r} mm",
        "",
    ]
    for row in range(3):
        for column in range(2):
            name = f"m{row}{column}"
            first = (column * 500, row * 400)
            corner = turn @ [
                (first[0] - wanted.center_px[0]) * px,
                (first[1] - wanted.center_px[1]) * px,
                0.0,
            ]
            lines += [
                f"{name}/min_fs = {first[0]}",
                f"{name}/max_fs = {first[0] + 486}",
                f"{name}/min_ss = {first[1]}",
                f"{name}/max_ss = {first[1] + 380}",
                f"{name}/corner_x = {corner[0] / px:.12f}",
                f"{name}/corner_y = {corner[1] / px:.12f}",
                f"{name}/coffset = {(corner[2] + 3.0) / 1000:.15f} ; m",
                f"{name}/fs = "
                + "".join(f"{size:+.15f}{axis} " for size, axis in zip(turn[:, 0], "xyz", strict=True)),
                f"{name}/ss = "
                + " ".join(f"{size:+.15f}{axis}" for size, axis in zip(turn[:, 1], "xyz", strict=True)),
            ]
    return "\n".join(lines) + "\n"


@given(square, st.floats(-180, 180), st.booleans())
def test_panels_assembled_by_hand(tmp_path_factory, wanted: Geometry, roll: float, mirror: bool) -> None:
    """Any roll about the beam and a mirrored lab: center, tilt and distance of the image stay."""
    found = read_text(tmp_path_factory.mktemp("geom"), assembled(wanted, roll, mirror))
    assert_same(found, wanted, 1e-5)
    assert found.panels == 6
    assert found.image_size == (987, 1181)
    assert not any("common plane" in note for note in found.estimate.warnings)


@given(geometries)
def test_round_trip_of_one_panel(tmp_path_factory, wanted: Geometry) -> None:
    found = read_text(tmp_path_factory.mktemp("geom"), crystfel.FORMAT.write(Writing(wanted, SIZE)))
    assert_same(found, wanted)
    assert found.pixel_mm == pytest.approx(wanted.pixel_mm, rel=1e-9)
    assert found.image_size == SIZE
    if wanted.wavelength_A is None:
        assert found.wavelength_A is None
    else:
        assert found.wavelength_A == pytest.approx(wanted.wavelength_A, rel=1e-7)


@given(square, square, st.floats(-180, 180), st.booleans())
def test_template_is_moved_rigidly(
    tmp_path_factory, old: Geometry, wanted: Geometry, roll: float, mirror: bool
) -> None:
    """All distances between panel corners stay; everything but the geometry is kept."""
    folder = tmp_path_factory.mktemp("geom")
    template = folder / "template.geom"
    extra = "data = /entry/data\nphoton_energy = 9000 eV\nbadstop/min_x = -20\nrigid_group_q = m00,m01\n"
    template.write_text(extra + assembled(old, roll, mirror))
    text = crystfel.FORMAT.write(Writing(wanted, (987, 1181), template))
    found = read_text(folder, text)
    # A rigid move cannot take the center from one panel's pixels to another's: all are the same lattice here.
    assert_same(found, wanted, 1e-4)
    before, after = (
        place(parse_geom(path.read_text(), path)) for path in (template, folder / "detector.geom")
    )
    for one, two in ((before, after),):
        gaps = [np.linalg.norm(p.corner[:, None] - p.corner[None], axis=-1) for p in (one, two)]
        np.testing.assert_allclose(gaps[0], gaps[1], atol=2e-6)
    for line in ("data = /entry/data", "badstop/min_x = -20", "rigid_group_q = m00,m01", "m21/max_ss = 1180"):
        assert line in text.split("\n")


def test_template_keeps_defaults_of_panels_and_paths(tmp_path: Path) -> None:
    """Vectors and offsets that were defaults are stated for each panel; a path of clen is noted."""
    template = tmp_path / "template.geom"
    template.write_text(
        "clen = /LCLS/detectorPosition\nphoton_energy = /LCLS/photon_energy_eV\nres = 10000\ncoffset = 0.5\n"
        "fs = x\nss = y\nmin_fs = 0\nmax_fs = 99\nmin_ss = 0\nmax_ss = 99\n"
        "a/corner_x = -50\na/corner_y = -40\n"
    )
    wanted = Geometry((60.0, 30.0), 250.0, (0.1, 0.1), 1.3, 2.0, -3.0)
    text = crystfel.FORMAT.write(Writing(wanted, (100, 100), template))
    found = read_text(tmp_path, text)
    assert_same(found, wanted, 1e-6)
    assert "was /LCLS/detectorPosition" in text
    assert "photon_energy = /LCLS/photon_energy_eV" in text
    assert "fs = x" in text.split("\n")  # the default stays, the panel overrides it


def test_template_of_another_detector_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "template.geom"
    wanted = Geometry((60.0, 30.0), 250.0, (0.1, 0.1))
    template.write_text(crystfel.FORMAT.write(Writing(wanted, (100, 100))))
    with pytest.raises(GeometryError, match="not of the same detector"):
        crystfel.FORMAT.write(Writing(Geometry((60.0, 30.0), 250.0, (0.075, 0.075)), (100, 100), template))
    with pytest.raises(GeometryError, match="not of the same detector"):
        crystfel.FORMAT.write(Writing(wanted, (80, 100), template))


HAND = """; two panels, as in the manual
photon_energy = 9.0 keV
clen = 79.4 mm ; comment
detector_shift_x = 0.5 mm
detector_shift_y = -0.0002
res = 10000
fs = +1.0x +0.0y
ss = -0.0x + 1.0y
top/min_fs = 0
top/max_fs = 1023
top/min_ss = 512
top/max_ss = 1023
top/corner_x = -512.9
top/corner_y = 3.0
low/min_fs = 0
low/max_fs = 1023
low/min_ss = 0
low/max_ss = 511
low/corner_x = -512.9
low/corner_y = -520.0
low/coffset = 0.0
bad_beam/min_x = -15
bad_beam/max_x = 15
group_all = top,low
"""


def test_shift_units_and_nearest_panel(tmp_path: Path) -> None:
    """By hand: corners move by +5 and -2 px; the beam passes 1 px above panel `top` and 10 px below `low`."""
    found = read_text(tmp_path, HAND)
    assert found.estimate.center_px == pytest.approx((512.9 - 5.0, 512 - 3.0 + 2.0), abs=1e-9)
    assert found.native["panel"] == "top (of 2)"
    assert "meets no panel" in found.estimate.warnings[0]
    assert found.distance_mm == pytest.approx(79.4)
    assert found.wavelength_A == pytest.approx(12398.41984 / 9000)
    assert found.pixel_mm == (0.1, 0.1)
    assert found.estimate.tilt_deg == pytest.approx((0.0, 0.0))


@pytest.mark.parametrize(
    ("old", "new", "center"),
    [
        ("top/corner_x = -512.9", "top/corner_x = 512.9\ntop/fs = -x", (512.9 + 5.0, 511.0)),
        # fs along lab -y, ss along lab +x: corner (cx, cy) has the beam at fs = cy, ss = -cx (in px, shifted)
        (
            "top/corner_y = 3.0",
            "top/corner_y = 600.0\ntop/fs = -1.0y\ntop/ss = x",
            (600.0 - 2.0, 512 + 512.9 - 5.0),
        ),
        ("top/corner_x", "top/fs = 2x\ntop/corner_x", ((512.9 - 5.0) / 2, 511.0)),
    ],
)
def test_vectors_by_hand(tmp_path: Path, old: str, new: str, center: tuple[float, float]) -> None:
    found = read_text(tmp_path, HAND.replace(old, new))
    assert found.estimate.center_px == pytest.approx(center, abs=1e-9)


def test_distance_from_a_data_file_is_unknown(tmp_path: Path) -> None:
    text = HAND.replace("79.4 mm", "/LCLS/detectorPosition")
    found = read_text(tmp_path, text)
    assert found.distance_mm is None
    assert any("/LCLS/detectorPosition" in note for note in found.estimate.warnings)
    assert read_text(tmp_path, text, Hints(distance_mm=123.0)).distance_mm == 123.0


def test_camera_length_of_each_panel(tmp_path: Path) -> None:
    """As before version 0.11; meters without a unit, with coffset added."""
    text = HAND.replace("clen = 79.4 mm ; comment\n", "")
    text += "top/clen = 0.2\nlow/clen = 0.2\ntop/coffset = 0.01\nlow/coffset = 0.01\n"
    assert read_text(tmp_path, text).distance_mm == pytest.approx(210.0)


def test_staggered_panels_keep_the_tilt_of_each(tmp_path: Path) -> None:
    """Two upright halves 3 mm apart along the beam are no tilted detector."""
    found = read_text(tmp_path, HAND.replace("low/coffset = 0.0", "low/coffset = 3e-3"))
    assert found.estimate.tilt_deg == pytest.approx((0.0, 0.0), abs=1e-9)
    assert found.distance_mm == pytest.approx(79.4)
    assert any("common plane" in note for note in found.estimate.warnings)


def test_layers_are_named(tmp_path: Path) -> None:
    found = read_text(tmp_path, HAND + "top/dim0 = 1\nlow/dim0 = 0\n")
    assert found.image_size == (1024, 1024)
    assert any("layers" in note for note in found.estimate.warnings)


@pytest.mark.parametrize(
    ("entry", "wavelength"),
    [
        ("wavelength = 1.5 A", 1.5),
        ("wavelength = 1.5e-10 m", 1.5),
        ("photon_energy = 12398.42", 1.0),
        ("electron_voltage = 300 kV", 0.019687),  # textbook value
        ("wavelength = 1.5", None),
        ("photon_energy = /entry/energy", None),
    ],
)
def test_wavelengths(tmp_path: Path, entry: str, wavelength: float | None) -> None:
    found = read_text(tmp_path, HAND.replace("photon_energy = 9.0 keV", entry))
    assert found.wavelength_A == (None if wavelength is None else pytest.approx(wavelength, rel=1e-4))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("top/corner_x = -512.9\n", "", "corner_x of panel 'top'"),
        ("res = 10000\n", "", "res of panel 'top'"),
        ("res = 10000", "res = -1", "pixels per meter"),
        ("top/corner_x = -512.9", "top/corner_x = nan", "a number was expected"),
        ("top/max_fs = 1023", "top/max_fs = -4", "reach from"),
        ("fs = +1.0x +0.0y", "fs = +1.0q", r"\+0.999x"),
        ("fs = +1.0x +0.0y", "fs = 1.0y", "parallel"),
        ("fs = +1.0x +0.0y", "fs = 1.0x +0.5y", "right angles"),
        ("79.4 mm", "79.4 parsec", "m or mm"),
        ("79.4 mm", "-79.4 mm", "positive length"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in HAND
    path = tmp_path / "broken.geom"
    path.write_text(HAND.replace(old, new, 1))
    with pytest.raises(XgeomError, match=words) as error:
        crystfel.read(path, Hints())
    assert str(path) in str(error.value)


def test_no_panels(tmp_path: Path) -> None:
    path = tmp_path / "empty.geom"
    path.write_text("res = 1000\nbad1/min_fs = 0\n")
    assert not crystfel.recognizes(path, path.read_bytes())
    with pytest.raises(MissingDatasetError, match="no panel"):
        crystfel.read(path, Hints())


def test_a_number_is_no_path(tmp_path: Path) -> None:
    path = tmp_path / "broken.geom"
    path.write_text(HAND.replace("79.4 mm", "79,4 mm"))
    with pytest.raises(UnreadableFileError, match="a length was expected"):
        crystfel.read(path, Hints())


def test_tilt_sign_by_hand(tmp_path: Path) -> None:
    """Positive pitch: the lower edge (large y) lies further from the sample."""
    sine, cosine = math.sin(0.1), math.cos(0.1)
    text = HAND.replace("ss = -0.0x + 1.0y", f"ss = {cosine!r}y +{sine!r}z")
    text = text.replace("low/coffset = 0.0", f"low/coffset = {-0.0512 * sine - 0.0011 * math.tan(0.1)!r}")
    found = read_text(tmp_path, text.split("low/min_fs")[0])
    assert found.estimate.tilt_deg == pytest.approx((math.degrees(0.1), 0.0), abs=1e-9)
