"""packaging/setup.sh, run against stand-ins for Python, pip and apt.

The stand-ins write down how they were called. Only bash and coreutils are on the path besides them, so
that a set-up which needs any other tool fails here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

COREUTILS = ("cat", "cksum", "cp", "dirname", "env", "head", "mkdir", "mv", "rm")
ALL_LIBRARIES = (
    "libGL.so.1", "libEGL.so.1", "libxkbcommon.so.0", "libfontconfig.so.1", "libdbus-1.so.3",
    "libglib-2.0.so.0",
)  # fmt: skip
BASH = shutil.which("bash") or "/bin/bash"

# `python -m venv` copies the stand-in; `python -c` is answered by the real interpreter.
FAKE_PYTHON = f"""#!{BASH}
case "$1 $2" in
"--version ") echo "Python 3.99.0" ;;
"-c "*) exec {sys.executable} "$@" ;;
"-m venv") echo "venv $3" >>"$LOG"; rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
"-m pip") [ "$3" = --version ] && exit 0; echo "pip $*" >>"$LOG"; [ ! -e "$LOG.pip-fails" ] ;;
esac
"""


@dataclass
class Checkout:
    """A copy of what the set-up reads, and a path with nothing but stand-ins and coreutils."""

    root: Path
    bin: Path
    log: Path

    def tool(self, name: str, text: str) -> None:
        file = self.bin / name
        file.write_text(f"#!{BASH}\n{text}\n" if not text.startswith("#!") else text)
        file.chmod(0o755)

    def setup(self, purpose: str = "offscreen", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BASH, "packaging/setup.sh", purpose],
            cwd=self.root,
            env={"PATH": str(self.bin), "LOG": str(self.log), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What was called since the last time this was asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path, repo: Path) -> Checkout:
    """A checkout on a Linux machine that has every library and a font, and whose user is not root."""
    root, folder = tmp_path / "check out", tmp_path / "bin"
    (root / "packaging").mkdir(parents=True)
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "packaging/setup.sh"):
        shutil.copy(repo / name, root / name)
    for name in COREUTILS:
        real = shutil.which(name)
        assert real is not None, f"{name} of coreutils"
        (folder / name).symlink_to(os.path.realpath(real))
    made = Checkout(root, folder, tmp_path / "log")
    made.tool("python3", FAKE_PYTHON)
    made.tool("uname", "echo Linux")
    made.tool("id", "echo 1000")
    made.tool("fc-list", "echo 'DejaVu Sans'")
    made.tool("ldconfig", "\n".join(f"echo '{name} (libc6) => /lib/{name}'" for name in ALL_LIBRARIES))
    return made


def test_second_setup_calls_nothing(checkout: Checkout) -> None:
    first = checkout.setup()
    assert first.returncode == 0, first.stderr
    venv, backend, packages = checkout.calls()
    assert venv == "venv --clear"
    assert backend.endswith("-c constraints.txt hatchling")
    assert packages.endswith("-c constraints.txt --no-build-isolation -e .[dev]")

    second = checkout.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert checkout.calls() == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed_into_the_same_venv(checkout: Checkout, name: str) -> None:
    checkout.setup()
    checkout.calls()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    assert checkout.setup().returncode == 0
    assert [line.split()[0] for line in checkout.calls()] == ["pip", "pip"]


def test_broken_off_setup_starts_afresh(checkout: Checkout) -> None:
    trouble = checkout.log.with_name("log.pip-fails")
    trouble.touch()
    failed = checkout.setup()
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    trouble.unlink()
    checkout.calls()

    assert checkout.setup().returncode == 0
    assert checkout.calls()[0] == "venv --clear"
    assert checkout.setup().stdout == ""


def test_half_made_venv_is_made_again(checkout: Checkout) -> None:
    checkout.setup()
    checkout.calls()
    (checkout.root / ".venv/bin/python").unlink()
    assert checkout.setup().returncode == 0
    assert checkout.calls()[0] == "venv --clear"


def test_moved_checkout_gets_a_new_venv(checkout: Checkout) -> None:
    checkout.setup()
    checkout.calls()
    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
    assert checkout.setup().returncode == 0
    assert checkout.calls()[0] == "venv --clear"


def test_no_python_is_one_sentence(checkout: Checkout) -> None:
    checkout.tool("python3", "exit 1")  # too old
    run = checkout.setup()
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed" in run.stderr


def test_python_without_ensurepip_names_the_package(checkout: Checkout) -> None:
    checkout.tool("python3", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    run = checkout.setup()
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "apt-get install python3-venv" in run.stderr


@pytest.fixture
def bare(checkout: Checkout) -> Checkout:
    """The same machine without libraries and fonts, and with an apt that installs what it is told to."""
    libraries = checkout.log.with_name("libraries")
    libraries.touch()
    installed = "".join(f"{name} \n" for name in ALL_LIBRARIES)
    checkout.tool("ldconfig", f'cat "{libraries}"')
    checkout.tool("fc-list", f'cat "{libraries}"')
    checkout.tool(
        "apt-get",
        f'echo "apt-get $DEBIAN_FRONTEND $*" >>"$LOG"\n'
        f'case "$*" in *" install "*) printf \'{installed}\' >"{libraries}" ;; esac',
    )
    return checkout


def test_root_gets_the_missing_libraries_with_one_update(bare: Checkout) -> None:
    bare.tool("id", "echo 0")
    assert bare.setup().returncode == 0
    update, install, *rest = bare.calls()
    assert update.startswith("apt-get noninteractive") and update.endswith(" update")
    assert "noninteractive" in install and "--no-install-recommends" in install
    for package in (
        "libgl1",
        "libegl1",
        "libxkbcommon0",
        "libfontconfig1",
        "libglib2.0-0",
        "fonts-dejavu-core",
    ):
        assert f" {package}" in install
    assert not any(line.startswith("apt-get") for line in rest)
    bare.setup()
    assert bare.calls() == []


def test_without_permission_the_user_is_told_and_the_setup_goes_on(bare: Checkout) -> None:
    run = bare.setup()
    assert run.returncode == 0
    told = [line for line in run.stdout.splitlines() if "sudo apt-get install" in line]
    assert len(told) == 1 and "libegl1" in told[0] and "fonts-dejavu-core" in told[0]
    assert not any(line.startswith("apt-get") for line in bare.calls())


def test_sudo_without_password_is_used(bare: Checkout) -> None:
    bare.tool("sudo", '[ "$1" = -n ] && shift && "$@"')
    bare.tool("true", ":")
    assert bare.setup().returncode == 0
    assert sum(line.startswith("apt-get") for line in bare.calls()) == 2


@pytest.mark.parametrize(
    ("env", "package", "wanted"),
    [
        ({"DISPLAY": ":0"}, "libxcb-cursor0", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "libwayland-cursor0", True),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "libxcb-cursor0", False),
        ({}, "libxcb-cursor0", False),
    ],
)
def test_window_libraries_are_wanted_only_for_a_display(
    checkout: Checkout, env: dict[str, str], package: str, wanted: bool
) -> None:
    assert (package in checkout.setup("window", **env).stdout) is wanted
    assert package not in checkout.setup("offscreen", **env).stdout
