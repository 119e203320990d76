"""Messages between a program and the process that predicts for it: pickles, arrays beside them.

Both ends are this program and the channel belongs to them alone, so a pickle is as safe as a function call;
nothing that comes from a file is ever read this way. (The process that reads files speaks in plain values:
`xgeom_core.frames.wire`.)
"""

from __future__ import annotations

import pickle
from typing import Any, Literal

from xgeom_core.process.channel import Channel

Verb = Literal["load", "predict", "sight"]
Outcome = Literal["done", "refused", "unknown", "fault"]
"""What came of a request: a result; the sentence of an XgeomError; no such model; words for anything else."""


def send(channel: Channel, message: object) -> None:
    """Write one message; arrays go as they lie in memory.

    Raises
    ------
    OSError
        If the other end is gone.
    """
    arrays: list[pickle.PickleBuffer] = []
    text = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    channel.send([text, *(array.raw() for array in arrays)])


def receive(channel: Channel) -> Any:
    """Read one message.

    Raises
    ------
    EOFError
        If the other end is gone.
    """
    (text, *arrays), _ = channel.receive()
    return pickle.loads(text, buffers=arrays)
