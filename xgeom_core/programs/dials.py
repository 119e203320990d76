"""DIALS: import, find spots, search for the beam, index and refine, from the header and from xgeom's center.

Written after DIALS 3.12, run for real, and the help of 3.25: what only one of them knows is asked for
before it is used.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import hdf5plugin
import numpy as np

from xgeom_core.errors import ProgramError
from xgeom_core.formats.reading import Reading
from xgeom_core.formats.registry import read_geometry
from xgeom_core.programs import dials_files
from xgeom_core.programs.program import Answer, Found, Job, Outcome, Program, Step, Work

_METHODS = re.compile(r"(?m)^\s*method\s*=\s*(.+)$")
_ASKING_S = 120.0
_SMALL_SHARE = 0.5
# DIALS's default first; on the thin slice of reciprocal space of one frame either may succeed alone.
_INDEXING = ("fft3d", "fft1d")
_FAR_PX = 10.0  # of a search, whose lattice is not known
_PLUGINS = "HDF5_PLUGIN_PATH"

Steps = Generator[Step, Outcome, None]


def work(job: Job, found: Found) -> Work:
    """The center by every way that DIALS has; ways that fail are noted and do not end the run."""
    return (yield from _Run(job, found).all())


class _Run:
    """One run on one frame."""

    def __init__(self, job: Job, found: Found) -> None:
        self._job, self._found = job, found
        self._answers: list[Answer] = []
        self._failures: list[str] = []
        self._spots: int | None = None

    def all(self) -> Work:
        """Everything, in order."""
        start = yield from self._import()
        finding = yield self._step(
            "dials.find_spots", (start, "output.reflections=strong.refl", "nproc=1"), "strong.refl"
        )
        self._spots = dials_files.spots_found(finding.lines)
        if finding.failure:
            self._failures.append(finding.failure)
        for method in self._methods():
            yield from self._search(method, start)
        if not finding.failure:
            yield from self._index_well(start)
            if self._job.answer is not None:
                dials_files.write_start(
                    self._job.folder / start, self._job.answer, self._job.folder / "xgeom.expt"
                )
                yield from self._index("xgeom.expt", "DIALS refined from xgeom's center")
        if not self._answers:
            raise ProgramError("DIALS found no beam center: " + " ".join(self._failures))
        return self._answers

    def _step(self, tool: str, arguments: tuple[str, ...], result: str, label: str = "") -> Step:
        """A command that may fail where another succeeds."""
        # DIALS of a distribution comes without the filters that detectors compress with.
        plugins = [*filter(None, [os.environ.get(_PLUGINS)]), hdf5plugin.PLUGIN_PATH]
        environment = {_PLUGINS: os.pathsep.join(plugins)}
        command = (self._found.paths[tool], *arguments)
        return Step(label or tool, command, (result,), optional=True, environment=environment)

    # ---------------------------------------------------------------------------------------- import

    def _import(self) -> Generator[Step, Outcome, str]:
        """The list of the one frame, at the start that is wanted; its name in the folder."""
        folder = self._job.folder
        index = self._job.index
        outcome = yield self._importing(self._job.frames)
        if outcome.failure:
            if self._job.image is None or self._job.start is None:
                raise ProgramError(outcome.failure)
            dials_files.write_frame(self._job, folder / "frame.h5")
            index = 0
            outcome = yield replace(
                self._importing(folder / "frame.h5"),
                label="dials.import of the frame as NXmx written by xgeom",
            )
            if outcome.failure:
                raise ProgramError(outcome.failure)
        number = dials_files.pick_frame(folder / "imported.expt", index, folder / "frame.expt")
        name = "frame.expt"
        if number is not None:
            options = ("frame.expt", f"image_range={number},{number}", "output.experiments_filename=one.expt")
            outcome = yield self._step("dials.slice_sequence", options, "one.expt")
            if outcome.failure:
                raise ProgramError(outcome.failure)
            name = "one.expt"
        if self._job.imposed and self._job.start is not None:
            dials_files.write_start(folder / name, self._job.start, folder / "start.expt")
            name = "start.expt"
        return name

    def _importing(self, file: Path) -> Step:
        return self._step("dials.import", (str(file), "output.experiments=imported.expt"), "imported.expt")

    # ---------------------------------------------------------------------------------------- search

    def _methods(self) -> tuple[str, ...]:
        """The methods of this version's search; ("",) for one that has but the method that needs spots."""
        command = (self._found.paths["dials.search_beam_position"], "-c", "-e2")
        try:
            asked = subprocess.run(
                command,
                check=False,
                cwd=self._job.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ASKING_S,
            )
        except (OSError, subprocess.SubprocessError):
            return ("",)
        stated = _METHODS.search(asked.stdout.decode("utf-8", "replace"))
        return tuple(name.lstrip("*") for name in stated.group(1).split()) if stated else ("",)

    def _search(self, method: str, start: str) -> Steps:
        """One method; only the default needs spots."""
        by_spots = method in ("", "default")
        result = f"optimised_{method or 'default'}.expt"
        if by_spots and self._spots == 0:
            return
        outcome = yield self._step(
            "dials.search_beam_position",
            (
                start,
                *(("strong.refl",) if by_spots else ()),
                *((f"method={method}",) if method else ()),
                f"output.experiments={result}",
                f"output.log=search_{method or 'default'}.log",
            ),
            result,
            f"dials.search_beam_position{' method=' if method else ''}{method}",
        )
        if outcome.failure:
            self._failures.append(outcome.failure)
            return
        name = "DIALS search" if by_spots else f"DIALS {method}"
        answer = self._answer(result, start, name, tells_tilt=False)
        moved = _apart(answer)
        if moved is not None and moved > _FAR_PX:
            answer = _doubted(answer, f"The search moved the center by {moved:.1f} px.")
        self._answers.append(answer)

    # ----------------------------------------------------------------------------------------- index

    def _index_well(self, start: str) -> Steps:
        """From the header; where that explains few spots, from the center of the search, as is advised."""
        yield from self._index(start, "DIALS refined")
        mine = self._named("DIALS refined")
        searched = "optimised_default.expt"
        if (mine is not None and (mine.share or 0) >= _SMALL_SHARE) or not (
            self._job.folder / searched
        ).is_file():
            return
        yield from self._index(searched, "DIALS refined")
        both = [one for one in self._answers if one.reading.estimate.source == "DIALS refined"]
        best = max(both, key=lambda one: one.indexed or 0, default=None)
        self._answers = [one for one in self._answers if one not in both or one is best]

    def _named(self, name: str) -> Answer | None:
        return next((one for one in self._answers if one.reading.estimate.source == name), None)

    def _index(self, start: str, name: str) -> Steps:
        """Index by the methods that suit, until one explains enough; refine the best."""
        methods = ("real_space_grid_search",) if self._job.cell else _INDEXING
        best: tuple[int, str] | None = None
        for method in methods:
            stem = f"{method}_{start.removesuffix('.expt')}"
            outcome = yield self._indexing(method, start, stem)
            if outcome.failure:
                self._failures.append(outcome.failure)
                continue
            count = dials_files.spots_indexed(outcome.lines) or 0
            best = max(best or (count, stem), (count, stem))
            if count >= _SMALL_SHARE * (self._spots or 1):
                break
        if best is None:
            return
        count, stem = best
        indexed, refined = f"indexed_{stem}.expt", f"refined_{stem}.expt"
        outcome = yield self._step(
            "dials.refine",
            (
                indexed,
                f"indexed_{stem}.refl",
                "scan_varying=False",
                f"output.experiments={refined}",
                f"output.reflections=refined_{stem}.refl",
                f"output.log=refine_{stem}.log",
            ),
            refined,
            f"dials.refine {indexed}",
        )
        # What cannot be refined on its own was refined while it was indexed.
        answer = self._answer(indexed if outcome.failure else refined, start, name)
        answer = replace(answer, spots=self._spots, indexed=count)
        for doubt in self._doubts(answer, indexed):
            answer = _doubted(answer, doubt)
        self._answers.append(answer)

    def _indexing(self, method: str, start: str, stem: str) -> Step:
        indexed = f"indexed_{stem}.expt"
        options = (
            f"indexing.method={method}",
            *((f"unit_cell={self._job.cell}",) if self._job.cell else ()),
            f"output.experiments={indexed}",
            f"output.reflections=indexed_{stem}.refl",
            f"output.log=index_{stem}.log",
        )
        return self._step(
            "dials.index", (start, "strong.refl", *options), indexed, f"dials.index {method} {start}"
        )

    def _doubts(self, answer: Answer, indexed: str) -> list[str]:
        """What DIALS does not say of an answer that it calls indexed."""
        doubts = []
        if answer.share is not None and answer.share < _SMALL_SHARE:
            doubts.append(f"It explains only {answer.indexed} of {answer.spots} spots ({answer.share:.0%}).")
        moved = _apart(answer)
        geometry = answer.reading.geometry
        spacing = None
        if geometry is not None:
            spacing = dials_files.row_spacing_px(self._job.folder / indexed, geometry)
        if moved is not None and spacing is not None and moved > spacing / 2:
            doubts.append(
                f"It lies {moved:.1f} px from its start, more than half of the {spacing:.1f} px between rows "
                "of spots: the indices may be shifted by one."
            )
        return doubts

    # --------------------------------------------------------------------------------------- answers

    def _answer(self, result: str, start: str, name: str, tells_tilt: bool = True) -> Answer:
        reading = self._read(result)
        estimate = replace(reading.estimate, source=name)
        if not tells_tilt:
            # What stands in the file is the start's: the search moves the detector in its plane.
            estimate = replace(estimate, tilt_deg=None)
        reading = replace(reading, estimate=estimate)
        return Answer(reading, self._read(start).estimate.center_px, spots=self._spots)

    def _read(self, name: str) -> Reading:
        return read_geometry(self._job.folder / name)[0]


def _apart(answer: Answer) -> float | None:
    if answer.start_px is None:
        return None
    return float(np.hypot(*np.subtract(answer.reading.estimate.center_px, answer.start_px)))


def _doubted(answer: Answer, words: str) -> Answer:
    estimate = answer.reading.estimate
    estimate = replace(estimate, warnings=(*estimate.warnings, words))
    return replace(answer, reading=replace(answer.reading, estimate=estimate))


PROGRAM = Program(
    key="dials",
    name="DIALS",
    executables=(
        "dials.import",
        "dials.find_spots",
        "dials.search_beam_position",
        "dials.index",
        "dials.refine",
        "dials.slice_sequence",
    ),
    needs="a frame with spots; files that dials.import does not read are handed over as NXmx",
    tried="run for real with DIALS 3.12.1; options of 3.25 after its help",
    work=work,
    single_frame=True,
    most_steps=8,
    cause=dials_files.cause,
)
