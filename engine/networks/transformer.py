"""The transformer of each level of the U-Net: within every frame, then along time, then a learned mix of both.

It is that of Stable Video Diffusion with ``MPIAttention`` in the spatial block; the same function, computed with less:

* The image encoder gives one token a frame, and a softmax over one key is 1. So cross-attention adds the same vector to
  all queries, whatever they ask: that of each frame in space, that of the window's first frame in time.
* Along time only attention mixes tokens; all else acts on each alone, so the tokens stay where they are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.mpi_attention import MPIAttention, PlaneTokens, Weights, attend

__all__ = ["LearnedMix", "SpatialBlock", "SpatioTemporalTransformer", "TemporalBlock", "Told"]


class Told(NamedTuple):
    """What every part of the U-Net is told besides its maps; F = B * T.

    Attributes:
        embedding: (F, E), of the step and of the clip's numbers.
        context: (F, D), the image encoder's vector of each frame.
        strength: (F, 32), the embedding of each frame's blur strength.
        frames: T, of each window.
    """

    embedding: Tensor
    context: Tensor
    strength: Tensor
    frames: int


class LearnedMix(nn.Module):
    """A mix of what was found in space and in time, by one learned share.

    In place of diffusers' ``AlphaBlender``, which makes its parameter on the CPU whatever the default device (0.42).
    """

    def __init__(self) -> None:
        """With the share that Stable Video Diffusion starts from, sigmoid(0.5)."""
        super().__init__()
        self.mix_factor = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, spatial: Tensor, temporal: Tensor) -> Tensor:
        """sigmoid(mix factor) of the first, the rest of the second, in one pass."""
        return torch.lerp(temporal, spatial, torch.sigmoid(self.mix_factor).to(spatial.dtype))


class SpatioTemporalTransformer(nn.Module):
    """One transformer of a level; parameters named as in diffusers' ``TransformerSpatioTemporalModel``."""

    def __init__(self, width: int, heads: int, context_width: int, plane_width: int) -> None:
        """For maps of ``width`` channels, with contexts and plane tokens of their widths."""
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList([SpatialBlock(width, heads, context_width, plane_width)])
        self.temporal_transformer_blocks = nn.ModuleList([TemporalBlock(width, heads, context_width)])
        self.time_proj = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_pos_embed = TimestepEmbedding(width, 4 * width, out_dim=width)
        self.time_mixer = LearnedMix()
        self.proj_out = nn.Linear(width, width)

    def forward(self, maps: Tensor, told: Told, planes: PlaneTokens | None) -> Tensor:
        """``maps`` (F, C, h, w) after attention in space and time; without ``planes`` masks are off."""
        tokens = self.proj_in(self.norm(maps).flatten(2).transpose(1, 2))
        (in_space,), (in_time,) = self.transformer_blocks, self.temporal_transformer_blocks
        window = (-1, told.frames)
        clip = torch.unflatten(in_space(tokens, told.context, told.strength, planes), 0, window)
        first_context = torch.unflatten(told.context, 0, window)[:, 0]
        moved = in_time(clip + self._places(told.frames, tokens)[:, None], first_context)
        mixed: Tensor = self.proj_out(self.time_mixer(clip, moved).flatten(0, 1))
        return maps + torch.unflatten(mixed.transpose(1, 2), 2, maps.shape[2:])

    def drop_dead_weights(self, masks: bool) -> None:
        """Let go of what inference never touches; without ``masks`` also of what only the planes need."""
        for block in [*self.transformer_blocks, *self.temporal_transformer_blocks]:
            block.norm2 = block.attn2.to_q = block.attn2.to_k = None
            if isinstance(block, SpatialBlock):
                block.fuser.drop_dead_weights(masks)

    def _places(self, frames: int, like: Tensor) -> Tensor:
        """The embedding (T, C) of each frame's place in the window."""
        waves = self.time_proj(torch.arange(frames, device=like.device))
        places: Tensor = self.time_pos_embed(waves.to(like.dtype))
        return places


class SpatialBlock(nn.Module):
    """Attention within a frame, MPI attention, the context's vector, and a feed-forward."""

    def __init__(self, width: int, heads: int, context_width: int, plane_width: int) -> None:
        """A block of ``width``, with contexts and plane tokens of their widths."""
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(query_dim=width, heads=heads, dim_head=width // heads)
        self.fuser = MPIAttention(width, heads, plane_width)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(query_dim=width, cross_attention_dim=context_width, heads=heads, dim_head=width // heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width, activation_fn="geglu")

    def forward(self, x: Tensor, context: Tensor, strength: Tensor, planes: PlaneTokens | None) -> Tensor:
        """Tokens (F, N, C) with the contexts (F, D) and strengths (F, 32) of their frames."""
        normed = self.norm1(x)
        x = x + attend(self.attn1, normed, normed)
        x = self.fuser(x, strength, planes) + _context_vector(self.attn2, context)[:, None]
        out: Tensor = x + self.ff(self.norm3(x))
        return out


class TemporalBlock(nn.Module):
    """A feed-forward, attention along time at each place, the first frame's context vector, and a feed-forward."""

    def __init__(self, width: int, heads: int, context_width: int) -> None:
        """A block of ``width``, with contexts of ``context_width``."""
        super().__init__()
        self.norm_in = nn.LayerNorm(width)
        self.ff_in = FeedForward(width, activation_fn="geglu")
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(query_dim=width, heads=heads, dim_head=width // heads)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(query_dim=width, cross_attention_dim=context_width, heads=heads, dim_head=width // heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width, activation_fn="geglu")

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Tokens (B, T, N, C) with the context (B, D) of each window's first frame."""
        x = x + self.ff_in(self.norm_in(x))
        x = x + _attend_along_time(self.attn1, self.norm1(x))
        x = x + _context_vector(self.attn2, context)[:, None, None]
        out: Tensor = x + self.ff(self.norm3(x))
        return out


def _attend_along_time(attention: Weights, x: Tensor) -> Tensor:
    """Self-attention among the T tokens of each place, of (B, T, N, C)."""
    batch = x.shape[0]
    query, key, value = (
        project(x).unflatten(-1, (attention.heads, -1)).permute(0, 2, 3, 1, 4).flatten(0, 1)
        for project in (attention.to_q, attention.to_k, attention.to_v)
    )
    seen = functional.scaled_dot_product_attention(query, key, value)
    out: Tensor = attention.to_out[0](torch.unflatten(seen, 0, (batch, -1)).permute(0, 3, 1, 2, 4).flatten(3))
    return out


def _context_vector(attention: Weights, context: Tensor) -> Tensor:
    """Cross-attention to one token, (F, D): what it adds to every query, (F, C)."""
    vector: Tensor = attention.to_out[0](attention.to_v(context))
    return vector
