"""Files and folders appear whole or not at all, whichever system and whichever machine."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import files, processes
from engine.errors import OutputWriteError
from engine.files import (
    flush_file,
    place_file,
    remove_stale,
    remove_unfinished,
    scratch_folder,
    temporary_path,
    whole_folder,
    write_whole,
)
from engine.processes import machine_mark

from ..windows import SHARING_VIOLATION

DEAD = 999_999_999
LONG = 2 * files.ABANDONED


def left_by(path: Path, mark: str, pid: int, age: float = 0.0) -> Path:
    """What a process left of a file that it did not finish."""
    place = path.with_name(
        temporary_path(path).name.replace(machine_mark(), mark).replace(f".{os.getpid()}.", f".{pid}.")
    )
    place.touch()
    os.utime(place, (time.time() - age,) * 2)
    return place


@pytest.mark.parametrize(
    ("mark", "pid", "age", "stays"),
    [
        pytest.param(None, os.getpid(), 0.0, True, id="of a living process"),
        pytest.param(None, os.getpid(), LONG, True, id="of a living process, for days"),
        pytest.param(None, DEAD, 0.0, False, id="of a process that ended"),
        pytest.param("0123456789ab", DEAD, 0.0, True, id="of another node"),
        pytest.param("0123456789ab", 1, LONG, False, id="of another node, a day old"),
        pytest.param("render_node_of_a_cluster_with_a_l", DEAD, 0.0, True, id="of an earlier version"),
        pytest.param("render_node_of_a_cluster_with_a_l", DEAD, LONG, False, id="of an earlier version, a day old"),
    ],
)
def test_what_is_unfinished_goes_when_nobody_is_at_it(
    tmp_path: Path, mark: str | None, pid: int, age: float, stays: bool
) -> None:
    place = left_by(tmp_path / "o.1001.exr", mark or machine_mark(), pid, age)
    remove_stale(tmp_path)
    assert place.exists() == stays


@pytest.mark.parametrize(
    "name", ["o.1001.exr", ".o.1001.exr.partial", "notes.partial", ".a.b.c.partial", "o.partial.exr"]
)
def test_files_that_are_no_leftovers_stay(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    place.touch()
    os.utime(place, (0, 0))
    remove_stale(tmp_path)
    assert place.exists()


FIRST_BOOT, SECOND_BOOT = ("boot-1", "pid:[1]"), ("boot-2", "pid:[1]")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ip-10-0-0-1", *FIRST_BOOT), ("ip-10-0-0-2", *FIRST_BOOT), id="two names"),
        pytest.param(("k" * 40 + "1", *FIRST_BOOT), ("k" * 40 + "2", *FIRST_BOOT), id="names that begin alike"),
        pytest.param(("worker", *FIRST_BOOT), ("worker", *SECOND_BOOT), id="one name on two nodes"),
        pytest.param(("worker", *FIRST_BOOT), ("worker", "boot-1", "pid:[2]"), id="two containers of a node"),
        pytest.param(("a", "bc", "d"), ("ab", "c", "d"), id="parts that run together"),
    ],
)
def test_machines_and_containers_are_told_apart(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert processes._digest(*one) != processes._digest(*other)
    assert processes._digest(*one) == processes._digest(*one)


def test_all_processes_of_a_machine_agree_on_its_mark() -> None:
    code = "from engine.processes import machine_mark; print(machine_mark())"
    marks = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout
        for _ in range(2)
    }
    assert marks == {machine_mark() + "\n"}


def test_a_machine_that_shows_no_boot_takes_nothing_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_BOOT", Path("/nowhere/boot_id"))
    monkeypatch.setattr(processes.sys, "platform", "linux")
    assert processes._place() != processes._place()


@pytest.mark.parametrize(
    "name", ["a.exr", "x" * 240 + ".exr", "\u00e9" * 120 + ".exr", "\U0001f3ac" * 60 + ".exr", "a b'c\".exr"]
)
def test_a_temporary_name_fits_wherever_the_name_itself_does(tmp_path: Path, name: str) -> None:
    temporary = temporary_path(tmp_path / name)
    temporary.touch()
    assert temporary.parent == tmp_path
    assert temporary.name.startswith(".")
    assert len({temporary, temporary_path(tmp_path / name)}) == 2
    place_file(temporary, tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_long_names_that_begin_alike_are_not_mixed_up(tmp_path: Path) -> None:
    one, other = (temporary_path(tmp_path / ("x" * 200 + end)) for end in "ab")
    assert files._TEMPORARY.fullmatch(one.name)["name"] != files._TEMPORARY.fullmatch(other.name)["name"]  # type: ignore[index]


def in_use_for(tries: int, monkeypatch: pytest.MonkeyPatch, name: str, code: int = SHARING_VIOLATION) -> list[int]:
    """Let a call of the system be refused for some tries, as Windows does while a virus scanner reads the file."""
    real, refused = getattr(os, name), []

    def act(*arguments: object, **named: object) -> None:
        if len(refused) < tries:
            refused.append(code)
            error = PermissionError(errno.EACCES, "The process cannot access the file")
            error.winerror = code  # type: ignore[attr-defined]
            raise error
        real(*arguments, **named)

    monkeypatch.setattr(os, name, act)
    monkeypatch.setattr(files, "PAUSES", (0.0,) * 8)
    return refused


@pytest.mark.parametrize("code", [5, 32, 33])
@pytest.mark.parametrize("tries", [1, 4, 8])
def test_a_file_that_is_in_use_for_a_moment_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int, code: int
) -> None:
    temporary, place = temporary_path(tmp_path / "o.exr"), tmp_path / "o.exr"
    temporary.write_bytes(b"new")
    place.write_bytes(b"old")
    refused = in_use_for(tries, monkeypatch, "replace", code)
    place_file(temporary, place)
    assert len(refused) == tries
    assert place.read_bytes() == b"new"


def test_a_file_that_stays_in_use_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, place = temporary_path(tmp_path / "o.exr"), tmp_path / "o.exr"
    temporary.write_bytes(b"new")
    place.write_bytes(b"old")
    in_use_for(100, monkeypatch, "replace")
    with pytest.raises(OutputWriteError, match="close it in other programs"):
        place_file(temporary, place)
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.exr"]
    assert place.read_bytes() == b"old"


def test_a_file_that_may_not_be_written_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(*_: object) -> None:
        tried.append(1)
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputWriteError, match="Permission denied"):
        place_file(tmp_path / "a", tmp_path / "b")
    assert len(tried) == 1


@pytest.mark.parametrize("said", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_network_disk_without_flushes_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int) -> None:
    def refuse(_: int) -> None:
        raise OSError(said, os.strerror(said))

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "shot.json", "{}\n")
    flush_file(tmp_path / "shot.json")
    assert (tmp_path / "shot.json").read_bytes() == b"{}\n"


@pytest.mark.parametrize("said", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fails_to_flush_is_told_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(said, os.strerror(said))

    (tmp_path / "shot.json").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(said)):
        write_whole(tmp_path / "shot.json", "{}\n")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("shot.json", b"old")]


@pytest.mark.skipif(os.name != "posix", reason="needs rights of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666])
def test_a_file_that_is_replaced_keeps_its_rights(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "shot.json"
    path.touch()
    path.chmod(mode)
    write_whole(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("text", ["", "a\nb\n", "caf\u00e9\r\n", "\U0001f3ac", "x" * 100_000])
def test_text_has_the_same_bytes_on_every_system(tmp_path: Path, text: str) -> None:
    write_whole(tmp_path / "a.json", text)
    assert (tmp_path / "a.json").read_bytes() == text.encode()


def test_what_this_process_has_not_finished_goes_when_it_is_stopped(tmp_path: Path) -> None:
    mine, image = temporary_path(tmp_path / "o.1001.exr"), temporary_path(tmp_path / "o.png", ".png")
    others = left_by(tmp_path / "o.1002.exr", "0123456789ab", os.getpid())
    for path in (mine, image):
        path.touch()
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [others]


def test_a_folder_appears_whole_and_replaces_the_one_before(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with whole_folder(tmp_path / "weights") as folder:
            (folder / "model").write_text(content, encoding="utf-8")
    assert (tmp_path / "weights" / "model").read_text(encoding="utf-8") == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights"]


def fill_the_disk_in(place: Path) -> None:
    with whole_folder(place) as folder:
        (folder / "model").write_text("new", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_whose_making_fails_leaves_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model").touch()
    with pytest.raises(OutputWriteError, match="No space left"):
        fill_the_disk_in(tmp_path / "weights")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["weights", "model"]


def test_a_folder_that_was_taken_away_by_a_process_that_ended_comes_back(tmp_path: Path) -> None:
    name = temporary_path(tmp_path / "weights").name.replace(f".{os.getpid()}.", f".{DEAD}.")
    for kind, ending in (("new", ".partial"), ("old", ".former.partial")):
        place = (tmp_path / name).with_suffix(ending)
        place.mkdir()
        (place / kind).touch()
    with pytest.raises(OutputWriteError):
        fill_the_disk_in(tmp_path / "weights")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["weights", "old"]


def test_a_scratch_folder_of_a_process_that_ended_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    ended, elsewhere = tmp_path / f"rackfocus-{machine_mark()}-{DEAD}-abc", tmp_path / "rackfocus-0123456789ab-1-abc"
    for folder in (ended, elsewhere):
        folder.mkdir()
    mine = scratch_folder()
    assert sorted(tmp_path.iterdir()) == sorted([elsewhere, mine])
