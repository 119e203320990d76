"""A process that reads files until it dies:  python -m fuzzing.worker

It is told of files by its input, a line of JSON each, and tells what came of them by its output.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
from contextlib import suppress
from dataclasses import asdict

# A frame that needs more than this must be refused.
MEMORY_BYTES = 6 * 2**30


def main() -> None:
    """Read until the input ends."""
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    faulthandler.enable()
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    from fuzzing.reading import read  # noqa: PLC0415 - within these limits

    for line in sys.stdin:
        report = read(**json.loads(line))
        answers.write(json.dumps(asdict(report)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
