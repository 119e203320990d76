"""A model as files to hand on: the weights as they are, and the card beside them for people."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from xgeom_core.errors import ModelError
from xgeom_core.models.settings import ModelCard
from xgeom_core.models.store import find_model, read_card
from xgeom_core.system.safe_files import replacing, write_text

# What a run calls its models; no name to hand on.
_IN_RUNS = ("model", "best")


def model_file(name: str) -> Path:
    """The file of a model given as a file, a bundled name, or a run folder.

    Raises
    ------
    ModelError
        If there is none.
    """
    folder = Path(name)
    if not folder.is_dir():
        return find_model(name)
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ModelError(
            f"The folder {folder} holds no model.safetensors; name a run that has written its first model, "
            "or a model file."
        )
    return path


def copy_name(source: Path, card: ModelCard) -> str:
    """What to call a copy, without an ending."""
    name = card.name if source.stem in _IN_RUNS else source.stem
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "model"


def copy_model(source: Path, target: Path) -> tuple[Path, Path]:
    """Copy a model file, byte for byte, and write its card beside it as JSON.

    Parameters
    ----------
    source : Path
        Model file.
    target : Path
        ``.safetensors`` file to write; its folder is made.

    Returns
    -------
    model, card : Path
        Both files.

    Raises
    ------
    ModelError
        If the source is no model or the target cannot be written.
    """
    text = read_card(source).model_dump_json(indent=2) + "\n"
    beside = target.with_suffix(".json")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as partial:
            shutil.copyfile(source, partial)
            write_text(beside, text)
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written: {error.strerror or error}. Choose another --out."
        ) from None
    return target, beside
