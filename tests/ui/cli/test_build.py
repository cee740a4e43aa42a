"""``rackfocus build``, with a stand-in for the card and its runtime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.runtime.onnx import building, compatibility
from engine.runtime.onnx.engine_cache import EngineCache
from tests.engine.runtime.onnx.engines import MACHINE, Runtime, write_export
from ui.cli.app import run


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An export, and an empty cache."""
    monkeypatch.setenv("RACKFOCUS_CACHE", str(tmp_path / "cache"))
    write_export(tmp_path / "export")
    return str(tmp_path / "export")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A machine with TensorRT, as far as the command can tell."""
    runtime = Runtime()
    monkeypatch.setattr(building, "read_machine", lambda _: MACHINE)
    monkeypatch.setattr(building, "load_runtime", lambda: runtime)
    return runtime


def test_engines_are_built_once_with_a_line_for_each(
    export: str, card: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", "--weights", export, "--device", "tensorrt:1", "--memory", "16GiB"]) == 0
    said = capfd.readouterr()
    assert "1/8  encoder at model (256x128): looking" in said.err
    assert "there is no engine of encoder at 256x128, 2 frames, fp16 yet" in said.err
    assert "8/8  unet at portrait (128x256): built in 0 s, 0.0 MB" in said.err
    assert said.out.startswith("8 engines, 0.0 MB, in ")
    assert {options["trt_max_workspace_size"] for _, options in card.opened} == {str(16 * 2**30)}
    assert {options["device_id"] for _, options in card.opened} == {"1"}
    assert run(["build", "--weights", export, "--memory", "16GiB"]) == 0
    assert "8/8  unet at portrait (128x256): ready since earlier" in capfd.readouterr().err
    assert len(EngineCache().entries()) == 8


def test_machines_get_json_lines(export: str, card: Runtime, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--weights", export, "--size", "model", "--json"]) == 0
    said = capfd.readouterr()
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [event["event"] for event in events] == ["engine"] * 12 + ["summary"]
    assert [event["state"] for event in events[:3]] == ["started", "note", "built"]
    assert events[2]["graph"] == "encoder"
    assert events[2]["size"] == [256, 128]
    assert events[2]["bytes"] > 0
    assert events[-1]["engines"] == 4
    assert not said.err
    assert card.built == 4


def test_a_machine_without_a_card_is_told_in_one_sentence(
    export: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["build", "--weights", export]) == 5
    said = capfd.readouterr().err
    assert said.startswith("rackfocus: error: device: there is no NVIDIA driver here (nvidia-smi is not found)")
    assert len(said.splitlines()) == 1


def test_a_runtime_without_the_provider_is_told_in_one_sentence(
    export: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compatibility, "_card", lambda _: ("NVIDIA H200", "9.0", "580.12"))
    monkeypatch.setattr(compatibility, "load_runtime", lambda: Runtime(providers=("CPUExecutionProvider",)))
    assert run(["build", "--weights", export]) == 5
    said = capfd.readouterr().err
    assert said.startswith("rackfocus: error: install: onnxruntime 1.31.1 is here without its TensorRT provider")


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--device", "cuda"], 2, 'not for "cuda"'),
        (["--memory", "lots"], 2, "like 16GiB or 900MiB"),
        (["--memory", "0GiB"], 2, "like 16GiB or 900MiB"),
        (["--size", "tall"], 6, 'no size "tall"; it has model (256x128), portrait (128x256)'),
    ],
)
def test_wishes_that_cannot_be_are_told(
    export: str, card: Runtime, capfd: pytest.CaptureFixture[str], flags: list[str], status: int, words: str
) -> None:
    assert run(["build", "--weights", export, *flags]) == status
    assert words in capfd.readouterr().err
    assert card.opened == []


def test_weights_that_were_not_exported_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--weights", str(tmp_path)]) == 6
    assert "run it first" in capfd.readouterr().err


def test_a_cache_that_cannot_be_written_is_told(
    export: str, card: Runtime, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    assert run(["build", "--weights", export]) == 4
    assert "the engine cache cannot be written" in capfd.readouterr().err
    assert card.built == 0
