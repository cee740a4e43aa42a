"""Courses of focus and blur follow what is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.data.clips import Focusing
from training.data.focusing import draw_focusings
from training.data.recipe import DataRecipe
from training.scenes.clip_scenes import clip_scene

SCENE = clip_scene((2, 7), 128, 72, 7)


def drawn(**settings: object) -> tuple[Focusing, ...]:
    recipe = DataRecipe.model_validate({"size": "128x72", "frames": 7, **settings})
    return draw_focusings(SCENE, recipe, np.random.default_rng(3))


def of_kind(kind: str, **settings: object) -> tuple[Focusing, ...]:
    return drawn(focusings=[kind], **settings)


def test_a_held_focus_is_each_element_s_own_disparity_with_k_in_pixels_of_the_plate() -> None:
    held = of_kind("held", strengths=[16])
    assert [focusing.element for focusing in held] == list(range(1, len(SCENE.props) + 1))
    for focusing, disparity in zip(held, SCENE.disparities().T, strict=True):
        assert focusing.focus == pytest.approx(disparity)
        assert focusing.strength == (16.0 * 128 / 1024,) * 7


def test_a_sweep_runs_evenly_from_the_nearest_element_to_the_farthest_and_back() -> None:
    disparities = SCENE.disparities()
    (out,), (back,) = of_kind("near-to-far"), of_kind("far-to-near")
    assert (out.focus[0], out.focus[-1]) == pytest.approx((disparities[0, 0], disparities[-1, -1]))
    assert (back.focus[0], back.focus[-1]) == pytest.approx((disparities[0, -1], disparities[-1, 0]))
    assert np.diff(out.focus) == pytest.approx(np.full(6, (out.focus[-1] - out.focus[0]) / 6))
    (eased,) = of_kind("near-to-far", ease_sweeps=True)
    assert abs(np.diff(eased.focus)[0]) < 0.5 * abs(np.diff(out.focus)[0])


def test_one_element_alone_is_swept_to_the_background() -> None:
    alone = replace(SCENE, props=SCENE.props[:1], beyond=(*SCENE.props[1:], *SCENE.beyond))
    recipe = DataRecipe.model_validate({"size": "128x72", "frames": 7, "focusings": ["near-to-far"]})
    (out,) = draw_focusings(alone, recipe, np.random.default_rng(3))
    assert out.focus[-1] == pytest.approx(SCENE.beyond_disparities()[-1])


def test_a_breathing_focus_holds_an_element_while_k_runs_between_its_limits() -> None:
    (breathing,) = of_kind("breathing", breathing=[8, 24])
    assert breathing.element is not None
    assert breathing.focus == pytest.approx(SCENE.disparities()[:, breathing.element - 1])
    assert sorted((breathing.strength[0], breathing.strength[-1])) == pytest.approx([1.0, 3.0])
    assert len(set(breathing.strength)) == 7


def test_a_clip_has_as_many_focusings_as_are_wanted_all_of_different_names() -> None:
    every = drawn()
    assert len(every) == len(SCENE.props) + 4
    assert len({focusing.name for focusing in every}) == len(every)
    assert len(drawn(focusings_per_clip=3)) == 3
    assert len(drawn(focusings_per_clip=99)) == len(every)
