"""A model as an ONNX file, for programs without torch; never kept unless it was seen to answer the same."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xgeom_core.errors import ModelError
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.models.torch_model import TorchModel
from xgeom_core.system.safe_files import replacing

# In the units of the outputs: 1e-4 is 0.08 px of an 820-px frame in the center, 0.0003 degrees in a tilt.
TOLERANCE = 1e-4
_OPSET = 18
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_SEED = 20260
# The exporter takes a size of 1 for one that never changes.
_EXAMPLES = 2
_BATCHES = (1, 2, 5)
# Random canvases: patches along a side, and the share of them that is known.
_SPOTS, _KNOWN = 20, 0.9


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What a network is asked.

    Parameters
    ----------
    frames : ndarray of float32, shape (B, C, H, W)
        See `build_network`.
    distance : ndarray of float32, shape (B, 2)
        Logarithm of distance over side and 1, or 0 and 0 where unknown.
    """

    frames: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How well an ONNX file answers as its original does.

    Parameters
    ----------
    largest : float
        Largest difference of any output of any frame, in the units of the outputs.
    frames : int
        Frames compared.
    """

    largest: float
    frames: int


def export_onnx(model: TorchModel, path: Path, samples: Sequence[NetworkInput] = ()) -> Agreement:
    """Write a model as ONNX, compared with the original before the file appears.

    The file takes ``frames`` (batch, C, H, W) and, if the network is told the distance, ``distance``
    (batch, 2); it gives ``outputs`` (batch, 8). Its metadata hold the model card as JSON under ``card``.

    Parameters
    ----------
    model : TorchModel
    path : Path
        File to write; an old one stays whole until the new one is.
    samples : sequence of NetworkInput
        What to compare on besides random frames.

    Returns
    -------
    Agreement

    Raises
    ------
    ModelError
        If a package is missing, the network cannot be expressed in ONNX, the file cannot be written, or its
        answers differ from the original's by more than `TOLERANCE`.
    """
    need_packages()
    try:
        with replacing(path) as partial:
            _write(model, partial)
            agreement = compare(model, partial, [*random_inputs(model.card.network), *samples])
            # Written the other way round, so that a difference that is no number fails as well.
            if not agreement.largest <= TOLERANCE:
                raise ModelError(
                    f"The ONNX form of {model.card.name!r} was not written to {path}: its answers differ "
                    f"from the original's by {agreement.largest:.2g}, and at most {TOLERANCE:g} is allowed. "
                    "Use the .safetensors file, and report this model as a fault of xgeom."
                )
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error.strerror or error}. Choose another --out."
        ) from None
    return agreement


def need_packages() -> None:
    """Make sure that what the export needs is installed.

    Raises
    ------
    ModelError
        If something is missing; says how to install it.
    """
    missing = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _PACKAGES:
            try:
                importlib.import_module(name)
            except ImportError:
                missing.append(name)
    if missing:
        raise ModelError(
            f"Writing ONNX needs {' and '.join(missing)}, not installed here; type: pip install 'xgeom[onnx]'"
        )


def random_inputs(settings: NetworkSettings) -> list[NetworkInput]:
    """Random frames in batches of several sizes, with and without a distance."""
    rng = np.random.default_rng(_SEED)
    inputs = []
    for count in _BATCHES:
        frames = _random_frames(settings, count, rng)
        told = rng.random(count) < 0.5
        distance = np.stack([rng.uniform(-1.0, 1.0, count) * told, told], axis=1)
        inputs.append(NetworkInput(frames, distance.astype(np.float32)))
    return inputs


def takes_distance(settings: NetworkSettings) -> bool:
    """Whether the network is told the distance."""
    return settings.sees_canvas or settings.distance_input == "yes"


def compare(model: TorchModel, path: Path, inputs: Sequence[NetworkInput]) -> Agreement:
    """Ask an ONNX file and its original the same.

    Raises
    ------
    ModelError
        If onnxruntime cannot run the file.
    """
    import onnxruntime  # noqa: PLC0415 - an optional package

    tells = takes_distance(model.card.network)
    largest, frames = 0.0, 0
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for each in inputs:
            feed = {"frames": each.frames} | ({"distance": each.distance} if tells else {})
            answer = session.run(["outputs"], feed)[0]
            with torch.inference_mode():
                wanted = model.network(torch.from_numpy(each.frames), torch.from_numpy(each.distance)).numpy()
            # Not max(): it would pass over a NaN.
            largest = float(np.maximum(largest, np.abs(answer - wanted).max()))
            frames += len(each.frames)
    except OSError:
        raise
    except Exception as error:
        # onnxruntime's errors share no base but this one.
        raise ModelError(
            f"The ONNX form of {model.card.name!r} does not run ({_first_line(error)}); nothing was written. "
            "Use the .safetensors file, and report this model as a fault of xgeom."
        ) from None
    return Agreement(largest, frames)


def _write(model: TorchModel, path: Path) -> None:
    """Trace, add the card, and write."""
    import onnx  # noqa: PLC0415 - an optional package

    with _quiet():
        proto: Any = _traced(model).model_proto
    card = model.card
    onnx.helper.set_model_props(
        proto,
        {"card": card.model_dump_json(), "name": card.name, "xgeom_version": card.xgeom_version},
    )
    proto.doc_string = f"Center: {card.center_unit}. Tilt: {card.tilt_unit}."
    onnx.save(proto, path)


def _traced(model: TorchModel) -> Any:
    settings = model.card.network
    frames = torch.from_numpy(_random_frames(settings, _EXAMPLES, np.random.default_rng(_SEED)))
    arguments: dict[str, Tensor] = {"frames": frames}
    if takes_distance(settings):
        arguments["distance"] = torch.tensor([[0.3, 1.0], [0.0, 0.0]])
    batch = torch.export.Dim("batch")
    try:
        return torch.onnx.export(
            model.network,
            tuple(arguments.values()),
            dynamo=True,
            external_data=False,
            verbose=False,
            # onnxscript's optimizer takes 1e-8 for 0 and drops its addition, which the networks feel;
            # whoever runs the file optimizes it anyway.
            optimize=False,
            opset_version=_OPSET,
            input_names=list(arguments),
            output_names=["outputs"],
            dynamic_shapes=tuple({0: batch} for _ in arguments),
        )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise ModelError(
            f"The network of {model.card.name!r} ({settings.architecture}) cannot be expressed in ONNX "
            f"({_first_line(error)}); use the .safetensors file."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what the exporter says of itself: packages it could use, its own old calls."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _random_frames(settings: NetworkSettings, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    if not settings.sees_canvas:
        return rng.standard_normal((count, 1, settings.input_px, settings.input_px)).astype(np.float32)
    # A network that samples between pixels, and asks there what is known, answers to white noise with the
    # rounding of its own arithmetic: 5e-4 between single and double precision. No frame is like that.
    known = _patches(rng.random((count, 1, _SPOTS, _SPOTS)) < _KNOWN, settings.canvas_px)
    values = _patches(rng.standard_normal((*known.shape[:2], _SPOTS, _SPOTS)), settings.canvas_px)
    return np.concatenate([_smooth(values) * known, known], axis=1).astype(np.float32)


def _patches(coarse: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Squares of equal values (B, 1, side, side) from a few numbers along each axis."""
    place = np.arange(side) * coarse.shape[-1] // side
    return coarse[..., place[:, None], place].astype(np.float64)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over a few pixels along each axis."""
    for axis in (-2, -1):
        values = np.mean([np.roll(values, shift, axis) for shift in range(-4, 5)], axis=0)
    return values


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
