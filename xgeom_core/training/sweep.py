"""Many variants of one configuration, proposed by Optuna, each trained in a run folder of its own."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from xgeom_core.errors import ConfigError, TrainingError
from xgeom_core.evaluate import figures
from xgeom_core.system.safe_files import make_folder, open_to_append, write_bytes, write_text
from xgeom_core.system.text import shortened
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.events import Failed, Finished, Validation, read_events
from xgeom_core.training.search_space import Space
from xgeom_core.training.trial_processes import Crew

if TYPE_CHECKING:
    import optuna

_STUDY = "sweep"
_JOURNAL = "optuna.journal"
TABLE, PLOT = "ranking.csv", "ranking.png"


@dataclass(frozen=True)
class Trial:
    """One variant and how it did; the score is NaN for one that failed."""

    number: int
    values: dict[str, Any]
    score: float
    reason: str = ""


def varied(config: Config, values: dict[str, Any], name: str) -> Config:
    """A configuration with other values at some keys.

    Raises
    ------
    ConfigError
        If the result will not do.
    """
    plain: dict[str, Any] = config.model_dump(mode="json")
    plain["name"] = name
    for key, value in values.items():
        *above, last = key.split(".")
        section = plain
        for step in above:
            section = section[step]
        section[last] = value
    try:
        return Config.model_validate(plain)
    except ValidationError as error:
        raise ConfigError(f"{name}: {error.errors()[0]['msg']}.") from None


def sweep(
    config: Path,
    space: Space,
    folder: Path,
    trials: int,
    jobs: int,
    tell: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Train variants until there are `trials`; one that was begun before goes on.

    Parameters
    ----------
    config : Path
        The configuration that is varied.
    space : Space
    folder : Path
        Gets the study, one run folder per trial, ``ranking.csv`` and ``ranking.png``.
    trials : int
        Trials in all, those of earlier calls included. Where every key has a list of values, each
        combination is trained once, and there are no more trials than combinations.
    jobs : int
        Trials at a time.
    tell : callable
        Called with every trial that ends.

    Returns
    -------
    list of Trial
        The best first.
    """
    base = load_config(config)
    study = _study(folder, space)
    every = space.combinations()
    left = min(trials, len(every) if every is not None else trials)
    left -= sum(1 for trial in study.trials if trial.state.is_finished())

    def begin(crew: Crew, number: int, values: dict[str, Any]) -> Trial:
        return _train(base, folder, number, values, space, crew)

    with Crew() as crew, ThreadPoolExecutor(jobs) as pool:
        try:
            _go_through(study, space, left, jobs, lambda *variant: pool.submit(begin, crew, *variant), tell)
        except BaseException:
            # Ctrl+C, the end of a job, anything: the pool waits for its trainings, so they end first.
            crew.end()
            raise
    ranked = _ranked(study)
    _write_table(folder / TABLE, ranked)
    _plot(folder / PLOT, ranked)
    return ranked


def _go_through(
    study: optuna.Study,
    space: Space,
    left: int,
    jobs: int,
    start: Callable[[int, dict[str, Any]], Future[Trial]],
    tell: Callable[[Trial], None],
) -> None:
    """Have `left` variants trained, `jobs` at a time; those that a kill left open come first."""
    begun = _begun(study)
    running: dict[Future[Trial], int] = {}
    while left > 0 or running:
        while left > 0 and len(running) < jobs:
            number, values = begun.pop(0) if begun else _asked(study, space)
            running[start(number, values)] = number
            left -= 1
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            trial = future.result()
            _tell_study(study, running.pop(future), trial)
            tell(trial)


def _study(folder: Path, space: Space) -> optuna.Study:
    try:
        import optuna  # noqa: PLC0415 - an extra that only sweeps need
        from optuna.storages.journal import (  # noqa: PLC0415
            JournalFileBackend,
            JournalFileOpenLock,
            JournalStorage,
        )
    except ImportError:
        raise TrainingError(
            "Sweeps need Optuna, which is not installed; install it with: pip install 'xgeom[sweep]'."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / _JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Optuna would follow a link.
        open_to_append(path).close()
        lock = JournalFileOpenLock(str(path))
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        # A resumed sweep must not draw again what its first part drew.
        drawn = len(optuna.study.get_all_study_summaries(storage))
        sampler = optuna.samplers.TPESampler(seed=space.seed if not drawn else None, n_startup_trials=8)
        return optuna.create_study(
            study_name=_STUDY, storage=storage, sampler=sampler, load_if_exists=True, direction="minimize"
        )
    except OSError as error:
        raise TrainingError(
            f"{error.filename or path}: {error.strerror or error}. Choose another folder for the sweep."
        ) from None
    # Optuna trusts its journal, and raises whatever a damaged one leads it to.
    except Exception as error:
        raise TrainingError(
            f"{path} is damaged ({shortened(repr(error))}); move it away to begin the sweep anew. The "
            "trainings in its folder are whole."
        ) from None


def _begun(study: optuna.Study) -> list[tuple[int, dict[str, Any]]]:
    """Trials that a kill left open."""
    from optuna.trial import TrialState  # noqa: PLC0415 - an extra that only sweeps need

    return [(trial.number, dict(trial.params)) for trial in study.get_trials(states=(TrialState.RUNNING,))]


def _asked(study: optuna.Study, space: Space) -> tuple[int, dict[str, Any]]:
    every = space.combinations()
    if every is not None:
        tried = [trial.params for trial in study.trials]
        # Skipped where a kill left this very one waiting.
        study.enqueue_trial(next(one for one in every if one not in tried), skip_if_exists=True)
    trial = study.ask()
    values: dict[str, Any] = {}
    for key, choice in space.vary.items():
        if choice.choices is not None:
            values[key] = trial.suggest_categorical(key, choice.choices)
        elif choice.whole:
            low, high = int(choice.low or 0), int(choice.high or 0)
            values[key] = trial.suggest_int(key, low, high, log=choice.log)
        else:
            values[key] = trial.suggest_float(key, choice.low or 0.0, choice.high or 0.0, log=choice.log)
    return trial.number, values


def _tell_study(study: optuna.Study, number: int, trial: Trial) -> None:
    from optuna.trial import TrialState  # noqa: PLC0415 - an extra that only sweeps need

    if math.isfinite(trial.score):
        study.tell(number, trial.score)
    else:
        study.tell(number, state=TrialState.FAIL)


def _train(
    base: Config, folder: Path, number: int, values: dict[str, Any], space: Space, crew: Crew
) -> Trial:
    run_dir = folder / f"trial-{number:04d}"
    try:
        config = varied(base, values, f"{base.name}-{number}")
    except ConfigError as error:
        return Trial(number, values, math.nan, str(error))
    path = make_folder(run_dir) / "config.toml"
    write_text(path, config.to_toml())
    write_text(run_dir / "values.json", json.dumps(values, indent=2))
    crew.train(path, run_dir)
    score, reason = score_of(run_dir, space.rank_by)
    return Trial(number, values, score, reason)


def score_of(run_dir: Path, rank_by: str) -> tuple[float, str]:
    """Score of a run that ended in order, and why there is none otherwise.

    The score is the mean over the last validation of every set of error over that of the constant
    predictor, of the center, the tilt or both: 1 means that nothing was learned.
    """
    events = read_events(run_dir / "events.jsonl")
    last = {event.data: event for event in events if isinstance(event, Validation)}
    ended = next((event for event in reversed(events) if isinstance(event, Finished | Failed)), None)
    if isinstance(ended, Failed) or ended is None or not last:
        return math.nan, ended.message if isinstance(ended, Failed) else "the run ended without a word"
    ratios = []
    for event in last.values():
        if rank_by != "tilt" and event.center_constant_px > 0:
            ratios.append(event.center_px / event.center_constant_px)
        if rank_by != "center" and event.tilt_constant_deg > 0:
            ratios.append(event.tilt_deg / event.tilt_constant_deg)
    if not ratios:
        return math.nan, "its validation frames are all alike, so that nothing can be said"
    return sum(ratios) / len(ratios), ""


def _ranked(study: optuna.Study) -> list[Trial]:
    trials = [
        Trial(trial.number, dict(trial.params), trial.value if trial.value is not None else math.nan)
        for trial in study.trials
        if trial.state.is_finished()
    ]
    return sorted(trials, key=lambda trial: (math.isnan(trial.score), trial.score))


def _write_table(path: Path, ranked: list[Trial]) -> None:
    keys = sorted({key for trial in ranked for key in trial.values})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "trial", "score", *keys])
    for rank, trial in enumerate(ranked, start=1):
        values = [trial.values.get(key, "") for key in keys]
        writer.writerow([rank, trial.number, f"{trial.score:.5g}", *values])
    write_text(path, text.getvalue())


def _plot(path: Path, ranked: list[Trial]) -> None:
    """Score against every key that was varied."""
    there = [trial for trial in ranked if math.isfinite(trial.score)]
    keys = sorted({key for trial in there for key in trial.values})
    if not keys:
        return
    drawn = figures.figure(3.4 * len(keys), 3.4)
    for column, key in enumerate(keys):
        axes = drawn.add_subplot(1, len(keys), column + 1)
        values = [trial.values[key] for trial in there]
        numbers = all(isinstance(value, int | float) for value in values)
        axes.plot(values if numbers else [str(v) for v in values], [t.score for t in there], "o")
        if numbers and min(values) > 0 and max(values) > 10 * min(values):
            axes.set_xscale("log")
        axes.set_xlabel(key)
        axes.set_ylabel("error / constant predictor's")
    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getbuffer())
    figures.close(drawn)
