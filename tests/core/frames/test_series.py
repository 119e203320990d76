"""Several files as one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fabio.cbfimage
import fabio.tifimage
import h5py
import numpy as np
import pytest

from xgeom_core.errors import FrameFileError, MissingSourceError, UnreadableFileError
from xgeom_core.frames import join_run, open_frames, open_run
from xgeom_core.frames.numbering import frames_in, natural, numbered_series, take_apart
from xgeom_core.frames.series import SeriesSource, count_frames

SHAPE = (48, 40)


def cbf(path: Path, value: int, shape: tuple[int, int] = SHAPE) -> str:
    fabio.cbfimage.CbfImage(data=np.full(shape, value, np.int32)).write(str(path))
    return str(path)


def series(folder: Path, numbers: Any, width: int = 4, name: str = "img") -> list[str]:
    return [cbf(folder / f"{name}_{number:0{width}d}.cbf", number) for number in numbers]


def hdf5(path: Path, values: list[int], shape: tuple[int, int] = SHAPE) -> str:
    with h5py.File(path, "w") as file:
        file["data"] = np.stack([np.full(shape, value, np.int32) for value in values])
    return str(path)


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("img_0001.cbf", "img_####.cbf"),
        ("lyso_1_00005.cbf.gz", "lyso_1_#####.cbf.gz"),
        ("frame.0007", "frame.####"),
        ("hit.v2_0007.tif", "hit.v2_####.tif"),
        ("scan_12.mar3450", "scan_##.mar3450"),
    ],
)
def test_the_number_of_a_name(name: str, template: str) -> None:
    apart = take_apart(f"/data/{name}")
    assert apart is not None and apart.template == f"/data/{template}"


def test_a_name_without_a_number() -> None:
    assert take_apart("/data/frame.cbf") is None


def test_one_file_of_a_series_opens_all_of_it_at_its_place(tmp_path: Path) -> None:
    paths = series(tmp_path, range(1, 7))
    with open_run(paths[3]) as source:
        assert len(source) == 6 and source.start == 3
        assert [int(source.frame(i).data[5, 5]) for i in range(6)] == [1, 2, 3, 4, 5, 6]
        assert [source.frame(i).index for i in (0, 5)] == [0, 5]
        assert source.frame(5).path == paths[5]
        assert source.path == str(tmp_path / "img_####.cbf")
        assert source.layout == "CBF series"


def test_a_series_is_opened_lazily(tmp_path: Path) -> None:
    paths = series(tmp_path, range(50))
    opened: list[str] = []

    def opener(path: str) -> Any:
        opened.append(path)
        return open_frames(path)

    with open_run(paths[0], opener=opener) as source:
        source.frame(0)
        source.frame(30)
        assert opened == [paths[0], paths[30]]


def test_numbers_without_zeros_are_sorted_as_numbers(tmp_path: Path) -> None:
    paths = series(tmp_path, range(8, 13), width=0)
    with open_run(paths[0]) as source:
        assert [int(source.frame(i).data[0, 0]) for i in range(5)] == [8, 9, 10, 11, 12]


def test_other_series_in_the_folder_stay_apart(tmp_path: Path) -> None:
    series(tmp_path, range(4), name="other")
    series(tmp_path, range(4), width=5)
    paths = series(tmp_path, range(3))
    assert numbered_series(paths[0]) == tuple(paths)


def test_a_hole_in_a_series_is_named_when_it_is_reached(tmp_path: Path) -> None:
    paths = series(tmp_path, [1, 2, 3, 5, 6, 7])
    with open_run(paths[0]) as source:
        assert len(source) == 7
        with pytest.raises(MissingSourceError, match=r"Frame 3 is missing: .*img_0004\.cbf does not exist"):
            source.frame(3)
        assert source.frame(4).data[0, 0] == 5


def test_numbers_far_apart_are_no_holes(tmp_path: Path) -> None:
    paths = series(tmp_path, [1, 100, 5000])
    with open_run(paths[1]) as source:
        assert len(source) == 3 and source.start == 1


def test_a_member_deleted_while_the_run_is_open(tmp_path: Path) -> None:
    paths = series(tmp_path, range(5))
    with open_run(paths[0]) as source:
        source.frame(0)
        Path(paths[2]).unlink()
        with pytest.raises(MissingSourceError, match=r"img_0002\.cbf"):
            source.frame(2)
        assert source.frame(3).data[0, 0] == 3


def test_a_damaged_member_leaves_the_others_readable(tmp_path: Path) -> None:
    paths = series(tmp_path, range(5))
    content = Path(paths[2]).read_bytes()
    Path(paths[2]).write_bytes(content[: len(content) // 2])
    with open_run(paths[0]) as source:
        with pytest.raises(UnreadableFileError, match=r"img_0002\.cbf"):
            source.frame(2)
        assert source.frame(3).data[0, 0] == 3


def test_a_member_of_another_shape_is_refused(tmp_path: Path) -> None:
    paths = series(tmp_path, range(3))
    cbf(Path(paths[2]), 9, (20, 20))
    with open_run(paths[0]) as source, pytest.raises(UnreadableFileError, match="20 × 20 px"):
        source.frame(2)


def test_a_lone_image_is_no_series(tmp_path: Path) -> None:
    (path,) = series(tmp_path, [4])
    with open_run(path) as source:
        assert not isinstance(source, SeriesSource) and source.path == path


def test_hdf5_files_with_numbers_are_no_series(tmp_path: Path) -> None:
    paths = [hdf5(tmp_path / f"run_{i}.h5", [i, i]) for i in range(3)]
    with open_run(paths[1]) as source:
        assert source.path == paths[1] and len(source) == 2


def test_several_files_become_one_run(tmp_path: Path) -> None:
    paths = [hdf5(tmp_path / f"run_{i}.h5", [10 * i, 10 * i + 1, 10 * i + 2]) for i in (10, 9, 1)]
    with open_run(join_run(paths)) as source:
        values = [int(source.frame(i).data[0, 0]) for i in range(len(source))]
        assert values == [10, 11, 12, 90, 91, 92, 100, 101, 102], "in natural order"
        assert isinstance(source, SeriesSource) and source.place(4) == (paths[1], 1)
        assert source.frame(4).index == 4 and source.frame(4).path == paths[1]


def test_a_file_of_another_shape_is_left_out_and_named(tmp_path: Path) -> None:
    paths = [hdf5(tmp_path / f"run_{i}.h5", [i]) for i in range(2)]
    paths.append(hdf5(tmp_path / "wide.h5", [7], (30, 90)))
    with open_run(join_run(paths)) as source:
        assert len(source) == 2
        assert "wide.h5 is left out of the run" in " ".join(source.frame(0).warnings)


def test_a_missing_file_of_a_list_keeps_its_place(tmp_path: Path) -> None:
    paths = [hdf5(tmp_path / f"run_{i}.h5", [i, i]) for i in range(3)]
    Path(paths[1]).unlink()
    with open_run(join_run(paths)) as source:
        assert len(source) == 5
        with pytest.raises(MissingSourceError, match=r"run_1\.h5"):
            source.frame(2)
        assert source.frame(3).data[0, 0] == 2


def test_a_run_of_which_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="None of the 2 files"):
        open_run(join_run([str(tmp_path / "a.h5"), str(tmp_path / "b.h5")]))


def test_a_template_stands_for_its_series(tmp_path: Path) -> None:
    paths = series(tmp_path, range(3, 6))
    Path(paths[0]).write_bytes(b"###CBF: broken")
    with open_run(tmp_path / "img_####.cbf") as source:
        assert len(source) == 3 and source.start == 0
        assert source.frame(1).data[0, 0] == 4
    with pytest.raises(UnreadableFileError, match="no file named like"):
        open_run(tmp_path / "none_####.cbf")


def test_a_folder_gives_its_longest_series(tmp_path: Path) -> None:
    series(tmp_path, range(2), name="test")
    series(tmp_path, range(4))
    (tmp_path / "notes.txt").write_text("x")
    with open_run(tmp_path) as source:
        assert len(source) == 4 and source.path.endswith("img_####.cbf")


def test_a_folder_of_hdf5_files_is_a_run(tmp_path: Path) -> None:
    for i in range(3):
        hdf5(tmp_path / f"part{i}.h5", [i, i])
    with open_run(tmp_path) as source:
        assert len(source) == 6 and source.path == str(tmp_path)


def test_a_folder_without_frames(tmp_path: Path) -> None:
    with pytest.raises(FrameFileError, match="without a file of frames"):
        open_run(tmp_path)


def test_masters_stand_for_their_data_files() -> None:
    names = ["a_data_000001.h5", "a_data_000002.h5", "a_master.h5"]
    assert frames_in(names) == ("a_master.h5",)


def test_natural_order() -> None:
    assert sorted(["f10", "F2", "f1"], key=natural) == ["f1", "F2", "f10"]


def test_a_tiff_of_many_frames_is_no_member_of_a_series(tmp_path: Path) -> None:
    for i in range(2):
        image = fabio.tifimage.TifImage(data=np.full(SHAPE, i, np.int32))
        image.write(str(tmp_path / f"t_{i:03d}.tif"))
    with open_run(tmp_path / "t_001.tif") as source:
        assert len(source) == 2 and source.start == 1 and source.layout == "TIFF series"


def test_counting_frames_agrees_with_opening(tmp_path: Path) -> None:
    (tmp_path / "cbf").mkdir()
    paths = series(tmp_path / "cbf", range(5))
    hdf5_path = hdf5(tmp_path / "a.h5", [1, 2, 3])
    assert count_frames(paths[2]) == count_frames(str(tmp_path / "cbf")) == 5
    assert count_frames(str(tmp_path / "cbf" / "img_####.cbf")) == 5
    assert count_frames(hdf5_path) == 3
    assert count_frames(join_run([hdf5_path, paths[0]])) == 4
