"""``xgeom compare``: one file of frames, many sources, and why they differ."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.common import (
    DistanceOption,
    FramesOption,
    Overrides,
    PixelOption,
    WavelengthOption,
    frame_range,
    progress,
)
from xgeom_core.cli.compare_runs import Runs, check_programs, run_program
from xgeom_core.cli.faults import told
from xgeom_core.cli.terminal import say, tell, tell_json
from xgeom_core.errors import UsageError
from xgeom_core.process.reading import start_reading
from xgeom_core.system.safe_files import write_text

if TYPE_CHECKING:
    from xgeom_core.compare.comparison import Comparison
    from xgeom_core.compare.sources import FrameEntry, Readings
    from xgeom_core.estimate import Estimate
    from xgeom_core.formats.reading import Reading
    from xgeom_core.formats.source import FrameSource
    from xgeom_core.metadata import Metadata
    from xgeom_core.predict.predictor import Predictor

    _Own = dict[int, tuple[Metadata, list[Estimate]]]


def compare(
    path: Annotated[str, typer.Argument(help="File of frames, or FILE.h5::/dataset.", metavar="PATH")],
    files: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A file of another program, or a table of centers; may be repeated."),
    ] = None,
    frames: FramesOption = None,
    model: Annotated[str, typer.Option("--model", help="Bundled model or model file.")] = "default",
    no_predict: Annotated[bool, typer.Option("--no-predict", help="Neither network nor fit.")] = False,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Source to compare with (default: chosen).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON on stdout; with --run progress lines first.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a report with plots.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table as FILE.csv.")] = None,
    programs: Annotated[
        list[str] | None, typer.Option("--run", help="Run dials, pyfai, xds or bblib; may be repeated.")
    ] = None,
    run_folder: Annotated[
        Path | None, typer.Option("--run-folder", help="Where programs work; kept (default: a new one).")
    ] = None,
    calibrant: Annotated[str | None, typer.Option("--calibrant", help="Powder for pyFAI: CeO2.")] = None,
    xds_inp: Annotated[Path | None, typer.Option("--xds-inp", help="XDS.INP to start XDS from.")] = None,
    cell: Annotated[
        str | None, typer.Option("--cell", help="Known cell a,b,c,alpha,beta,gamma for programs that index.")
    ] = None,
    time_limit_s: Annotated[float, typer.Option("--time-limit-s", help="For each program.")] = 3600.0,
    distance_mm: DistanceOption = None,
    pixel_um: PixelOption = None,
    wavelength_A: WavelengthOption = None,
) -> None:
    """Compare the beam centers that the header, xgeom and other programs state, frame by frame.

    With --run and --json, standard output has one object a line while programs run ("event": "step", "said",
    "answer", "note", "log"), and the comparison as the last line. SIGTERM or Ctrl+C ends the programs too.

    Exit status 0 with a comparison, 1 if a frame, program or file failed, 2 for unusable arguments.
    """
    if out is not None and out.suffix.lower() != ".csv":
        raise UsageError(f"--out writes .csv, not {out.name!r}.")
    if html is not None and html.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"--html writes .html, not {html.name!r}.")
    overrides = Overrides(distance_mm, pixel_um, wavelength_A)
    runs = Runs(tuple(programs or ()), run_folder, calibrant, xds_inp, cell, time_limit_s, as_json)
    check_programs(runs)
    start_reading()
    from xgeom_core.compare.comparison import compare as compare_frames  # noqa: PLC0415
    from xgeom_core.frames import open_frames  # noqa: PLC0415 - numpy takes time

    predictor = None if no_predict else _predictor(model)
    with closing(open_frames(path)) as source:
        chosen = frame_range(frames, len(source))
        notes: list[str] = []
        own = _own_all(source, chosen, overrides, predictor, notes)
        readings = _gather(source, files or [], runs, own, overrides, notes)
        entries, conventions = _entries(source, own, readings)
    for note in notes:
        say(f"note: {note}")
    comparison = compare_frames(entries, reference)
    _show(comparison, as_json)
    if html is not None:
        from xgeom_core.compare.report import html_report  # noqa: PLC0415

        _write(html, html_report(comparison, Path(path).name, conventions, notes))
    if out is not None:
        from xgeom_core.compare.tables import to_csv  # noqa: PLC0415

        _write(out, to_csv(comparison))
    if notes:
        raise typer.Exit(1)


def _predictor(model: str) -> Predictor:
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415 - torch takes seconds

    return Predictor.load(model)


def _gather(
    source: FrameSource, files: list[Path], runs: Runs, own: _Own, overrides: Overrides, notes: list[str]
) -> Readings:
    """What files and programs say; a bad one is noted and must not lose the others."""
    from xgeom_core.compare.sources import Readings  # noqa: PLC0415
    from xgeom_core.formats.reading import Hints  # noqa: PLC0415
    from xgeom_core.frames.guarded import read_geometry  # noqa: PLC0415

    meta = _overridden(source.metadata, overrides)
    hints = Hints(meta.pixel_mm, (source.shape[1], source.shape[0]), meta.distance_mm, meta.wavelength_A)
    found: list[list[Reading]] = []
    for file in files:
        try:
            found.append(read_geometry(file, hints))
        except Exception as error:
            notes.append(told(error, f"reading {file}"))
    for key in runs.programs:
        answers = {index: estimates for index, (_, estimates) in own.items()}
        found += run_program(key, runs, source, answers, overrides, notes)
    readings = Readings(found, source.path)
    notes += readings.notes
    return readings


def _overridden(meta: Metadata, overrides: Overrides) -> Metadata:
    pixel = None if overrides.pixel_um is None else (overrides.pixel_um / 1000, overrides.pixel_um / 1000)
    return meta.overridden(overrides.distance_mm, pixel, overrides.wavelength_A)


def _own_all(
    source: FrameSource,
    chosen: range,
    overrides: Overrides,
    predictor: Predictor | None,
    notes: list[str],
) -> _Own:
    """What file and xgeom say of every chosen frame."""
    with progress("frames", len(chosen)) as done:
        own = {}
        for number, index in enumerate(chosen, 1):
            own[index] = _own(source, index, overrides, predictor, notes)
            done(number)
    return own


def _entries(source: FrameSource, own: _Own, readings: Readings) -> tuple[list[FrameEntry], dict[str, str]]:
    """Everything said of the chosen frames, and each source's convention in words."""
    from xgeom_core.compare.confusions import Claim  # noqa: PLC0415
    from xgeom_core.compare.sources import frame_entry  # noqa: PLC0415

    size = (source.shape[1], source.shape[0])
    entries: list[FrameEntry] = []
    conventions: dict[str, str] = {}
    for index, (meta, estimates) in own.items():
        spoken = readings.of_frame(index)
        claims = [Claim.of(estimate, meta.distance_mm, meta.pixel_mm) for estimate in estimates]
        entries.append(frame_entry(index, source.path, claims, spoken, size, meta.pixel_mm))
        conventions |= {estimate.source: estimate.convention for estimate in estimates}
        conventions |= {named.name: named.reading.estimate.convention for named in spoken}
    return entries, conventions


def _own(
    source: FrameSource, index: int, overrides: Overrides, predictor: Predictor | None, notes: list[str]
) -> tuple[Metadata, list[Estimate]]:
    """What the file itself and xgeom say of one frame; of a damaged one, what the others' header says."""
    estimates: list[Estimate] = []
    try:
        truth = source.truth(index)
        estimates += [replace(truth, source="truth")] if truth is not None else []
        if predictor is not None:
            frame = overrides.apply(source.frame(index))
            return frame.metadata, [*estimates, *predictor.predict(frame).estimates]
    # One frame's fault must not lose the comparison of the others.
    except Exception as error:
        notes.append(told(error, f"predicting frame {index} of {source.path}"))
    meta = _overridden(source.metadata, overrides)
    header = meta.estimate()
    return meta, [*estimates, *([header] if header is not None else [])]


def _show(comparison: Comparison, as_json: bool) -> None:
    from xgeom_core.compare.tables import row_line, summary_lines, to_records  # noqa: PLC0415

    if as_json:
        tell_json(to_records(comparison))
        return
    tell(*map(row_line, comparison.rows), *summary_lines(comparison))


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        write_text(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
