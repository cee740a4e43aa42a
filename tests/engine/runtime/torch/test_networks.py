from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.runtime import PAPER, RELEASED, EncodedFrame
from engine.runtime.torch.networks import TorchNetworks
from tests.engine.runtime.torch.tiny import HEIGHT, WIDTH, frame, tiny_modules, tiny_networks


@pytest.fixture(scope="module")
def networks() -> TorchNetworks:
    return tiny_networks()


def tensors(encoded: EncodedFrame) -> list[Tensor]:
    return [encoded.latents, encoded.context, encoded.strength_embedding, *encoded.skips]


def same(one: EncodedFrame, other: EncodedFrame) -> bool:
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


def test_a_frame_is_encoded_to_latents_of_an_eighth_and_skips_of_every_size(networks: TorchNetworks) -> None:
    encoded = networks.encode(frame())
    assert encoded.latents.shape == (8, HEIGHT // 8, WIDTH // 8)
    assert encoded.context.shape == (32,)
    assert [tuple(skip.shape[1:]) for skip in encoded.skips] == [
        (HEIGHT // step, WIDTH // step) for step in (1, 2, 4, 8)
    ]


@pytest.mark.parametrize("frames", [1, 3])
def test_a_window_of_any_length_becomes_as_many_pictures_from_0_to_1(networks: TorchNetworks, frames: int) -> None:
    window = [networks.encode(frame(index)) for index in range(frames)]
    latents = cast("list[Tensor]", networks.refocus(window))
    pictures = networks.decode(latents, window)
    assert [latent.shape for latent in latents] == [(4, HEIGHT // 8, WIDTH // 8)] * frames
    assert all(latent.dtype == torch.float32 for latent in latents)
    assert [(picture.shape, picture.dtype) for picture in pictures] == [((3, HEIGHT, WIDTH), np.float32)] * frames
    assert min(picture.min() for picture in pictures) >= 0
    assert max(picture.max() for picture in pictures) <= 1
    assert min(picture.std() for picture in pictures) > 0
    assert networks.notes() == ()


def test_the_same_window_gives_the_same_bits(networks: TorchNetworks) -> None:
    window = [networks.encode(frame(index)) for index in range(2)]
    once, again = (networks.decode(networks.refocus(window), window) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))


def test_a_frame_s_encoding_does_not_depend_on_what_was_encoded_before(networks: TorchNetworks) -> None:
    fresh = tiny_networks().encode(frame(5))
    networks.encode(frame(6, defocus=8))
    assert same(networks.encode(frame(5)), fresh)


def test_latents_are_those_of_the_picture_and_then_those_of_the_defocus_map(networks: TorchNetworks) -> None:
    one, other = networks.encode(frame(defocus=1)), networks.encode(frame(defocus=2))
    assert torch.equal(one.latents[:4], other.latents[:4])
    assert not torch.equal(one.latents[4:], other.latents[4:])
    grey = networks.encode(replace(frame(), picture=np.repeat(frame(defocus=1).defocus[None], 3, 0)))
    assert torch.allclose(grey.latents[:4], one.latents[4:], atol=1e-6)


def test_latents_are_scaled_for_the_u_net_and_the_decoder_gets_the_autoencoder_s_own(networks: TorchNetworks) -> None:
    vae = tiny_modules().vae
    with torch.no_grad():
        shown = torch.tensor(frame().picture)[None]
        moments, skips = vae.encode(shown * 2 - 1, with_skips=True)
        made = vae.decode(moments[:, :4][None], skips)[0, 0] / 2 + 0.5
    encoded = networks.encode(frame())
    assert torch.allclose(encoded.latents[:4], moments[0, :4] * 0.18215, atol=1e-5)
    (picture,) = networks.decode([encoded.latents[:4]], [encoded])
    assert np.allclose(picture, made.clamp(0, 1).numpy(), atol=1e-4)


def test_skips_are_the_picture_s_and_keep_nothing_else_in_memory(networks: TorchNetworks) -> None:
    one, other = networks.encode(frame(defocus=1)), networks.encode(frame(defocus=2))
    changed = networks.encode(frame(picture=3, defocus=1))
    for mine, its, theirs in zip(one.skips, other.skips, changed.skips, strict=True):
        assert torch.equal(mine, its)
        assert not torch.equal(mine, theirs)
        assert mine.untyped_storage().nbytes() == mine.numel() * mine.itemsize


def test_each_frame_is_decoded_with_its_own_skips(networks: TorchNetworks) -> None:
    first, second = networks.encode(frame(0)), networks.encode(frame(1))
    latents = [first.latents[:4], second.latents[:4]]
    right, swapped = networks.decode(latents, [first, second]), networks.decode(latents, [second, first])
    assert np.abs(right[0] - swapped[0]).mean() > 0.01


def test_random_latents_are_the_same_for_a_seed_and_place_and_others_for_others() -> None:
    modules = tiny_modules()
    for weights in modules.vae.quant_conv.parameters():
        weights.data *= 3  # so that the deviation is large beside rounding
    first, again = (tiny_networks(posterior="sample", seed=3, modules=modules) for _ in range(2))
    again.encode(frame(9))
    drawn = first.encode(frame(4)).latents
    assert torch.equal(drawn, again.encode(frame(4)).latents)
    assert not torch.equal(drawn, first.encode(frame(5, picture=104)).latents)
    assert not torch.equal(drawn, tiny_networks(posterior="sample", seed=4, modules=modules).encode(frame(4)).latents)
    assert not torch.equal(drawn, tiny_networks(modules=modules).encode(frame(4)).latents)


@pytest.mark.parametrize("behaviour", [RELEASED, PAPER])
def test_the_profile_reaches_the_networks(behaviour: Any) -> None:  # noqa: ANN401
    modules, told, normalised = tiny_modules(), [], []
    modules.unet.register_forward_pre_hook(lambda _, given: told.append(given))
    modules.image_encoder.register_forward_pre_hook(lambda _, given: normalised.append(given[1]))
    networks = tiny_networks(behaviour=behaviour, modules=modules)
    given = frame(regions=True)
    networks.refocus([networks.encode(given)])
    (latents, _, strength, time_ids, regions) = told[0]
    assert latents.shape == (1, 1, 8, HEIGHT // 8, WIDTH // 8)
    assert np.array_equal(strength[0, 0].numpy(), given.strength_embedding)
    assert time_ids.tolist() == [[behaviour.fps_id, 127, 0]]
    assert normalised == [behaviour is PAPER]
    if behaviour is PAPER:
        assert np.array_equal(regions[0, 0].numpy(), cast("Any", given.regions))
    else:
        assert regions is None


def test_identity_tells_weights_precision_and_behaviour_apart_and_needs_no_weights() -> None:
    def identity(precision: str = "fp32", behaviour: Any = RELEASED) -> str:  # noqa: ANN401
        return tiny_networks(precision, behaviour=behaviour).identity

    assert identity() == identity()
    others = {identity(), identity("bf16"), identity(behaviour=PAPER), identity(behaviour=replace(RELEASED, fps_id=5))}
    assert len(others) == 4
    assert tiny_networks().size == (256, 128)


def test_weights_are_loaded_once_and_not_before_the_first_frame() -> None:
    loaded = []

    networks = tiny_networks()
    load = networks._load
    networks._load = lambda: (loaded.append(1), load())[1]  # type: ignore[method-assign, func-returns-value]
    _ = networks.identity, networks.size, networks.notes()
    assert not loaded
    networks.encode(frame(0))
    networks.encode(frame(1))
    assert loaded == [1]


def test_what_nothing_reads_is_dropped() -> None:
    modules = tiny_modules()
    before = sum(weights.numel() for weights in modules.unet.parameters())
    tiny_networks(modules=modules).encode(frame())
    assert sum(weights.numel() for weights in modules.unet.parameters()) < 0.9 * before
