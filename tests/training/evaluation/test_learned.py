"""The learned renderer takes the same way as the others, here with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.shot import AnyToBokehOptions
from tests.training.evaluation.sets import options
from training.data.clips import ClipSet
from training.evaluation import evaluate_set
from training.evaluation.jobs import plate_frames
from training.evaluation.learned import LearnedContender
from training.evaluation.tables import ablation_table
from ui.cli.app import run


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    assert run(["weights", "init", "--preset", "tiny", "--out", str(folder)]) == 0
    return folder


def test_it_is_scored_like_any_contender_and_has_its_place_in_the_ablation(
    tiny_clips: ClipSet, weights: Path, tmp_path: Path
) -> None:
    one = f"any-to-bokeh:weights={weights},size=64x64,profile=paper"
    found = evaluate_set(
        options(tiny_clips, tmp_path, f"plate,{one},{one},without=wois", most_clips=1, focusings=("*-to-*",))
    )
    assert not found.failures
    assert {score.contender for score in found.scores} == {"Plate, no blur", "Any-to-Bokeh", "Any-to-Bokeh, no wois"}
    assert all(0 < score.value("psnr") < 60 for score in found.scores if score.contender != "Plate, no blur")
    rows = [row[:5] for row in ablation_table(found).rows[1:]]
    assert rows[0] == ("yes", "yes", "no", "yes", "Any-to-Bokeh, no wois")
    assert rows[1] == ("yes", "yes", "yes", "yes", "Any-to-Bokeh")
    missing = [row for row in rows[2:] if row[4].startswith("not given: any-to-bokeh:weights=...,without=")]
    assert len(missing) == len(rows[2:]) == 3


def test_windows_apart_know_nothing_of_each_other(tiny_clips: ClipSet, weights: Path) -> None:
    clip = next(iter(tiny_clips))
    frames = plate_frames(clip, clip.clip.focusings[1])
    told = AnyToBokehOptions(weights=str(weights), size="64x64", overlap=1, exposure=0.0, detail=False)
    apart = LearnedContender("apart", told, apart=True)
    whole = apart.render(frames)
    part = apart.render(frames[2:4])
    overlapping = LearnedContender("overlapping", told).render(frames)
    for index in (2, 3):
        assert np.array_equal(whole.images[index], part.images[index - 2])
    assert not all(np.array_equal(a, b) for a, b in zip(whole.images, overlapping.images, strict=True))
    assert len(set(whole.cpu_seconds)) == 1
    assert whole.cpu_seconds[0] > 0
