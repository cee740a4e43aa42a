from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.networks.presets import PRESETS, VAEConfig
from engine.networks.vae import AnyToBokehVAE, posterior_mode, posterior_sample
from tests.engine.networks.vae_literal import decoded, encoded

TINY = PRESETS["tiny"].vae
UNEVEN = VAEConfig((32, 64, 96, 128), 2)
"""No two levels alike, and deep enough for attention in the decoder."""

TOLERANCE = {
    # Nothing but the order of sums stands between us and the plain formulas.
    "float64": 1e-10,
    # Against diffusers in float32: lerp and folded kernels round elsewhere. Seen: 4e-6.
    "float32": 1e-5,
    # Half precision has 11 bits; some 60 layers of a network with random weights. Seen: 5e-3.
    "float16": 2e-2,
}


def stirred(config: VAEConfig, dtype: torch.dtype = torch.float32, skips: float = 0.05) -> AnyToBokehVAE:
    """An autoencoder in which every weight shows: nothing is left at 0 or 1, and the skips are open as told."""
    torch.manual_seed(4)
    vae = AnyToBokehVAE(config)
    with torch.no_grad():
        for name, weight in vae.named_parameters():
            if "skip_conv" in name:
                weight.normal_(0, skips)
            elif weight.dim() == 1:
                weight.add_(torch.randn_like(weight), alpha=0.3)
    return vae.to(dtype).requires_grad_(False)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def distance(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((ours.double() - theirs.double()).abs().max() / theirs.double().abs().max())


@pytest.mark.parametrize("config", [TINY, UNEVEN], ids=["tiny", "uneven"])
@pytest.mark.parametrize("frames", [1, 3])
def test_encoder_and_decoder_are_the_plain_formulas(config: VAEConfig, frames: int) -> None:
    vae = stirred(config, torch.float64)
    weights, layers = vae.state_dict(), config.layers_per_block
    pictures = noise(2 * frames, 3, 32, 64, dtype=torch.float64)
    moments, skips = vae.encode(pictures, with_skips=True)
    plain_moments, plain_skips = encoded(pictures, weights, layers)
    assert distance(moments, plain_moments) < TOLERANCE["float64"]
    assert len(skips) == len(plain_skips) == 4
    assert all(distance(skip, plain) < TOLERANCE["float64"] for skip, plain in zip(skips, plain_skips, strict=True))
    latents = noise(2, frames, 4, 4, 8, seed=1, dtype=torch.float64)
    ours = vae.decode(latents, skips)
    plain = decoded(latents.flatten(0, 1), skips, weights, layers, frames)
    assert ours.shape == (2, frames, 3, 32, 64)
    assert distance(ours.flatten(0, 1), plain) < TOLERANCE["float64"]


def test_with_closed_skips_it_is_the_autoencoder_of_stable_video_diffusion() -> None:
    vae = stirred(UNEVEN, skips=0.0)
    theirs = AutoencoderKLTemporalDecoder(
        down_block_types=("DownEncoderBlock2D",) * 4,
        block_out_channels=UNEVEN.block_out_channels,
        layers_per_block=UNEVEN.layers_per_block,
    )
    theirs.load_state_dict({name: weight for name, weight in vae.state_dict().items() if "skip_conv" not in name})
    theirs.requires_grad_(False)
    pictures = noise(3, 3, 32, 64)
    moments, skips = vae.encode(pictures, with_skips=True)
    posterior = theirs.encode(pictures).latent_dist
    assert distance(posterior_mode(moments), posterior.mode()) < TOLERANCE["float32"]
    draw = noise(3, 4, 4, 8, seed=2)
    assert distance(posterior_sample(moments, draw), posterior.mean + posterior.std * draw) < TOLERANCE["float32"]
    latents = posterior_mode(moments)
    assert distance(vae.decode(latents[None], skips)[0], theirs.decode(latents, 3).sample) < TOLERANCE["float32"]


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        vae = AnyToBokehVAE(PRESETS["full"].vae)
    shapes = {name: tuple(weight.shape) for name, weight in vae.state_dict().items()}
    assert len(shapes) == 378
    assert sum(weight.numel() for weight in vae.parameters()) == 98_234_367
    # Of the sorted lines "name (shape)" of the published autoencoder.
    listed = "\n".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
    assert sha256(listed.encode()).hexdigest() == "5441a8e6514ab6ffda6eb4d846ccd8b190f87c8297369d46f544726b9bb359b1"
    assert {weight.device.type for weight in vae.state_dict().values()} == {"meta"}


def test_work_and_skips_of_a_frame_at_the_full_size() -> None:
    with torch.device("meta"):
        vae = AnyToBokehVAE(PRESETS["full"].vae).half()
        pictures, latents = torch.empty(8, 3, 576, 1024).half(), torch.empty(1, 8, 4, 72, 128).half()
    with torch.no_grad(), FlopCounterMode(display=False) as encoding:
        _, skips = vae.encode(pictures, with_skips=True)
    with torch.no_grad(), FlopCounterMode(display=False) as decoding:
        assert vae.decode(latents, skips).shape == (1, 8, 3, 576, 1024)
    assert encoding.get_total_flops() / 8 <= 2.62e12
    # The published decoder takes 7.0: nearest neighbour and 3x3 are folded into one.
    assert decoding.get_total_flops() / 8 <= 6.2e12
    assert [tuple(skip.shape) for skip in skips] == [
        (8, 128, 576, 1024),
        (8, 128, 288, 512),
        (8, 256, 144, 256),
        (8, 512, 72, 128),
    ]
    assert sum(skip.nbytes for skip in skips) / 8 == 217_055_232


def test_a_new_autoencoder_has_its_skips_nearly_closed_and_its_times_half_mixed() -> None:
    weights = AnyToBokehVAE(TINY).state_dict()
    skips = [weight for name, weight in weights.items() if "skip_conv" in name]
    assert len(skips) == 4
    assert all(bool((skip == 1e-5).all()) for skip in skips)
    assert all(float(weight) == 0 for name, weight in weights.items() if "mix_factor" in name)


@pytest.mark.parametrize("level", range(4))
def test_every_skip_reaches_the_picture(level: int) -> None:
    vae = stirred(TINY)
    _, skips = vae.encode(noise(2, 3, 32, 64), with_skips=True)
    latents = noise(1, 2, 4, 4, 8, seed=1)
    other = [skip + noise(*skip.shape, seed=3) if n == level else skip for n, skip in enumerate(skips)]
    assert distance(vae.decode(latents, other), vae.decode(latents, skips)) > 1e-2


def test_without_skips_the_moments_are_the_same() -> None:
    vae = stirred(TINY)
    pictures = noise(2, 3, 32, 64)
    moments, skips = vae.encode(pictures, with_skips=False)
    assert skips == ()
    assert torch.equal(moments, vae.encode(pictures, with_skips=True)[0])


def test_two_windows_together_are_the_two_windows_alone() -> None:
    vae = stirred(UNEVEN)
    moments, skips = vae.encode(noise(6, 3, 32, 64), with_skips=True)
    latents = posterior_mode(moments).reshape(2, 3, 4, 4, 8)
    together = vae.decode(latents, skips)
    for window in range(2):
        own = [skip[3 * window : 3 * window + 3] for skip in skips]
        assert distance(vae.decode(latents[window : window + 1], own)[0], together[window]) < TOLERANCE["float32"]


def test_frames_of_a_window_know_each_other_and_encoded_frames_do_not() -> None:
    vae = stirred(TINY)
    pictures = noise(2, 3, 32, 64)
    moments, skips = vae.encode(pictures, with_skips=True)
    alone, own = vae.encode(pictures[:1], with_skips=True)
    assert distance(alone, moments[:1]) < TOLERANCE["float32"]
    latents = noise(1, 2, 4, 4, 8, seed=1)
    assert distance(vae.decode(latents[:, :1], own)[0, 0], vae.decode(latents, skips)[0, 0]) > 1e-2


def test_nothing_is_remembered_and_nothing_given_is_changed() -> None:
    vae = stirred(TINY)
    pictures, latents = noise(2, 3, 32, 64), noise(1, 2, 4, 4, 8, seed=1)
    _, skips = vae.encode(pictures, with_skips=True)
    first = vae.decode(latents, skips)
    before = [given.clone() for given in (pictures, latents, *skips)]
    vae.encode(noise(2, 3, 32, 64, seed=5), with_skips=True)
    assert torch.equal(vae.decode(latents, skips), first)
    with torch.no_grad():
        vae.encode(pictures, with_skips=True)
        assert torch.equal(vae.decode(latents, skips), first)
    assert all(torch.equal(*pair) for pair in zip((pictures, latents, *skips), before, strict=True))


def test_a_skip_too_few_is_refused() -> None:
    vae = stirred(TINY)
    _, skips = vae.encode(noise(1, 3, 32, 64), with_skips=True)
    with pytest.raises(ValueError, match="needs 4 skips, got 3"):
        vae.decode(noise(1, 1, 4, 4, 8), skips[:3])


def test_a_draw_from_the_posterior_is_mean_and_deviation_within_limits() -> None:
    mean, draw = noise(1, 4, 2, 2), noise(1, 4, 2, 2, seed=1)
    for log_variance, deviation in ((0.0, 1.0), (2.0, torch.e), (50.0, torch.e**10), (-90.0, torch.e**-15)):
        moments = torch.cat([mean, torch.full_like(mean, log_variance)], dim=1)
        assert torch.equal(posterior_mode(moments), mean)
        torch.testing.assert_close(posterior_sample(moments, draw), mean + deviation * draw)


def gradients(vae: AnyToBokehVAE, pictures: Tensor) -> dict[str, Tensor]:
    vae.zero_grad()
    moments, skips = vae.encode(pictures, with_skips=True)
    torch.autograd.backward(vae.decode(posterior_mode(moments)[None], skips).square().mean())
    return {name: weight.grad for name, weight in vae.named_parameters() if weight.grad is not None}


def test_checkpointed_gradients_are_the_plain_ones_skips_included() -> None:
    vae = stirred(UNEVEN, torch.float64).requires_grad_(True)
    pictures = noise(2, 3, 16, 32, dtype=torch.float64)
    plain = gradients(vae, pictures)
    vae.gradient_checkpointing = True
    checkpointed = gradients(vae, pictures)
    assert plain.keys() == checkpointed.keys() == dict(vae.named_parameters()).keys()
    assert all(distance(checkpointed[name], plain[name]) < TOLERANCE["float64"] for name in plain)
    assert all(bool(plain[f"decoder.skip_conv_{n}.weight"].abs().max() > 0) for n in range(1, 5))


def test_checkpointing_keeps_less_for_the_way_back() -> None:
    vae = stirred(TINY).requires_grad_(True)
    kept: list[int] = []
    for vae.gradient_checkpointing in (False, True):
        storages: dict[int, Tensor] = {}

        def keep(x: Tensor, storages: dict[int, Tensor] = storages) -> Tensor:
            storages[x.untyped_storage().data_ptr()] = x
            return x

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            moments, skips = vae.encode(noise(2, 3, 32, 64), with_skips=True)
            vae.decode(posterior_mode(moments)[None], skips)
        kept.append(sum(x.untyped_storage().nbytes() for x in storages.values()))
    assert all(small * 2 < large for large, small in pairwise(kept))


def test_mixed_precision_trains() -> None:
    vae = stirred(TINY).requires_grad_(True)
    # Not bfloat16: Torch 2.13 on a CPU gives NaN for its weight gradient of a 3x1x1 Conv3d, alone too.
    with torch.autocast("cpu", torch.float16):
        found = gradients(vae, noise(2, 3, 16, 32))
    assert all(bool(gradient.isfinite().all()) for gradient in found.values())


def test_half_precision_stays_near_full() -> None:
    vae = stirred(TINY)
    pictures = noise(2, 3, 32, 64).tanh()
    moments, skips = vae.encode(pictures, with_skips=True)
    picture = vae.decode(posterior_mode(moments)[None], skips)
    vae.half()
    half_moments, half_skips = vae.encode(pictures.half(), with_skips=True)
    half_picture = vae.decode(posterior_mode(half_moments)[None], half_skips)
    assert half_picture.dtype == torch.float16
    assert distance(half_moments, moments) < TOLERANCE["float16"]
    assert distance(half_picture, picture) < TOLERANCE["float16"]


def test_memory_laid_out_by_channels_gives_the_same() -> None:
    vae = stirred(TINY)
    pictures, latents = noise(2, 3, 32, 64), noise(1, 2, 4, 4, 8, seed=1)
    _, skips = vae.encode(pictures, with_skips=True)
    plain = vae.decode(latents, skips)
    _, skips = vae.encode(pictures.to(memory_format=torch.channels_last), with_skips=True)
    assert skips[0].is_contiguous(memory_format=torch.channels_last)
    assert distance(vae.decode(latents, skips), plain) < TOLERANCE["float32"]
