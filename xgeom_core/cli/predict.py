"""``xgeom predict``: beam center and tilt of frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import (
    DistanceOption,
    Overrides,
    PixelOption,
    WavelengthOption,
    frame_range,
    say,
)
from xgeom_core.cli.predict_output import footnotes, line, write
from xgeom_core.errors import UsageError, XgeomError
from xgeom_core.process.reading import start_reading

if TYPE_CHECKING:
    from xgeom_core.frame import Frame
    from xgeom_core.predict.prediction import Prediction

FAILED, UNUSABLE = 1, 2


def _list_methods(wanted: bool) -> None:
    if wanted:
        from xgeom_core.predict.methods import listing  # noqa: PLC0415 - scipy takes time

        for name, when in listing():
            typer.echo(f"{name:16s} {when}")
        raise typer.Exit


def predict(
    paths: Annotated[list[str], typer.Argument(help="Files, or FILE.h5::/dataset.", metavar="PATH...")],
    frames: Annotated[
        str | None, typer.Option("--frames", help="Which frames: 3, 0:10, 5: (default all).")
    ] = None,
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
        typer.Option("--start", help="Rough center in native px, in place of the network's.", metavar="X,Y"),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option("--cell", help="Cell of the crystal, if known (Å, degrees).", metavar="A,B,C,AL,BE,GA"),
    ] = None,
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
) -> None:
    """Predict beam center and detector tilt.

    Exit status 0 if every frame has an answer, 1 if some failed, 2 for unusable arguments or files.
    """
    del list_methods  # answered by its callback
    _check_endings(out, explain)
    start_reading()
    answer = _answerer(
        model, "network" if no_fit else method, _start(start), _cell(cell), explain is not None
    )
    overrides = Overrides(distance_mm, pixel_um, wavelength_A)
    found: list[Prediction] = []
    records: list[dict[str, Any]] = []
    broken = False
    for path in paths:
        try:
            for prediction in _predictions(answer, path, frames, overrides):
                found.append(prediction)
                records.append(prediction.record())
                typer.echo(json.dumps(records[-1]) if as_json else line(records[-1]))
                if explain is not None:
                    _explain(prediction, explain, len(found) - 1)
        except XgeomError as error:
            # One bad file must not lose the answers for the others.
            say(f"xgeom: {error}")
            broken = True
    if shared and found:
        _share(found, as_json)
    if not as_json and records:
        footnotes(records)
    if out is not None:
        write(out, records)
    if broken:
        raise typer.Exit(UNUSABLE)
    if any(record["status"] == "failed" for record in records):
        raise typer.Exit(FAILED)


def _check_endings(out: Path | None, explain: Path | None) -> None:
    """Refuse names that cannot be written before any frame is read."""
    if out is not None and out.suffix.lower() not in {".csv", ".json"}:
        raise UsageError(f"--out writes .csv or .json, not {out.name!r}.")
    if explain is not None and explain.suffix.lower() != ".png":
        raise UsageError(f"--explain writes .png, not {explain.name!r}.")


def _answerer(
    model: str,
    method: str,
    start: tuple[float, float] | None,
    cell: tuple[float, float, float, float, float, float] | None,
    explain: bool,
) -> Callable[[Frame], Prediction]:
    """What turns a frame into a prediction."""
    from xgeom_core.predict.methods import OWN, check_method, classical  # noqa: PLC0415 - scipy takes time

    check_method(method)
    if method not in OWN:
        if explain:
            raise UsageError(f"--explain shows what network and fits rest on; --method {method} is neither.")
        return lambda frame: classical(frame, method, start)
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415 - torch takes seconds

    use = OWN[method]
    predictor = Predictor.load(model)
    return lambda frame: predictor.predict(
        frame, fit=use is not None, start_px=start, cell=cell, explain=explain, use=use or ()
    )


def _predictions(
    answer: Callable[[Frame], Prediction], path: str, frames: str | None, overrides: Overrides
) -> Iterator[Prediction]:
    from xgeom_core.frames import open_frames  # noqa: PLC0415 - h5py and fabio take time

    with open_frames(path) as source:
        for index in frame_range(frames, len(source)):
            yield answer(overrides.apply(source.frame(index)))


def _start(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    numbers = _numbers("--start", text, "a center such as 1261.5,1307", 2)
    return numbers[0], numbers[1]


def _cell(text: str | None) -> tuple[float, float, float, float, float, float] | None:
    if text is None:
        return None
    numbers = _numbers("--cell", text, "six numbers such as 78.9,78.9,38.1,90,90,90 (Å, degrees)", 6)
    a, b, c, alpha, beta, gamma = numbers
    if min(a, b, c) <= 0 or not all(0 < angle < 180 for angle in (alpha, beta, gamma)):
        raise UsageError(f"--cell takes edges above 0 Å and angles between 0 and 180 degrees, not {text!r}.")
    return a, b, c, alpha, beta, gamma


def _numbers(option: str, text: str, meant: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(abs(number) < float("inf") for number in numbers):
        raise UsageError(f"{option} takes {meant}, not {text!r}.")
    return numbers


def _explain(prediction: Prediction, path: Path, number: int) -> None:
    """One picture a frame; those after the first are numbered."""
    from xgeom_core.predict.explain import explain_figure  # noqa: PLC0415 - matplotlib takes time

    name = path if number == 0 else path.with_name(f"{path.stem}_{number}{path.suffix}")
    if prediction.explanation is None:
        say(f"note: there is nothing to explain of {prediction.frame_path} [{prediction.index}].")
        return
    explain_figure(prediction.explanation, name)


def _share(found: list[Prediction], as_json: bool) -> None:
    from xgeom_core.predict.shared import share_geometry  # noqa: PLC0415 - scipy takes time

    together = share_geometry(found)
    if together is None:
        say("note: no frame has an answer, so there is no shared geometry.")
    elif as_json:
        typer.echo(json.dumps({"shared": together.record()}))
    else:
        typer.echo("\n" + together.text())
