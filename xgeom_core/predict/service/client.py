"""Asks a process that predicts: nothing it does holds its client up, or takes it down."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from xgeom_core.errors import XgeomError
from xgeom_core.predict.service.wire import receive, send
from xgeom_core.process.worker import Worker, exit_text

if TYPE_CHECKING:
    from xgeom_core.frame import Frame
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.network_input import NetworkSight


class PredictProcess:
    """The process, and the models that it was asked to load. Used by one thread; `abort` by any.

    It is started when it is first needed and again after it ended unexpectedly.

    Parameters
    ----------
    environment : mapping, optional
        Variables that it gets beside those of this program.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._worker = Worker("xgeom_core.predict.service.server", "predicts", environment)
        self._numbers = itertools.count()
        self._aborted = False
        self._starting = threading.Lock()

    def __call__(self, name: str) -> RemotePredictor:
        """A predictor with a bundled model or a model file. Slow.

        Raises
        ------
        XgeomError
            If the model cannot be used or the process cannot be started.
        """
        predictor = RemotePredictor(self, next(self._numbers), name)
        predictor.load()
        return predictor

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return self._worker.pid

    def ask(self, *request: Any) -> tuple[str, Any]:
        """Send a request and wait for what comes of it (see `xgeom_core.predict.service.server`).

        Raises
        ------
        XgeomError
            If the process ends meanwhile.
        """
        with self._starting:
            if self._aborted:
                raise XgeomError("The prediction was stopped.")
            channel = self._worker.start()
        try:
            send(channel, request)
            return cast("tuple[str, Any]", receive(channel))
        except (OSError, EOFError):
            status = self.close()
        raise XgeomError(
            f"The process that predicts ended unexpectedly ({exit_text(status)}); the next prediction starts "
            "it again. If that ends as well, the frame may need more memory than there is."
        )

    def close(self) -> int | None:
        """End the process; its exit status, None if there was none."""
        return self._worker.close()

    def abort(self) -> None:
        """Have a prediction that is under way end at once, and start no other; from any thread."""
        with self._starting:
            self._aborted = True
        self._worker.kill()


class RemotePredictor:
    """A predictor whose work is done in the process."""

    def __init__(self, process: PredictProcess, number: int, name: str) -> None:
        self._process, self._number, self._name = process, number, name

    def load(self) -> None:
        """Have the model loaded."""
        _result(self._process.ask("load", self._number, self._name))

    def predict(self, frame: Frame, fit: bool = True, **wishes: Any) -> Prediction:
        """As `xgeom_core.predict.Predictor.predict`."""
        return cast("Prediction", self._asked("predict", frame, {"fit": fit, **wishes}))

    def sight(self, frame: Frame) -> NetworkSight:
        """As `xgeom_core.predict.network_input.network_sight`."""
        return cast("NetworkSight", self._asked("sight", frame))

    def _asked(self, verb: str, *what: Any) -> Any:
        answer = self._process.ask(verb, self._number, *what)
        if answer[0] == "unknown":
            # The process is a new one, or has let go of this model for others.
            self.load()
            answer = self._process.ask(verb, self._number, *what)
        return _result(answer)


def _result(answer: tuple[str, Any]) -> Any:
    outcome, content = answer
    if outcome == "refused":
        raise XgeomError(content)
    if outcome != "done":
        raise RuntimeError(content)
    return content
