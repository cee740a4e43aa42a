"""Networks with random weights from a seed: to test with, to measure with, and to train from scratch.

Untrained weights make no picture worth looking at. Every tensor is drawn from a generator of its own, seeded by the
seed and the tensor's name, and all by uniform numbers: the bytes are the same on every machine, however many threads,
and the state of Torch's own generator stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import prod, sqrt
from typing import Final

import torch
from torch import Tensor, nn

from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import PRESETS, Preset, PresetName
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE, C, M, NetworkKind
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE

__all__ = ["NewNetworks", "initialise"]

SKIP: Final = 1e-5
"""Every weight of the skip convolutions at the start, as published."""

MIX: Final = {UNET.name: 0.5, VAE.name: 0.0}
"""Start of ``mix_factor``, of which the sigmoid is the share of space against time, as in Stable Video Diffusion."""

_EMBEDDING: Final = 0.02
"""Deviation of CLIP's learned positions and its class token at the start."""


@dataclass(frozen=True)
class NewNetworks:
    """The three networks, on the CPU."""

    unet: AnyToBokehUNet
    vae: AnyToBokehVAE
    image_encoder: ImageEncoder


def initialise(
    preset: PresetName | Preset,
    seed: int,
    dtype: torch.dtype = torch.float32,
    *,
    gate: float = 0.0,
    step: Callable[[], None] = lambda: None,
) -> NewNetworks:
    """Random networks in the state in which training starts.

    Linear and convolution layers are Torch's default, uniform within ``1 / sqrt(fan_in)``; norms are 1 and 0; skip
    convolutions are 1e-5; the input of the multi-plane image's tokens is that of the picture's latents
    (``conv_in_mpi = conv_in[:, :4]``); gates of MPI attention are closed. Tensors are made one by one, so memory
    holds the networks in ``dtype`` and one tensor more: 5.2 GB for ``full`` in half precision.

    Args:
        preset: a name or sizes of one's own.
        seed: the same seed gives the same networks; ``dtype`` only rounds them.
        dtype: of the weights.
        gate: start of ``alpha_attn`` and ``alpha_dense``, whose tanh is how far MPI attention is open; the
            published start is 0.
        step: called before each tensor; what it raises ends the work.
    """
    sizes = preset if isinstance(preset, Preset) else PRESETS[preset]
    return NewNetworks(
        _filled(UNET, sizes.unet, seed, dtype, gate, step),
        _filled(VAE, sizes.vae, seed, dtype, gate, step),
        _filled(IMAGE_ENCODER, sizes.clip, seed, dtype, gate, step),
    )


def _filled(
    kind: NetworkKind[C, M], config: C, seed: int, dtype: torch.dtype, gate: float, step: Callable[[], None]
) -> M:
    network = kind.skeleton(config)
    state: dict[str, Tensor] = {}
    for path, module in network.named_modules():
        for own_name, parameter in module.named_parameters(recurse=False):
            name = f"{path}.{own_name}" if path else own_name
            step()
            constant = _constant(kind.name, name, module, gate)
            if constant is not None:
                state[name] = torch.full(parameter.shape, constant, dtype=dtype, device="cpu")
            else:
                bound = _bound(module)
                draw = torch.empty(parameter.shape, device="cpu")
                state[name] = draw.uniform_(-bound, bound, generator=_generator(seed, kind.name, name)).to(dtype)
    if kind.name == UNET.name:
        latents = state["conv_in_mpi.weight"].shape[1]
        state["conv_in_mpi.weight"] = state["conv_in.weight"][:, :latents].clone()
        state["conv_in_mpi.bias"] = state["conv_in.bias"].clone()
    network.load_state_dict(state, assign=True)
    return network


def _constant(kind: str, name: str, module: nn.Module, gate: float) -> float | None:
    """The value of parameters that start all alike; None for those that are drawn."""
    last = name.rpartition(".")[2]
    if last in ("alpha_attn", "alpha_dense"):
        return gate
    if last == "mix_factor":
        return MIX[kind]
    if ".skip_conv_" in name:
        return SKIP
    if isinstance(module, nn.GroupNorm | nn.LayerNorm):
        return 1.0 if last == "weight" else 0.0
    return None


def _bound(module: nn.Module) -> float:
    """Half the width of the uniform numbers that a module's parameters are drawn from."""
    if isinstance(module, nn.Linear):
        return 1 / sqrt(module.in_features)
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        return 1 / sqrt(module.in_channels // module.groups * prod(module.kernel_size))
    return _EMBEDDING * sqrt(3)


def _generator(seed: int, kind: str, name: str) -> torch.Generator:
    digest = sha256(f"{seed} {kind} {name}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:7], "little"))
