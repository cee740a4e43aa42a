"""The engine cache: what it hands out, what it refuses, and who may build."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CancelledError, OutputWriteError
from engine.runtime.onnx import engine_entry, engine_lock
from engine.runtime.onnx.engine_cache import EngineCache, outdated, user_cache_folder
from engine.runtime.onnx.engine_entry import ENTRY, EngineKey
from tests.engine.runtime.onnx.engines import KEY, MACHINE, on
from tests.engine.runtime.onnx.users import held_back

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def make(folder: Path) -> None:
    (folder / "unet_0_sm90.engine").write_bytes(b"machine code")
    (folder / "cache_sm90.timing").write_bytes(b"timings")


def never(_: Path) -> None:
    raise AssertionError("it was built before")


def found(cache: EngineCache, key: EngineKey = KEY) -> Path:
    folder = cache.find(key).folder
    assert folder
    return folder


def reason(cache: EngineCache, key: EngineKey = KEY) -> str:
    said = cache.find(key)
    assert said.folder is None
    assert said.reason
    return said.reason


def test_an_engine_is_built_once_and_found_again(cache: EngineCache) -> None:
    assert reason(cache) == "there is no engine of unet at 256x128, 8 frames, fp16 yet"
    entry = cache.build(KEY, make)
    assert found(cache) == entry.folder
    assert (entry.folder / "unet_0_sm90.engine").read_bytes() == b"machine code"
    assert cache.build(KEY, never) == entry
    assert cache.entries() == (entry,)
    assert (entry.size, set(entry.files)) == (19, {"unet_0_sm90.engine", "cache_sm90.timing"})
    assert not list((cache.folder / "building").iterdir()) + list((cache.folder / "locks").iterdir())


def test_what_an_entry_says_of_itself_can_be_read_by_a_person(cache: EngineCache) -> None:
    said = json.loads((cache.build(KEY, make).folder / ENTRY).read_text(encoding="utf-8"))
    assert said["key"]["machine"] == {
        "gpu": "NVIDIA H200",
        "capability": "9.0",
        "driver": "580.12",
        "cuda": "13.0",
        "tensorrt": "10.16.1",
        "onnxruntime": "1.31.1",
    }
    assert said["key"]["size"] == [256, 128]
    assert said["created"] <= time.time()


def test_every_part_of_the_key_makes_another_engine() -> None:
    others: dict[str, Any] = {"size": (128, 256), "frames": 4, "memory": 2**30, "level": 5}
    keys = [KEY]
    keys += [
        replace(KEY, **{part.name: others.get(part.name, "other")}) for part in fields(KEY) if part.name != "machine"
    ]
    keys += [replace(KEY, machine=replace(MACHINE, **{part.name: "other"})) for part in fields(MACHINE)]
    assert len({key.digest for key in keys}) == len(keys) == 15


def test_a_stale_engine_says_what_has_changed_since(cache: EngineCache) -> None:
    cache.build(on("570.86"), make)
    cache.build(replace(on("570.86"), machine=replace(MACHINE, driver="565.1", tensorrt="10.9.0")), make)
    title = "the engine of unet at 256x128, 8 frames, fp16"
    assert reason(cache) == f"{title} is stale: it was built for driver 570.86, and now there is driver 580.12"
    newer = replace(KEY, machine=replace(MACHINE, driver="565.1"))
    assert reason(cache, newer).endswith("built for TensorRT 10.9.0, and now there is TensorRT 10.16.1")
    other = replace(on("570.86"), graph_sha256="c" * 64)
    assert reason(cache, other).endswith("it was built for another export, and now there is this one")
    capped = replace(on("570.86"), memory=8 * 2**30)
    assert reason(cache, capped).endswith("for no memory cap, and now there is a memory cap of 8 GiB")
    assert "yet" in reason(cache, replace(KEY, size=(512, 512)))
    said: list[str] = []
    cache.build(KEY, make, say=said.append)
    assert "570.86" in said[0]


def damage_truncated(folder: Path) -> str:
    (folder / "unet_0_sm90.engine").write_bytes(b"machine")
    return "has changed since it was built"


def damage_one_bit(folder: Path) -> str:
    (folder / "unet_0_sm90.engine").write_bytes(b"machine codf")
    return "has changed since it was built"


def damage_missing(folder: Path) -> str:
    (folder / "unet_0_sm90.engine").unlink()
    return "unet_0_sm90.engine is missing"


def damage_foreign(folder: Path) -> str:
    (folder / "gift.engine").write_bytes(b"other code")
    return "gift.engine is not of this engine"


def damage_linked(folder: Path) -> str:
    (folder / "unet_0_sm90.engine").rename(folder.parent / "elsewhere.engine")
    (folder / "unet_0_sm90.engine").symlink_to(folder.parent / "elsewhere.engine")
    return "unet_0_sm90.engine is a link"


def damage_open_file(folder: Path) -> str:
    (folder / "unet_0_sm90.engine").chmod(0o666)
    return "others may write to"


def damage_open_folder(folder: Path) -> str:
    folder.chmod(0o777)
    return "others may write to"


def damage_entry(folder: Path) -> str:
    (folder / ENTRY).write_text("{", encoding="utf-8")
    return f"{ENTRY} is missing or damaged"


def damage_no_entry(folder: Path) -> str:
    (folder / ENTRY).unlink()
    return f"{ENTRY} is missing or damaged"


def damage_entry_of_another(folder: Path) -> str:
    said = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    said["key"]["precision"] = "fp32"
    (folder / ENTRY).write_text(json.dumps(said), encoding="utf-8")
    return "says that it was built for something else"


def damage_newer(folder: Path) -> str:
    said = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    (folder / ENTRY).write_text(json.dumps({**said, "format": 2}), encoding="utf-8")
    return f"{ENTRY} is missing or damaged"


def damage_outside(folder: Path) -> str:
    said = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    said["files"]["../../passwd"] = "0"
    (folder / ENTRY).write_text(json.dumps(said), encoding="utf-8")
    return f"{ENTRY} is missing or damaged"


DAMAGES = [
    damage_truncated,
    damage_one_bit,
    damage_missing,
    damage_foreign,
    damage_entry,
    damage_no_entry,
    damage_entry_of_another,
    damage_newer,
    damage_outside,
    pytest.param(damage_linked, marks=pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")),
    pytest.param(damage_open_file, marks=pytest.mark.skipif(os.name == "nt", reason="access lists on Windows")),
    pytest.param(damage_open_folder, marks=pytest.mark.skipif(os.name == "nt", reason="access lists on Windows")),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_it_was_built_is_refused_and_built_again(
    cache: EngineCache, damage: Callable[[Path], str]
) -> None:
    expected = damage(cache.build(KEY, make).folder)
    assert expected in reason(cache)
    assert reason(cache).endswith("it must be built again")
    said: list[str] = []
    entry = cache.build(KEY, make, say=said.append)
    assert expected in said[0]
    assert found(cache) == entry.folder
    assert (entry.folder / "unet_0_sm90.engine").read_bytes() == b"machine code"
    assert not (entry.folder / "gift.engine").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_an_engine_of_another_user_is_refused(cache: EngineCache) -> None:
    os.chown(cache.build(KEY, make).folder / "unet_0_sm90.engine", 12345, -1)
    assert "belongs to another user" in reason(cache)


@pytest.mark.skipif(os.name == "nt", reason="access lists on Windows")
def test_a_cache_that_others_may_write_to_is_not_used(cache: EngineCache) -> None:
    cache.build(KEY, make)
    cache.folder.chmod(0o777)
    assert "others may write to" in reason(cache)
    with pytest.raises(OutputWriteError, match="cannot be trusted: others may write to"):
        cache.build(KEY, make)


@pytest.mark.skipif(os.name == "nt", reason="access lists on Windows")
def test_what_is_built_is_closed_to_others_whatever_the_user_s_habit(cache: EngineCache) -> None:
    before = os.umask(0o000)
    try:
        cache.build(KEY, make)
        found(cache)
    finally:
        os.umask(before)


def test_a_build_that_fails_leaves_nothing(cache: EngineCache) -> None:
    def fail(folder: Path) -> None:
        make(folder)
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        cache.build(KEY, fail)
    assert "yet" in reason(cache)
    assert sum(len(files) for _, _, files in os.walk(cache.folder)) == 0
    cache.build(KEY, make)


def test_a_full_disk_is_told_and_leaves_the_cache_as_it_was(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cache.build(on("570.86"), make)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(engine_entry.os, "fsync", full)
    with pytest.raises(OutputWriteError, match=r"cannot be written .No space left on device.; free some space"):
        cache.build(KEY, make)
    monkeypatch.undo()
    assert cache.entries() == (kept,)
    assert not list((cache.folder / "building").iterdir())


def test_a_cache_that_cannot_be_is_told_when_building_and_does_no_harm_when_rendering(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("a file where the folder should be", encoding="utf-8")
    cache = EngineCache(tmp_path / "engines")
    assert "yet" in reason(cache)
    assert cache.entries() == ()
    with pytest.raises(OutputWriteError, match=r"engine cache cannot be written .* RACKFOCUS_CACHE"):
        cache.build(KEY, make)


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_a_read_only_cache_gives_what_it_has_and_says_that_it_takes_nothing() -> None:
    with held_back() as place:
        cache = EngineCache(place / "engines")
        kept = cache.build(KEY, make)
        cache.folder.chmod(0o500)
        assert found(cache) == kept.folder
        assert cache.build(KEY, never) == kept
        with pytest.raises(OutputWriteError, match=r"cannot be written .Permission denied.; .* RACKFOCUS_CACHE"):
            cache.build(on("570.86"), make)
        cache.folder.chmod(0o700)


def test_timings_of_this_machine_are_used_again(cache: EngineCache) -> None:
    seen: list[list[str]] = []

    def look(folder: Path) -> None:
        seen.append(sorted(place.name for place in folder.iterdir()))
        (folder / "x.engine").write_bytes(b"x")

    cache.build(KEY, make)
    cache.build(replace(KEY, graph="decoder"), look)
    cache.build(replace(on("570.86"), graph="decoder"), look)
    assert seen == [["cache_sm90.timing"], []]


BUILDER = """
import sys, time
from pathlib import Path
from engine.runtime.onnx.engine_cache import EngineCache
from tests.engine.runtime.onnx.engines import KEY
def make(folder):
    print("building", flush=True)
    time.sleep(float(sys.argv[2]))
    (folder / "x.engine").write_bytes(sys.argv[3].encode())
entry = EngineCache(Path(sys.argv[1])).build(KEY, make, say=lambda text: print(text, flush=True))
print((entry.folder / "x.engine").read_bytes().decode(), flush=True)
"""


def start_builder(folder: Path, seconds: float, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder), str(seconds), code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_of_two_processes_one_builds_and_both_have_the_result(tmp_path: Path) -> None:
    first = start_builder(tmp_path / "engines", 1.5, "first")
    while line(first) != "building":
        pass
    second = start_builder(tmp_path / "engines", 0, "second")
    assert f"process {first.pid} on" in line(second)
    assert line(second) == line(first) == "first"
    assert first.wait() == second.wait() == 0


def test_the_lock_of_a_killed_builder_does_not_hold_anybody_up(tmp_path: Path) -> None:
    killed = start_builder(tmp_path / "engines", 60, "killed")
    while line(killed) != "building":
        pass
    killed.kill()
    killed.wait()
    cache = EngineCache(tmp_path / "engines")
    assert len(list((cache.folder / "building").iterdir())) == 1
    start = time.monotonic()
    cache.build(KEY, make)
    assert time.monotonic() - start < 5  # seconds; a lock that is waited for takes minutes
    removed, _ = cache.clear(lambda _: False)
    assert removed == ()
    assert not list((cache.folder / "building").iterdir())
    found(cache)


def test_many_builders_at_once_leave_one_whole_engine(cache: EngineCache) -> None:
    built: list[int] = []

    def build() -> None:
        def slowly(folder: Path) -> None:
            built.append(1)
            time.sleep(0.05)
            make(folder)

        cache.build(KEY, slowly)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    found(cache)


def test_who_waits_may_give_up(cache: EngineCache) -> None:
    started, finish = threading.Event(), threading.Event()

    def slowly(folder: Path) -> None:
        started.set()
        finish.wait()
        make(folder)

    builder = threading.Thread(target=cache.build, args=(KEY, slowly))
    builder.start()
    started.wait()
    try:
        with pytest.raises(CancelledError, match="another process was building"):
            cache.build(KEY, never, cancelled=lambda: True)
    finally:
        finish.set()
        builder.join()
    found(cache)


def test_a_lock_of_another_machine_is_believed_until_it_is_silent(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere", "token": "t"}), encoding="utf-8")
    assert engine_lock.is_held(lock)
    long_ago = time.time() - engine_lock.SILENCE - 1
    os.utime(lock, (long_ago, long_ago))
    assert not engine_lock.is_held(lock)
    with engine_lock.hold(lock):
        assert json.loads(lock.read_text(encoding="utf-8"))["pid"] == os.getpid()
    assert not lock.exists()


def test_an_abandoned_lock_is_not_taken_from_who_was_quicker(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    with engine_lock.hold(lock):
        before = lock.read_text(encoding="utf-8")
        engine_lock._break(lock, {"token": "of somebody who is gone"})
        assert lock.read_text(encoding="utf-8") == before
        assert [place.name for place in tmp_path.iterdir()] == ["x.lock"]


def test_clearing_takes_what_is_wanted_and_what_is_no_engine(cache: EngineCache) -> None:
    old, new = cache.build(on("570.86"), make), cache.build(KEY, make)
    (cache.folder / "stranger.engine").write_bytes(b"1234")
    damaged = cache.build(replace(KEY, frames=1), make).folder
    (damaged / ENTRY).unlink()
    removed, freed = cache.clear(lambda entry: outdated(entry.key, MACHINE))
    assert removed == (old,)
    assert freed > old.size + 4 + 19
    assert cache.entries() == (new,)
    assert sorted(place.name for place in cache.folder.iterdir()) == sorted(["building", "locks", new.folder.name])
    assert cache.clear(lambda _: True)[0] == (new,)
    assert cache.entries() == ()


def test_engines_of_another_card_are_not_outdated() -> None:
    other = replace(KEY, machine=replace(MACHINE, gpu="NVIDIA RTX A6000", driver="570.86"))
    assert not outdated(other, MACHINE)
    assert outdated(on("570.86"), MACHINE)
    assert not outdated(KEY, MACHINE)


def test_clearing_leaves_a_build_that_is_under_way(cache: EngineCache) -> None:
    def clear_meanwhile(folder: Path) -> None:
        cache.clear(lambda _: True)
        make(folder)

    cache.build(KEY, clear_meanwhile)
    found(cache)


def test_the_cache_lies_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RACKFOCUS_CACHE", str(tmp_path / "mine"))
    assert user_cache_folder() == tmp_path / "mine"
    assert EngineCache().folder == tmp_path / "mine" / "engines"
    monkeypatch.delenv("RACKFOCUS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for system, place in (
        ("linux", tmp_path / "xdg" / "rackfocus"),
        ("win32", tmp_path / "local" / "rackfocus"),
        ("darwin", Path.home() / "Library" / "Caches" / "rackfocus"),
    ):
        monkeypatch.setattr("engine.runtime.onnx.engine_cache.sys.platform", system)
        assert user_cache_folder() == place
