"""Which devices there are to train on, asked of a child process: torch is imported there only."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from xgeom_core.jobs.launch import child_environment

_GIGA = 1e9
# Runs in the child. A driver that hangs or crashes takes only the child with it.
_ASK = """
import json, sys
sys.stdout.reconfigure(encoding="utf-8")
try:
    import torch
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
    raise SystemExit(0)
cuda = torch.cuda
found = []
if cuda.is_available():
    for i in range(cuda.device_count()):
        facts = cuda.get_device_properties(i)
        found.append({"name": f"cuda:{i}", "title": facts.name, "bytes": facts.total_memory})
print(json.dumps({
    "torch": torch.__version__,
    "cuda": torch.version.cuda,
    "hip": torch.version.hip,
    "found": found,
    "mps": torch.backends.mps.is_available(),
}))
"""


@dataclass(frozen=True)
class Device:
    """Something to train on.

    Parameters
    ----------
    name : str
        As a `Place` names it: ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    title : str
        For people.
    memory_gb : float
        In all, GB; 0 where unknown.
    driver : str
        Version of the driver and of CUDA; empty where there is none to tell.
    """

    name: str
    title: str
    memory_gb: float = 0.0
    driver: str = ""


@dataclass(frozen=True)
class Probe:
    """What was found.

    Parameters
    ----------
    devices : tuple of Device
        The CPU always first.
    trouble : str
        Why there is no GPU, in a sentence; empty if there is one.
    """

    devices: tuple[Device, ...]
    trouble: str


def probe_devices(timeout_s: float = 60) -> Probe:
    """Look for devices. Takes seconds: never call it where nothing may block."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=child_environment(),
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _only_cpu(f"the driver did not answer within {timeout_s:g} s; try nvidia-smi in a terminal")
    except OSError as error:
        return _only_cpu(f"{sys.executable} cannot be run: {error.strerror}")
    return read_answer(asked.stdout, asked.returncode)


def read_answer(text: str, code: int) -> Probe:
    """What the child's answer means."""
    try:
        answer = json.loads(text.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return _only_cpu(f"asking torch for GPUs ended with exit code {code} and without an answer")
    if "error" in answer:
        if answer["error"].startswith("ModuleNotFoundError"):
            return _only_cpu("training needs torch, which is not installed; type: pip install 'xgeom[train]'")
        return _only_cpu(f"torch cannot be imported ({answer['error']})")
    version = f"CUDA {answer['cuda']}" if answer.get("cuda") else f"ROCm {answer.get('hip')}"
    driver = ", ".join(filter(None, (_driver(), version)))
    gpus = [
        Device(str(one["name"]), str(one["title"]), float(one["bytes"]) / _GIGA, driver)
        for one in answer.get("found", ())
    ]
    if answer.get("mps"):
        gpus.append(Device("mps", "Apple GPU", psutil.virtual_memory().total / _GIGA))
    return Probe((_cpu(), *gpus), "") if gpus else _only_cpu(_why_none(answer))


def _why_none(answer: dict[str, object]) -> str:
    torch = f"torch {answer.get('torch')}"
    if platform.system() == "Darwin":
        return f"{torch} finds no Apple GPU on this Mac"
    if not answer.get("cuda") and not answer.get("hip"):
        return f"{torch} was built without CUDA; install a build with CUDA to use an NVIDIA GPU"
    if not _driver():
        return f"{torch} could use CUDA {answer.get('cuda')}, but no NVIDIA driver is loaded on this machine"
    return f"the NVIDIA driver {_driver()} is loaded, but {torch} can use no GPU with it; it may be too old"


def _driver() -> str:
    """Version of the NVIDIA driver that is loaded, such as ``"driver 550.54"``."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    words = [word for word in text.split() if word[:1].isdigit() and "." in word]
    return f"driver {words[0]}" if words else "driver"


def _only_cpu(why: str) -> Probe:
    return Probe((_cpu(),), f"No GPU: {why}.")


def _cpu() -> Device:
    cores = psutil.cpu_count() or 1
    title = f"{_processor()}, {cores} {'core' if cores == 1 else 'cores'}".lstrip(", ")
    return Device("cpu", title, psutil.virtual_memory().total / _GIGA)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"
