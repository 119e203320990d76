"""The documentation as a site: built without a warning; links, pictures and search index are whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_TARGET = re.compile(r'(?:href|src)="([^"#?]+)')


@pytest.fixture(scope="module")
def site(repo: Path, tmp_path_factory) -> Path:
    """The site, built from a copy; pages of tutorials without their output, which other tests make."""
    work = tmp_path_factory.mktemp("site")
    for name in ("docs", "xgeom_core"):
        shutil.copytree(repo / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repo / "mkdocs.yml", work)
    for script in (work / "docs" / "tutorials").glob("*.py"):
        script.with_suffix(".md").write_text(f"# {script.stem}\n", encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    run = subprocess.run(
        command, cwd=work, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert run.returncode == 0 and "WARNING" not in run.stderr, run.stderr
    return work / "site"


def test_every_page_is_in_the_site_and_in_the_menu(site: Path, repo: Path) -> None:
    pages = {file.relative_to(repo / "docs").with_suffix("") for file in (repo / "docs").rglob("*.md")}
    pages |= {Path("tutorials") / script.stem for script in (repo / "docs" / "tutorials").glob("*.py")}
    menu = (repo / "mkdocs.yml").read_text(encoding="utf-8")
    for page in pages:
        assert (site / page.with_suffix(".html")).is_file(), page
        assert f"{page.as_posix()}.md" in menu, page


def test_links_and_pictures_lead_somewhere(site: Path) -> None:
    broken = []
    for page in site.rglob("*.html"):
        for target in _TARGET.findall(page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:|//|/", target):
                continue
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    assert not re.findall(r'<(?:script|img|link rel="stylesheet")[^>]+(?:src|href)="https?://[^"]+', text)


def test_the_search_finds_what_the_reference_says(site: Path) -> None:
    entries = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    found = {entry["location"].partition("#")[0] for entry in entries if "wavelength" in entry["text"]}
    assert {"reference.html", "conventions.html"} <= found
