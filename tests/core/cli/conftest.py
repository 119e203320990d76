"""The command line's entry point, as a function."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import torch

from xgeom_core import cli
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import save_model


@pytest.fixture
def xgeom(monkeypatch, capsys):
    """Run the entry point; returns exit code, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["xgeom", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        code = left.value.code
        return (0 if code is None else int(code)), out.out, out.err

    return run


@pytest.fixture(autouse=True)
def _interrupts_arrive():
    """What starts the tests in the background may have them ignore Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    settings = NetworkSettings(width=4, input_px=64, activations=8)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    card = ModelCard(name="tiny", xgeom_version="0", network=settings, frames_seen=0, steps=0)
    save_model(path, build_network(settings).state_dict(), card)
    return path
