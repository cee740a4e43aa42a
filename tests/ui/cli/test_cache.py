"""``rackfocus cache``: what is there is said, and what goes is said."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.runtime.onnx import compatibility
from engine.runtime.onnx.engine_cache import EngineCache
from engine.runtime.onnx.engine_entry import ENTRY
from tests.engine.runtime.onnx.engines import KEY, MACHINE, on
from ui.cli.app import run

OLD = on("570.86")
FOREIGN = replace(KEY, machine=replace(MACHINE, gpu="NVIDIA RTX A6000", capability="8.6"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    """Three engines: of this machine, of its driver before, and of another card."""
    monkeypatch.setenv("RACKFOCUS_CACHE", str(tmp_path))
    cache = EngineCache()
    for key in (OLD, KEY, FOREIGN):
        cache.build(key, lambda folder: (folder / "x.engine").write_bytes(b"x" * 1_000_000) and None)
    age(cache, 40)
    return cache


def age(cache: EngineCache, days: float) -> None:
    """Make the oldest engine older."""
    place = cache.entries()[0].folder / ENTRY
    said = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps({**said, "created": said["created"] - days * 86400}), encoding="utf-8")


def left(cache: EngineCache) -> set[str]:
    return {f"{entry.key.machine.gpu} {entry.key.machine.driver}" for entry in cache.entries()}


def test_engines_are_listed_with_what_they_were_built_for(
    cache: EngineCache, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["cache", "list"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == f"{cache.folder}: 3 engines, 3.0 MB"
    assert said[1].startswith("unet at 256x128, 8 frames, fp16: 1.0 MB, built 20")
    assert said[2] == ("    for NVIDIA H200 (9.0), driver 570.86, CUDA 13.0, TensorRT 10.16.1, ONNX Runtime 1.31.1")
    assert run(["cache", "list", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)
    assert (listed["event"], listed["bytes"], len(listed["engines"])) == ("cache", 3_000_000, 3)
    assert listed["engines"][0]["machine"]["driver"] == "570.86"
    assert listed["engines"][0]["size"] == [256, 128]


def test_an_empty_cache_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RACKFOCUS_CACHE", str(tmp_path / "nothing"))
    assert run(["cache", "list"]) == 0
    assert "0 engines, 0.0 MB" in capfd.readouterr().out
    assert run(["cache", "clear", "--all"]) == 0
    assert "0 engines removed" in capfd.readouterr().out
    assert not (tmp_path / "nothing").exists()


def test_stale_engines_go_and_those_of_other_cards_stay(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compatibility, "read_machine", lambda: MACHINE)
    assert run(["cache", "clear", "--stale"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "removed unet at 256x128, 8 frames, fp16, for NVIDIA H200 with driver 570.86"
    assert said[1] == f"{cache.folder}: 1 engine removed, 1.0 MB free again, 2 left"
    assert left(cache) == {"NVIDIA H200 580.12", "NVIDIA RTX A6000 580.12"}


def test_where_there_is_no_card_nothing_is_called_stale(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert run(["cache", "clear", "--stale"]) == 5
    assert "what is stale cannot be told here: there is no NVIDIA driver" in capfd.readouterr().err
    assert len(cache.entries()) == 3


def test_old_engines_go_by_their_age(cache: EngineCache, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "clear", "--older-than", "30", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["event"] == "cleared"
    assert [engine["machine"]["driver"] for engine in said["engines"]] == ["570.86"]
    assert len(cache.entries()) == 2


def test_all_means_all(cache: EngineCache) -> None:
    assert run(["cache", "clear", "--all"]) == 0
    assert cache.entries() == ()
    assert sum(len(files) for _, _, files in os.walk(cache.folder)) == 0


@pytest.mark.parametrize("flags", [[], ["--all", "--stale"], ["--older-than", "-1"]])
def test_what_to_clear_is_said_once(cache: EngineCache, capfd: pytest.CaptureFixture[str], flags: list[str]) -> None:
    assert run(["cache", "clear", *flags]) == 2
    assert capfd.readouterr().err.startswith("rackfocus: error: usage: ")
    assert len(cache.entries()) == 3
