"""The process that reads files for a program:  python -m xgeom_core.frames.child PARENT

It answers requests (see `xgeom_core.frames.service`) until there are no more, with limits on memory and on
processor time. A file that brings a library down, or keeps it busy for ever, ends this process; the
program that asked says so in a sentence and starts another.
"""

from __future__ import annotations

import importlib
import os
import sys

from xgeom_core.errors import XgeomError
from xgeom_core.frames import wire
from xgeom_core.frames.service import LEAST_S, Service
from xgeom_core.process import bounds
from xgeom_core.process.channel import Channel, inherited

# Counts in 32 bits take 11 bytes a pixel while bad pixels are looked for, 4.1 GiB for the greatest frame.
_MEMORY, _SHARE_OF_MACHINE = 8 * 2**30, 0.75


class Server:
    """Answers the requests of one program."""

    def __init__(self, memory: int) -> None:
        self._service = Service()
        self._memory = memory
        self._folder = ""

    def answer(self, request: wire.Request) -> wire.Answer:
        """What comes of one request."""
        try:
            self._work_in(request.folder)
            for number in request.closing:
                self._service.close(number)
            return wire.done(request.verb, getattr(self._service, request.verb)(*request.arguments))
        except XgeomError as error:
            return wire.refused(error)
        except MemoryError:
            return wire.trouble("memory", f"{self._memory / 2**30:.3g} GiB")
        # Nothing that a file does to its reader may be more than a sentence.
        except Exception as error:
            return wire.trouble("fault", f"{type(error).__name__}: {error}")

    def _work_in(self, folder: str) -> None:
        """Names of files are meant as in the folder where the program works now."""
        if folder and folder != self._folder:
            os.chdir(folder)
            self._folder = folder


def serve(channel: Channel, memory: int) -> None:
    """Answer until there are no more requests."""
    server = Server(memory)
    while True:
        try:
            request = wire.asked(channel)
            bounds.allow_processor_time(LEAST_S)
            wire.answer(channel, server.answer(request))
            bounds.allow_processor_time(0)
        except (EOFError, OSError):
            return


def main() -> None:
    """Serve the program that has started this process."""
    bounds.end_with_parent(int(sys.argv[1]))
    bounds.leave_signals_to_parent()
    bounds.leave_no_core()
    memory = min(_MEMORY, int(_SHARE_OF_MACHINE * bounds.machine_memory()))
    bounds.limit_memory(memory)
    channel = inherited()
    # What nearly every request needs; nobody waits for it yet.
    importlib.import_module("xgeom_core.frames.opening")
    # A library's last words before it crashes are nothing for the user.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    channel.send([wire.READY])
    serve(channel, memory)


if __name__ == "__main__":
    main()
