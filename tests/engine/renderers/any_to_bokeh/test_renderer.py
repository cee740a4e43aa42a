"""The whole path around networks whose answers are known."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CancelledError, FrameSizeError, MissingWeightsError, ShotError
from engine.frames import Float32Array, FrameRange, PlateFrame, RenderedFrame, Window
from engine.renderers import open_renderer
from engine.renderers.any_to_bokeh import AnyToBokehRenderer
from engine.renderers.optical import OpticalRenderer
from engine.shot import AnyToBokehOptions, Highlights, shot_from_dict
from tests.engine.renderers.any_to_bokeh.ideal import IdealNetworks, WindowNetworks

HALF_ROUNDING = 2.0**-11
"""Half a unit in the last place of a half float, as a share of the value."""

SIZES = [(384, 216), (64, 64), (90, 160), (33, 47), (640, 360), (1, 5)]
"""Width and height: wide, square, portrait, odd, larger than the model, almost nothing."""


def plate_frame(
    frame: int,
    size: tuple[int, int] = (96, 64),
    *,
    strength: float = 8.0,
    focus: float = 0.5,
    disparity: Float32Array | None = None,
    image: Float32Array | None = None,
    channels: tuple[str, ...] = ("R", "G", "B"),
    pixel_aspect: float = 1.0,
) -> PlateFrame:
    """A frame with detail, lights up to 10,000, and depth that runs from left to right."""
    width, height = size
    random = np.random.default_rng(frame)
    if image is None:
        image = random.lognormal(-1.5, 1.0, (height, width, len(channels))).astype(np.float32)
        image[random.random((height, width)) < 0.01] = 10_000
        image[random.random((height, width)) < 0.01] = 0
    if disparity is None:
        disparity = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width)).copy()
    window = Window.of_size(width, height)
    return PlateFrame(frame, image, channels, disparity, focus, strength, window, pixel_aspect)


def render(
    renderer: AnyToBokehRenderer, plates: dict[int, PlateFrame], frames: FrameRange | None = None
) -> dict[int, RenderedFrame]:
    """What the streaming loop does: prepare, read what is reached for, take what comes."""
    within = FrameRange.of(plates)
    asked = frames or within
    renderer.prepare(lambda frame: plates[frame].image, within)
    read: Iterator[PlateFrame] = (plates[frame] for frame in renderer.reach(asked, within))
    return {made.frame: made for made in renderer.stream(read, asked, within)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pixel_aspect", [1.0, 2.0])
def test_in_focus_the_plate_comes_back(size: tuple[int, int], pixel_aspect: float) -> None:
    """Everything in focus but a far background on the left, which is never in front of anything."""
    disparity = np.full((size[1], size[0]), 0.5, np.float32)
    disparity[:, : size[0] // 3] = 0.1
    plates = {
        frame: plate_frame(frame, size, disparity=disparity, pixel_aspect=pixel_aspect) for frame in range(1001, 1004)
    }
    made = render(AnyToBokehRenderer(IdealNetworks()), plates)
    sharp = np.abs(8.0 * (0.5 - disparity)) < 0.5
    # What is near the blurred background may get its light: the lamps' discs reach over the edge.
    sharp[:, : size[0] // 3 + 8] = False
    for frame, rendered in made.items():
        wanted = plates[frame].image
        np.testing.assert_allclose(rendered.image[sharp], wanted[sharp], rtol=HALF_ROUNDING, atol=2.0**-24)


@pytest.mark.parametrize("size", SIZES)
def test_without_blur_the_plate_comes_back_bit_for_bit(size: tuple[int, int]) -> None:
    plates = {frame: plate_frame(frame, size, strength=0.0, channels=("R", "G", "B", "A")) for frame in (1, 2)}
    for frame, rendered in render(AnyToBokehRenderer(IdealNetworks()), plates).items():
        np.testing.assert_array_equal(rendered.image, plates[frame].image)


@pytest.mark.parametrize("value", [500.0, 10_000.0])
def test_a_point_light_keeps_its_energy(value: float) -> None:
    image = np.full((96, 128, 3), 0.05, np.float32)
    image[48, 64] = value
    flat = np.zeros((96, 128), np.float32)
    plates = {1: plate_frame(1, (128, 96), image=image, disparity=flat, strength=16.0)}
    made = render(AnyToBokehRenderer(IdealNetworks()), plates)[1].image
    light = made.sum(axis=(0, 1)) - 0.05 * 96 * 128
    np.testing.assert_allclose(light, value, rtol=0.02)
    assert made.max() < value / 50, "the light is a disc and no point any more"


@pytest.mark.parametrize("content", ["noise", "huge", "black"])
@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("gain", [0.0, 2.0])
def test_asking_for_a_further_layer_changes_no_other_channel_by_a_bit(content: str, count: int, gain: float) -> None:
    channels = ("R", "G", "B", "A")[:count]
    plain = plate_frame(1, channels=channels)
    noise = np.random.default_rng(9).random((*plain.disparity.shape, 2), np.float32)
    layers = {"noise": noise, "huge": noise * np.float32(1e30), "black": noise * 0}[content]
    image = np.concatenate([plain.image, layers], axis=2)
    beside = plate_frame(1, image=image, channels=(*channels, "glow.R", "mask.A"))
    boost = Highlights(threshold=0.5, gain=gain)
    made, more = (
        render(AnyToBokehRenderer(IdealNetworks((96, 64)), highlights=boost), {1: plate})[1].image
        for plate in (plain, beside)
    )
    assert np.ascontiguousarray(more[..., :count]).tobytes() == np.ascontiguousarray(made).tobytes()
    optical = OpticalRenderer(highlights=boost).render(beside).image
    np.testing.assert_array_equal(more[..., count:], optical[..., count:])


def test_alpha_and_further_channels_are_blurred_as_the_optical_renderer_blurs_them() -> None:
    channels = ("R", "G", "B", "A", "diffuse.R")
    image = np.random.default_rng(0).random((64, 96, 5)).astype(np.float32)
    image[:, 48:, 3] = 1
    plate = plate_frame(1, image=image, channels=channels)
    made = render(AnyToBokehRenderer(IdealNetworks()), {1: plate})[1]
    assert made.channels == channels
    optical = OpticalRenderer().render(plate)
    np.testing.assert_allclose(made.image[..., 3:], optical.image[..., 3:], atol=2e-3)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 12, 13, 16, 25])
@pytest.mark.parametrize("blend", ["latents", "frames"])
def test_every_frame_comes_once_and_is_encoded_once(length: int, blend: str) -> None:
    networks = IdealNetworks()
    plates = {frame: plate_frame(frame, (64, 64)) for frame in range(1001, 1001 + length)}
    renderer = AnyToBokehRenderer(networks, AnyToBokehOptions.model_validate({"blend": blend}))
    assert list(render(renderer, plates)) == sorted(plates)
    assert networks.encoded == list(range(length))
    assert all(len(window) == 8 for window in networks.windows)


@settings(max_examples=15)
@given(st.integers(1, 30), st.sampled_from(["latents", "frames"]), st.integers(1, 5), st.data())
def test_any_split_gives_the_same_pixels(length: int, blend: str, overlap: int, data: st.DataObject) -> None:
    options = AnyToBokehOptions.model_validate({"blend": blend, "overlap": overlap, "ramp": "centred"})
    plates = {frame: plate_frame(frame, (64, 64)) for frame in range(1, length + 1)}
    whole = render(AnyToBokehRenderer(WindowNetworks(), options), plates)
    asked = FrameRange.of(data.draw(st.sets(st.sampled_from(sorted(plates)), min_size=1)))
    part = render(AnyToBokehRenderer(WindowNetworks(), options), plates, asked)
    assert sorted(part) == list(asked)
    for frame, rendered in part.items():
        np.testing.assert_array_equal(rendered.image, whole[frame].image)


def test_a_shot_with_gaps_in_its_numbers_is_windowed_by_its_own_frames() -> None:
    plates = {frame: plate_frame(frame, (64, 64)) for frame in range(1001, 1041, 4)}
    assert list(render(AnyToBokehRenderer(IdealNetworks()), plates)) == sorted(plates)


def test_a_frame_of_another_size_is_one_clear_sentence() -> None:
    plates = {1: plate_frame(1, (96, 64)), 2: plate_frame(2, (64, 96))}
    with pytest.raises(FrameSizeError, match="frame 2: the plate is 64x96, but the shot began with 96x64"):
        render(AnyToBokehRenderer(IdealNetworks()), plates)


def test_k_is_told_to_the_network_in_its_own_pixels() -> None:
    """A plate twice as wide as the model: half the radius, told as a whole number and its share."""
    networks = IdealNetworks(size=(128, 64), keep_inputs=True)
    plate = plate_frame(1, (256, 128), strength=9.0, focus=0.0)
    render(AnyToBokehRenderer(networks), {1: plate})
    told = networks.inputs[0]
    assert told.picture.shape == (3, 64, 128)
    assert told.defocus.max() == pytest.approx(4.5 / 5, rel=0.02)


def test_masks_are_made_only_where_the_profile_has_them() -> None:
    for profile, has_regions in (("released", False), ("paper", True)):
        networks = IdealNetworks(keep_inputs=True)
        options = AnyToBokehOptions.model_validate({"profile": profile})
        render(AnyToBokehRenderer(networks, options), {1: plate_frame(1, (64, 64))})
        assert (networks.inputs[0].regions is not None) == has_regions


def test_the_exposure_is_that_of_the_shot_and_not_of_the_frames_asked_for() -> None:
    plates = {frame: plate_frame(frame, (64, 64)) for frame in range(1, 30)}
    plates[30] = plate_frame(30, (64, 64), image=np.full((64, 64, 3), 40.0, np.float32))
    renderers = [AnyToBokehRenderer(IdealNetworks()) for _ in range(2)]
    render(renderers[0], plates)
    render(renderers[1], plates, FrameRange.of([1]))
    assert renderers[0].identity == renderers[1].identity
    dark = {frame: plate_frame(frame, (64, 64), image=np.full((64, 64, 3), 0.001, np.float32)) for frame in range(9)}
    other = AnyToBokehRenderer(IdealNetworks())
    render(other, dark)
    assert other.identity != renderers[0].identity


def test_what_was_put_right_is_told_with_the_frame() -> None:
    networks = IdealNetworks(waiting_notes=["network.redone"])
    made = render(AnyToBokehRenderer(networks), {frame: plate_frame(frame, (64, 64)) for frame in (1, 2)})
    assert made[1].notes == ("network.redone",)
    assert made[2].notes == ()


def test_a_boost_of_highlights_is_done_once() -> None:
    plate = plate_frame(1, image=np.full((64, 96, 3), 4.0, np.float32))
    boosted = render(AnyToBokehRenderer(IdealNetworks(), highlights=Highlights(threshold=1, gain=1)), {1: plate})[1]
    far_out_of_focus = np.abs(8.0 * (0.5 - plate.disparity)) > 3
    assert boosted.image[far_out_of_focus].mean() == pytest.approx(7.0, rel=0.1)


def test_it_stops_when_asked() -> None:
    renderer = AnyToBokehRenderer(IdealNetworks())
    plates = {frame: plate_frame(frame, (64, 64)) for frame in range(1, 40)}
    within = FrameRange.of(plates)
    renderer.prepare(lambda frame: plates[frame].image, within)
    stream = renderer.stream((plates[frame] for frame in within), within, within)
    next(stream)
    threading.Thread(target=renderer.cancel).start()
    with pytest.raises(CancelledError):
        list(stream)


def test_windows_that_cannot_be_are_told_before_anything_is_rendered() -> None:
    with pytest.raises(ShotError, match="at most half"):
        AnyToBokehRenderer(IdealNetworks(), AnyToBokehOptions(decode_window=8, decode_overlap=5))


def test_without_weights_there_is_a_sentence_that_says_what_to_do() -> None:
    shot = shot_from_dict(
        {
            "plate": {"path": "plate.%04d.exr"},
            "focus": {"keys": [{"frame": 1, "disparity": 0.5}]},
            "blur": {"keys": [{"frame": 1, "value": 8}]},
            "renderer": {"name": "any-to-bokeh"},
            "output": {"path": "out.%04d.exr"},
        },
        "shot",
    )
    with pytest.raises(MissingWeightsError, match="--weights DIR"):
        open_renderer(shot)
