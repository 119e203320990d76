"""What headers state, judged: placeholders are no facts, slips of units are seen, nothing is silent."""

from __future__ import annotations

import pytest

from xgeom_core.formats.header import Header
from xgeom_core.formats.judging import judged
from xgeom_core.metadata import Choice, Metadata

SIZE = (500, 400)


def _senses(found: Header) -> dict[str, str]:
    return {verdict.quantity: verdict.sense for verdict in found.metadata.verdicts}


def test_what_nothing_speaks_against_is_plausible_and_stays() -> None:
    stated = Metadata(251.0, 0.97, (0.172, 0.172), (240.5, 199.0), (1.0, -2.0), "px")
    found = judged([Header(stated)], SIZE)
    assert _senses(found) == dict.fromkeys(
        ("center", "tilt", "distance", "wavelength", "pixel size"), "plausible"
    )
    assert (found.metadata.distance_mm, found.metadata.center_px) == (251.0, (240.5, 199.0))
    assert found.notes == ()


@pytest.mark.parametrize(
    ("stated", "distance", "wavelength"),
    [
        # All three unset, as a Pilatus writes them; then two of three.
        (Metadata(1000.0, 1.54, (0.172, 0.172)), None, None),
        (Metadata(1000.0, 1.54, (0.172, 0.172), (240.0, 210.0)), None, None),
        (Metadata(None, 1.54, (0.172, 0.172)), None, None),
        # A real meter beside a real wavelength and center, and a real copper source.
        (Metadata(1000.0, 0.98, (0.172, 0.172), (240.0, 210.0)), 1000.0, 0.98),
        (Metadata(70.0, 1.54, (0.172, 0.172), (240.0, 210.0)), 70.0, 1.54),
        (Metadata(70.0, 1.5418, (0.172, 0.172)), 70.0, 1.5418),
    ],
)
def test_what_nobody_set_is_no_fact(
    stated: Metadata, distance: float | None, wavelength: float | None
) -> None:
    found = judged([Header(stated)], SIZE)
    assert found.metadata.distance_mm == distance
    assert found.metadata.wavelength_A == wavelength
    dropped = (stated.distance_mm is not None and distance is None) + (
        stated.wavelength_A is not None and wavelength is None
    )
    assert len(found.notes) == dropped
    assert list(_senses(found).values()).count("placeholder") == dropped
    as_stated = [one for one in found.metadata.choices if "as stated" in one.name]
    assert bool(as_stated) == bool(dropped)


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("distance_mm", 513800.0, 513.8),
        ("distance_mm", 0.251, 251.0),
        ("pixel_mm", (172.0, 172.0), (0.172, 0.172)),
        ("pixel_mm", (0.000172, 0.000172), (0.172, 0.172)),
        ("wavelength_A", 12398.419843, 1.0),
        ("wavelength_A", 1e-10, 1.0),
    ],
)
def test_a_slip_of_the_unit_is_seen_and_said(field: str, value: object, meant: object) -> None:
    found = judged([Header(Metadata(**{field: value}))])  # type: ignore[arg-type]
    assert getattr(found.metadata, field) == pytest.approx(meant, rel=1e-6)
    assert list(_senses(found).values()) == ["doubtful"]
    assert len(found.notes) == 1
    (as_stated,) = found.metadata.choices
    assert getattr(as_stated, field) == value


@pytest.mark.parametrize(
    ("field", "value"), [("distance_mm", 1e12), ("wavelength_A", 1e15), ("pixel_mm", (1e9, 1e9))]
)
def test_what_cannot_be_is_not_used(field: str, value: object) -> None:
    found = judged([Header(Metadata(**{field: value}))])  # type: ignore[arg-type]
    assert getattr(found.metadata, field) is None
    assert list(_senses(found).values()) == ["impossible"]
    assert "not used" in found.notes[0]


def test_the_middle_of_the_image_is_doubted() -> None:
    assert _senses(judged([Header(Metadata(center_px=(250.0, 200.0)))], SIZE))["center"] == "doubtful"
    assert _senses(judged([Header(Metadata(center_px=(250.5, 200.0)))], SIZE))["center"] == "plausible"


def test_a_center_far_outside_is_read_in_the_way_that_makes_sense() -> None:
    inside, usual = Choice("in px, not in mm", (246.0, 240.0)), (4363.0, 4472.0)
    found = judged([Header(Metadata(center_px=usual, choices=(inside,)))], SIZE)
    assert found.metadata.center_px == (246.0, 240.0)
    assert found.metadata.center_convention == "in px, not in mm"
    assert [one.center_px for one in found.metadata.choices] == [usual]
    assert "far outside" in found.notes[0]


def test_a_center_beside_the_image_stays_with_a_word() -> None:
    inside = Choice("axes swapped", (300.0, 100.0))
    found = judged([Header(Metadata(center_px=(100.0, -300.0), choices=(inside,)))], SIZE)
    assert found.metadata.center_px == (100.0, -300.0)
    assert "axes swapped" in found.notes[0]
    # A swung detector may well be missed by the beam.
    swung = judged([Header(Metadata(center_px=(100.0, -300.0), tilt_deg=(0.0, 30.0)))], SIZE)
    assert _senses(swung)["center"] == "plausible"


def test_headers_of_one_file_complete_each_other_and_differences_are_choices() -> None:
    axes = Header(Metadata(center_px=(200.0, 150.0), tilt_deg=(1.0, 2.0), distance_mm=100.0), where="axes")
    mini = Header(
        Metadata(center_px=(210.0, 150.0), distance_mm=101.0, wavelength_A=0.9, detector="X"),
        where="mini-header",
    )
    found = judged([axes, mini], SIZE)
    assert found.metadata.center_px == (200.0, 150.0)
    assert found.metadata.distance_mm == 100.0
    assert (found.metadata.wavelength_A, found.metadata.detector) == (0.9, "X")
    assert [(one.name, one.center_px) for one in found.metadata.choices] == [("mini-header", (210.0, 150.0))]
