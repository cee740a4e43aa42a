"""From nothing to a refocused shot, each step a command as a person gives it: about three minutes on one core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.data.clips import ClipSet

for _name in ("accelerate", "onnxscript"):
    pytest.importorskip(_name)

ROOT = Path(__file__).resolve().parents[2]

FALLS = {0: 0.7, 1: 0.25, 2: 1.0, 3: 0.6}
"""What the loss on held-back clips must fall to in each stage, as a share of where the stage began."""

MARGIN = 0.5
"""Decibels by which the trained networks must be nearer to the truth than the plate is, in the mean of the shots."""


@pytest.mark.early
def test_networks_trained_from_nothing_are_nearer_to_the_truth_than_the_plate_render_and_export(
    tmp_path: Path,
) -> None:
    """One test, since its parts share what takes minutes to make."""
    prepare(tmp_path)
    the_loss_on_clips_held_back_falls_in_each_stage(tmp_path)
    trained_networks_are_nearer_to_the_truth_than_the_plate_and_than_untrained_ones(tmp_path)
    the_trained_folder_renders_and_exports(tmp_path)


def prepare(folder: Path) -> None:
    """Clips to learn from, others that no stage has seen, and an untrained and a trained network."""
    command(folder, "data", "make", "--preset", "tiny", "--out", "set")
    command(folder, "data", "make", "--preset", "tiny", "--seed", "1", "--clips", "3", "--out", "unseen")
    command(folder, "weights", "init", "--preset", "tiny", "--out", "untrained")
    told = command(folder, "train", "--preset", "tiny", "--stage", "all", "--data", "set", "--out", "run", "--json")
    (folder / "told").write_text(told)


def command(folder: Path, *words: str) -> str:
    """What a command prints, where it succeeds."""
    done = subprocess.run(
        [sys.executable, ROOT / "rackfocus.py", *words], capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def the_loss_on_clips_held_back_falls_in_each_stage(place: Path) -> None:
    held: dict[int, list[float]] = {}
    for event in map(json.loads, (place / "told").read_text().splitlines()):
        if event["event"] == "validated":
            held.setdefault(event["stage"], []).append(event["loss"])
    falls = {stage: losses[-1] / losses[0] for stage, losses in held.items()}
    assert set(falls) == set(FALLS)
    assert {stage: fall for stage, fall in falls.items() if fall > FALLS[stage]} == {}


def trained_networks_are_nearer_to_the_truth_than_the_plate_and_than_untrained_ones(place: Path) -> None:
    learned = ",".join(
        f"any-to-bokeh:weights={place / weights},profile={profile},name={name}"
        for name, weights, profile in (
            ("trained", "run/weights", "paper"),
            ("released", "run/weights", "released"),
            ("untrained", "untrained", "paper"),
        )
    )
    told = command(place, "evaluate", "--set", "unseen", "--out", "scores", "--renderers", f"plate,{learned}", "--json")
    found = {entry["contender"]: entry["psnr"] for entry in json.loads(told)["set"]}
    assert found["trained"] > found["Plate, no blur"] + MARGIN
    assert found["released"] > found["Plate, no blur"] + MARGIN
    assert found["trained"] > found["untrained"] + 5


def the_trained_folder_renders_and_exports(place: Path) -> None:
    clip = next(iter(ClipSet(place / "unseen")))
    shot = clip.folder / clip.clip.focusings[0].name / "shot.json"
    learned = ("--renderer", "any-to-bokeh", "--weights", "run/weights", "--profile", "paper")
    command(place, "render", str(shot), *learned, "--out", str(place / "out" / "frame.%04d.exr"))
    assert len(list((place / "out").glob("*.exr"))) == clip.clip.frames
    command(place, "export", "--weights", "run/weights", "--out", "graphs", "--profile", "paper")
    assert (place / "graphs" / "unet.onnx").is_file()
