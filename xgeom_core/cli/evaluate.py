"""``xgeom evaluate``: score a model beside the constant predictor."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import progress
from xgeom_core.cli.faults import told
from xgeom_core.cli.terminal import say, tell, tell_json
from xgeom_core.errors import UsageError
from xgeom_core.process.reading import start_reading
from xgeom_core.training.events import Step, Validation, read_events

if TYPE_CHECKING:
    from xgeom_core.evaluate.metrics import Scores
    from xgeom_core.evaluate.run import Evaluation


def evaluate(
    data: Annotated[list[str], typer.Option("--data", help="File of frames with known centers; repeatable.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Bundled model or model file; repeatable.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Only so many frames.")] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Score the fit as well as the network.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write an HTML report with figures.", metavar="FILE.html")
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Run folder whose loss curves the report shows; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
) -> None:
    """Score a model on frames with known centers, beside the constant predictor.

    The constant predictor says the mean of the true values every time. Errors of centers are
    distances in px of the frames; errors of tilts are the larger of pitch and yaw, in degrees.

    Exit status 0 if every frame was scored, 1 if some could not be read or predicted, 2 for unusable
    arguments or files.
    """
    start_reading()
    from xgeom_core.evaluate.report import Scored, write_report  # noqa: PLC0415 - torch takes seconds
    from xgeom_core.evaluate.run import evaluate as score  # noqa: PLC0415
    from xgeom_core.frames import open_frames  # noqa: PLC0415
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415

    if run and report is None:
        raise UsageError("--run adds loss curves to a report; name one with --report FILE.html.")
    curves = {folder.name: _curves(folder) for folder in run or []}
    scored = []
    for name in model or ["default"]:
        predictor = Predictor.load(name)
        for path in data:
            with (
                open_frames(path) as source,
                progress("evaluating", min(len(source), count or len(source))) as show,
            ):
                result = score(predictor, source, count, fit, show)
            for index, error in result.faults:
                say(f"xgeom: {told(error, f'predicting frame {index} of {path}')}")
            if as_json:
                tell_json(_record(name, path, result))
            else:
                tell(*_table(name, path, result))
            scored.append(Scored(Path(name).name, Path(path).name, result))
    if report is not None:
        write_report(report, scored, curves)
        say(f"Report written to {report}.")
    if any(one.evaluation.faults for one in scored):
        raise typer.Exit(1)


def _curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Center errors of a run: of training, and of every validation set."""
    curves: dict[str, list[tuple[int, float]]] = {}
    events = read_events(folder / "events.jsonl")
    if not events:
        raise UsageError(f"{folder} is no run folder: it holds no events.jsonl with events in it.")
    for event in events:
        match event:
            case Step():
                curves.setdefault("training", []).append((event.step, event.center_px))
            case Validation():
                curves.setdefault(event.data, []).append((event.step, event.center_px))
    return curves


def _record(model: str, data: str, result: Evaluation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "model": model,
        "data": data,
        "frames": result.frames,
        "side_px": result.side_px,
        "network": _plain(asdict(result.network)),
        "network_px820": _in_820(result.network, result.side_px),
        "times_better_than_constant": _ratio(result.network.center_constant, result.network.center_median),
        "seconds_per_frame": round(sum(row.elapsed_s for row in result.rows) / max(len(result.rows), 1), 4),
    }
    if result.fitted:
        record["fit"] = {"ok": result.ok, **(_plain(asdict(result.fit)) if result.fit else {})}
    return record


def _in_820(scores: Scores, side_px: int) -> dict[str, Any]:
    """The center's scores in px of an 820-px frame."""
    names = ("center_median", "center_mean", "center_p90", "center_worst", "center_constant")
    return _plain({name: getattr(scores, name) * 820 / side_px for name in names})


def _plain(scores: dict[str, Any]) -> dict[str, Any]:
    """Scores with null where a number does not exist: JSON knows no NaN."""
    return {
        key: _plain(value) if isinstance(value, dict) else _number(value) for key, value in scores.items()
    }


def _number(value: float) -> float | None:
    if isinstance(value, int):
        return value
    return round(value, 4) if math.isfinite(value) else None


def _ratio(constant: float, median: float) -> float | None:
    return round(constant / median, 2) if median > 0 and math.isfinite(median) else None


def _table(model: str, data: str, result: Evaluation) -> list[str]:
    net = result.network
    within = "  ".join(f"{limit} px {100 * share:.0f}%" for limit, share in net.within.items())
    pearson = "  ".join(f"{name} {value:.3f}" for name, value in net.pearson.items() if math.isfinite(value))
    lines = [
        f"{model} on {data}: {result.frames} frames, {result.side_px} px a side",
        f"  network   {_row(net)}",
        f"  constant  center median {net.center_constant:.2f} px   tilt median {net.tilt_constant:.3f} deg",
        f"  within    {within}",
        f"  Pearson   {pearson or 'of fewer than three frames: none'}",
        f"  the network is {_ratio(net.center_constant, net.center_median)} times better than the constant",
    ]
    if result.fit is not None:
        lines.append(f"  fit       ok on {result.ok} of {result.frames}: {_row(result.fit)}")
    elif result.fitted:
        lines.append(f"  fit       ok on none of {result.frames}")
    return lines


def _row(scores: Scores) -> str:
    tilt = "none claimed" if math.isnan(scores.tilt_median) else f"median {scores.tilt_median:.3f} deg"
    return (
        f"center median {scores.center_median:.2f} px  mean {scores.center_mean:.2f}  "
        f"90% {scores.center_p90:.2f}  worst {scores.center_worst:.2f}   tilt {tilt}"
    )
