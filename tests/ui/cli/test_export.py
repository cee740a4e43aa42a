"""``rackfocus export`` as a person meets it; what it makes is tested in tests/export."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from engine.runtime.onnx.manifest import GRAPHS, GraphFile, Manifest
from ui.cli.app import run
from ui.cli.export import _conclude, _size

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--precision", "int8"], "--precision"),
        (["--profile", "mine"], "--profile"),
        (["--mpi-masks", "on"], "--mpi-masks"),
        (["--size", "1024x570"], "multiples of 64"),
        (["--size", "wide"], "NAME=WIDTHxHEIGHT"),
    ],
)
def test_a_value_that_cannot_be_is_a_usage_error(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(["export", "--weights", str(tmp_path), "--out", str(tmp_path / "out"), *arguments])
    assert status == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_weights_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    status = run(["export", "--weights", str(tmp_path), "--out", str(tmp_path / "out")])
    assert status == 6
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("rackfocus: error: weights.missing: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(
    signal_number: signal.Signals, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from tests.export.exported import smallest_weights

    weights = smallest_weights(tmp_path_factory)
    words = ["export", "--weights", str(weights), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, ROOT / "rackfocus.py", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        while not list(tmp_path.glob(".out.*/*.onnx*")) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal_number)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("rackfocus: error: cancelled")
    assert not list(tmp_path.iterdir())


def test_sizes_have_names() -> None:
    assert _size("wide=1088x448") == ("wide", (1088, 448))
    assert _size("512x256") == ("512x256", (512, 256))
    with pytest.raises(typer.BadParameter):
        _size("0=64x64")


def manifest() -> Manifest:
    file = GraphFile(file="graph.onnx", sha256="0" * 64, nodes=1)
    return Manifest(
        rackfocus="0.1.0",
        fingerprint="f" * 64,
        licence="whose",
        precision="fp16",
        mpi_masks="off",
        clip_input="plain",
        size=(1024, 576),
        named_sizes={"model": (1024, 576)},
        scaling_factor=0.18215,
        context_width=1024,
        skip_channels=(128, 128, 256, 512),
        opset=20,
        tools={},
        graphs=dict.fromkeys(GRAPHS, file),
        copy_graph=file,
    )


def test_the_last_line_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    _conclude(manifest(), Path("there"), trtexec=True, json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "there: fp16 graphs without depth planes; render with --weights there"
    assert "not run by us" in lines[1]
    assert len([line for line in lines if line.startswith("trtexec ")]) == 4


def test_a_machine_gets_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    _conclude(manifest(), Path("there"), trtexec=False, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], told["folder"], told["precision"]) == ("export", "there", "fp16")
