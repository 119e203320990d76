"""Whose command a job's record holds.

What a record says is run with the rights of whoever presses Resume. Each record that this user's xgeom
writes is therefore signed, with a key that stands in no job folder; what is not is shown and asked for.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import os
import secrets
import shlex
import stat
from dataclasses import asdict
from pathlib import Path

import platformdirs

from xgeom_core.errors import TrainingError
from xgeom_core.jobs.job import Job, command_text, own_training, portable_arguments
from xgeom_core.system.safe_files import read_bytes
from xgeom_core.system.text import visible

_KEY_BYTES = 32
_CODE_LETTERS = 8


class ConsentNeededError(TrainingError):
    """A job's command was not written down by this user's xgeom; the message shows it and how to agree."""

    def __init__(self, job: Job) -> None:
        super().__init__(
            f"{stranger_words(job)} It would run: {visible(command_text(job))} If that is what you want: "
            f"xgeom jobs resume {shlex.quote(job.folder.name)} --run-this {code_of(job)}"
        )


def stranger_words(job: Job) -> str:
    """What to say of a job that `needs_consent`, before its command is shown."""
    return (
        f"{job.title} holds a command that your xgeom did not write here: it may come from somebody else, "
        "another machine or an older version."
    )


def needs_consent(job: Job) -> bool:
    """Whether somebody must see a job's command before it runs.

    A training of the configuration in its own folder needs none: that is what xgeom itself would run for
    any run folder, and its record has no say in it.
    """
    return not (job.ours or own_training(job))


def check_consent(job: Job, agreed: str) -> None:
    """Refuse to run what nobody agreed to.

    Parameters
    ----------
    job : Job
    agreed : str
        `code_of` the job whose command was shown.

    Raises
    ------
    ConsentNeededError
        If its command was not shown, or another one was.
    """
    if needs_consent(job) and agreed != code_of(job):
        raise ConsentNeededError(job)


def digest_of(job: Job) -> str:
    """What tells a job's command, environment and place from all others."""
    return hashlib.sha256(_signed_part(job)).hexdigest()


def code_of(job: Job) -> str:
    """The beginning of `digest_of`, for people to type."""
    return digest_of(job)[:_CODE_LETTERS]


def signature_of(job: Job) -> str:
    """The signature of a job's command; empty where no key can be made, and then it is asked for later."""
    try:
        return hmac.new(_key(_key_path()), _signed_part(job), hashlib.sha256).hexdigest()
    except OSError:
        return ""


def is_ours(job: Job, signature: str, path: Path) -> bool:
    """Whether this user's xgeom wrote a job's record.

    Parameters
    ----------
    job : Job
        As read from the record.
    signature : str
        As it stands in the record.
    path : Path
        The record; somebody else's file is not ours whatever it holds.
    """
    try:
        owned = path.lstat().st_uid == os.geteuid()
        expected = signature_of(job)
    except (OSError, TrainingError):
        # A key that others may read proves nothing; it is complained of where something is to be signed.
        return False
    return owned and bool(expected) and hmac.compare_digest(os.fsencode(signature), expected.encode())


def _signed_part(job: Job) -> bytes:
    said = [job.id, job.kind, portable_arguments(job), job.program, asdict(job.place)]
    return json.dumps(said, sort_keys=True).encode()


def _key_path() -> Path:
    return Path(platformdirs.user_state_dir("xgeom", appauthor=False)) / "job-key"


@functools.cache
def _key(path: Path) -> bytes:
    """The user's key, made when it is first needed.

    Raises
    ------
    TrainingError
        If others may read it.
    OSError
        If it can neither be read nor made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make_key(path)
    found = path.lstat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise TrainingError(
            f"Others may read or replace {path}, the key that tells your jobs from theirs. Remove it: xgeom "
            "makes a new one, and asks once more before it goes on with earlier jobs."
        )
    key = read_bytes(path, _KEY_BYTES, follow=False)
    if len(key) != _KEY_BYTES:
        raise TrainingError(f"{path} is no key of xgeom. Remove it: xgeom makes a new one.")
    return key


def _make_key(path: Path) -> None:
    partial = path.with_name(f".{secrets.token_hex(6)}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(_KEY_BYTES))
        # A link and no move: of two that begin at once one key stays.
        path.hardlink_to(partial)
    except FileExistsError:
        return
    finally:
        partial.unlink()
