"""What fields of the configuration and kinds of frames are called, units, limits. No widget."""

from __future__ import annotations

import functools
from typing import Any

from pydantic.fields import FieldInfo

from xgeom_core.simulate.recipe import load_recipe

# What the name of a field does not say, and the schema has no word for.
_TITLES = {
    "model.input_px": "Network input",
    "model.width": "Network width",
    "model.predicts": "Target",
    "model.first_activations": "First activations",
    "model.distance_input": "Is told the distance",
    "model.polar.r_min": "Smallest radius",
    "model.polar.r_max": "Largest radius",
    "model.polar.fine": "See single pixels",
    "model.vit.patch_px": "Side of a patch",
    "data.reuse": "Uses of each frame",
    "data.reuse_lag": "Batches between uses",
    "data.vignette": "Share of cut frames",
    "data.distance_known": "Share with distance",
    "data.seed": "Seed of the frames",
    "data.workers": "Processes for frames",
    "data.augment.shift": "Share moved",
    "data.augment.gaps": "Share with gaps",
    "data.augment.shadows": "Share with shadows",
    "data.augment.dose": "Share with less dose",
    "data.augment.pooling": "Share summed 2 x 2",
    "validation.frames": "Frames of each set",
    "validation.seed": "Seed of validation",
    "validation.every_steps": "Steps between",
    "training.ema_decay": "Averaging decay",
    "training.checkpoint_minutes": "Checkpoint every",
    "training.finder_rate": "Rate of stage 1",
    "training.clip_norm": "Largest gradient",
    "training.seed": "Seed of the weights",
    "training.threads": "CPU threads",
    "training.batch": "Batch size",
    "training.start_from": "Begin with weights of",
    "training.compile": "Compile first",
    "training.keep": "Keep",
}
_UNITS = {
    "training.checkpoint_minutes": "min",
    "training.steps": "steps",
    "training.warmup_steps": "steps",
    "training.cooldown_steps": "steps",
    "validation.every_steps": "steps",
    "training.batch": "frames",
    "validation.frames": "frames",
    "data.reuse_lag": "batches",
}
_WORDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "a multiple of"}


def title_of(path: str) -> str:
    """What a field is called."""
    return _TITLES.get(path) or path.rpartition(".")[2].replace("_", " ").capitalize()


def unit_of(path: str) -> str:
    """The unit of a field; "" for a bare number."""
    return _UNITS.get(path) or ("px" if path.endswith("_px") else "")


def limits_text(info: FieldInfo) -> str:
    """The range that a field allows, as a sentence."""
    found = {name: getattr(limit, name) for limit in info.metadata for name in _WORDS if hasattr(limit, name)}
    parts = []
    if "ge" in found and "le" in found:
        parts.append(f"{found.pop('ge')} to {found.pop('le')}")
    parts += [f"{_WORDS[name]} {value}" for name, value in found.items()]
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def shown(value: Any) -> str:
    """A value as one would type it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


@functools.cache
def kind_tip(kind: str) -> str:
    """What a kind's recipe says of it."""
    return load_recipe(kind).description or f"Simulated frames of the kind {kind!r}"
