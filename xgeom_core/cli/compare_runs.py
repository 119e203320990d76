"""The part of ``xgeom compare`` that runs other programs, and tells how they come along."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from xgeom_core.cli.common import Overrides
from xgeom_core.cli.faults import told
from xgeom_core.cli.stopping import Stopped, stoppable
from xgeom_core.cli.terminal import say, tell_json

if TYPE_CHECKING:
    from xgeom_core.estimate import Estimate
    from xgeom_core.formats.reading import Reading
    from xgeom_core.formats.source import FrameSource
    from xgeom_core.frame import Frame
    from xgeom_core.geometry import Geometry
    from xgeom_core.programs import RunResult, Watch


@dataclass(frozen=True)
class Runs:
    """What the options say about running other programs."""

    programs: tuple[str, ...]
    folder: Path | None
    calibrant: str | None
    xds_inp: Path | None
    cell: str | None
    time_limit_s: float
    as_json: bool

    def event(self, program: str, frame: int, event: str, words: str, **more: Any) -> None:
        """Tell of the run: a line of JSON for the program that started this one, else words if any."""
        if self.as_json:
            tell_json({"event": event, "program": program, "frame": frame, **more})
        elif words:
            say(words)


def check_programs(runs: Runs) -> None:
    """Raise UsageError for a program that xgeom does not know, before minutes pass."""
    if runs.programs:
        from xgeom_core.programs import find_program  # noqa: PLC0415 - numpy takes time

        for key in runs.programs:
            find_program(key)


def run_program(
    key: str,
    runs: Runs,
    source: FrameSource,
    own: Mapping[int, Sequence[Estimate]],
    overrides: Overrides,
    notes: list[str],
) -> list[list[Reading]]:
    """Run a program on the chosen frames: once, or once a frame where it sees one at a time.

    Parameters
    ----------
    own : mapping of int to sequence of Estimate
        Frame -> what the file and xgeom say of it; xgeom's answer is a start for programs that refine.
    notes : list of str
        Gets a sentence for each run that failed.
    """
    from xgeom_core.programs import Job, find_program, run  # noqa: PLC0415

    program = find_program(key)
    parent = runs.folder or Path(tempfile.mkdtemp(prefix="xgeom-"))
    together: list[Reading] = []
    for index in list(own) if program.single_frame else list(own)[:1]:
        folder = parent / (f"{key}-{index}" if program.single_frame else key)
        try:
            frame = overrides.apply(source.frame(index))
            answer = _answer(frame, own[index])
            job = Job.of_frame(
                frame, folder, calibrant=runs.calibrant, template=runs.xds_inp, answer=answer, cell=runs.cell
            )
            with stoppable():
                result = run(program, job, _watch(runs, key, index), runs.time_limit_s)
        except Stopped as stopped:
            say(f"xgeom: stopped; what {program.name} wrote is in {folder}.")
            raise typer.Exit(stopped.status) from None
        except Exception as error:
            notes.append(told(error, f"running {program.name} on frame {index} of {source.path}"))
            continue
        together += result.readings
        _tell(runs, key, index, result)
    return [together] if together else []


def _watch(runs: Runs, key: str, index: int) -> Watch:
    from xgeom_core.programs import Watch  # noqa: PLC0415

    def on_step(label: str, number: int, most: int) -> None:
        runs.event(key, index, "step", f"{label} ({number} of {most})", label=label, number=number, of=most)

    return Watch(on_step, on_line=lambda line: runs.event(key, index, "said", "", text=line))


def _tell(runs: Runs, key: str, index: int, result: RunResult) -> None:
    for answer in result.answers:
        record = answer.record()
        del record["frame"]
        center = "({:.2f}, {:.2f}) px".format(*record["center_px"])
        indexed = f"; {record['indexed']} of {record['spots']} spots indexed" if record["share"] else ""
        doubts = "".join(f"; {text}" for text in record["warnings"])
        runs.event(key, index, "answer", f"{record['source']}: {center}{indexed}{doubts}", **record)
    for note in result.notes:
        runs.event(key, index, "note", f"note: {note}", text=note)
    log = str(result.log)
    runs.event(key, index, "log", f"{key}: log in {log}", log=log, commands=list(result.commands))


def _answer(frame: Frame, estimates: Sequence[Estimate]) -> Geometry | None:
    """What xgeom itself found on the frame, with the tilt if it tells one."""
    found = [one for one in estimates if one.source in ("fit", "network") and one.status != "failed"]
    best = next((one for one in found if one.source == "fit"), found[0] if found else None)
    return None if best is None else frame.metadata.geometry(best.center_px, best.tilt_deg)
