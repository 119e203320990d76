"""``xgeom predict``: beam center and tilt of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.answer_file import AnswerFile
from xgeom_core.cli.common import (
    DistanceOption,
    FramesOption,
    GeometryOption,
    Overrides,
    PixelOption,
    WavelengthOption,
    assembled,
)
from xgeom_core.cli.faults import told
from xgeom_core.cli.predict_output import footnotes, lines
from xgeom_core.cli.predict_run import FAILED, PredictRun, one_by_one
from xgeom_core.cli.stopping import Stopped, Stops, stoppable
from xgeom_core.cli.terminal import say, tell, tell_json
from xgeom_core.errors import UsageError
from xgeom_core.process.reading import start_reading

if TYPE_CHECKING:
    from xgeom_core.predict.prediction import Prediction
    from xgeom_core.predict.service.pool import Given


_Cell = tuple[float, float, float, float, float, float]
# A rough center, and a tilt to go with it.
_Start = tuple[tuple[float, float], tuple[float, float] | None]
# Model, method, rough start, cell, whether to explain, and how many processes.
_Asked = tuple[str, str, _Start | None, _Cell | None, bool, int]


def _list_methods(wanted: bool) -> None:
    if wanted:
        from xgeom_core.predict.methods import listing  # noqa: PLC0415 - scipy takes time

        for name, when in listing():
            tell(f"{name:16s} {when}")
        raise typer.Exit


def predict(
    paths: Annotated[list[str], typer.Argument(help="Files, or FILE.h5::/dataset.", metavar="PATH...")],
    frames: FramesOption = None,
    model: Annotated[str, typer.Option("--model", help="Bundled model or model file.")] = "default",
    method: Annotated[
        str, typer.Option("--method", help="auto, or one of --list-methods.", metavar="NAME")
    ] = "auto",
    list_methods: Annotated[
        bool,
        typer.Option(
            "--list-methods",
            help="List the methods and when each works.",
            callback=_list_methods,
            is_eager=True,
        ),
    ] = False,
    no_fit: Annotated[bool, typer.Option("--no-fit", help="The same as --method network.")] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            help="Rough center in native px, and tilt in degrees, in place of the network's.",
            metavar="X,Y[,PITCH,YAW]",
        ),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option("--cell", help="Cell of the crystal, if known (Å, degrees).", metavar="A,B,C,AL,BE,GA"),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, help="Processes that answer frames at the same time."),
    ] = 1,
    shared: Annotated[
        bool,
        typer.Option("--shared-geometry", help="Combine all frames into one geometry; report their drift."),
    ] = False,
    explain: Annotated[
        Path | None,
        typer.Option("--explain", help="Picture of what the answer rests on.", metavar="FILE.png"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a frame on stdout.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the answers to FILE.csv or FILE.json.")
    ] = None,
    distance_mm: DistanceOption = None,
    pixel_um: PixelOption = None,
    wavelength_A: WavelengthOption = None,
    geometry: GeometryOption = None,
) -> None:
    """Predict beam center and detector tilt.

    A frame or file that cannot be used costs a sentence, and the others go on. With --out, the answers
    are kept whatever ends the command: Ctrl+C, a signal, a full disk.

    Exit status 0 if every frame has an answer; 1 if some frame has none or some file could not be used; 2
    for unusable arguments, or if there was no frame to try in any file; 130 after Ctrl+C, 143 after SIGTERM.
    """
    del list_methods  # answered by its callback
    if explain is not None and explain.suffix.lower() != ".png":
        raise UsageError(f"--explain writes .png, not {explain.name!r}.")
    asked = (model, "network" if no_fit else method, _start(start), _cell(cell), explain is not None, jobs)
    start_reading()
    paths = [assembled(path, geometry) for path in paths]
    run = PredictRun(paths, frames, Overrides(distance_mm, pixel_um, wavelength_A))
    status = _work(run, asked, out, explain, as_json, shared)
    if shared and run.found:
        _share(run, as_json)
    if not as_json:
        footnotes(run.warnings)
    raise typer.Exit(status or run.status)


def _work(
    run: PredictRun, asked: _Asked, out: Path | None, explain: Path | None, as_json: bool, shared: bool
) -> int:
    """Answer every frame; exit status of what ended that early, 0 if nothing did."""
    try:
        with stoppable() as stops, _table(out, stops) as table:
            run.answer = _answerer(*asked)
            for prediction in run.predictions():
                _show(run, prediction, stops, table, explain, as_json, shared)
    except Stopped as stopped:
        say(f"xgeom: stopped {run.so_far(out)}.")
        return stopped.status
    except BrokenPipeError:
        # Whoever reads the answers has had enough of them.
        if out is not None:
            say(f"xgeom: ended {run.so_far(out)}.")
        raise
    except Exception as error:
        if not run.done:
            raise
        say(f"xgeom: {told(error, 'handing on an answer')}")
        say(f"xgeom: ended {run.so_far(out)}.")
        return FAILED
    return 0


@contextmanager
def _table(out: Path | None, stops: Stops) -> Iterator[AnswerFile | None]:
    """The file of answers, if one is wanted; it comes to its place undisturbed by further signals."""
    if out is None:
        yield None
        return
    with AnswerFile(out) as table:
        try:
            yield table
        finally:
            stops.hold()


def _show(
    run: PredictRun,
    prediction: Prediction,
    stops: Stops,
    table: AnswerFile | None,
    explain: Path | None,
    as_json: bool,
    shared: bool,
) -> None:
    """Hand on one answer, without being stopped between the places that it goes to."""
    stops.hold()
    record = prediction.record()
    if table is not None:
        table.add(record)
    run.count(prediction, shared)
    if as_json:
        tell_json(record)
    else:
        tell(*lines(record))
    if explain is not None:
        _explain(prediction, explain, run)
    stops.release()


def _answerer(
    model: str,
    method: str,
    start: _Start | None,
    cell: _Cell | None,
    explain: bool,
    jobs: int,
) -> Callable[[Iterable[Given]], Iterator[Prediction]]:
    """What turns frames into predictions."""
    from xgeom_core.predict.methods import OWN, check_method, classical  # noqa: PLC0415 - scipy takes time

    check_method(method)
    if method not in OWN:
        if explain:
            raise UsageError(f"--explain shows what network and fits rest on; --method {method} is neither.")
        if jobs > 1:
            raise UsageError(f"--jobs goes with the methods {', '.join(OWN)}, not with {method}.")
        center = None if start is None else start[0]
        return one_by_one(lambda frame: classical(frame, method, center))
    use = OWN[method]
    options: dict[str, Any] = {
        "fit": use is not None,
        "start_px": None if start is None else start[0],
        "start_tilt_deg": None if start is None else start[1],
        "cell": cell,
        "explain": explain,
        "use": use or (),
    }
    if jobs > 1:
        from xgeom_core.predict.service.pool import predict_in_parallel  # noqa: PLC0415 - numpy takes time

        return lambda frames: (said for _, said in predict_in_parallel(frames, jobs, model, **options))
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415 - scipy takes time

    predictor = Predictor.load(model)
    return one_by_one(lambda frame: predictor.predict(frame, **options))


def _start(text: str | None) -> _Start | None:
    if text is None:
        return None
    meant = "a center such as 1261.5,1307, or center and tilt such as -15,327,0,20"
    numbers = _numbers("--start", text, meant, 2, 4)
    tilt = (numbers[2], numbers[3]) if len(numbers) == 4 else None
    if tilt is not None and max(map(abs, tilt)) >= 90:
        raise UsageError(f"--start takes a tilt within 90 degrees, not {text!r}.")
    return (numbers[0], numbers[1]), tilt


def _cell(text: str | None) -> _Cell | None:
    if text is None:
        return None
    numbers = _numbers("--cell", text, "six numbers such as 78.9,78.9,38.1,90,90,90 (Å, degrees)", 6)
    a, b, c, alpha, beta, gamma = numbers
    if min(a, b, c) <= 0 or not all(0 < angle < 180 for angle in (alpha, beta, gamma)):
        raise UsageError(f"--cell takes edges above 0 Å and angles between 0 and 180 degrees, not {text!r}.")
    return a, b, c, alpha, beta, gamma


def _numbers(option: str, text: str, meant: str, *counts: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(abs(number) < float("inf") for number in numbers):
        raise UsageError(f"{option} takes {meant}, not {text!r}.")
    return numbers


def _explain(prediction: Prediction, path: Path, run: PredictRun) -> None:
    """One picture a frame; those after the first are numbered."""
    from xgeom_core.predict.report.explain import explain_figure  # noqa: PLC0415 - matplotlib takes time

    number = run.done - 1
    name = path if number == 0 else path.with_name(f"{path.stem}_{number}{path.suffix}")
    frame = f"{prediction.frame_path} [{prediction.index}]"
    if prediction.explanation is None:
        say(f"note: there is nothing to explain of {frame}.")
        return
    try:
        explain_figure(prediction.explanation, name)
    except UsageError:
        # The next picture would have no better place.
        raise
    except Exception as error:
        say(f"xgeom: {told(error, f'drawing what the answer for {frame} rests on')}")
        run.broken = True


def _share(run: PredictRun, as_json: bool) -> None:
    from xgeom_core.predict.run.shared import share_geometry  # noqa: PLC0415 - scipy takes time

    try:
        together = share_geometry(run.found)
    except Exception as error:
        say(f"xgeom: {told(error, 'looking for the geometry that the frames share')}")
        run.broken = True
        return
    if together is None:
        say("note: no frame has an answer, so there is no shared geometry.")
    elif as_json:
        tell_json({"shared": together.record()})
    else:
        tell("", *together.lines())
