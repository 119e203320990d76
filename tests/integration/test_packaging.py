"""What is shipped: pins that resolve anywhere, and a wheel that holds everything."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def pins(repo: Path) -> dict[str, str]:
    """Name and version of every line in constraints.txt."""
    lines = (repo / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def needed(requirement: Requirement, seen: set[str]) -> None:
    """Collect the names of an installed requirement and of everything that it needs, into `seen`."""
    for text in requires(requirement.name) or ():
        dependency = Requirement(text)
        environments = [{"extra": extra} for extra in (requirement.extras or {""})]
        wanted = dependency.marker is None or any(map(dependency.marker.evaluate, environments))
        name = canonicalize_name(dependency.name)
        if wanted and name not in seen:
            seen.add(name)
            needed(dependency, seen)


def test_pins_are_plain_versions(pins: dict[str, str]) -> None:
    for name, pinned in pins.items():
        # No address and no local build such as "+cpu": neither resolves on another machine.
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name), name
        assert re.fullmatch(r"[0-9]+(\.[0-9]+)*((a|b|rc|\.post)[0-9]+)?", pinned), f"{name}=={pinned}"


def test_everything_needed_is_pinned(pins: dict[str, str]) -> None:
    names: set[str] = set()
    needed(Requirement("xgeom"), names)
    needed(Requirement("xgeom[dev]"), names)
    assert {"torch", "pyside6-essentials", "pytest", "ruff", "numpy"} <= names
    # A CUDA build of torch pins these itself, and other platforms know none of them.
    from_torch = {name for name in names if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert names - from_torch - {canonicalize_name(name) for name in pins} == set()


def test_pins_are_what_is_tested(pins: dict[str, str]) -> None:
    def installed(name: str) -> str | None:
        try:
            return version(name).partition("+")[0]
        except PackageNotFoundError:
            return None

    # What only another platform needs is pinned as well, and not installed here.
    found = {name: installed(name) for name in pins}
    assert {name: found[name] for name in found if found[name] not in (None, pins[name])} == {}


@pytest.fixture(scope="module")
def wheel(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built with the installed backend: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    (file,) = folder.glob("*.whl")
    return ZipFile(file)


def test_wheel_holds_both_packages_and_the_resources(wheel: ZipFile, repo: Path) -> None:
    names = set(wheel.namelist())
    for package in ("xgeom_core", "xgeom_gui"):
        assert {str(f.relative_to(repo)) for f in (repo / package).rglob("*.py")} <= names
    resources = repo / "resources"
    bundled = [f for f in resources.rglob("*") if f.is_file() and f.suffix != ".partial"]
    # Only the last leg of the default model's own training begins with these.
    kept_back = {resources / "models" / "default-fourth.safetensors"}
    assert kept_back < set(bundled)
    shipped = {f"xgeom_core/_resources/{f.relative_to(resources)}" for f in bundled if f not in kept_back}
    assert shipped == {name for name in names if name.startswith("xgeom_core/_resources/")}
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("xgeom-")} == {"xgeom_core", "xgeom_gui"}


def test_resources_are_found_from_an_unpacked_wheel(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    (any_resource,) = [n for n in wheel.namelist() if n.startswith("xgeom_core/_resources/")][:1]
    name = any_resource.removeprefix("xgeom_core/_resources/")
    code = f"from xgeom_core.resources import resource; print(resource({name!r}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.strip() == str(tmp_path / any_resource), run.stderr


def test_desktop_files_name_the_installed_programs(wheel: ZipFile, repo: Path) -> None:
    (entry_points,) = [n for n in wheel.namelist() if n.endswith("entry_points.txt")]
    programs = set(re.findall(r"^([\w-]+) *=", wheel.read(entry_points).decode(), re.M))
    assert programs == {"xgeom", "xgeom-gui"}
    metainfo = ElementTree.parse(repo / "packaging/xgeom.metainfo.xml").getroot()
    assert {tag.text for tag in metainfo.iter("binary")} == programs
    desktop = (repo / "packaging/xgeom.desktop").read_text()
    assert re.search(r"^Exec=xgeom-gui %F$", desktop, re.M)
    for suffix in ("applications/xgeom.desktop", "metainfo/xgeom.metainfo.xml"):
        assert any(name.endswith(f"data/share/{suffix}") for name in wheel.namelist())
