from __future__ import annotations

import numpy as np
import pytest

from engine.errors import ShotError
from training.data.clips import ClipSet
from training.evaluation import Perturbation, parse_perturbations
from training.evaluation.jobs import plate_frames
from training.evaluation.perturbing import perturbed


@pytest.mark.parametrize("way", ["none", "elastic:0", "blur:0", "morph:0"])
def test_none_and_severity_zero_change_nothing(tiny_clips: ClipSet, way: str) -> None:
    clip = next(iter(tiny_clips))
    frames = plate_frames(clip, clip.clip.focusings[0])
    for before, after in zip(frames, perturbed(frames, *parse_perturbations(way), clip.clip.name), strict=True):
        np.testing.assert_allclose(after.disparity, before.disparity, atol=1e-6)


@pytest.mark.parametrize("way", ["elastic", "blur:2", "morph"])
def test_a_way_changes_the_disparity_alone_and_always_alike(tiny_clips: ClipSet, way: str) -> None:
    clip = next(iter(tiny_clips))
    frames = plate_frames(clip, clip.clip.focusings[0])
    (kind,) = parse_perturbations(way)
    first, again = (perturbed(frames, kind, clip.clip.name) for _ in range(2))
    assert all(np.array_equal(a.disparity, b.disparity) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a.image, b.image) and a.focus == b.focus for a, b in zip(first, frames, strict=True))
    assert any(not np.array_equal(a.disparity, b.disparity) for a, b in zip(first, frames, strict=True))
    # A frame is spoiled alike whether or not its neighbours are there.
    assert np.array_equal(perturbed(frames[2:3], kind, clip.clip.name)[0].disparity, first[2].disparity)


def test_a_line_names_ways_in_its_order_each_once() -> None:
    assert parse_perturbations("none, blur:0.5,none") == (Perturbation(), Perturbation("blur", 0.5))
    assert Perturbation("blur", 0.5).folder == "blur-0.5"


@pytest.mark.parametrize("words", ["", "shake", "blur:-1", "blur:much", "elastic:nan", "none:1"])
def test_other_ways_are_refused(words: str) -> None:
    with pytest.raises(ShotError, match="--perturb"):
        parse_perturbations(words)
