"""What the card says and offers, from predictions made by hand. No window."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.metadata import Choice, Metadata
from xgeom_core.predict.candidate import Candidate
from xgeom_core.predict.prediction import LatticeSummary, Prediction, missing_notes
from xgeom_gui.centers.card_wording import candidate_words, headline, in_px, tilt_words
from xgeom_gui.centers.next_step import cures, next_step
from xgeom_gui.centers.ring_tool import circle_center
from xgeom_gui.look.marker_styles import style_of
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.centers import Center
from xgeom_gui.state.geometry_tracks import Compared

FULL = Metadata(distance_mm=40.0, pixel_mm=(0.1, 0.1), wavelength_A=1.0)
HEADER = Estimate("header", (1261.61, 1306.96))


def made(sigma=0.03, status="ok", reason="", **more) -> Prediction:
    tilt, covariance = (0.18, 0.24), np.diag([sigma**2, sigma**2, 0.01**2, 0.01**2])
    best = Estimate("fit", (1261.5, 1307.28), tilt, covariance, status, reason)
    fields = {"evidence": "background+lattice", "crystal": LatticeSummary(1600, indexed=1269, tried=1500)}
    return Prediction("a", "", 0, status, reason, best, None, best, HEADER, (), 1.0, **(fields | more))


def current(source="fit", name="Fit", is_answer=True):
    return SimpleNamespace(source=source, name=name, is_answer=is_answer)


def test_a_trusted_answer_in_five_seconds():
    said = headline(made(), tilt_known=True)
    assert (said.center, said.spread) == ("1261.50, 1307.28", "± 0.03 px")
    assert (said.tilt, said.verdict, said.tone) == ("tilt 0.30° ± 0.01°", "Trusted: known to 0.03 px", "ok")
    assert (said.basis, said.header) == (
        "lattice: 1269 of 1500 spots and background",
        "header is 0.34 px off",
    )
    assert len(said.basis.split()) <= 10


@pytest.mark.parametrize(
    ("sigma", "tone", "verdict"),
    [
        (0.03, "ok", "Trusted: known to 0.03 px"),
        (1.0, "ok", "Trusted: known to 1.0 px"),
        (2.2, "stated", "Known only to 2.2 px"),
        (4.08, "uncertain", "Known only to 4.1 px"),
    ],
)
def test_word_and_color_depend_on_the_size_of_the_bar(sigma, tone, verdict):
    said = headline(made(sigma), tilt_known=True)
    assert (said.tone, said.verdict) == (tone, verdict)


def test_a_tilt_that_is_not_known_is_not_told():
    assert headline(made(), tilt_known=False).tilt == ""
    flat = made()
    flat = replace(flat, best=replace(flat.best, tilt_deg=None, covariance=flat.best.covariance[:2, :2]))
    assert headline(flat, tilt_known=True).tilt == ""


def test_a_tilt_below_its_own_bar_is_no_tilt():
    best = Estimate("fit", (1.0, 2.0), (0.04, 0.04), np.diag([0.01, 0.01, 0.02, 0.03]))
    assert tilt_words(best) == "no tilt (± 0.17°)"


def test_doubt_is_told_with_its_chance_and_reason():
    said = headline(made(0.4, "uncertain", "Another origin.", probability=0.61), tilt_known=True)
    assert said.verdict == "Uncertain: 61% likely, ± 0.40 px at best"
    assert (said.tone, said.doubt) == ("uncertain", "Another origin.")


def test_a_header_that_stands_says_how_far_it_could_be_off():
    stated = replace(
        made(status="stated", reason="Nothing contradicts it."),
        best=Estimate("header", (1.0, 2.0), None, np.diag([9.0, 9.0]), "stated", "Nothing contradicts it."),
    )
    said = headline(stated, tilt_known=True)
    assert said.verdict == "The header stands: it could be off by 6.0 px" and said.tone == "stated"
    assert said.header == "" and said.basis == ""


def test_no_center_gives_its_reason():
    said = headline(Prediction.failed(("a", "", 0), "All masked."), tilt_known=True)
    assert (said.verdict, said.doubt, said.tone) == ("No center found", "All masked.", "failed")


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "0.004 px"), (0.03, "0.03 px"), (4.08, "4.1 px"), (64.7, "65 px")]
)
def test_lengths(value, text):
    assert in_px(value) == text


def candidate(*sources, weight=0.5, center=(10.0, 20.0), label=""):
    return Candidate(center, (0.4, 0.3), None, None, weight, sources, label)


def test_a_candidate_says_how_likely_it_is_and_what_speaks_for_it():
    text = candidate_words(candidate("network", "lattice", weight=0.61, label="hkl offset 1 0 0"))
    assert text == "61%   10.0, 20.0 ± 0.40 px\nlattice, network (hkl offset 1 0 0)"


def kind_of(prediction, now=None, metadata=FULL, cured=(), accepted=False):
    step = next_step(prediction, cured, now or current(), metadata, accepted)
    return (step.kind, step.argument, step.text) if step else None


def doubtful(*candidates, **more):
    return made(5.0, "uncertain", "Doubt.", candidates=candidates, **more)


def test_the_next_step():
    assert kind_of(None) == ("predict", None, "Find the center")
    assert kind_of(made()) == ("copy_dials", None, "Copy for DIALS")
    assert kind_of(made(), metadata=Metadata()) == ("accept", None, "Accept Fit")
    assert kind_of(made(), metadata=Metadata(), accepted=True) is None
    stated = made(status="stated", reason="No.")
    assert kind_of(stated, current("header", "Header")) == ("accept", None, "Accept Header")
    assert kind_of(stated, accepted=True)[0] == "copy_dials"


def test_the_next_step_in_doubt():
    origins = doubtful(candidate("lattice"), candidate("header"), candidate("lattice", "network"))
    assert kind_of(origins) == ("choose", "Candidate 3", "Look at the other origin")
    header = doubtful(candidate("network"), candidate("header"))
    assert kind_of(header) == ("choose", "header", "Look at the header's center")
    refuted = doubtful(candidate("background"), candidate("network"))
    assert kind_of(refuted) == ("choose", "Candidate 1", "Look at its rings")
    looked_at = current("Candidate 1", "Candidate 1", is_answer=False)
    assert kind_of(refuted, looked_at) == ("accept", None, "Accept Candidate 1")
    assert kind_of(doubtful())[0] == "why"


WARNING = "The spots agree best with a distance of 40.49 mm; 40.00 mm was stated."


def cured(prediction, metadata=FULL, centers=(), experiment=None):
    best = prediction.best if prediction else None
    return cures(prediction, metadata, experiment or Experiment(), centers, best)


def test_another_distance_is_offered_and_first_only_where_nothing_is_trusted():
    typed = Experiment(wavelength_A=1.1)
    doubt = replace(doubtful(), warnings=(WARNING,))
    (step,) = cured(doubt, experiment=typed)
    assert (step.text, step.note) == ("Use 40.49 mm", WARNING)
    assert step.argument == Experiment(40.49, None, 1.1), "what was typed stays"
    assert kind_of(doubt, cured=[step])[2] == "Use 40.49 mm"
    trusted = replace(made(), warnings=(WARNING,))
    assert kind_of(trusted, cured=cured(trusted))[2] == "Copy for DIALS"


def compared(**more):
    reading = Reading(Estimate("pyFAI", (1000.0, 900.0)), "a.poni", **more)
    one = Compared("pyFAI", style_of("pyFAI"), reading)
    return Center(one.estimate, one.style, False, one)


def test_a_poni_that_knows_the_wavelength_fills_it_in():
    silent = replace(FULL, wavelength_A=None)
    lacking = replace(made(), warnings=missing_notes(silent))
    (step,) = cured(lacking, silent, (compared(wavelength_A=0.4066, distance_mm=70.0),))
    assert step.note == lacking.warnings[0], "the warning that is there carries the cure"
    assert step.text == "Take the wavelength from pyFAI (0.4066 Å)"
    assert step.argument == Experiment(None, None, 0.4066), "the distance that is stated stays"
    assert kind_of(made(), metadata=silent, cured=[step])[0] == "experiment"


def test_a_reading_that_agrees_is_offered():
    prediction = made()
    fit = Center(prediction.best, style_of("fit"))
    flipped = compared(choices=(Choice("flipped", (1261.5, 1307.3)),))
    (step,) = cured(prediction, centers=(fit, flipped))
    assert (step.kind, step.argument) == ("read_as", ("pyFAI", "flipped"))
    assert step.text == "Read pyFAI as flipped"


@pytest.mark.parametrize("angles", [(0, 90, 200), (5, 20, 40)])
def test_three_points_of_a_circle_tell_its_middle(angles):
    turns = np.radians(angles)
    points = [(12.5 + 300 * np.cos(turn), -40.25 + 300 * np.sin(turn)) for turn in turns]
    assert circle_center(*points) == pytest.approx((12.5, -40.25))


def test_three_points_of_a_line_tell_none():
    assert circle_center((0.0, 0.0), (10.0, 10.0), (500.0, 500.0)) is None
    assert circle_center((1.0, 1.0), (1.0, 1.0), (1.0, 1.0)) is None
