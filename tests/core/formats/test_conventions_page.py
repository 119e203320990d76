"""The pages of conventions and of headers are complete, and are those that the scripts make."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from xgeom_core.formats.registry import FORMATS

# Where each format has its section, if not under its own name.
SECTIONS = {"dectris": "NXmx and Dectris", "csv": "tables", "crystfel-stream": ".stream"}


def _script(repo: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, repo / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    import sys

    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


@pytest.fixture(scope="module")
def script(repo: Path) -> ModuleType:
    return _script(repo, "make_conventions")


def test_the_table_of_headers_is_what_the_readers_say(repo: Path) -> None:
    written = (repo / "docs" / "headers.md").read_text(encoding="utf-8")
    assert written == _script(repo, "make_headers").page(), "run docs/make_headers.py"


def test_every_format_has_its_section(repo: Path) -> None:
    """Of its convention, or for images of its header's fields."""
    pages = ((repo / "docs" / name).read_text(encoding="utf-8") for name in ("conventions.md", "headers.md"))
    headings = re.findall(r"(?m)^## (.+)$", "\n".join(pages))
    for known in FORMATS:
        wanted = SECTIONS.get(known.key, known.name)
        assert any(wanted.lower() in heading.lower() for heading in headings), known.key


def test_pictures_are_drawn_by_the_script_and_all_are_shown(repo: Path, script: ModuleType, tmp_path) -> None:
    kept = repo / "docs" / "conventions"
    drawn = script.draw(tmp_path)
    assert {path.name for path in drawn} == {path.name for path in kept.glob("*.svg")}
    for path in drawn:
        assert path.read_bytes() == (kept / path.name).read_bytes(), (
            f"{path.name}: run docs/make_conventions.py"
        )
    shown = set(re.findall(r"\(conventions/(\w+\.svg)\)", (repo / "docs" / "conventions.md").read_text()))
    assert shown == {path.name for path in drawn}


def test_pictures_stay_within_their_frames(script: ModuleType, tmp_path) -> None:
    for path in script.draw(tmp_path):
        root = ElementTree.fromstring(path.read_text())
        width, height = float(root.get("width")), float(root.get("height"))
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            x, y, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
            # Nearly no letter of a sans serif is wider than 0.62 of its height on average.
            long = 0.62 * size * len(text.text)
            left = x - {"start": 0.0, "middle": long / 2, "end": long}[text.get("text-anchor")]
            assert left >= 0 and left + long <= width and size <= y <= height, (path.name, text.text)
