"""What other programs' files say: state and words, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from xgeom_core.estimate import Estimate
from xgeom_core.formats import registry
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Reading
from xgeom_core.metadata import Choice, Metadata
from xgeom_gui.centers.clipboard import copied_text, wordings
from xgeom_gui.centers.compare_wording import causes_of, row_tip
from xgeom_gui.image.marks import mark_path
from xgeom_gui.look.marker_styles import assign_styles, family_style, style_of
from xgeom_gui.services.geometry_reader import looks_like_frames
from xgeom_gui.state.centers import Center
from xgeom_gui.state.external_geometries import ExternalGeometries
from xgeom_gui.state.formatting import center_rows, standing
from xgeom_gui.state.geometry_tracks import MOST_PER_FILE, USUAL, Compared, names_of, tracks_of

METADATA = Metadata(distance_mm=200.0, pixel_mm=(0.1, 0.1), wavelength_A=1.0)


def reading(program="DIALS", center=(100.0, 200.0), path="/data/a.expt", **rest):
    return Reading(Estimate(program, center, rest.pop("tilt", None)), path, **rest)


def compared(one, choice=None):
    return Compared(one.estimate.source, family_style(one.estimate.source), one, choice)


def center(source="fit", place=(100.0, 200.0), tilt=None, covariance=None, status="ok"):
    reason = "" if status == "ok" else "Because."
    return Center(Estimate(source, place, tilt, covariance, status, reason), style_of(source))


def of_file(one, choice=None):
    it = compared(one, choice)
    return Center(it.estimate, it.style, compared=it)


@pytest.mark.parametrize(
    ("programs", "colors", "shapes"),
    [
        (["DIALS", "XDS", "CrystFEL", "pyFAI", "MOSFLM"], 5, 5),
        (["DIALS"] * 4, 1, 4),
        (["MOSFLM", "ADXV", "DENZO", "Fit2D", "Table"], None, 5),
    ],
)
def test_color_tells_the_program_and_shape_tells_them_apart(programs, colors, shapes):
    styles = assign_styles(programs)
    assert len({style.shape for style in styles}) == shapes
    assert len(set(styles)) == len(programs)
    if colors is not None:
        assert len({style.color for style in styles}) == colors
    own = {style_of(source) for source in ("truth", "header", "network", "fit")}
    assert not {style.shape for style in own} & {style.shape for style in styles}


def test_many_geometries_of_one_program_still_have_marks():
    styles = assign_styles(["DIALS"] * 20)
    assert len(styles) == 20
    assert all(QColor(style.color).isValid() and not mark_path(style.shape, 10).isEmpty() for style in styles)


def test_parts_and_files_make_names_unique():
    readings = [reading(where="experiments 0-2"), reading(where="experiment 3")]
    one = tracks_of("/data/a.expt", readings)
    assert names_of(one) == ("DIALS (experiments 0-2)", "DIALS (experiment 3)")
    again = tracks_of("/data/b.expt", readings[1:])
    assert names_of((*one, *again))[1:] == ("DIALS (a.expt, experiment 3)", "DIALS (b.expt, experiment 3)")
    same = tracks_of("/other/b.expt", readings[1:])
    assert len(set(names_of((*one, *again, *same)))) == 4


def test_readings_of_frames_make_one_track_and_crystals_of_one_frame_several():
    rows = [reading("table", (i, i), frame=i, where=f"frame {i}") for i in range(3)]
    (track,) = tracks_of("/t.csv", rows)
    assert track.at(2) is rows[2] and track.at(3) is None
    twice = tracks_of("/t.csv", [*rows, reading("table", (9, 9), frame=1)])
    assert [track.at(1).estimate.center_px for track in twice] == [(1, 1), (9, 9)]
    assert twice[1].at(0) is None


def test_what_does_not_fit_the_image_is_not_shown(qapp):
    external = ExternalGeometries()
    external.add("/a")
    external.set_readings("/a", [reading(image_size=(10, 20)), reading(image_size=(20, 10)), reading()])
    assert [one.reading.image_size for one in external.shown(0, (10, 20))] == [(10, 20), None]
    assert external.shown(0, (10, 20))[0] is external.shown(0, (10, 20))[0], "views rely on identity"


def test_removing_is_remembered_until_the_file_is_added_again(qapp):
    external = ExternalGeometries()
    external.add("/a")
    parts = [reading(where="experiment 0"), reading(where="experiment 1")]
    external.set_readings("/a", parts)
    assert external.remove("DIALS (experiment 0)")
    assert not external.remove("fit")
    external.set_readings("/a", parts)
    assert [one.name for one in external.shown(0, None)] == ["DIALS (experiment 1)"]
    external.add("/a")
    assert len(external.shown(0, None)) == 2
    for name in ("DIALS (experiment 0)", "DIALS (experiment 1)"):
        external.remove(name)
    assert external.paths == ()
    external.set_readings("/a", parts)
    assert external.shown(0, None) == (), "an answer that comes late brings nothing back"


def test_a_file_of_very_many_geometries_is_cut(qapp):
    external = ExternalGeometries()
    external.add("/a")
    external.set_readings("/a", [reading(where=f"experiment {i}") for i in range(100)])
    assert len(external.shown(0, None)) == MOST_PER_FILE


def test_a_choice_moves_the_center_and_ends_the_doubt():
    half = Choice("pixel centers are integers (+0.5)", (100.5, 200.5))
    one = reading(tilt=(1.0, 2.0), choices=(half,))
    assert compared(one).ambiguous and compared(one).estimate.center_px == (100.0, 200.0)
    chosen = compared(one, half.name)
    assert chosen.estimate.center_px == (100.5, 200.5) and chosen.estimate.tilt_deg == (1.0, 2.0)
    usual = compared(one, USUAL)
    assert usual.estimate.center_px == (100.0, 200.0) and not usual.ambiguous
    assert [standing(of_file(one, choice)) for choice in (None, half.name)] == ["ambiguous", "chosen"]
    assert standing(of_file(reading())) == "stated"


def test_after_a_flip_the_tilt_is_unknown_unless_the_choice_states_it():
    flipped = Choice("the image was flipped", (100.0, 800.0))
    one = reading(tilt=(1.0, 2.0), choices=(flipped,))
    tilt = compared(one, flipped.name).estimate.tilt_deg
    assert tilt == getattr(flipped, "tilt_deg", None)


def test_the_usual_way_is_offered_once():
    own = Choice("as the file says", (100.0, 200.0))
    other = Choice("otherwise", (1.0, 2.0))
    assert [c.name for c in compared(reading(choices=(own, other))).options] == [
        "as the file says",
        "otherwise",
    ]
    assert [c.name for c in compared(reading(choices=(other,))).options] == [USUAL, "otherwise"]
    assert compared(reading()).options == ()


def test_the_tip_holds_native_values_and_convention_and_no_markup_of_others():
    one = reading(native={"ORGX": "<b>1042.3</b> px"}, where="experiment 3", panels=4, distance_mm=123.4)
    row = center_rows([of_file(one)], None, METADATA)[0]
    tip = row_tip(row)
    assert "ORGX" in tip and "&lt;b&gt;1042.3" in tip and "<b>1042.3" not in tip
    assert "a.expt, experiment 3, 4 panels" in tip and "123.4 mm" in tip


def test_half_a_pixel_is_named_as_the_cause():
    fit = center("fit", covariance=np.diag([0.01**2] * 2))
    rows = center_rows([fit, of_file(reading(center=(99.5, 199.5)))], fit.estimate, METADATA)
    (cause,) = causes_of(rows, METADATA, (400, 300))
    assert "DIALS" in cause and "half" in cause


def test_an_unsure_reference_explains_nothing():
    network = center("network", status="uncertain")
    rows = center_rows([network, of_file(reading(center=(99.5, 199.5)))], network.estimate, METADATA)
    assert causes_of(rows, METADATA, (400, 300)) == []


def test_a_better_reading_is_suggested():
    fit = center("fit", covariance=np.diag([0.01**2] * 2))
    one = reading("pyFAI", (100.0, 100.0), choices=(Choice("flipped", (100.02, 200.0)),))
    rows = center_rows([fit, of_file(one)], fit.estimate, METADATA)
    assert any(
        "read as “flipped” it agrees with Fit to 0.02 px" in cause
        for cause in causes_of(rows, METADATA, None)
    )


def test_every_copy_is_what_the_core_writes():
    fit = center("fit", tilt=(0.4, -0.3))
    offered = {one.title: one for one in wordings(fit, METADATA, (400, 300))}
    geometry = METADATA.geometry((100.0, 200.0), (0.4, -0.3))
    writing = Writing(geometry, (400, 300))
    texts = [one.write() for one in offered.values()]
    writers = [known.write for known in registry.FORMATS if known.write is not None]
    assert texts[1:] == [write(writing) for write in writers]
    assert "fast_slow_beam_centre=100" in texts[0]
    assert len(offered) == len(writers) + 1, "titles are unique"


def test_what_the_writer_lacks_is_said():
    for one in wordings(center(), Metadata(pixel_mm=(0.1, 0.1)), (400, 300)):
        assert one.write is None and "distance" in one.tip
    for one in wordings(of_file(reading(distance_mm=-5.0)), METADATA, (400, 300)):
        assert one.write is None and "positive" in one.tip
    known = of_file(reading(distance_mm=150.0, pixel_mm=(0.1, 0.1)))
    assert all(one.write is not None for one in wordings(known, Metadata(), (400, 300)))


def test_an_unknown_tilt_is_not_passed_over_in_silence():
    assert copied_text(center(), "PONI").endswith("as PONI; its tilt is unknown and taken as 0.")
    assert copied_text(center(tilt=(0.1, 0.2)), "PONI").endswith("as PONI.")


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.cbf.gz", b"", True),
        ("a_master.h5", b"", True),
        ("frame", b"###CBF: VERSION", True),
        ("frame.0001", b"{\nHEADER_BYTES=512;", True),
        ("indexed.expt.gz", b"{", False),
        ("XDS.INP", b"! XDS", False),
        ("a.poni", b"# Nota", False),
    ],
)
def test_images_are_told_by_name_and_first_bytes(name, head, expected):
    assert looks_like_frames(name, head) is expected
