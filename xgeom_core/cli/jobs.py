"""``xgeom jobs``: runs that go on without a terminal or window, and how they stand."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.jobs_text import comparison_lines, job_line, show_lines
from xgeom_core.cli.terminal import pass_on, tell, tell_json
from xgeom_core.cli.train import recipe_or_file
from xgeom_core.system.safe_files import open_to_read

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job
    from xgeom_core.jobs.store import JobStore

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the jobs; the window's own unless stated.", metavar="DIR"),
]
JobArgument = Annotated[
    str, typer.Argument(help="Id, title or folder of a job; a beginning will do.", metavar="JOB")
]

jobs = typer.Typer(
    name="jobs",
    help="Runs that go on without a terminal: submit, watch, stop, resume, compare.",
    no_args_is_help=True,
)


def _store(root: Path | None) -> JobStore:
    from xgeom_core.jobs.store import JobStore, default_root  # noqa: PLC0415 - so that --help answers at once

    return JobStore(root if root is not None else default_root())


def _found(text: str, root: Path | None) -> tuple[JobStore, Job]:
    store = _store(root)
    return store, store.find(text)


@jobs.command("list")
def list_jobs(
    root: RootOption = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those in the archive instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List jobs, oldest first: state, age, id, title."""
    store = _store(root)
    found = store.jobs(archived)
    for job in found:
        status = store.status(job)
        if as_json:
            tell_json({**asdict(job), **asdict(status), "folder": str(job.folder)})
        else:
            tell(job_line(job, status))
    if not found and not as_json:
        tell(f"No {'archived ' if archived else ''}jobs below {store.root}.")


@jobs.command()
def show(job: JobArgument, root: RootOption = None) -> None:
    """Show how a job stands, where it is and what it runs."""
    store, one = _found(job, root)
    tell(*show_lines(one, store.status(one)))


@jobs.command()
def submit(
    config: Annotated[
        Path,
        typer.Argument(help="Training configuration (TOML), or a bundled recipe.", metavar="CONFIG.toml"),
    ],
    root: RootOption = None,
    title: Annotated[str, typer.Option("--title", help="For lists; the name of the run unless given.")] = "",
    device: Annotated[
        list[str] | None,
        typer.Option("--device", help="cpu, cuda:0, mps, ...; again for several. 'xgeom jobs devices'."),
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Processes that share the run.")] = 1,
    slurm: Annotated[bool, typer.Option("--slurm", help="Run on the Slurm cluster.")] = False,
    partition: Annotated[str, typer.Option("--partition", help="Slurm partition.")] = "",
    gpus: Annotated[int, typer.Option("--gpus", min=0, help="GPUs to ask Slurm for.")] = 0,
    cpus: Annotated[int, typer.Option("--cpus", min=1, help="CPU cores to ask Slurm for.")] = 2,
    memory_gb: Annotated[float, typer.Option("--memory-gb", min=0.5, help="Memory to ask Slurm for.")] = 8.0,
    hours: Annotated[float, typer.Option("--hours", min=0.01, help="Time to ask Slurm for.")] = 4.0,
    account: Annotated[str, typer.Option("--account", help="Slurm account.")] = "",
    setup: Annotated[
        list[str] | None,
        typer.Option("--setup", help="Shell line that runs first under Slurm; again for more."),
    ] = None,
) -> None:
    """Start a training that goes on when the terminal is closed; it waits its turn on its device."""
    from xgeom_core.jobs.job import Place, SlurmSettings, command_text  # noqa: PLC0415 - --help
    from xgeom_core.training.config import load_config  # noqa: PLC0415 - pydantic takes time

    settings = load_config(recipe_or_file(config))
    asked = SlurmSettings(partition, gpus, cpus, memory_gb, hours, account, tuple(setup or ()))
    place = Place(tuple(device or ("cpu",)), processes, asked if slurm else None)
    store = _store(root)
    job = store.train(settings, place, title)
    tell(f"{job.id}  {job.folder}", command_text(job), job_line(job, store.status(job)))


# What is asked of one job and changes how it stands.
_CONTROLS = {
    "stop": "Ask a job to end in order; a training saves first, and can be resumed.",
    "kill": "End a job and all its processes at once; what it has not saved is lost.",
    "pause": "Halt a job; it keeps its memory and its device.",
    "unpause": "Let a paused job go on.",
}


def _control(name: str) -> Callable[..., None]:
    def command(job: JobArgument, root: RootOption = None) -> None:
        store, one = _found(job, root)
        getattr(store, name)(one)
        tell(job_line(one, store.status(one)))

    return command


for _name, _help in _CONTROLS.items():
    jobs.command(_name, help=_help)(_control(_name))


@jobs.command()
def resume(
    job: JobArgument,
    root: RootOption = None,
    agreed: Annotated[
        str,
        typer.Option(
            "--run-this",
            help="Agree to run a command that your xgeom did not write; the refusal shows it and its CODE.",
            metavar="CODE",
        ),
    ] = "",
) -> None:
    """Go on with a job that was stopped, killed, crashed or lost, from its last checkpoint."""
    store, one = _found(job, root)
    store.resume(one, agreed)
    tell(job_line(one, store.status(one)))


@jobs.command()
def rename(
    job: JobArgument,
    title: Annotated[str, typer.Argument(help="The new title.", metavar="TITLE")],
    root: RootOption = None,
) -> None:
    """Give a job another title; its folder stays."""
    store, one = _found(job, root)
    renamed = store.rename(one, title)
    tell(job_line(renamed, store.status(renamed)))


@jobs.command()
def archive(job: JobArgument, root: RootOption = None) -> None:
    """Move an ended job out of the list; nothing is deleted."""
    store, one = _found(job, root)
    tell(store.archive(one).folder)


@jobs.command()
def unarchive(job: JobArgument, root: RootOption = None) -> None:
    """Move a job back from the archive."""
    store, one = _found(job, root)
    tell(store.unarchive(one).folder)


@jobs.command()
def log(
    job: JobArgument,
    root: RootOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
) -> None:
    """Print what a job's command printed."""
    from xgeom_core.jobs.records import LOG  # noqa: PLC0415 - --help

    store, one = _found(job, root)
    pass_on(store.log(one))
    if not follow:
        return
    path = one.folder / LOG
    offset = path.stat().st_size if path.exists() else 0
    while True:
        over = store.status(one).over
        with suppress(OSError), open_to_read(path, follow=False) as stream:
            stream.seek(offset)
            fresh = stream.read()
            offset += len(fresh)
            pass_on(fresh.decode("utf-8", errors="replace"))
        if over:
            return
        time.sleep(0.5)


@jobs.command()
def devices() -> None:
    """List the devices that a training can use, and say why there is no GPU."""
    from xgeom_core.jobs.devices import probe_devices  # noqa: PLC0415 - --help

    probe = probe_devices()
    for device in probe.devices:
        more = f", {device.driver}" if device.driver else ""
        tell(f"{device.name:8s}{device.title}, {device.memory_gb:.0f} GB{more}")
    if probe.trouble:
        tell(probe.trouble)


@jobs.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Two or more jobs.", metavar="JOB...")],
    root: RootOption = None,
) -> None:
    """Compare jobs: the settings in which they differ, and their errors beside the constant predictor's."""
    from xgeom_core.jobs.compare import compare as side_by_side  # noqa: PLC0415 - --help

    store = _store(root)
    found = [store.find(name) for name in names]
    tell(*comparison_lines(side_by_side([job.folder for job in found]), [job.title for job in found]))
