"""Random networks: the same for the same seed, in the state in which training starts, and of finite output."""

from __future__ import annotations

from hashlib import sha256
from math import sqrt
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.networks.checkpoint import open_weights
from engine.networks.initialise import initialise
from engine.networks.presets import PRESETS, PresetName
from tests.engine.networks import folders


def digest(network: nn.Module) -> str:
    found = sha256()
    for name, tensor in sorted(network.state_dict().items()):
        found.update(name.encode() + tensor.float().numpy().tobytes())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        folders.save(tmp_path / name, initialise("tiny", seed))
    for file in (folders.UNET, folders.VAE, folders.CLIP):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert (tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes()


def test_the_numbers_are_those_of_every_machine() -> None:
    """Pinned: uniform numbers go through no function that a processor rounds its own way."""
    weight = initialise("tiny", 5).unet.conv_in.weight
    assert weight.flatten()[:3].tolist() == [-0.11311975121498108, 0.1155799925327301, 0.08864147961139679]


def test_another_precision_only_rounds() -> None:
    whole, half = initialise("tiny", 5).vae, initialise("tiny", 5, torch.float16).vae
    assert digest(whole.half()) == digest(half)


def test_threads_and_torch_s_own_generator_do_not_matter_and_are_left_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    once = digest(initialise("tiny", 5).unet)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert digest(initialise("tiny", 5).unet) == once


def test_training_starts_from_the_published_state() -> None:
    made = initialise("tiny", 5)
    unet = made.unet.state_dict()
    assert torch.equal(unet["conv_in_mpi.weight"], unet["conv_in.weight"][:, :4])
    assert torch.equal(unet["conv_in_mpi.bias"], unet["conv_in.bias"])
    for name, value in unet.items():
        if name.endswith(("alpha_attn", "alpha_dense")):
            assert float(value) == 0
        elif name.endswith("mix_factor"):
            assert float(value) == 0.5
        elif ".norm" in name and name.endswith("weight"):
            assert bool((value == 1).all()), name
    vae = made.vae.state_dict()
    for number in range(1, 5):
        assert torch.unique(vae[f"decoder.skip_conv_{number}.weight"]).tolist() == pytest.approx([1e-5])
    weight = unet["mid_block.attentions.0.transformer_blocks.0.fuser.ff.net.0.proj.weight"]
    bound = 1 / sqrt(weight.shape[1])
    assert 0.99 * bound < float(weight.abs().max()) <= bound
    assert float(weight.std()) == pytest.approx(bound / sqrt(3), rel=0.02)


def test_gates_open_as_far_as_asked() -> None:
    unet = initialise("tiny", 5, gate=0.75).unet.state_dict()
    gates = {float(value) for name, value in unet.items() if "alpha_" in name}
    assert gates == {0.75}


@pytest.mark.parametrize(("seed", "dtype"), [(0, torch.float32), (1, torch.float32), (0, torch.float16)])
def test_random_networks_give_finite_numbers(seed: int, dtype: torch.dtype) -> None:
    made = initialise("tiny", seed, dtype, gate=1.0)
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(2, 3, 64, 64, generator=generator).to(dtype)
    regions = torch.randint(0, 4, (1, 2, 64, 64), generator=generator).to(torch.uint8)
    strengths = torch.rand(1, 2, 32, generator=generator).to(dtype)
    with torch.no_grad():
        context = made.image_encoder(pictures.float(), normalised=True)[None]
        moments, skips = made.vae.encode(2 * pictures - 1, with_skips=True)
        latents = moments[None, :, :4].repeat(1, 1, 2, 1, 1)
        ids = torch.tensor([[6.0, 127.0, 0.0]], dtype=dtype)
        refocused = made.unet(latents, context, strengths, ids, regions)
        decoded = made.vae.decode(refocused, skips)
    for found in (context, moments, refocused, decoded):
        assert bool(found.isfinite().all())
        assert float(found.std()) > 1e-3


def test_work_stops_between_two_tensors_when_asked() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        initialise("tiny", 5, step=stop)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["small", "full"])
def test_large_presets_are_made_saved_and_loaded_in_half_precision(tmp_path: Path, preset: PresetName) -> None:
    """5.5 GB on disk for ``full``, and as much memory."""
    folders.save(tmp_path / "weights", initialise(preset, 0, torch.float16))
    found = open_weights(tmp_path / "weights")
    assert found.size == PRESETS[preset].unet.rackfocus_size
    unet = found.load_unet(torch.float16)
    assert {parameter.dtype for parameter in unet.parameters()} == {torch.float16}
    bias = unet.conv_in.bias
    assert bias is not None
    assert bool(bias.isfinite().all())
    counts = [
        sum(parameter.numel() for parameter in network.parameters())
        for network in (unet, found.load_vae(torch.float16), found.load_image_encoder(torch.float16))
    ]
    if preset == "full":
        # As published: 1,876,296,074 of which 148,797,120 are ff_k, 98,234,367, and CLIP's ViT-H/14.
        assert counts == [1_727_498_954, 98_234_367, 632_076_800]
