from __future__ import annotations

from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import CancelledError
from engine.frames import Float32Array
from engine.runtime.torch.compiling import lay_out_for_convolution
from engine.runtime.torch.networks import TorchNetworks
from tests.engine.runtime.torch.tiny import frame, tiny_modules, tiny_networks

LAYERS = {
    "U-Net": ("unet.down_blocks.1.attentions.0.proj_in", "unet.conv_out"),
    "encoder": ("vae.encoder.down_blocks.1.resnets.0.conv1", "vae.quant_conv"),
    "decoder": ("vae.decoder.skip_conv_2", "vae.decoder.time_conv_out"),
    "image encoder": ("image_encoder.vision_model.pre_layrnorm", "image_encoder.visual_projection"),
}
"""A layer within each network, and its last."""


def part_of(modules: Any, place: str) -> nn.Module:  # noqa: ANN401
    module, _, inside = place.partition(".")
    found: nn.Module = getattr(modules, module).get_submodule(inside)
    return found


def render_one(networks: TorchNetworks) -> Float32Array:
    window = [networks.encode(frame())]
    return networks.decode(networks.refocus(window), window)[0]


@pytest.mark.parametrize(("middle", "last"), LAYERS.values(), ids=LAYERS)
def test_cancelling_from_another_thread_stops_in_the_middle_of_a_network(middle: str, last: str) -> None:
    modules, reached = tiny_modules(), []
    networks = tiny_networks(modules=modules)

    def cancel_elsewhere(*_: object) -> None:
        other = Thread(target=networks.cancel)
        other.start()
        other.join()

    part_of(modules, middle).register_forward_pre_hook(cancel_elsewhere)
    part_of(modules, last).register_forward_hook(lambda *_: reached.append(1))
    with pytest.raises(CancelledError):
        render_one(networks)
    assert not reached


def test_whoever_was_cancelled_stays_so_until_asked_to_resume_and_others_go_on() -> None:
    networks, other = tiny_networks(), tiny_networks()
    window = [networks.encode(frame())]
    latents = networks.refocus(window)
    networks.cancel()
    for call in (lambda: networks.encode(frame()), lambda: networks.refocus(window)):
        with pytest.raises(CancelledError):
            call()
    with pytest.raises(CancelledError):
        networks.decode(latents, window)
    before = other.decode(latents, window)
    networks.resume()
    assert np.array_equal(networks.decode(latents, window)[0], before[0])


def test_nobody_loads_weights_after_cancelling() -> None:
    networks = tiny_networks()
    networks._load = lambda: pytest.fail("loaded")  # type: ignore[method-assign]
    networks.cancel()
    with pytest.raises(CancelledError):
        networks.encode(frame())


def test_networks_that_cannot_be_compiled_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compiler_is_missing(*_: object) -> None:
        asked.append(1)
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: compiler_is_missing)
    networks, plain = tiny_networks(compile=True), tiny_networks()
    pictures = [render_one(networks) for _ in range(2)]
    assert len(asked) == 4  # once for each network, and not again
    assert networks.notes() == ("network.uncompiled",)
    assert np.array_equal(pictures[1], render_one(plain))


def test_memory_that_runs_out_in_a_compiled_network_is_no_failure_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    came = []

    def compile_and_run_short(call: Any, **_: object) -> Any:  # noqa: ANN401
        def run(*given: Any) -> Any:  # noqa: ANN401
            if len(given) == 2 and given[0].shape[1] > 1:  # the decoder's latents
                came.append(given[0].shape[1])
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return call(*given)

        return run

    monkeypatch.setattr(torch, "compile", compile_and_run_short)
    networks = tiny_networks(compile=True)
    window = [networks.encode(frame(index)) for index in range(2)]
    networks.decode(networks.refocus(window), window)
    assert came == [2]
    assert networks.notes() == ("network.memory",)


def test_the_layout_for_tensor_cores_changes_no_weight_and_leaves_convolutions_over_time_alone() -> None:
    modules = tiny_modules()
    before = {name: weights.clone() for name, weights in modules.vae.named_parameters()}
    lay_out_for_convolution(modules.vae)
    assert modules.vae.encoder.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert modules.vae.decoder.time_conv_out.weight.is_contiguous()
    assert all(torch.equal(weights, before[name]) for name, weights in modules.vae.named_parameters())
    lay_out_for_convolution(modules.unet)
    lay_out_for_convolution(modules.image_encoder)
    assert np.allclose(render_one(tiny_networks(modules=modules)), render_one(tiny_networks()), atol=1e-4)
