"""DIALS itself, where it is installed: it runs, reads what xgeom writes, and indexes after a rescue."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import hdf5plugin
import numpy as np
import pytest

from xgeom_core.compare.rescue import rescue
from xgeom_core.estimate import Estimate
from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import read_geometry, write_geometry
from xgeom_core.frames import open_frames, write_nxmx
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.programs import Job, find_program, locate, run
from xgeom_core.programs.dials_files import spots_found, spots_indexed
from xgeom_core.resources import resource
from xgeom_core.simulate import draw_experiment, expose, load_recipe

DIALS = locate(find_program("dials"))
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        DIALS is None, reason="DIALS is not installed (Debian: apt-get install dials; else XGEOM_DIALS)"
    ),
]
EXAMPLE = resource("example/frame.h5")
EXAMPLE_SHAPE = (1679, 1475)
HOME = "home_pilatus300k/in16c_010001.cbf"


def dials(folder: Path, tool: str, *arguments: object) -> list[str]:
    """Run a command of DIALS in a folder; what it wrote."""
    environment = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
    command = [DIALS.paths[f"dials.{tool}"], *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300)
    return done.stdout.decode("utf-8", "replace").splitlines()


def indexed(folder: Path, experiments: str) -> float:
    """Share of the spots that DIALS indexes from an experiment list; 0 where it finds no lattice."""
    best = 0
    # Its default, and what may succeed where that fails.
    for method in ("fft3d", "fft1d"):
        options = (f"indexing.method={method}", "output.experiments=i.expt")
        best = max(best, spots_indexed(dials(folder, "index", experiments, "strong.refl", *options)) or 0)
    return best / json.loads((folder / "spots").read_text())


def imported(folder: Path, image: Path) -> Path:
    """Import and find spots."""
    folder.mkdir()
    dials(folder, "import", image)
    spots = spots_found(dials(folder, "find_spots", "imported.expt", "nproc=1"))
    (folder / "spots").write_text(str(spots))
    return folder / "imported.expt"


def moved(template: Path, name: str, **changes: object) -> str:
    """A copy with another geometry beside it; its name."""
    (stated,) = read_geometry(template)
    target = template.with_name(name)
    write_geometry("dials", Writing(replace(stated.geometry, **changes), stated.image_size, template), target)
    return name


@pytest.mark.parametrize("index", [0, 1])
def test_it_runs_on_the_bundled_example_and_indexes_from_xgeoms_center(tmp_path, index: int) -> None:
    with open_frames(EXAMPLE) as source:
        frame, truth = source.frame(index), source.truth(index)
    known = frame.metadata.geometry(truth.center_px, truth.tilt_deg)
    result = run(find_program("dials"), Job.of_frame(frame, tmp_path / "run", answer=known), time_limit_s=300)
    found = {answer.reading.estimate.source: answer for answer in result.answers}
    assert found["DIALS search"].reading.estimate.tilt_deg is None
    best = found["DIALS refined from xgeom's center"]
    assert best.share > 0.95
    assert best.reading.estimate.center_px == pytest.approx(truth.center_px, abs=0.3)
    assert best.reading.estimate.tilt_deg == pytest.approx(truth.tilt_deg, abs=0.1)
    assert best.reading.frame == index
    assert all(Path(command.split()[0]).name.startswith("dials.") for command in result.commands)


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (2.5, -21.0)])
def test_it_reads_the_files_that_xgeom_writes(tmp_path, tilt) -> None:
    geometry = Geometry((205.25, 148.5), 120.0, (0.172, 0.172), 0.9795, *tilt)
    write_geometry("nxmx", Writing(geometry, (420, 480)), tmp_path / "geometry.h5")
    meta = Metadata(120.0, 0.9795, (0.172, 0.172), geometry.center_px, tilt)
    write_nxmx(tmp_path / "frames.h5", np.ones((2, 480, 420), np.int32), meta)
    for name in ("geometry.h5", "frames.h5"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        dials(folder, "import", tmp_path / name)
        (reading,) = read_geometry(folder / "imported.expt")
        assert reading.estimate.center_px == pytest.approx(geometry.center_px, abs=1e-6)
        assert reading.estimate.tilt_deg == pytest.approx(tilt, abs=1e-6)
        assert reading.distance_mm == pytest.approx(120.0, abs=1e-6)


def test_a_template_keeps_what_it_needs_and_options_state_the_center(tmp_path, frames_dir) -> None:
    for number, image in enumerate((EXAMPLE, frames_dir / HOME)):
        template = imported(tmp_path / str(number), Path(image))
        (stated,) = read_geometry(template)
        x, y = stated.estimate.center_px
        wanted = replace(stated.geometry, center_px=(x + 3.0, y - 4.0), pitch_deg=0.4, yaw_deg=-0.3)
        new = template.with_name("moved.expt")
        write_geometry("dials", Writing(wanted, stated.image_size, template), new)
        dials(new.parent, "search_beam_position", "moved.expt", "strong.refl", "output.experiments=s.expt")
        old, data = (json.loads(path.read_text()) for path in (template, new))
        assert data["goniometer"] == old["goniometer"] and data["scan"] == old["scan"]
        for name in ("mask", "thickness", "material", "px_mm_strategy", "trusted_range"):
            assert data["detector"][0]["panels"][0][name] == old["detector"][0]["panels"][0][name]
        shown = "\n".join(
            dials(
                new.parent,
                "import",
                image,
                "input.reference_geometry=moved.expt",
                "output.experiments=referred.expt",
            )
        )
        assert "Writing experiments to referred.expt" in shown
        (referred,) = read_geometry(new.with_name("referred.expt"))
        assert referred.estimate.center_px == pytest.approx((x + 3.0, y - 4.0), abs=1e-6)
        assert referred.estimate.tilt_deg == pytest.approx((0.4, -0.3), abs=1e-6)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("default")


@pytest.mark.parametrize("spoiled", ["10 px off", "x and y swapped"])
def test_a_real_frame_indexes_after_a_rescue_and_not_before(tmp_path, frames_dir, predictor, spoiled) -> None:
    image = frames_dir / HOME
    template = imported(tmp_path / "run", image)
    x, y = read_geometry(template)[0].estimate.center_px
    center = (x + 7.1, y - 7.1) if spoiled == "10 px off" else (y, x)
    name = moved(template, "spoiled.expt", center_px=center)
    before = indexed(template.parent, name)
    with open_frames(image) as source:
        found = rescue([source.frame(0)], read_geometry(template.with_name(name))[0], predictor)
    assert found.shared.status == "ok"
    assert found.geometry.center_px == pytest.approx((244.95, 306.82), abs=0.4)
    causes = " ".join(finding.sentence for finding in found.findings)
    assert ("swapped" in causes) is (spoiled == "x and y swapped")
    after = indexed(
        template.parent,
        moved(
            template.with_name(name),
            "right.expt",
            center_px=found.geometry.center_px,
            pitch_deg=found.geometry.pitch_deg,
            yaw_deg=found.geometry.yaw_deg,
        ),
    )
    assert before < 0.45, f"{before:.0%} indexed before"
    assert after > 0.95, f"{before:.0%} indexed before, {after:.0%} after"


@pytest.mark.parametrize("yaw_deg", [20.0, -15.0])
def test_a_swing_of_the_wrong_sign_is_rescued(tmp_path, predictor, yaw_deg: float) -> None:
    recipe = load_recipe(str(resource("example/recipe.toml")))
    drawn = draw_experiment(recipe, EXAMPLE_SHAPE, np.random.default_rng(20))
    geometry = replace(drawn.geometry, yaw_deg=yaw_deg)
    made = expose(drawn.at(geometry), EXAMPLE_SHAPE, np.random.default_rng(0))
    lengths = (geometry.distance_mm, geometry.wavelength_A, geometry.pixel_mm)
    meta = Metadata(*lengths, geometry.center_px, (-geometry.pitch_deg, -yaw_deg))
    truth = Estimate("truth", geometry.center_px, (geometry.pitch_deg, yaw_deg))
    image = tmp_path / "frame.h5"
    write_nxmx(image, made.counts[None], meta, made.known, truth=[truth])
    template = imported(tmp_path / "run", image)
    before = indexed(template.parent, "imported.expt")
    with open_frames(image) as source:
        found = rescue([source.frame(0)], read_geometry(template)[0], predictor)
    assert (found.geometry.pitch_deg, found.geometry.yaw_deg) == pytest.approx(
        (geometry.pitch_deg, yaw_deg), abs=0.1
    )
    after = indexed(
        template.parent,
        moved(
            template,
            "right.expt",
            center_px=found.geometry.center_px,
            pitch_deg=found.geometry.pitch_deg,
            yaw_deg=found.geometry.yaw_deg,
        ),
    )
    assert before < 0.2, f"{before:.0%} indexed before"
    assert after > 0.95, f"{before:.0%} indexed before, {after:.0%} after"
