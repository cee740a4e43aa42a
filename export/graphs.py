"""The networks as graphs: names, inputs, outputs and dynamic sizes, as ``engine.runtime.onnx.manifest`` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.export import Dim

from engine.networks.checkpoint import WeightsFolder
from engine.networks.image_encoder import CLIP_DEVIATION, CLIP_MEAN, ImageEncoder
from engine.networks.mpi_attention import STRENGTH_WIDTH
from engine.networks.presets import UNetConfig, VAEConfig
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE
from engine.runtime.onnx.manifest import GraphName
from export.resizing import resize_by_matrices

__all__ = ["SKIPS", "Blueprint", "blueprints"]

SKIPS: Final = ("skip_0", "skip_1", "skip_2", "skip_3")
"""Full size first."""

LATENT_SCALE: Final = 8

TRACED_SIZE: Final = (192, 128)
"""Width and height that the graphs are traced at; different, and neither 64, so that no size is taken for another."""

TRACED_FRAMES: Final = 3
TRACED_PICTURES: Final = 2

Make = Callable[[int, tuple[int, int]], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Blueprint:
    """How one graph is made.

    Attributes:
        name: of the graph.
        load: gives the network with its weights in fp32, in the form of the graph.
        inputs: names of what goes in.
        outputs: names of what comes out.
        dynamic: of each input, its dynamic dimensions by their place.
        sample: inputs for a number of frames, and a width and height.
        traced: the number of frames to trace with.
    """

    name: GraphName
    load: Callable[[], nn.Module]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic: tuple[Mapping[int, Any], ...]
    sample: Make
    traced: int

    @property
    def example(self) -> tuple[Tensor, ...]:
        """What the graph is traced with."""
        return self.sample(self.traced, TRACED_SIZE)


def blueprints(
    weights: WeightsFolder, masks: Literal["off", "threshold"], clip_input: Literal["plain", "normalised"]
) -> tuple[Blueprint, ...]:
    """The four graphs of a folder of weights.

    H and W are multiples of 64, which their names say: ``64*h`` and ``64*w``. Nothing in the graph refuses others; the
    runtime never gives them.
    """
    unet, vae = weights.unet.config, weights.vae.config
    return (
        _encoder(lambda: _Encoder(weights.load_vae(torch.float32))),
        _image_encoder(lambda: _Seer(weights.load_image_encoder(torch.float32), clip_input == "normalised")),
        _unet(lambda: _loaded_unet(weights, masks), unet, masks == "threshold"),
        _decoder(lambda: _Decoder(weights.load_vae(torch.float32)), vae),
    )


def _encoder(load: Callable[[], nn.Module]) -> Blueprint:
    height, width = _sides()
    return Blueprint(
        "encoder",
        load,
        ("pictures",),
        ("moments", *SKIPS),
        ({0: Dim("pictures", min=1, max=64), 2: 64 * height, 3: 64 * width},),
        lambda count, size: (_pictures(count, size) * 2 - 1,),
        TRACED_PICTURES,
    )


def _image_encoder(load: Callable[[], nn.Module]) -> Blueprint:
    height, width = _sides()
    return Blueprint(
        "image_encoder",
        load,
        ("pictures",),
        ("context",),
        ({0: Dim("pictures", min=1, max=64), 2: 64 * height, 3: 64 * width},),
        lambda count, size: (_pictures(count, size),),
        TRACED_PICTURES,
    )


def _unet(load: Callable[[], nn.Module], config: UNetConfig, masks: bool) -> Blueprint:
    height, width = _sides()
    frames = Dim("frames", min=1, max=64)

    def sample(count: int, size: tuple[int, int]) -> tuple[Tensor, ...]:
        latents = torch.randn(1, count, config.in_channels, size[1] // LATENT_SCALE, size[0] // LATENT_SCALE)
        context = torch.randn(1, count, config.cross_attention_dim)
        embedding = torch.rand(1, count, STRENGTH_WIDTH) * 2 - 1
        regions = torch.randint(0, 4, (1, count, size[1], size[0]), dtype=torch.int32)
        told = torch.tensor([[6.0, 127.0, 0.0]])
        return (latents, context, embedding, told, *((regions,) if masks else ()))

    regions = {1: frames, 2: 64 * height, 3: 64 * width}
    return Blueprint(
        "unet",
        load,
        ("latents", "context", "strength_embedding", "time_ids", *(("regions",) if masks else ())),
        ("refocused",),
        (
            {1: frames, 3: 8 * height, 4: 8 * width},
            {1: frames},
            {1: frames},
            {},
            *((regions,) if masks else ()),
        ),
        sample,
        TRACED_FRAMES,
    )


def _decoder(load: Callable[[], nn.Module], config: VAEConfig) -> Blueprint:
    height, width = _sides()
    frames = Dim("frames", min=1, max=64)
    scales = [LATENT_SCALE >> level for level in range(len(SKIPS))]
    channels = skip_channels(config)

    def sample(count: int, size: tuple[int, int]) -> tuple[Tensor, ...]:
        latents = torch.randn(1, count, config.latent_channels, size[1] // LATENT_SCALE, size[0] // LATENT_SCALE)
        skips = (
            torch.randn(count, width, size[1] * scale // LATENT_SCALE, size[0] * scale // LATENT_SCALE)
            for width, scale in zip(channels, scales, strict=True)
        )
        return (latents, *skips)

    return Blueprint(
        "decoder",
        load,
        ("latents", *SKIPS),
        ("pictures",),
        (
            {1: frames, 3: 8 * height, 4: 8 * width},
            *({0: frames, 2: 8 * scale * height, 3: 8 * scale * width} for scale in scales),
        ),
        sample,
        TRACED_FRAMES,
    )


def skip_channels(config: VAEConfig) -> tuple[int, int, int, int]:
    """Channels of the skips, full size first: what enters each level of the encoder."""
    first, second, third, _ = config.block_out_channels
    return first, first, second, third


class _Encoder(nn.Module):
    """``AnyToBokehVAE.encode`` alone."""

    def __init__(self, vae: AnyToBokehVAE) -> None:
        super().__init__()
        vae.decoder = nn.Identity()
        self.vae = vae

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        moments, skips = self.vae.encode(pictures, with_skips=True)
        return (moments, *skips)


class _Decoder(nn.Module):
    """``AnyToBokehVAE.decode`` alone."""

    def __init__(self, vae: AnyToBokehVAE) -> None:
        super().__init__()
        vae.encoder = nn.Identity()  # quant_conv, 272 bytes, stays: the graph has only what is read
        self.vae = vae

    def forward(self, latents: Tensor, skip_0: Tensor, skip_1: Tensor, skip_2: Tensor, skip_3: Tensor) -> Tensor:
        return self.vae.decode(latents, (skip_0, skip_1, skip_2, skip_3))


class _Seer(nn.Module):
    """The image encoder, with a resize that fits every size."""

    def __init__(self, encoder: ImageEncoder, normalised: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.normalised = normalised

    def forward(self, pictures: Tensor) -> Tensor:
        side = self.encoder.config.image_size
        x = resize_by_matrices(pictures, side, side)
        if self.normalised:
            x = (x - x.new_tensor(CLIP_MEAN).view(3, 1, 1)) / x.new_tensor(CLIP_DEVIATION).view(3, 1, 1)
        return self.encoder.see(x)


class _UNet(nn.Module):
    """The U-Net with or without depth planes."""

    def __init__(self, unet: AnyToBokehUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self,
        latents: Tensor,
        context: Tensor,
        strength_embedding: Tensor,
        time_ids: Tensor,
        regions: Tensor | None = None,
    ) -> Tensor:
        refocused: Tensor = self.unet(latents, context, strength_embedding, time_ids, regions)
        return refocused


def _loaded_unet(weights: WeightsFolder, masks: Literal["off", "threshold"]) -> nn.Module:
    unet = weights.load_unet(torch.float32)
    unet.drop_dead_weights(masks=masks == "threshold")
    return _UNet(unet)


def _pictures(count: int, size: tuple[int, int]) -> Tensor:
    return torch.rand(count, 3, size[1], size[0])


def _sides() -> tuple[Any, Any]:
    return Dim("h", min=1, max=64), Dim("w", min=1, max=64)
