"""Finding files: however a path is written, the files that a person means are found, or it is said what lies there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest

from engine.errors import MissingFrameError, ShotError
from engine.media.finding import Found, find

PLATE = "plate.path"


def lay(folder: Path, names: Iterable[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def numbered(form: str, first: int, last: int) -> list[str]:
    return [form % frame for frame in range(first, last + 1)]


def kinds(found: Found) -> list[str]:
    return [notice.kind for notice in found.notices]


@pytest.mark.parametrize(
    "name",
    [
        *("plate.%04d.exr", "plate.%4d.exr", "plate.%.4d.exr", "plate.####.exr", "plate.[####].exr", "plate.@@@@.exr"),
        *("plate.$F4.exr", "plate.${F4}.exr", "plate.<F4>.exr", "plate.<f4>.exr", "plate.{frame:04d}.exr"),
    ],
)
def test_every_form_of_four_digits_finds_the_sequence(tmp_path: Path, name: str) -> None:
    lay(tmp_path, [*numbered("plate.%04d.exr", 998, 1002), "plates.0999.exr", "plate.0999.png"])
    found = find(str(tmp_path / name), PLATE)
    assert list(found.files) == list(range(998, 1003))
    assert kinds(found) == []


@pytest.mark.parametrize("name", ["plate.%d.exr", "plate.#.exr", "plate.@.exr", "plate.$F.exr", "plate.<F>.exr"])
@pytest.mark.parametrize("form", ["plate.%d.exr", "plate.%03d.exr", "plate.%04d.exr", "plate.%07d.exr"])
def test_padding_is_what_is_on_disk_where_a_pattern_leaves_it_open(tmp_path: Path, name: str, form: str) -> None:
    lay(tmp_path, numbered(form, 95, 105))
    found = find(str(tmp_path / name), PLATE)
    assert list(found.files) == list(range(95, 106))
    assert found.file(106).name == form % 106


@pytest.mark.parametrize(
    ("asked", "form", "first", "last"),
    [
        ("a.%04d.exr", "a.%d.exr", 1, 100),
        ("a.%04d.exr", "a.%d.exr", 990, 1100),
        ("a.####.exr", "a.%03d.exr", 1, 12),
        ("a.%03d.exr", "a.%06d.exr", 86400, 86410),
        ("a_%05d.png", "a_%04d.png", 0, 9),
    ],
)
def test_files_padded_otherwise_are_taken_whole_and_told(
    tmp_path: Path, asked: str, form: str, first: int, last: int
) -> None:
    lay(tmp_path, numbered(form, first, last))
    found = find(str(tmp_path / asked), PLATE)
    assert list(found.files) == list(range(first, last + 1))
    assert kinds(found) == ["plate.padding"]


def test_a_file_of_other_padding_that_is_left_out_is_told(tmp_path: Path) -> None:
    lay(tmp_path, [*numbered("a.%04d.exr", 1, 6), "a.7.exr"])
    found = find(str(tmp_path / "a.%04d.exr"), PLATE)
    assert list(found.files) == [1, 2, 3, 4, 5, 6]
    assert "a.7.exr" in found.notices[0].message


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("plate.1002-1004#.exr", "1002-1004"),
        ("plate.1002-1004@@@@.exr", "1002-1004"),
        ("plate.1002-1004%04d.exr", "1002-1004"),
        ("plate.[1001-1005].exr", "1001-1005"),
        ("plate.1001-1005.exr", "1001-1005"),
        ("plate.1001-1005x2.exr", "1001,1003,1005"),
        ("plate.%04d.exr 1001-1003", "1001-1003"),
        ("plate.####.exr [1001-1003]", "1001-1003"),
    ],
)
def test_a_range_in_a_path_names_the_frames(tmp_path: Path, name: str, frames: str) -> None:
    lay(tmp_path, numbered("plate.%04d.exr", 1001, 1009))
    found = find(str(tmp_path / name), PLATE)
    assert len(found.files) == 9
    assert str(found.frames) == frames


@pytest.mark.parametrize(
    "name",
    [
        *("plate.1002.exr", "0002.png", "frame0002.png", "render_0002.jpg", "IMG.0002.tif", "sh010_v002.1002.exr"),
        *("plate-002.exr", "take2_0002.png", "clip_2.png", "DSC00002.exr", "plate.0002.left.exr", "Image0002.png"),
        *("plate_00086402.dpx", "A001C003_200101_R1AB.00000002.dpx", "f2.jpg"),
    ],
)
def test_one_frame_named_means_its_sequence_and_says_so(tmp_path: Path, name: str) -> None:
    at = name.rindex("2")
    others = [f"{name[:at]}{digit}{name[at + 1 :]}" for digit in (1, 2, 3)]
    lay(tmp_path, [*others, "notes.txt", "Thumbs.db", ".DS_Store", f"._{name}"])
    found = find(str(tmp_path / name), PLATE)
    assert [file.name for file in found.files.values()] == others
    assert kinds(found) == ["plate.sequence"]
    assert find(str(tmp_path / name), PLATE, alone=True).pattern.is_still


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("shot_v002.exr", ["shot_v001.exr", "shot_v003.exr"]),
        ("comp.v2.exr", ["comp.v1.exr", "comp.v3.exr"]),
        ("sh010.exr", ["sh020.exr", "sh030.exr"]),
        ("take_2.exr", ["take_1.exr", "take_3.exr"]),
        ("IMG_1234.JPG", ["IMG_1233.JPG", "IMG_1235.JPG"]),
        ("DSCF0002.RAF", ["DSCF0001.RAF"]),
        ("still_20240131.png", ["still_20240130.png", "still_20240201.png"]),
        ("plate_1080.exr", ["plate_2160.exr"]),
        ("plate.1001.exr", []),
        ("plate.1001.exr", ["depth.1001.exr", "plate.1001.png"]),
        ("plate.1001.exr", ["plate.1002.exr.tmp", ".plate.1002.exr.host.1.partial", "._plate.1002.exr"]),
        ("logo.png", ["logo2.png"]),
    ],
)
def test_a_number_that_is_no_frame_leaves_a_picture_alone(tmp_path: Path, name: str, others: list[str]) -> None:
    lay(tmp_path, [name, *others])
    found = find(str(tmp_path / name), PLATE)
    assert found.pattern.is_still
    assert found.file(5) == tmp_path / name


def test_neighbours_of_a_photograph_are_told(tmp_path: Path) -> None:
    lay(tmp_path, ["IMG_1234.JPG", "IMG_1235.JPG"])
    (notice,) = find(str(tmp_path / "IMG_1234.JPG"), PLATE).notices
    assert "taken alone" in notice.message
    assert "IMG_%04d.JPG 1234-1235" in notice.message


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (numbered("%05d.jpg", 0, 3), "%05d.jpg"),
        ([*numbered("plate.%04d.exr", 1001, 1003), ".DS_Store", "Thumbs.db", "._plate.1001.exr"], "plate.%04d.exr"),
        ([*numbered("plate.%04d.exr", 1001, 1003), "contact_sheet.png"], "plate.%04d.exr"),
        ([*numbered("frame%d.png", 8, 11), "frame12.png.partial"], "frame%d.png"),
        (["A001.mov", "notes.txt"], "A001.mov"),
        (numbered("plate.%04d.left.exr", 1, 3), "plate.%04d.left.exr"),
        (numbered("sh010_v003.%04d.exr", 1, 3), "sh010_v003.%04d.exr"),
        (["00000_zf_0.53367.png", "00001_zf_0.54078.png", "00002_zf_0.54078.png"], "%05d_zf_*.png"),
        (["00000_zf_0.5_k_32.png", "00001_zf_0.5_k_31.png", "00002_zf_1_k_30.png"], "%05d_zf_*.png"),
        (["still.exr"], "still.exr"),
        (["plate.1001.exr"], "plate.%04d.exr"),
    ],
)
def test_a_folder_of_pictures_is_the_one_sequence_in_it(tmp_path: Path, names: list[str], pattern: str) -> None:
    lay(tmp_path / "a", names)
    found = find(str(tmp_path / "a"), PLATE)
    assert str(found.pattern) == str(tmp_path / "a" / pattern)
    assert kinds(found) == ["plate.sequence"]
    again = find(str(found.pattern), PLATE)
    assert (again.files, kinds(again)) == (found.files, [])


@pytest.mark.parametrize(
    "names",
    [
        [*numbered("plate.%04d.exr", 1, 2), *numbered("depth.%04d.exr", 1, 2)],
        [*numbered("plate.%04d.exr", 1, 2), *numbered("plate.%04d.jpg", 1, 2)],
        [*numbered("plate_v001.%04d.exr", 1, 2), *numbered("plate_v002.%04d.exr", 1, 2)],
        [*numbered("plate.%04d.exr", 1, 2), "preview.mp4"],
        [*numbered("cam1_%04d.png", 1, 3), *numbered("cam2_%04d.png", 1, 3)],
    ],
)
def test_a_folder_of_several_sequences_lists_them(tmp_path: Path, names: list[str]) -> None:
    lay(tmp_path, names)
    with pytest.raises(MissingFrameError, match=r"holds several sequences \(.*, .*\)"):
        find(str(tmp_path), PLATE)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%05d_zf_*.png", ["00000_zf_0.53367.png", "00001_zf_0.54078.png"]),
        ("#####_zf_*.png", ["00000_zf_0.53367.png", "00001_zf_0.54078.png"]),
        ("%05d_*", ["00000_zf_0.5.png", "00001_zf_0.6.png"]),
        ("*.%04d.exr", ["a.0000.exr", "b.0001.exr"]),
        ("*.png", ["00000_zf_0.5.png", "00001_zf_0.6.png"]),
        ("frame.*.png", ["frame.0000.png", "frame.0001.png"]),
    ],
)
def test_a_star_stands_for_text_that_changes(tmp_path: Path, pattern: str, names: list[str]) -> None:
    lay(tmp_path, [*names, "._00000_zf_0.5.png", "other.tif"])
    found = find(str(tmp_path / pattern), "depth.path")
    assert [(frame, file.name) for frame, file in found.files.items()] == list(enumerate(names))


def test_two_files_for_one_frame_under_a_star_are_refused(tmp_path: Path) -> None:
    lay(tmp_path, ["00000_zf_0.5.png", "00000_zf_0.6.png", "00001_zf_0.6.png"])
    with pytest.raises(MissingFrameError, match=r"00000_zf_0\.5\.png and 00000_zf_0\.6\.png for frame 0"):
        find(str(tmp_path / "%05d_zf_*.png"), PLATE)


@pytest.mark.parametrize("name", ["café", "Überblendung", "Ångström", "één_shot", "日が"])
@pytest.mark.parametrize(("asked", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_match_in_either_unicode_form_and_the_real_one_is_opened(
    tmp_path: Path, name: str, asked: str, written: str
) -> None:
    def form(kind: str, text: str) -> str:
        return unicodedata.normalize(kind, text)  # type: ignore[arg-type]

    folder = lay(tmp_path / form(written, name), [form(written, f"{name}.{frame}.exr") for frame in (1001, 1002)])
    lay(folder, [form(written, f"{name}.mov")])
    wanted = tmp_path / form(asked, name)
    for end in (".%04d.exr", ".####.exr", ".1001.exr"):
        found = find(str(wanted / form(asked, f"{name}{end}")), PLATE)
        assert sorted(found.files) == [1001, 1002]
        assert all(file.is_file() for file in found.files.values())
        assert found.file(1003).name == form(written, f"{name}.1003.exr")
    movie = find(str(wanted / form(asked, f"{name}.mov")), PLATE)
    assert movie.file(1).is_file()


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("plate.%04d.exr", "plate.%04d.EXR"),
        ("plate.%04d.EXR", "plate.%04d.exr"),
        ("Plate.%04d.exr", "plate.%04d.exr"),
        ("img_%04d.jpg", "IMG_%04d.JPG"),
        ("clip.mov", "clip.MOV"),
    ],
)
def test_names_in_another_case_are_taken_and_told(tmp_path: Path, asked: str, there: str) -> None:
    lay(tmp_path, numbered(there, 1, 2) if "%" in there else [there])
    found = find(str(tmp_path / asked), PLATE)
    assert found.file(1).is_file()
    assert kinds(found) == ["plate.name"]


def test_names_in_several_cases_are_told_apart(tmp_path: Path) -> None:
    lay(tmp_path, ["plate.0001.EXR", "PLATE.0001.exr"])
    with pytest.raises(MissingFrameError, match=r"PLATE\.%04d\.exr 1.*plate\.%04d\.EXR 1|plate.*PLATE"):
        find(str(tmp_path / "plate.%04d.exr"), PLATE)


@pytest.mark.parametrize(
    ("asked", "names", "said"),
    [
        ("plate.%04d.exr", numbered("beauty.%04d.exr", 1001, 1024), r"holds beauty\.%04d\.exr 1001-1024"),
        ("plate_%04d.exr", numbered("plate.%04d.exr", 1, 9), r"holds plate\.%04d\.exr 1-9.*%04d, ####, @@@@ or \$F4"),
        ("plate.exr", numbered("plate.%04d.exr", 1, 9), r"holds plate\.%04d\.exr 1-9"),
        ("clip.mov", ["clip.mp4"], r"holds clip\.mp4"),
        ("a.%04d.exr", [], "is empty"),
        ("a.%04d.exr", ["notes.txt", ".hidden"], r"holds notes\.txt;"),
        ("a.%04d.exr", numbered("%04d.png", 1, 3), r"holds %04d\.png 1-3"),
    ],
)
def test_a_path_that_finds_nothing_says_what_lies_there(
    tmp_path: Path, asked: str, names: list[str], said: str
) -> None:
    lay(tmp_path, names)
    with pytest.raises(MissingFrameError, match=said):
        find(str(tmp_path / asked), PLATE)


def test_a_folder_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    for name in ("plates", "depth"):
        (tmp_path / name).mkdir()
    with pytest.raises(MissingFrameError, match=r"plate does not exist \(.* has depth, plates\)"):
        find(str(tmp_path / "plate" / "a.%04d.exr"), PLATE)


def test_a_folder_named_like_a_frame_is_none(tmp_path: Path) -> None:
    lay(tmp_path, numbered("a.%04d.exr", 1, 2))
    (tmp_path / "a.0003.exr").mkdir()
    assert list(find(str(tmp_path / "a.%04d.exr"), PLATE).files) == [1, 2]


def test_names_that_no_line_of_text_can_hold_are_shown_safely(tmp_path: Path) -> None:
    lay(tmp_path, ["odd\nname.0001.exr", "odd\x1b[2J.txt"])
    (tmp_path / "a\udcff.exr").touch()
    with pytest.raises(MissingFrameError) as told:
        find(str(tmp_path / "a.%04d.exr"), PLATE)
    assert told.value.message.isprintable()


@pytest.mark.parametrize("path", ["", "  ", "a\0b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ShotError):
        find(path, PLATE)
