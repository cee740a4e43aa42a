"""The U-Net of Any-to-Bokeh: from the latents of a sharp clip and its defocus maps to those of the refocused clip, in
one step.

Stable Video Diffusion's U-Net, made of diffusers' parts, with ``MPIAttention`` in every spatial block (Any-to-Bokeh,
section 3.2) and one context token for each frame. Parameters bear the names of the published weights. The latents are
those that the autoencoder makes, times its scaling factor.

Sizes: B windows of T frames; h and w are an eighth of the picture's and divisible by 8. F = B * T.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diffusers.models.downsampling import Downsample2D
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D, TemporalResnetBlock
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from engine.networks.mpi_attention import PlaneTokens, plane_tokens
from engine.networks.presets import UNetConfig
from engine.networks.resampling import Doubling
from engine.networks.temporal import convolve_along_time
from engine.networks.transformer import LearnedMix, SpatioTemporalTransformer, Told

__all__ = ["AnyToBokehUNet"]

Run = Callable[..., Tensor]
"""Runs its first argument on the others; that is where gradient checkpointing happens."""

TIMESTEP: Final = 1.0
"""The one step's; the weights were trained at no other."""


class AnyToBokehUNet(nn.Module):
    """The U-Net.

    Attributes:
        config: its sizes.
        gradient_checkpointing: whether training keeps only what enters each residual block and each transformer, and
            computes the rest again on the way back. Values and gradients are the same.
    """

    def __init__(self, config: UNetConfig) -> None:
        """A U-Net of the sizes of ``config``, with weights of Torch's defaults and closed gates."""
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        widths = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.conv_in_mpi: nn.Conv2d | None = nn.Conv2d(config.out_channels, widths[0], 3, padding=1)
        self.time_proj = Timesteps(widths[0], flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(widths[0], 4 * widths[0])
        self.add_time_proj = Timesteps(config.addition_time_embed_dim, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.add_embedding = TimestepEmbedding(config.projection_class_embeddings_input_dim, 4 * widths[0])
        levels = range(len(widths))
        self.down_blocks = nn.ModuleList(_Down(config, level) for level in levels)
        self.mid_block = _Middle(config)
        self.up_blocks = nn.ModuleList(_Up(config, level) for level in reversed(levels))
        self.conv_norm_out = nn.GroupNorm(32, widths[0], eps=1e-5)
        self.conv_out = nn.Conv2d(widths[0], config.out_channels, 3, padding=1)

    def forward(
        self,
        latents: Tensor,
        context: Tensor,
        strength_embedding: Tensor,
        time_ids: Tensor,
        regions: Tensor | None,
    ) -> Tensor:
        """The latents of the refocused clip.

        Args:
            latents: (B, T, 8, h, w), of the picture and then of its defocus map; floating point, as are the weights.
            context: (B, T, D), the image encoder's vector of each frame.
            strength_embedding: (B, T, 32), of the blur strength of each frame.
            time_ids: (B, 3), frames per second less one, motion bucket, noise.
            regions: (B, T, 8 h, 8 w) uint8, the depth plane of each pixel, 0 around the focal plane to 3; None: masks
                off, which is how the published network runs.

        Returns:
            (B, T, 4, h, w), in the precision of ``latents``.

        Raises:
            ValueError: there are regions, but ``drop_dead_weights`` let go of what reads them.
        """
        frames, dtype = latents.shape[1], latents.dtype
        embedding = self._embedding(time_ids, dtype)[:, None].expand(-1, frames, -1).flatten(0, 1)
        told = Told(embedding, context.flatten(0, 1).to(dtype), strength_embedding.flatten(0, 1).to(dtype), frames)
        planes = self._planes(latents, regions)

        maps = [self.conv_in(latents.flatten(0, 1))]
        for level, seen in zip(self.down_blocks, planes, strict=True):
            maps += level(maps[-1], told, seen, self._run)
        x = self.mid_block(maps[-1], told, planes[-1], self._run)
        for level, seen in zip(self.up_blocks, reversed(planes), strict=True):
            x = level(x, maps, told, seen, self._run)
        out: Tensor = self.conv_out(functional.silu(self.conv_norm_out(x)))
        return torch.unflatten(out, 0, (-1, frames))

    def drop_dead_weights(self, masks: bool) -> None:
        """Let go of the parameters that ``forward`` never reads: a tenth of all.

        Not to be undone. What is left loads from published weights with ``strict=False``.

        Args:
            masks: whether ``forward`` will be given regions; if not, what reads them goes too.
        """
        if not masks:
            self.conv_in_mpi = None
        for module in self.modules():
            if isinstance(module, SpatioTemporalTransformer):
                module.drop_dead_weights(masks)

    def _embedding(self, time_ids: Tensor, dtype: torch.dtype) -> Tensor:
        """What every residual block is told of the step and of ``time_ids``: (B, 4 * first width)."""
        step = self.time_proj(torch.full((1,), TIMESTEP, device=time_ids.device)).to(dtype)
        added = torch.unflatten(self.add_time_proj(time_ids.flatten()), 0, time_ids.shape).flatten(1).to(dtype)
        embedding: Tensor = self.time_embedding(step) + self.add_embedding(added)
        return embedding

    def _planes(self, latents: Tensor, regions: Tensor | None) -> list[PlaneTokens | None]:
        """The planes' tokens of each level, from full latent size down; the last level, and the middle, see all."""
        levels = len(self.config.block_out_channels)
        if regions is None:
            return [None] * levels
        if self.conv_in_mpi is None:
            raise ValueError("the weights of the depth planes were dropped; run with masks off")
        features = self.conv_in_mpi(latents[:, :, : self.config.out_channels].flatten(0, 1))
        labels = regions.flatten(0, 1)
        return [
            plane_tokens(features, labels, level if level < levels - 1 else None, 2**level) for level in range(levels)
        ]

    def _run(self, part: Callable[..., Tensor], *given: object) -> Tensor:
        """``part(*given)``, computed again on the way back where ``gradient_checkpointing`` asks for it."""
        if self.gradient_checkpointing and torch.is_grad_enabled():
            again: Tensor = checkpoint(part, *given, use_reentrant=False)
            return again
        return part(*given)


class _Level(nn.Module):
    """A level, of steps: a residual block, then attention where the level has it. Parts are named as diffusers' are."""

    def __init__(self, config: UNetConfig, level: int, entering: list[int], attentions: int, eps: float) -> None:
        """``entering``: channels that each residual block is given; ``eps`` of their norms."""
        super().__init__()
        width, embedding_width = config.block_out_channels[level], 4 * config.block_out_channels[0]
        self.resnets = nn.ModuleList(_Residual(channels, width, embedding_width, eps) for channels in entering)
        self.attentions = nn.ModuleList(
            SpatioTemporalTransformer(
                width, config.num_attention_heads[level], config.cross_attention_dim, config.block_out_channels[0]
            )
            for _ in range(attentions)
        )

    def step(self, place: int, maps: tuple[Tensor, ...], told: Told, planes: PlaneTokens | None, run: Run) -> Tensor:
        """The residual block at ``place`` and the attention that follows it."""
        x = run(self.resnets[place], maps, told)
        return run(self.attentions[place], x, told, planes) if place < len(self.attentions) else x


class _Down(_Level):
    """The way down at a level; the last one has no attention and keeps its size."""

    def __init__(self, config: UNetConfig, level: int) -> None:
        widths, steps = config.block_out_channels, config.layers_per_block
        width, last = widths[level], level == len(widths) - 1
        entering = [widths[max(level - 1, 0)]] + [width] * (steps - 1)
        super().__init__(config, level, entering, attentions=0 if last else steps, eps=1e-5 if last else 1e-6)
        halving = [] if last else [Downsample2D(width, use_conv=True, out_channels=width, padding=1, name="op")]
        self.downsamplers = nn.ModuleList(halving)

    def forward(self, x: Tensor, told: Told, planes: PlaneTokens | None, run: Run) -> list[Tensor]:
        """What each step leaves for the way up; the last is also what goes on down."""
        left = []
        for place in range(len(self.resnets)):
            x = self.step(place, (x,), told, planes, run)
            left.append(x)
        return left + [halve(x) for halve in self.downsamplers]


class _Middle(_Level):
    """Between the ways down and up, at the size of the last level."""

    def __init__(self, config: UNetConfig) -> None:
        level = len(config.block_out_channels) - 1
        super().__init__(config, level, [config.block_out_channels[level]] * 2, attentions=1, eps=1e-5)

    def forward(self, x: Tensor, told: Told, planes: PlaneTokens | None, run: Run) -> Tensor:
        """(F, C, h, w) of the same size."""
        x = self.step(0, (x,), told, planes, run)
        return self.step(1, (x,), told, planes, run)


class _Up(_Level):
    """The way up at a level: each residual block is given also what a step of the way down left."""

    def __init__(self, config: UNetConfig, level: int) -> None:
        widths, steps = config.block_out_channels, config.layers_per_block + 1
        width, last = widths[level], level == len(widths) - 1
        coming = [widths[min(level + 1, len(widths) - 1)]] + [width] * (steps - 1)
        left = [width] * (steps - 1) + [widths[max(level - 1, 0)]]
        entering = [own + skip for own, skip in zip(coming, left, strict=True)]
        super().__init__(config, level, entering, attentions=0 if last else steps, eps=1e-6)
        self.upsamplers = nn.ModuleList([Doubling(width)] if level else [])

    def forward(self, x: Tensor, left: list[Tensor], told: Told, planes: PlaneTokens | None, run: Run) -> Tensor:
        """(F, C, 2 h, 2 w), at the first level (F, C, h, w); takes from the end of ``left`` what it uses."""
        for place in range(len(self.resnets)):
            x = self.step(place, (x, left.pop()), told, planes, run)
        for double in self.upsamplers:
            x = double(x)
        return x


class _Residual(nn.Module):
    """A residual block of each frame and one along time; named as in diffusers' ``SpatioTemporalResBlock``."""

    def __init__(self, entering: int, width: int, embedding_width: int, eps: float) -> None:
        super().__init__()
        self.spatial_res_block = ResnetBlock2D(
            in_channels=entering, out_channels=width, temb_channels=embedding_width, eps=eps
        )
        self.temporal_res_block = TemporalResnetBlock(width, width, temb_channels=embedding_width, eps=eps)
        self.time_mixer = LearnedMix()

    def forward(self, maps: tuple[Tensor, ...], told: Told) -> Tensor:
        """(F, C', h, w) of maps (F, C, h, w) set side by side."""
        side_by_side = torch.cat(maps, 1) if len(maps) > 1 else maps[0]
        window = (-1, told.frames)
        clip = torch.unflatten(self.spatial_res_block(side_by_side, told.embedding), 0, window).transpose(1, 2)
        moved = self._along_time(clip, torch.unflatten(told.embedding, 0, window))
        mixed: Tensor = self.time_mixer(clip, moved)
        return mixed.transpose(1, 2).flatten(0, 1)

    def _along_time(self, clip: Tensor, embedding: Tensor) -> Tensor:
        """What diffusers' ``TemporalResnetBlock`` gives for a clip (B, C, T, h, w) and an embedding (B, T, E)."""
        block = self.temporal_res_block
        told = block.time_emb_proj(functional.silu(embedding)).transpose(1, 2)[..., None, None]
        inner = convolve_along_time(block.conv1, functional.silu(block.norm1(clip))) + told
        return clip + convolve_along_time(block.conv2, functional.silu(block.norm2(inner)))
