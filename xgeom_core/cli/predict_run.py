"""The frames of one call of ``xgeom predict``, one after another, whatever becomes of any of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xgeom_core.cli.common import Overrides, frame_range
from xgeom_core.cli.faults import told
from xgeom_core.cli.terminal import say
from xgeom_core.errors import UsageError

if TYPE_CHECKING:
    from xgeom_core.formats.source import FrameSource
    from xgeom_core.frame import Frame
    from xgeom_core.predict.prediction import Prediction
    from xgeom_core.predict.service.pool import Given

ANSWERED, FAILED, NOTHING_TRIED = 0, 1, 2


class PredictRun:
    """What is asked of every frame, and how far it came.

    Parameters
    ----------
    paths : sequence of str
        Files, as the user names them.
    frames : str or None
        Which frames of each, as `frame_range` takes it.
    overrides : Overrides
    """

    def __init__(self, paths: Sequence[str], frames: str | None, overrides: Overrides) -> None:
        self._paths, self._frames, self._overrides = paths, frames, overrides
        self.answer: Callable[[Iterable[Given]], Iterator[Prediction]]
        """What turns frames into predictions, in order; those in place of unreadable frames are passed on."""
        self.done = 0
        """Frames that have an answer, or a sentence in place of one."""
        self.warnings: dict[str, None] = {}
        """What the answers warn of, each once."""
        self.found: list[Prediction] = []
        """Answers that are kept."""
        self.broken = False
        """Whether anything has failed."""
        self._wanted, self._seen = 0, 0

    @property
    def status(self) -> int:
        """Exit status of the command."""
        if not self._wanted:
            return NOTHING_TRIED
        return FAILED if self.broken else ANSWERED

    def predictions(self) -> Iterator[Prediction]:
        """One a frame.

        Raises
        ------
        UsageError
            If a method cannot work as it is asked to, which is no fault of the frame.
        """
        for prediction in self.answer(self._frames_given()):
            best = prediction.best
            if best is not None and not all(map(math.isfinite, best.center_px)):
                place = (prediction.frame_path, prediction.dataset, prediction.index)
                reason = f"The center came out as {best.center_px}, which is a fault of xgeom."
                yield prediction.failed(place, reason, prediction.header, prediction.warnings)
            else:
                yield prediction

    def _frames_given(self) -> Iterator[Given]:
        for path in self._paths:
            yield from self._of_file(path)

    def count(self, prediction: Prediction, keep: bool) -> None:
        """Take note of an answer, and keep it where the frames are to be compared."""
        self.done += 1
        self.broken |= prediction.status == "failed"
        self.warnings |= dict.fromkeys(prediction.warnings)
        if keep:
            # What explains an answer is as large as its frame.
            self.found.append(replace(prediction, explanation=None))

    def so_far(self, out: Path | None) -> str:
        """How many frames are done of how many, and where their answers are."""
        text = f"after {self.done} of {self._wanted} frames" if self._wanted else "before the first frame"
        unseen = len(self._paths) - self._seen
        if unseen:
            text += f" ({unseen} of {len(self._paths)} files were not opened yet)"
        if out is None:
            return text
        return f"{text}; {f'their answers are kept in {out}' if self.done else f'{out} is not written'}"

    def _of_file(self, path: str) -> Iterator[Given]:
        from xgeom_core.frames import open_frames  # noqa: PLC0415 - h5py and fabio take time

        self._seen += 1
        try:
            source = open_frames(path)
        # One bad file must not lose the answers for the others.
        except Exception as error:
            self._unusable(told(error, f"opening {path}"))
            return
        with closing(source):
            try:
                chosen = frame_range(self._frames, len(source))
            except UsageError as error:
                self._unusable(f"{path}: {error}")
                return
            self._wanted += len(chosen)
            for index in chosen:
                yield self._of_frame(source, index)

    def _unusable(self, sentence: str) -> None:
        say(f"xgeom: {sentence}")
        self.broken = True

    def _of_frame(self, source: FrameSource, index: int) -> Given:
        began = time.perf_counter()
        try:
            return self._overrides.apply(source.frame(index))
        except UsageError:
            raise
        # One frame's fault must not lose the answers for the others.
        except Exception as error:
            reason = told(error, f"reading frame {index} of {source.path}")
        from xgeom_core.predict.prediction import Prediction  # noqa: PLC0415 - numpy takes time

        place = (source.path, source.dataset, index)
        spent = time.perf_counter() - began
        return Prediction.failed(place, reason, source.metadata.estimate(), (), spent)


def one_by_one(answer: Callable[[Frame], Prediction]) -> Callable[[Iterable[Given]], Iterator[Prediction]]:
    """Answers of one function for each frame; where it fails, a prediction that says so."""

    def answers(frames: Iterable[Given]) -> Iterator[Prediction]:
        from xgeom_core.predict.prediction import Prediction  # noqa: PLC0415 - numpy takes time

        for frame in frames:
            if isinstance(frame, Prediction):
                yield frame
                continue
            began = time.perf_counter()
            try:
                yield answer(frame)
                continue
            except UsageError:
                raise
            except Exception as error:
                reason = told(error, f"predicting frame {frame.index} of {frame.path}")
            place, spent = (frame.path, frame.dataset, frame.index), time.perf_counter() - began
            yield Prediction.failed(place, reason, frame.metadata.estimate(), frame.warnings, spent)

    return answers
