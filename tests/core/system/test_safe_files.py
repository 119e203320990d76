"""Files that are written whole, and never where a stranger's link points."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from xgeom_core.system import safe_files
from xgeom_core.system.safe_files import (
    make_folder,
    open_to_append,
    read_bytes,
    replacing,
    touch,
    write_bytes,
    write_text,
)


@pytest.fixture
def victim(tmp_path):
    """A file elsewhere that nothing may change."""
    folder = tmp_path / "home"
    folder.mkdir()
    path = folder / "precious"
    path.write_text("precious")
    yield path
    assert path.read_text() == "precious"
    assert [one.name for one in folder.iterdir()] == ["precious"]


def test_a_link_is_replaced_and_not_followed(tmp_path, victim) -> None:
    for name, write in (
        ("a", lambda path: write_bytes(path, b"new")),
        ("b", lambda path: write_text(path, "new")),
    ):
        path = tmp_path / name
        path.symlink_to(victim)
        write(path)
        assert path.read_text() == "new"
        assert not path.is_symlink()


@pytest.mark.parametrize("open_it", [open_to_append, touch, lambda path: read_bytes(path, 10, follow=False)])
def test_a_link_is_refused_where_it_would_be_followed(tmp_path, victim, open_it) -> None:
    path = tmp_path / "link"
    for target in (victim, victim.with_name("new")):
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        with pytest.raises(OSError, match="it is a link to another place"):
            open_it(path)


def test_a_second_name_is_refused(tmp_path, victim) -> None:
    (tmp_path / "log").hardlink_to(victim)
    with pytest.raises(OSError, match="second name"):
        open_to_append(tmp_path / "log")
    (tmp_path / "log").unlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path, victim) -> None:
    (tmp_path / "runs").symlink_to(victim.parent)
    with pytest.raises(OSError, match="link to another place"):
        make_folder(tmp_path / "runs")
    assert make_folder(tmp_path / "a" / "b").is_dir()


def test_pipes_devices_and_folders_do_not_hang_or_flow(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "zero", "folder"):
        with pytest.raises(OSError, match=r"no regular file|a folder|Is a directory"):
            read_bytes(tmp_path / name, 10)
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match=r"no regular file|a folder|Is a directory"):
            open_to_append(tmp_path / name)


def test_the_size_is_limited(tmp_path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 2048)
    assert len(read_bytes(tmp_path / "x", 2048)) == 2048
    with pytest.raises(OSError, match="larger than 1 KiB"):
        read_bytes(tmp_path / "x", 2047)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    path = tmp_path / "x"
    write_text(path, "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(safe_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "new")
    with pytest.raises(OSError, match="No space"), replacing(path) as partial:
        partial.write_text("new")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="mine"), replacing(path) as partial:
        partial.write_text("new")
        raise ValueError("mine")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_what_is_written_may_be_read_by_whom_the_mask_allows(tmp_path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "x")
        with replacing(tmp_path / ("y" * 255), ".h5") as partial:
            assert partial.suffix == ".h5"
    finally:
        os.umask(before)
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o640}
