"""Asking for a further layer changes no other channel by a bit, and blurs the layer as it would the colour."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array, PlateFrame, count_picture
from engine.renderers.optical import OpticalRenderer
from engine.shot import Highlights
from tests.engine.renderers.optical.plates import plate, texture

SIZE = (40, 56)

Quality = Literal["draft", "final"]

CONTENTS = ("as R", "black", "huge", "negative", "ids", "noise", "beyond a half")


def _scene(seed: int, depth: str, alpha: bool) -> PlateFrame:
    """A subject before a wall, with antialiased edges and a lamp or two."""
    random = np.random.default_rng(seed)
    height, width = SIZE
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    middle, reach = random.uniform(0.3, 0.7, 2) * (height, width), random.uniform(6, 14)
    cover = np.clip(reach - np.hypot(rows - middle[0], columns - middle[1]) + 0.5, 0, 1)[:, :, None]
    image = cover * texture(height, width, seed) + (1 - cover) * texture(height, width, seed + 1) * 0.6
    image[tuple(random.integers((2, 2), (height - 2, width - 2)))] = 40.0
    near = cover[:, :, 0] if depth == "soft" else (cover[:, :, 0] > 0.5).astype(np.float32)
    disparity = 0.15 + 0.7 * near + (0.2 * columns / width if depth == "slanted" else 0)
    if alpha:
        coverage = np.clip(columns[:, :, None] / 8 - 1, 0, 1)
        image = np.concatenate([image * coverage, coverage], axis=2)
    return plate(image.astype(np.float32), np.clip(disparity, 0, 1).astype(np.float32), 0.4, 22.0)


def _layer(content: str, frame: PlateFrame, seed: int) -> Float32Array:
    random = np.random.default_rng(seed)
    noise = random.random(frame.disparity.shape, np.float32)
    made = {
        "as R": frame.image[:, :, 0],
        "black": np.zeros_like(noise),
        "huge": noise * np.float32(1e30),
        "negative": -100 * noise,
        "ids": (noise * 2**31).astype(np.int32).view(np.float32),
        "noise": noise,
        "beyond a half": np.where(noise > 0.5, np.float32(65504), np.float32(-65504)),
    }
    return np.nan_to_num(made[content], nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _with(frame: PlateFrame, layers: list[Float32Array], names: list[str]) -> PlateFrame:
    image = np.concatenate([frame.image, *(layer[:, :, None] for layer in layers)], axis=2)
    return replace(frame, image=np.ascontiguousarray(image), channels=(*frame.channels, *names))


def _bits(image: Float32Array) -> bytes:
    return np.ascontiguousarray(image).tobytes()


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("depth", ["hard", "soft", "slanted"])
@pytest.mark.parametrize("matte", [False, True])
@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    alpha=st.booleans(),
    gain=st.sampled_from([0.0, 2.0]),
    contents=st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=3),
)
def test_asking_for_a_further_layer_changes_no_other_channel_by_a_bit(
    quality: Quality, depth: str, matte: bool, seed: int, alpha: bool, gain: float, contents: list[str]
) -> None:
    frame = _scene(seed, depth, alpha)
    if matte:
        frame = replace(frame, coverage=np.clip((frame.disparity - 0.2) * 2, 0, 1).astype(np.float32))
    layers = [_layer(content, frame, seed + number) for number, content in enumerate(contents)]
    names = [f"layer{number}.R" for number in range(len(layers))]
    renderer = OpticalRenderer(quality=quality, highlights=Highlights(threshold=0.5, gain=gain))
    alone = renderer.render(frame)
    beside = renderer.render(_with(frame, layers, names))
    count = len(frame.channels)
    assert _bits(beside.image[:, :, :count]) == _bits(alone.image)
    assert alone.invented is not None
    assert beside.invented is not None
    assert _bits(beside.invented) == _bits(alone.invented)
    assert np.isfinite(alone.image).all()
    for number, content in enumerate(contents, count):
        if content == "as R":
            assert _bits(beside.image[:, :, number]) == _bits(beside.image[:, :, 0])
        if content == "black":
            assert not beside.image[:, :, number].any()


@pytest.mark.parametrize("quality", ["draft", "final"])
def test_layers_of_light_add_up_to_the_colour_after_a_boost_as_before(quality: Quality) -> None:
    frame = _scene(3, "hard", alpha=False)
    share = np.float32(0.25)
    parts = [frame.image[:, :, 1] * share, frame.image[:, :, 1] * (1 - share)]
    made = OpticalRenderer(quality=quality, highlights=Highlights(threshold=0.5, gain=3.0)).render(
        _with(frame, parts, ["diffuse.G", "specular.G"])
    )
    np.testing.assert_allclose(made.image[:, :, 3] + made.image[:, :, 4], made.image[:, :, 1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("name", ["mask.R", "diffuse.A", "MultiMatteElement.G"])
def test_a_matte_stays_a_share_whatever_lamps_and_boosts_there_are(quality: Quality, name: str) -> None:
    frame = _scene(5, "hard", alpha=False)
    made = OpticalRenderer(quality=quality, highlights=Highlights(threshold=0.2, gain=5.0)).render(
        _with(frame, [np.ones(SIZE, np.float32)], [name])
    )
    np.testing.assert_allclose(made.image[:, :, 3], 1, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (("R", "G", "B"), 3),
        (("R", "G", "B", "A"), 4),
        (("R", "G", "B", "A", "diffuse.R"), 4),
        (("R", "G", "B", "mask.A"), 3),
        (("Y",), 1),
        (("Y", "A", "ao.Y"), 2),
    ],
)
def test_the_picture_is_judged_by_its_colours_and_alpha(channels: tuple[str, ...], expected: int) -> None:
    assert count_picture(channels) == expected
