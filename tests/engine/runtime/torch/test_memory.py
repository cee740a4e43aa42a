from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch

from engine.errors import MemoryShortError
from engine.networks.presets import VAEConfig
from engine.runtime.torch.memory import ran_out_of_memory, size_that_fits
from engine.runtime.torch.networks import Modules
from tests.engine.runtime.torch.tiny import frame, psnr, tiny_modules, tiny_networks

NEARLY = 27.0
"""dB between a window decoded whole and in parts of two, whose frames see fewer neighbours, for random weights and
frames that have nothing in common: 29 were measured. Frames in wrong order give 19."""


def full_beyond(modules: Modules, place: str, most: float) -> list[int]:
    """Memory runs out in a part of the networks when more than ``most`` frames come together; notes how many came."""
    came: list[int] = []

    def fail(_: Any, given: tuple[Any, ...]) -> None:  # noqa: ANN401
        came.append(len(given[0]))
        if len(given[0]) > most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    module, _, inside = place.partition(".")
    getattr(modules, module).get_submodule(inside).register_forward_pre_hook(fail)
    return came


def test_what_torch_says_when_memory_runs_out_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert ran_out_of_memory(caught.value)
    assert ran_out_of_memory(MemoryError())
    assert ran_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert ran_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"))
    assert ran_out_of_memory(RuntimeError("could not create a primitive"))
    assert not ran_out_of_memory(RuntimeError("could not create a primitive descriptor for a convolution"))
    assert not ran_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not ran_out_of_memory(ValueError("out of memory"))


def test_a_window_that_does_not_fit_is_decoded_in_parts_with_nearly_the_same_picture() -> None:
    modules = tiny_modules()
    for name, weights in modules.vae.decoder.named_parameters():
        if name.endswith("mix_factor"):
            weights.data.fill_(-3)  # little passes between frames, as in trained networks
    whole = tiny_networks(modules=deepcopy(modules))
    came = full_beyond(modules, "vae.decoder.conv_in", most=2)
    short = tiny_networks(modules=modules)
    window = [short.encode(frame(index)) for index in range(6)]
    latents = short.refocus(window)
    pictures = short.decode(latents, window)
    assert came[:2] == [6, 3]
    assert set(came[2:]) == {2}
    assert short.notes() == ("network.memory",)
    assert psnr(pictures, whole.decode(latents, window)) > NEARLY
    came.clear()
    short.decode(latents, window)
    assert set(came) == {2}  # what did not fit is not tried again


def test_a_frame_that_does_not_fit_alone_is_an_error_that_says_what_would() -> None:
    modules = tiny_modules()
    came = full_beyond(modules, "vae.decoder.conv_in", most=0)
    networks = tiny_networks(modules=modules)
    window = [networks.encode(frame(index)) for index in range(2)]
    with pytest.raises(MemoryShortError, match=r"128x64 do not fit .* of cpu.*--network-size 64x64"):
        networks.decode(networks.refocus(window), window)
    assert came == [2, 1]


def test_picture_and_defocus_map_are_encoded_one_by_one_where_both_do_not_fit() -> None:
    modules = tiny_modules()
    came = full_beyond(modules, "vae.encoder.conv_in", most=1)
    networks, free = tiny_networks(modules=modules), tiny_networks()
    encoded, expected = networks.encode(frame()), free.encode(frame())
    assert came == [2, 1, 1]
    assert networks.notes() == ("network.memory",)
    assert torch.allclose(encoded.latents, expected.latents, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(encoded.skips, expected.skips, strict=True))


@pytest.mark.parametrize("place", ["vae.encoder.conv_in", "unet.conv_in", "image_encoder"])
def test_the_other_networks_give_up_with_the_same_error(place: str) -> None:
    modules = tiny_modules()
    full_beyond(modules, place, most=0)
    networks = tiny_networks(modules=modules)
    with pytest.raises(MemoryShortError, match="--network-size"):
        networks.refocus([networks.encode(frame())])


def test_weights_that_do_not_fit_are_an_error_of_their_own() -> None:
    networks = tiny_networks()

    def load() -> Modules:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    networks._load = load  # type: ignore[method-assign]
    with pytest.raises(MemoryShortError, match="the networks' weights do not fit"):
        networks.encode(frame())


@pytest.mark.parametrize("free", [1 << 28, 1 << 30, 1 << 40, None])
@pytest.mark.parametrize(("width", "height"), [(1920, 1088), (1088, 1920), (1024, 64), (64, 128)])
def test_a_size_that_fits_is_smaller_of_the_same_shape_and_a_multiple_of_64(
    width: int, height: int, free: int | None
) -> None:
    fitting = size_that_fits(width, height, free, VAEConfig(), 2)
    assert fitting is not None
    assert fitting[0] % 64 == fitting[1] % 64 == 0
    assert min(fitting) >= 64
    assert fitting[0] * fitting[1] <= 0.75 * width * height
    assert free is None or fitting[0] * fitting[1] * 2 * (3 * 256 + 128) <= free
    assert (width > height) == (fitting[0] > fitting[1]) or fitting[0] == fitting[1] == 64


@pytest.mark.parametrize(("width", "height", "free"), [(1920, 1088, 1 << 20), (64, 64, None)])
def test_nothing_smaller_than_64_pixels_is_proposed(width: int, height: int, free: int | None) -> None:
    assert size_that_fits(width, height, free, VAEConfig(), 2) is None


def test_half_the_bytes_a_number_let_a_larger_size_fit() -> None:
    sizes = [size_that_fits(3840, 2176, 1 << 30, VAEConfig(), itemsize) for itemsize in (4, 2)]
    assert sizes[0] is not None
    assert sizes[1] is not None
    assert sizes[0] < sizes[1]
