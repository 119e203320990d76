"""``xgeom evaluate``: score a model beside the constant predictor."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import progress

if TYPE_CHECKING:
    from xgeom_core.evaluate.metrics import Scores
    from xgeom_core.evaluate.run import Evaluation


def evaluate(
    data: Annotated[str, typer.Option("--data", help="File of frames with known centers (HDF5).")],
    model: Annotated[str, typer.Option("--model", help="Bundled model or model file.")] = "default",
    count: Annotated[int | None, typer.Option("--count", min=1, help="Only so many frames.")] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Score the fit as well as the network.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Score a model on frames with known centers, beside the constant predictor.

    The constant predictor says the mean of the true values every time. Errors of centers are
    distances in px of the frames; errors of tilts are the larger of pitch and yaw, in degrees.
    """
    from xgeom_core.evaluate.run import evaluate as score  # noqa: PLC0415 - torch takes seconds
    from xgeom_core.files import open_frames  # noqa: PLC0415
    from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415

    with open_frames(data) as source:
        predictor = Predictor.load(model)
        with progress("evaluating", min(len(source), count or len(source))) as tell:
            result = score(predictor, source, count, fit, tell)
    typer.echo(json.dumps(_record(model, data, result)) if as_json else _table(model, data, result))


def _record(model: str, data: str, result: Evaluation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "model": model,
        "data": data,
        "frames": result.frames,
        "side_px": result.side_px,
        "network": _plain(asdict(result.network)),
        "times_better_than_constant": _ratio(result.network.center_constant, result.network.center_median),
    }
    if result.fitted:
        record["fit"] = {"ok": result.ok, **(_plain(asdict(result.fit)) if result.fit else {})}
    return record


def _plain(scores: dict[str, Any]) -> dict[str, Any]:
    """Scores with null where a number does not exist: JSON knows no NaN."""
    return {
        key: round(value, 4)
        if isinstance(value, float) and math.isfinite(value)
        else value
        if isinstance(value, int)
        else None
        for key, value in scores.items()
    }


def _ratio(constant: float, median: float) -> float | None:
    return round(constant / median, 2) if median > 0 and math.isfinite(median) else None


def _table(model: str, data: str, result: Evaluation) -> str:
    net = result.network
    lines = [
        f"{model} on {data}: {result.frames} frames, {result.side_px} px a side",
        f"  network   {_row(net)}",
        f"  constant  center median {net.center_constant:.2f} px   tilt median {net.tilt_constant:.3f} deg",
        f"  the network is {_ratio(net.center_constant, net.center_median)} times better than the constant",
    ]
    if result.fit is not None:
        lines.append(f"  fit       ok on {result.ok} of {result.frames}: {_row(result.fit)}")
    elif result.fitted:
        lines.append(f"  fit       ok on none of {result.frames}")
    return "\n".join(lines)


def _row(scores: Scores) -> str:
    tilt = "none claimed" if math.isnan(scores.tilt_median) else f"median {scores.tilt_median:.3f} deg"
    return (
        f"center median {scores.center_median:.2f} px  mean {scores.center_mean:.2f}  "
        f"90% {scores.center_p90:.2f}  worst {scores.center_worst:.2f}   tilt {tilt}"
    )
