"""Names that Windows gives to no file are told before the first frame, and its paths elsewhere too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import OutputWriteError, ShotError
from engine.media.names import check_name, require_own_system
from engine.media.sequence import Pattern

STRANGE = [
    (r"C:\shots\aux.%04d.exr", "AUX is a device"),
    (r"C:\shots\CON.exr", "CON is a device"),
    (r"C:\shots\nul.tar.exr", "NUL is a device"),
    (r"C:\shots\com1\a.exr", "COM1 is a device"),
    ("C:\\shots\\lpt\u00b2 .exr", "LPT"),
    (r"\\srv\share\a:b.%04d.exr", "':' may not stand"),
    (r"C:\shots\what?.exr", "'?' may not stand"),
    (r"C:\shots\a|b\c.mov", "may not stand"),
    (r"C:\shots.\a.exr", "end with a dot"),
    (r"C:\shots\take 1 \a.exr", "end with a dot or a blank"),
    (r"out\a.exr.", "end with a dot"),
]


@pytest.mark.parametrize(("path", "said"), STRANGE)
def test_a_name_that_windows_does_not_take_is_refused_there(path: str, said: str) -> None:
    with pytest.raises(OutputWriteError, match=said.replace("?", r"\?")):
        check_name(path, "win32", True)
    check_name(path, "linux")


GOOD = [
    r"C:\shots\a.%04d.exr",
    r"\\srv\share\sh010\a.####.exr",
    "C:/shots/auxiliary.exr",
    r"..\out\console.%04d.exr",
    r"P:\show\.hidden\a.$F4.exr",
    r"out\COM10.exr",
    "caf\u00e9 \u753b.mov",
]


@pytest.mark.parametrize("path", GOOD)
def test_a_name_that_windows_takes_is_taken(path: str) -> None:
    check_name(path, "win32", True)
    check_name(path, "win32", False)


def test_a_path_that_is_too_long_is_refused_where_long_paths_are_off() -> None:
    path = "C:\\" + "long\\" * 50 + "a.%04d.exr"
    check_name(path, "win32", True)
    with pytest.raises(OutputWriteError, match="LongPathsEnabled"):
        check_name(path, "win32", False)


@pytest.mark.skipif(sys.platform == "win32", reason="they are at home there")
@pytest.mark.parametrize(
    "path", [r"C:\shots\a.%04d.exr", "D:/shots/a.mov", r"\\srv\share\a.####.exr", r"z:\a.exr", r"C:\a"]
)
def test_a_path_of_windows_is_told_on_other_systems(path: str) -> None:
    with pytest.raises(ShotError, match="drive or share of Windows"):
        Pattern.parse(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no name there has a colon")
@pytest.mark.parametrize("path", [r"C:\a.exr", "a:b.%04d.exr", "x:y/z.exr", r"take\1.exr", r"\one.exr"])
def test_a_name_that_only_looks_like_one_of_windows_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if path.startswith("C:"):
        Path(path).touch()
    require_own_system(path)
