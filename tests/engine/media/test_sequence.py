from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import MissingFrameError, ShotError
from engine.frames import FrameRange
from engine.media.finding import find
from engine.media.sequence import Pattern, is_movie, listed_frames

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="%#$/\0"), max_size=12)
PLACES = st.one_of(
    st.integers(1, 9).map(lambda n: (f"%0{n}d", n)),
    st.just(("%d", 0)),
    st.integers(1, 9).map(lambda n: ("#" * n, n)),
    st.integers(1, 9).map(lambda n: (f"$F{n}", n)),
    st.just(("$F", 0)),
)


@given(NAMES, PLACES, st.integers(-99999, 999999))
def test_a_frame_is_found_again_in_its_own_name(prefix: str, place: tuple[str, int], frame: int) -> None:
    pattern = Pattern.parse(f"/no/such/folder/{prefix}{place[0]}.exr")
    assert pattern.width == place[1]
    name = pattern.name(frame)
    assert pattern.number(name) == frame
    assert name == f"{prefix}{frame:0{place[1]}d}.exr"


@given(NAMES, PLACES, NAMES)
def test_a_name_of_another_sequence_is_never_taken(prefix: str, place: tuple[str, int], name: str) -> None:
    pattern = Pattern.parse(f"/no/such/folder/{prefix}{place[0]}.exr")
    frame = pattern.number(name)
    assert frame is None or name.startswith(prefix)


@pytest.mark.parametrize("pattern", ["a.%04d.exr", "a.####.exr", "a.$F4.exr"])
def test_the_three_ways_to_write_a_pattern_mean_the_same(pattern: str) -> None:
    parsed = Pattern.parse(pattern)
    assert [parsed.name(n) for n in (1, 1001, -3, 12345)] == ["a.0001.exr", "a.1001.exr", "a.-003.exr", "a.12345.exr"]


def test_negative_frames_of_houdini_and_of_printf_are_both_read(tmp_path: Path) -> None:
    for name in ("a.-0003.exr", "a.-002.exr", "a.0000.exr", "a.7.exr", "a.00008.exr", "b.0001.exr"):
        (tmp_path / name).touch()
    assert sorted(find(str(tmp_path / "a.####.exr"), "plate.path").files) == [-3, -2, 0]


def test_only_the_last_number_of_a_name_counts() -> None:
    assert Pattern.parse("cut#2.%04d.exr").name(5) == "cut#2.0005.exr"


def test_a_file_of_that_very_name_is_a_still(tmp_path: Path) -> None:
    (tmp_path / "shot#1.exr").touch()
    assert Pattern.parse(str(tmp_path / "shot#1.exr")).is_still


def test_a_number_in_a_folder_is_refused() -> None:
    with pytest.raises(ShotError, match="folder"):
        Pattern.parse("/show/%04d/plate.exr")


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(ShotError):
        Pattern.parse(" ")


@pytest.mark.parametrize("path", ["nowhere/a.%04d.exr", "a.%04d.exr", "a.exr"])
def test_what_is_not_there_is_said_plainly(tmp_path: Path, path: str) -> None:
    with pytest.raises(MissingFrameError, match="correct the path"):
        find(str(tmp_path / path), "plate.path")


def test_a_hole_in_a_sequence_is_a_frame_of_the_shot() -> None:
    assert listed_frames(FrameRange.of([1, 2, 4]), "plate.path") == FrameRange.of([1, 2, 3, 4])


def test_a_sequence_on_twos_stays_on_twos() -> None:
    assert listed_frames(FrameRange.of([1, 3, 5, 9]), "plate.path") == FrameRange.of([1, 3, 5, 7, 9])


def test_a_stray_file_far_away_does_not_make_a_million_frames() -> None:
    with pytest.raises(MissingFrameError, match="stray"):
        listed_frames(FrameRange.of([1, 2, 20261121]), "plate.path")


def test_movies_are_known_by_their_suffix() -> None:
    for name in ("a.MOV", "00001.MTS", "b.m2ts", "c.qt", "d.3gp", "e.webm", "f.mxf", "g.VOB"):
        assert is_movie(name)
    assert not is_movie("a.%04d.exr")
