"""``xgeom export``: a model as files to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.terminal import say, tell
from xgeom_core.errors import UsageError
from xgeom_core.models.torch_needed import need_torch

if TYPE_CHECKING:
    from xgeom_core.models.onnx_export import NetworkInput
    from xgeom_core.models.settings import NetworkSettings

# Frames that an ONNX file is compared on besides random ones.
_KIND, _COUNT, _SEED = "standard", 4, 4711


def export(
    model: Annotated[
        str,
        typer.Argument(help="Bundled model, model file or run folder.", metavar="MODEL", show_default=False),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            help="FILE.onnx; or FILE.safetensors or a folder for a copy with its card as JSON.",
            metavar="FILE.onnx|FOLDER",
        ),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write a model as ONNX, or copy its safetensors file with the card beside it.

    An ONNX file is compared with the original on random and on simulated frames, and appears only if no
    output differs by more than 1e-4.
    """
    from xgeom_core.models.copies import copy_model, copy_name, model_file  # noqa: PLC0415 - takes time
    from xgeom_core.models.store import read_card  # noqa: PLC0415

    source = model_file(model)
    target = Path(out)
    if not target.is_dir() and target.suffix == ".onnx":
        _refuse(target, source, overwrite)
        _to_onnx(source, target)
        return
    folder = target.is_dir() or out.endswith("/") or not target.suffix
    if not folder and target.suffix != ".safetensors":
        raise UsageError(
            f"--out takes FILE.onnx, FILE.safetensors or a folder, not {out}; "
            "end the name of a new folder with /."
        )
    if folder:
        target = target / f"{copy_name(source, read_card(source))}.safetensors"
    for path in (target, target.with_suffix(".json")):
        _refuse(path, source, overwrite)
    tell(f"{source}: copied to {' and '.join(map(str, copy_model(source, target)))}")


def _refuse(path: Path, source: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; choose another --out.")
    if path.exists() and path.samefile(source):
        raise UsageError(f"{path} is the model itself; choose another --out.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already; choose another --out, or replace it with --overwrite.")


def _to_onnx(source: Path, target: Path) -> None:
    need_torch("Writing ONNX")
    from xgeom_core.models.onnx_export import export_onnx, need_packages  # noqa: PLC0415 - torch takes seconds
    from xgeom_core.models.torch_model import load_torch_model  # noqa: PLC0415

    # Before the half minute that follows.
    need_packages()
    loaded = load_torch_model(str(source))
    say(f"simulating {_COUNT} frames to compare on ...")
    samples = _simulated(loaded.card.network)
    say("translating and comparing ...")
    found = export_onnx(loaded, target, [samples])
    tell(
        f"{source}: written to {target}; no output differs by more than {found.largest:.1g} "
        f"on {found.frames} frames"
    )


def _simulated(settings: NetworkSettings) -> NetworkInput:
    """Frames with known truth as the network sees them, every other one without its distance."""
    import numpy as np  # noqa: PLC0415 - so that --help answers at once

    from xgeom_core.models.onnx_export import NetworkInput  # noqa: PLC0415
    from xgeom_core.training.data import SimulatedFrames, collate  # noqa: PLC0415

    frames = SimulatedFrames({_KIND: 1.0}, settings, _SEED)
    none = np.zeros(3)
    batch = collate([(frames.exposure(i), i % 2 == 0, none) for i in range(_COUNT)], settings)
    return NetworkInput(batch.images.numpy(), batch.distance.numpy())
