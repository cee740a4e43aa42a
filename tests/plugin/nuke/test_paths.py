"""Versions count on, and frames are found again."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("host")


@pytest.mark.parametrize(("path", "later"), [
    ("/out/sh010_v001.####.exr", "/out/sh010_v002.####.exr"),
    ("/out/v009/sh010_v009.%04d.exr", "/out/v010/sh010_v010.%04d.exr"),
    ("/out/sh010_v99.####.exr", "/out/sh010_v100.####.exr"),
    ("/out/sh010.####.exr", "/out/sh010_v002.####.exr"),
    ("[file dirname [value root.name]]/[value name]_v001.####.exr",
     "[file dirname [value root.name]]/[value name]_v002.####.exr"),
    ("/dev2/preview1_v001.####.exr", "/dev2/preview1_v002.####.exr"),
])  # fmt: skip
def test_a_later_version_of(path: str, later: str) -> None:
    from plugin.nuke.paths import with_version

    assert with_version(path) == later


def test_frames_are_found_by_their_pattern_alone(tmp_path: Path) -> None:
    from plugin.nuke.paths import existing, of_frame

    folder = tmp_path / "a[1]"
    folder.mkdir()
    for name in ("r_v1.1001.exr", "r_v1.1002.exr", "r_v1.1002.exr.tmp", "r_v2.1001.exr", "r_v1.x.exr"):
        (folder / name).touch()
    for pattern in ("r_v1.####.exr", "r_v1.%04d.exr"):
        assert existing(str(folder / pattern)) == [str(folder / f"r_v1.{n}.exr") for n in (1001, 1002)]
        assert of_frame(str(folder / pattern), 7).endswith("r_v1.0007.exr")


def test_views_are_told_apart_by_name_or_first_letter() -> None:
    from plugin.nuke.paths import has_frames, has_views, of_view

    assert of_view("/%V/a_%v.%04d.exr", "left") == "/left/a_l.%04d.exr"
    assert has_views("/a_%v.exr")
    assert not has_views("/a_%04d.exr")
    assert has_frames("/a.#.exr")
    assert not has_frames("/a_####/b.exr")
