from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.errors import DeviceError, NumbersError
from engine.frames import Float32Array
from engine.runtime.torch.networks import TorchNetworks
from engine.runtime.torch.precision import Precision, raised_to_single, settle_precision
from tests.engine.runtime.torch.tiny import CPU, frame, psnr, tiny_modules, tiny_networks

CLOSE = {"bf16": 40.0, "fp16": 60.0}
"""dB that a precision stays from fp32, for random weights: 49 and 69 were measured for a frame, 46 and 62
for two. A wrong cast or a
part that runs in another precision than it should costs more than what lies between."""

NETWORKS = {"U-Net": "unet.conv_out", "decoder": "vae.decoder.conv_out", "image encoder": "image_encoder"}
"""Where a value can be made NaN in each of the networks that run in half precision."""


def refocused(networks: TorchNetworks, frames: int = 2) -> list[Float32Array]:
    window = [networks.encode(frame(index)) for index in range(frames)]
    return list(networks.decode(networks.refocus(window), window))


def make_nan(part: nn.Module, where: Callable[[Tensor], bool]) -> None:
    part.register_forward_hook(lambda _, __, out: torch.full_like(out, torch.nan) if where(out) else out)


def part_of(modules: Any, place: str) -> nn.Module:  # noqa: ANN401
    module, _, inside = place.partition(".")
    found: nn.Module = getattr(modules, module).get_submodule(inside)
    return found


@pytest.fixture(scope="module")
def truth() -> list[Float32Array]:
    return refocused(tiny_networks())


def test_auto_is_half_precision_on_a_gpu_and_single_on_a_cpu() -> None:
    assert settle_precision("auto", CPU) == Precision("fp32")
    assert settle_precision("auto", torch.device("cuda:0")) == Precision("fp16")
    assert settle_precision("auto", torch.device("mps")) == Precision("fp16")


def test_bf16_is_refused_where_the_device_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    with pytest.raises(DeviceError, match="cuda:0 does not compute in bf16; use --precision fp16"):
        settle_precision("bf16", torch.device("cuda:0"))
    assert settle_precision("bf16", CPU) == Precision("bf16")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_gives_nearly_the_picture_of_single(precision: str) -> None:
    truth = refocused(tiny_networks(), 1)  # one frame: some fp16 convolutions of the CPU are fifty times slower
    networks = tiny_networks(precision)
    assert psnr(refocused(networks, 1), truth) > CLOSE[precision]
    assert networks.notes() == ()


@pytest.mark.parametrize("force_upcast", [True, False])
def test_the_encoder_runs_in_single_where_its_configuration_asks_for_it(force_upcast: bool) -> None:
    modules, seen = tiny_modules(), []
    object.__setattr__(modules.vae.config, "force_upcast", force_upcast)
    modules.vae.encoder.conv_in.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    encoded = tiny_networks("bf16", modules=modules).encode(frame())
    assert seen == [torch.float32 if force_upcast else torch.bfloat16]
    assert {skip.dtype for skip in encoded.skips} == {torch.bfloat16}


def test_weights_held_in_single_for_a_while_are_the_same_memory_afterwards() -> None:
    module = nn.Linear(3, 3).to(torch.float16)
    before, place = module.weight.data.clone(), module.weight.data_ptr()
    with suppress(ZeroDivisionError), raised_to_single(module):
        assert module.weight.dtype == torch.float32
        _ = 1 / 0
    assert module.weight.data_ptr() == place
    assert torch.equal(module.weight, before)


@pytest.mark.parametrize("place", NETWORKS.values(), ids=NETWORKS)
def test_a_network_that_gives_nan_in_half_precision_is_redone_in_single(place: str, truth: list[Float32Array]) -> None:
    modules = tiny_modules()
    make_nan(part_of(modules, place), lambda out: out.dtype != torch.float32)
    networks = tiny_networks("bf16", modules=modules)
    once, again = refocused(networks), refocused(networks)
    assert networks.notes() == ("network.redone",)
    assert networks.notes() == ()
    assert psnr(once, truth) > CLOSE["bf16"]
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))


@pytest.mark.parametrize("place", [*NETWORKS.values(), "vae.quant_conv"], ids=[*NETWORKS, "encoder"])
def test_nan_in_single_too_is_an_error_that_names_the_frames(place: str) -> None:
    modules = tiny_modules()
    make_nan(part_of(modules, place), lambda _: True)
    networks = tiny_networks("bf16", modules=modules)
    frames = "frames 1 to 2" if place in (NETWORKS["U-Net"], NETWORKS["decoder"]) else "frame 1"
    with pytest.raises(NumbersError, match=f"^numbers: {frames} of the shot: the .* in fp32 too"):
        refocused(networks)


def test_skips_beyond_the_reach_of_fp16_are_kept_and_decoded_in_single() -> None:
    modules = tiny_modules()
    modules.vae.encoder.conv_in.weight.data *= 1e6
    modules.vae.decoder.skip_conv_4.weight.data *= 1e-6
    truth = tiny_networks(modules=modules)
    expected = refocused(truth, 1)
    networks = tiny_networks("fp16", modules=modules)
    assert networks.encode(frame()).skips[0].dtype == torch.float32
    assert psnr(refocused(networks, 1), expected) > CLOSE["bf16"]
    assert networks.notes() == ("network.redone",)
