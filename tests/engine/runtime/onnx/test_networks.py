from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from engine.errors import CancelledError, DeviceError, MemoryShortError, NumbersError
from engine.frames import Float32Array
from engine.runtime import EncodedFrame
from engine.runtime.onnx.networks import OnnxNetworks
from engine.runtime.onnx.opening import open_onnx_networks
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import CONTEXT, HEIGHT, WIDTH, frame, make_export

Precision = Literal["fp32", "fp16"]


def opened(folder: Path, **options: Any) -> OnnxNetworks:  # noqa: ANN401
    return open_onnx_networks(AnyToBokehOptions(weights=str(folder), device="cpu", **options))


def pictures(networks: OnnxNetworks, indices: range, *, regions: bool = False) -> list[Float32Array]:
    window = [networks.encode(frame(index, regions=regions)) for index in indices]
    return list(networks.decode(networks.refocus(window), window))


def same(one: list[Float32Array], other: list[Float32Array]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_export(tmp_path_factory.mktemp("exports") / "toy")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("frames", [1, 3, 8])
def test_a_window_of_any_length_becomes_as_many_pictures_from_0_to_1(
    tmp_path: Path, precision: Precision, frames: int
) -> None:
    networks = opened(make_export(tmp_path / "toy", precision))
    window = [networks.encode(frame(index)) for index in range(frames)]
    assert window[0].latents.shape == (8, HEIGHT // 8, WIDTH // 8)
    assert window[0].context.shape == (CONTEXT,)
    assert [skip.shape() for skip in window[0].skips] == [
        [1, 3, HEIGHT // step, WIDTH // step] for step in (1, 2, 4, 8)
    ]
    latents = cast("list[Float32Array]", networks.refocus(window))
    made = networks.decode(latents, window)
    assert [(latent.shape, latent.dtype) for latent in latents] == [((4, HEIGHT // 8, WIDTH // 8), np.float32)] * frames
    assert [(picture.shape, picture.dtype) for picture in made] == [((3, HEIGHT, WIDTH), np.float32)] * frames
    assert min(picture.min() for picture in made) >= 0
    assert max(picture.max() for picture in made) <= 1
    assert networks.notes() == ()


def test_the_same_window_gives_the_same_bits_whatever_came_before(export: Path) -> None:
    networks = opened(export)
    once = pictures(networks, range(3, 7))
    pictures(networks, range(8))
    assert same(pictures(networks, range(3, 7)), once)
    assert same(pictures(opened(export), range(3, 7)), once)
    networks.close()
    assert same(pictures(networks, range(3, 7)), once)


def test_each_frame_is_decoded_with_its_own_skips(export: Path) -> None:
    networks = opened(export)
    first, second = networks.encode(frame(0)), networks.encode(frame(1))
    latents = [first.latents[:4], second.latents[:4]]
    right, swapped = networks.decode(latents, [first, second]), networks.decode(latents, [second, first])
    assert np.abs(right[0] - swapped[0]).mean() > 0.01


def test_skips_are_the_picture_s_and_not_the_defocus_map_s(export: Path) -> None:
    encoded = opened(export).encode(frame(0))
    np.testing.assert_allclose(encoded.skips[0].numpy()[0], frame(0).picture * 2 - 1, atol=1e-6)


def test_regions_reach_the_network_where_it_was_exported_with_masks(tmp_path: Path) -> None:
    networks = opened(make_export(tmp_path / "toy", masks="threshold"), mpi_masks="threshold")
    window = [networks.encode(frame(index, regions=True)) for index in range(2)]
    flat: list[EncodedFrame] = [networks.encode(frame(index, regions=True)) for index in range(2)]
    for encoded in flat:
        cast("Any", encoded.regions)[:] = 0
    assert not np.array_equal(cast("Any", networks.refocus(window)[0]), cast("Any", networks.refocus(flat)[0]))


def test_the_profile_s_frame_rate_reaches_the_network(export: Path) -> None:
    six, seven = (pictures(opened(export, fps_id=rate), range(2)) for rate in (6, 60))
    assert not same(six, seven)


def test_random_latents_are_those_of_the_seed_and_the_place(export: Path) -> None:
    drawn, again, other = (opened(export, posterior="sample", seed=seed) for seed in (3, 3, 4))
    again.encode(frame(9))
    latents = drawn.encode(frame(4)).latents
    assert np.array_equal(latents, again.encode(frame(4)).latents)
    assert not np.array_equal(latents, other.encode(frame(4)).latents)
    assert not np.array_equal(latents, opened(export).encode(frame(4)).latents)


def test_identity_tells_exports_precisions_and_behaviour_apart_and_not_devices(tmp_path: Path, export: Path) -> None:
    assert opened(export).identity == opened(export).identity
    auto = open_onnx_networks(AnyToBokehOptions(weights=str(export)))
    others = {
        auto.identity,
        opened(export, fps_id=7).identity,
        opened(make_export(tmp_path / "half", "fp16")).identity,
        opened(make_export(tmp_path / "other", busy=1)).identity,
    }
    assert opened(export).identity in others
    assert len(others) == 4
    assert auto.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("graph", ["encoder", "image_encoder", "unet", "decoder"])
def test_what_half_precision_cannot_hold_is_redone_in_the_wide_graph_and_noted(tmp_path: Path, graph: str) -> None:
    hot = opened(make_export(tmp_path / "hot", "fp16", overflow=[graph]))
    made = pictures(hot, range(3))
    assert hot.notes() == ("network.redone",)
    assert all(np.isfinite(picture).all() for picture in made)
    expected = pictures(opened(make_export(tmp_path / "cool", "fp16")), range(3))
    np.testing.assert_allclose(made, expected, atol=5e-3)
    assert min(picture.std() for picture in made) > 0.05


@pytest.mark.parametrize("graph", ["encoder", "image_encoder", "unet", "decoder"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_values_that_are_finite_in_no_precision_are_an_error_that_names_frames(
    tmp_path: Path,
    graph: str,
    precision: Precision,
) -> None:
    networks = opened(make_export(tmp_path / "toy", precision, nan=[graph]))
    name = {"unet": "U-Net", "image_encoder": "image encoder"}.get(graph, graph)
    where = "frame 5" if "encoder" in graph else "frames 5 to 6"
    with pytest.raises(NumbersError, match=f"{where} of the shot: the {name} gives NaN or infinity in fp32 too"):
        pictures(networks, range(4, 6))


def test_a_window_that_does_not_fit_is_decoded_in_parts(tmp_path: Path, export: Path) -> None:
    networks = opened(make_export(tmp_path / "short", most=2))
    window = [networks.encode(frame(index)) for index in range(8)]
    latents = networks.refocus(window)
    made = networks.decode(latents, window)
    assert networks.notes() == ("network.memory",)
    np.testing.assert_allclose(made, pictures(opened(export), range(8)), atol=0.05)
    networks.decode(latents, window)
    assert networks.notes() == ()  # what did not fit is not tried again


def test_a_frame_that_does_not_fit_alone_is_an_error_that_says_what_would(tmp_path: Path) -> None:
    networks = opened(make_export(tmp_path / "short", most=0))
    with pytest.raises(MemoryShortError, match=r"128x64 do not fit .* of cpu.*--network-size 64x64"):
        pictures(networks, range(2))


def test_a_run_that_is_under_way_is_broken_off(tmp_path: Path) -> None:
    """It would take half a minute and end well: the wish to stop is looked at before it begins, and then no more."""
    networks = opened(make_export(tmp_path / "busy", busy=3000))
    window = [networks.encode(frame())]
    threading.Timer(0.3, networks.cancel).start()
    with pytest.raises(CancelledError):
        networks.refocus(window)
    for call in (lambda: networks.encode(frame()), lambda: networks.decode([window[0].latents[:4]], window)):
        with pytest.raises(CancelledError):
            call()


def test_a_wish_to_stop_is_heeded_before_anything_is_loaded(export: Path) -> None:
    networks = opened(export)
    networks.cancel()
    with pytest.raises(CancelledError):
        networks.encode(frame())
    networks.resume()
    assert networks.encode(frame()).index == frame().index


def test_what_fails_in_the_middle_of_a_run_says_where_and_what_to_do(export: Path) -> None:
    networks = opened(export)
    window = [networks.encode(frame())]
    with pytest.raises(DeviceError, match=r"the decoder failed on cpu .*--device"):
        networks.decode([np.zeros((4, 3, 3), np.float32)], window)
