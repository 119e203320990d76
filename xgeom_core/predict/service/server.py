"""The process that predicts for a window:  python -m xgeom_core.predict.service.server PARENT

It answers requests until there are no more, and ends with the window, however that goes. In a process of
its own, nothing that a prediction does can hold the window up, or take it down.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from xgeom_core.errors import XgeomError
from xgeom_core.predict.service.wire import Outcome, receive, send
from xgeom_core.process import bounds
from xgeom_core.process.channel import Channel, inherited

if TYPE_CHECKING:
    from xgeom_core.predict.predictor import Predictor

_log = logging.getLogger(__name__)

# The model that answers, the one it is compared with, and the one that is being trained.
_KEPT_MODELS = 3


class Server:
    """Keeps models and answers requests about them.

    Requests are tuples: ``("load", number, name)``, ``("predict", number, frame, wishes)`` and
    ``("sight", number, frame)``, where the number is the client's name for a model that it had loaded.
    """

    def __init__(self) -> None:
        self._predictors: OrderedDict[int, Predictor] = OrderedDict()

    def answer(self, request: tuple[Any, ...]) -> tuple[Outcome, Any]:
        """What comes of one request."""
        verb, number, *rest = request
        try:
            if verb == "load":
                self._load(number, *rest)
                return "done", None
            if number not in self._predictors:
                return "unknown", None
            self._predictors.move_to_end(number)
            return "done", _asked(self._predictors[number], verb, *rest)
        except XgeomError as error:
            return "refused", str(error)
        # A fault in one prediction must not end the process that is to make the next.
        except Exception as error:
            _log.exception("request %s", verb)
            return "fault", repr(error)

    def _load(self, number: int, name: str) -> None:
        from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415 - torch: the answer to "load"

        self._predictors[number] = Predictor.load(model=name)
        while len(self._predictors) > _KEPT_MODELS:
            self._predictors.popitem(last=False)


def _asked(predictor: Predictor, verb: str, *rest: Any) -> Any:
    if verb == "sight":
        from xgeom_core.predict.network_input import network_sight  # noqa: PLC0415 - needs torch

        return network_sight(predictor.model, *rest)
    frame, wishes = rest
    return predictor.predict(frame, **wishes)


def serve(channel: Channel) -> None:
    """Answer until the requests end."""
    server = Server()
    while True:
        try:
            send(channel, server.answer(receive(channel)))
        except (EOFError, OSError):
            return


def main() -> None:
    """Serve the program that has started this process."""
    bounds.end_with_parent(int(sys.argv[1]))
    bounds.leave_signals_to_parent()
    logging.basicConfig(level=logging.WARNING)
    if hasattr(os, "nice"):
        # Where processors are few, the window comes first.
        os.nice(5)
    serve(inherited())


if __name__ == "__main__":
    main()
