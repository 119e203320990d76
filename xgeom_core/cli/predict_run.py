"""The frames of one call of ``xgeom predict``, one after another, whatever becomes of any of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
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
        self.answer: Callable[[Frame], Prediction]
        """What turns a frame into a prediction."""
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

    def _of_file(self, path: str) -> Iterator[Prediction]:
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

    def _of_frame(self, source: FrameSource, index: int) -> Prediction:
        began = time.perf_counter()
        frame: Frame | None = None
        try:
            frame = self._overrides.apply(source.frame(index))
            answered = self.answer(frame)
            if answered.best is not None and not all(map(math.isfinite, answered.best.center_px)):
                raise ArithmeticError(f"the center is {answered.best.center_px}")
            return answered
        except UsageError:
            raise
        # One frame's fault must not lose the answers for the others.
        except Exception as error:
            doing = "reading" if frame is None else "predicting"
            reason = told(error, f"{doing} frame {index} of {source.path}")
        metadata = source.metadata if frame is None else frame.metadata
        header = metadata.estimate()
        spent = time.perf_counter() - began
        from xgeom_core.predict.prediction import Prediction  # noqa: PLC0415 - numpy takes time

        place = (source.path, source.dataset, index)
        return Prediction.failed(place, reason, header, () if frame is None else frame.warnings, spent)
