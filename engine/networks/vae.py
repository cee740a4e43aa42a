"""The variational autoencoder of Any-to-Bokeh: pictures to latents and back, past four skip connections.

It is the autoencoder of Stable Video Diffusion, made of diffusers' parts, with a way around the latents: what enters
each level of the encoder is also added, through a 1x1 convolution, to what enters the level of that size of the decoder
(Any-to-Bokeh). The skips are values that a caller holds, so a frame may be encoded long before it is decoded, and
nothing is remembered between calls.

The latents here are those of the autoencoder itself. The U-Net works on latents times ``config.scaling_factor``: who
calls multiplies after ``encode`` and divides before ``decode``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import TemporalDecoder
from diffusers.models.autoencoders.vae import Encoder
from diffusers.models.resnet import AlphaBlender, ResnetBlock2D, SpatioTemporalResBlock
from diffusers.models.unets.unet_2d_blocks import UNetMidBlock2D
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from engine.networks.presets import VAEConfig
from engine.networks.resampling import upsample
from engine.networks.temporal import convolve_along_time

__all__ = ["AnyToBokehVAE", "posterior_mode", "posterior_sample"]

INITIAL_SKIP = 1e-5
"""Every weight of the skip convolutions before training, as published: the start is nearly Stable Video Diffusion."""

LOG_VARIANCE_LIMITS = (-30.0, 20.0)
"""Where the logarithm of the posterior's variance is cut off, as in diffusers."""


def posterior_mode(moments: Tensor) -> Tensor:
    """The most likely latents, unscaled: (N, 4, h, w), a view of the moments (N, 8, h, w)."""
    return moments.chunk(2, dim=1)[0]


def posterior_sample(moments: Tensor, noise: Tensor) -> Tensor:
    """Latents drawn from the posterior, unscaled.

    Args:
        moments: (N, 8, h, w), mean and logarithm of the variance.
        noise: (N, 4, h, w), normal with deviation 1; the same noise gives the same latents.

    Returns:
        (N, 4, h, w).
    """
    mean, log_variance = moments.chunk(2, dim=1)
    return mean + torch.exp(0.5 * log_variance.clamp(*LOG_VARIANCE_LIMITS)) * noise


class AnyToBokehVAE(nn.Module):
    """The autoencoder with its skip connections; parameters bear the names of the published checkpoint.

    Attributes:
        config: its sizes.
        gradient_checkpointing: whether training keeps only what enters each residual block and computes the rest again
            on the way back. Values and gradients are the same, skips included.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels = config.block_out_channels
        self.config = config
        self.gradient_checkpointing = False
        self.encoder = Encoder(
            in_channels=config.in_channels,
            out_channels=config.latent_channels,
            down_block_types=("DownEncoderBlock2D",) * len(channels),
            block_out_channels=channels,
            layers_per_block=config.layers_per_block,
            double_z=True,
        )
        self.decoder = TemporalDecoder(
            in_channels=config.latent_channels,
            out_channels=config.out_channels,
            block_out_channels=channels,
            layers_per_block=config.layers_per_block,
        )
        self.quant_conv = nn.Conv2d(2 * config.latent_channels, 2 * config.latent_channels, kernel_size=1)

        # What enters the levels: of the encoder from full size down, of the decoder from the smallest up.
        entering_down = (channels[0], *channels[:-1])
        entering_up = (channels[-1], *reversed(channels[1:]))
        for number, (source, target) in enumerate(zip(reversed(entering_down), entering_up, strict=True), start=1):
            skip_conv = nn.Conv2d(source, target, kernel_size=1, bias=False)
            nn.init.constant_(skip_conv.weight, INITIAL_SKIP)
            self.decoder.add_module(f"skip_conv_{number}", skip_conv)
        for module in self.decoder.modules():
            if isinstance(module, AlphaBlender):
                # diffusers makes this one in main memory even under torch.device("meta") (seen in 0.42.1).
                module.mix_factor = nn.Parameter(torch.zeros(1))

    def encode(self, pictures: Tensor, with_skips: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Moments of the latents of each picture, and what the decoder will want of it.

        At the full size a picture of 1024x576 leaves 217,055,232 bytes of skips in half precision (1.74 GB in eight
        frames), 70 % of them in the first; without skips a level is freed as soon as the next is computed.

        Args:
            pictures: (N, 3, H, W), -1 to 1; H and W multiples of 8.
            with_skips: whether the skips are wanted: for the plate yes, for the defocus map no.

        Returns:
            Moments (N, 8, H / 8, W / 8): mean and logarithm of the variance, unscaled, for ``posterior_mode`` or
            ``posterior_sample``. And the skips, full size first, which at the full size are (N, 128, H, W),
            (N, 128, H / 2, W / 2), (N, 256, H / 4, W / 4) and (N, 512, H / 8, W / 8); an empty tuple if not wanted.
        """
        skips: tuple[Tensor, ...] = ()
        x: Tensor = self.encoder.conv_in(pictures)
        for block in self.encoder.down_blocks:
            if with_skips:
                skips = (*skips, x)
            for resnet in block.resnets:
                x = self._kept_small(_residual, resnet, x)
            for downsampler in block.downsamplers or ():
                x = downsampler(x)
        x = self._middle(self.encoder.mid_block, x, _residual)
        x = self.encoder.conv_out(_activated(self.encoder.conv_norm_out(x)))
        return self.quant_conv(x), skips

    def decode(self, latents: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """The pictures of windows of frames; frames of a window are smoothed over time together.

        Args:
            latents: (B, T, 4, h, w), already divided by the scaling factor; any T from 1.
            skips: as ``encode`` gives them, (B * T, ...) each, window after window, in the latents' dtype.

        Returns:
            (B, T, 3, 8 h, 8 w), about -1 to 1, not clamped.

        Raises:
            ValueError: there are not as many skips as levels.
        """
        decoder: Any = self.decoder
        if len(skips) != len(decoder.up_blocks):
            raise ValueError(f"the decoder needs {len(decoder.up_blocks)} skips, got {len(skips)}")
        frames = latents.shape[1]
        residual = partial(_residual_over_time, frames=frames)
        x = self._middle(decoder.mid_block, decoder.conv_in(latents.flatten(0, 1)), residual)
        for number, (block, skip) in enumerate(zip(decoder.up_blocks, reversed(skips), strict=True), start=1):
            x = decoder.get_submodule(f"skip_conv_{number}")(skip).add_(x)
            for resnet in block.resnets:
                x = self._kept_small(residual, resnet, x)
            for upsampler in block.upsamplers or ():
                x = upsample(x, upsampler.conv)
        x = decoder.conv_out(_activated(decoder.conv_norm_out(x)))
        return convolve_along_time(decoder.time_conv_out, _as_clip(x, frames)).transpose(1, 2)

    def _middle(self, block: UNetMidBlock2D, x: Tensor, residual: Callable[..., Tensor]) -> Tensor:
        """The block at the size of the latents. Attention stands between its residual blocks, so one alone has none."""
        first, *others = block.resnets
        x = self._kept_small(residual, first, x)
        for attention, resnet in zip(block.attentions, others, strict=False):
            x = self._kept_small(attention, x)
            x = self._kept_small(residual, resnet, x)
        return x

    def _kept_small(self, layer: Callable[..., Tensor], *given: object) -> Tensor:
        """``layer(*given)``, computed again on the way back where ``gradient_checkpointing`` asks for it."""
        if self.gradient_checkpointing and torch.is_grad_enabled():
            result: Tensor = checkpoint(layer, *given, use_reentrant=False)
            return result
        return layer(*given)


def _as_clip(x: Tensor, frames: int) -> Tensor:
    """Frames (B * T, C, H, W) as clips (B, C, T, H, W), without a copy."""
    return x.view(-1, frames, *x.shape[1:]).transpose(1, 2)


def _residual(block: ResnetBlock2D, x: Tensor) -> Tensor:
    """A residual block on frames (N, C, H, W), or on clips (B, C, T, H, W) for a block over time.

    What diffusers' own would give, without its division by 1 and in fewer tensors: decoding eight frames of 1024x576 in
    half precision holds at most 6.0 GB beside weights and skips, with diffusers' blocks 7.3 GB (counted on the meta
    device, with an attention that stores no matrix).
    """
    # One expression, since a name for what stands between the convolutions would keep it: 1.2 GB there.
    inner = _convolved(block.conv2, _activated(block.norm2(_convolved(block.conv1, _activated(block.norm1(x))))))
    return inner.add_(x if block.conv_shortcut is None else block.conv_shortcut(x))


def _convolved(conv: nn.Module, x: Tensor) -> Tensor:
    """``conv(x)``, of frames or of clips."""
    result: Tensor = convolve_along_time(conv, x) if isinstance(conv, nn.Conv3d) else conv(x)
    return result


def _activated(x: Tensor) -> Tensor:
    """SiLU of a tensor that nobody else holds: in its place, unless gradients are wanted, which need what was there."""
    return functional.silu(x, inplace=not torch.is_grad_enabled())


def _residual_over_time(block: SpatioTemporalResBlock, x: Tensor, frames: int) -> Tensor:
    """A residual block of each frame, and one over time whose share is learned. x is (B * T, C, H, W)."""
    clip = _as_clip(_residual(block.spatial_res_block, x), frames)
    share = torch.sigmoid(block.time_mixer.mix_factor).to(clip.dtype)
    mixed = torch.lerp(clip, _residual(block.temporal_res_block, clip), share)
    return mixed.transpose(1, 2).flatten(0, 1)
