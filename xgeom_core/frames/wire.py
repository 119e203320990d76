"""How the reading process is asked and how it answers: plain values, large arrays in shared memory."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import GenericAlias
from typing import Any, NamedTuple

from xgeom_core import errors
from xgeom_core.errors import XgeomError
from xgeom_core.frames.service import NotOpenError, Service
from xgeom_core.process import shared_memory
from xgeom_core.process.channel import Channel, MessageError
from xgeom_core.process.plain import NotPlainError, pack, signature, unpack

READY = b"xgeom reads"
"""What the process says when it can be asked."""

# 2.4 GB are the greatest frame; text is at most the readings of a long stream.
_MOST_SHARED, _MOST_TEXT = 2**32, 2**29
_SMALL = 2**16
_ERRORS = {
    kind.__name__: kind
    for kind in (*vars(errors).values(), NotOpenError)
    if isinstance(kind, type) and issubclass(kind, XgeomError)
}


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    folder : str
        In which names of files are meant; "" where there is none any more.
    closing : tuple of int
        Sources to be closed first.
    verb : str
        Method of `Service`.
    arguments : tuple
        For it.
    """

    folder: str
    closing: tuple[int, ...]
    verb: str
    arguments: tuple[Any, ...]


class Answer(NamedTuple):
    """What came of a request: ``"done"``, an error's name, ``"memory"`` or ``"fault"``, and the rest."""

    outcome: str
    text: bytes
    pieces: Sequence[memoryview] = ()


class TroubleError(Exception):
    """The process could not do what was asked; kind (``"memory"``, ``"fault"``) and words."""


@cache
def _types(verb: str) -> tuple[Any, Any]:
    arguments, result = signature(getattr(Service, verb))
    return GenericAlias(tuple, (str, tuple[int, ...], *arguments)), result


def ask(channel: Channel, request: Request) -> None:
    """Send a request.

    Raises
    ------
    OSError
        If the process is gone.
    """
    values = (request.folder, request.closing, *request.arguments)
    channel.send([request.verb.encode(), pack(_types(request.verb)[0], values).text])


def asked(channel: Channel) -> Request:
    """The next request; EOFError if there are no more."""
    parts, _ = channel.receive()
    verb = parts[0].decode()
    folder, closing, *arguments = unpack(_types(verb)[0], parts[1], memoryview(b""))
    return Request(folder, closing, verb, tuple(arguments))


def done(verb: str, result: Any) -> Answer:
    """The answer to a request that was fulfilled."""
    packed = pack(_types(verb)[1], result)
    return Answer("done", packed.text, packed.pieces)


def refused(error: XgeomError) -> Answer:
    """The answer to a request that ended in a sentence for the user."""
    known = next(kind for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
    return Answer(known.__name__, _text(error))


def trouble(kind: str, words: str) -> Answer:
    """The answer to a request that ended in something unforeseen."""
    return Answer(kind, _text(words))


def _text(words: object) -> bytes:
    return json.dumps(str(words)).encode("ascii")


def answer(channel: Channel, content: Answer) -> None:
    """Send an answer; OSError if the program is gone."""
    if sum(map(len, content.pieces)) <= _SMALL or not shared_memory.AVAILABLE:
        channel.send([content.outcome.encode(), content.text, b"".join(content.pieces)])
        return
    try:
        file = shared_memory.put(content.pieces)
    except OSError as error:
        answer(channel, trouble("memory", str(error.strerror)))
        return
    try:
        channel.send([content.outcome.encode(), content.text, b""], [file])
    finally:
        os.close(file)


def answered(channel: Channel, verb: str) -> Any:
    """The result of the request sent last.

    Raises
    ------
    XgeomError
        Of the kind and with the sentence that the process gives.
    TroubleError
        If it could not do it.
    MessageError
        If the answer makes no sense.
    EOFError
        If the process is gone.
    """
    parts, files = channel.receive(_MOST_TEXT if shared_memory.AVAILABLE else _MOST_SHARED)
    try:
        data = _shared(files) if files else memoryview(parts[2])
        outcome = parts[0].decode("ascii")
        if outcome == "done":
            return unpack(_types(verb)[1], parts[1], data)
        words = unpack(str, parts[1], data)
    except (IndexError, ValueError, NotPlainError) as error:
        raise MessageError(f"{error}") from error
    if outcome in _ERRORS:
        raise _ERRORS[outcome](words)
    raise TroubleError(outcome, words)


def _shared(files: Sequence[int]) -> memoryview:
    """The content of the shared memory that came with an answer."""
    if len(files) > 1 or not shared_memory.AVAILABLE:
        for file in files:
            os.close(file)
        raise ValueError(f"{len(files)} files")
    return shared_memory.take(files[0], _MOST_SHARED)
