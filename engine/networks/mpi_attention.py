"""MPI attention: how a spatial block of the U-Net is told of blur strength and depth planes.

Any-to-Bokeh, section 3.2, as its released code computes it: the embedding of the strength is added to the visual
tokens, these attend to themselves and to the tokens of the depth planes near enough to the focus, and a feed-forward
follows; attention and feed-forward enter through gates that start closed. Where there are no planes (masks off) it is a
second self-attention, and nothing of the planes is computed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["STRENGTH_WIDTH", "MPIAttention", "PlaneTokens", "attend", "plane_tokens"]

STRENGTH_WIDTH = 32
"""Numbers that embed a blur strength."""

LATENT_STEP = 8
"""Pixels of the picture along each side of a latent."""

Weights = Any
"""A module of diffusers: it carries no types."""


class PlaneTokens(NamedTuple):
    """The depth planes as one level of the U-Net sees them; made once and shared by its blocks.

    Attributes:
        tokens: (F, N, W), F = B * T frames, one token beside each of the N visual ones, W the width of the first level.
        keys: (F, 1, 1, 2 N) bool, which of the visual and then of the plane tokens may be attended to; None: all.
    """

    tokens: Tensor
    keys: Tensor | None


def plane_tokens(features: Tensor, regions: Tensor, nearest: int | None, stride: int) -> PlaneTokens:
    """The tokens of the depth planes for a level of the U-Net.

    Args:
        features: (F, W, h, w), made of the picture's latents; h and w divisible by ``stride``.
        regions: (F, 8 h, 8 w) integers, the depth plane of each pixel: 0 around the focal plane, rising away from it.
        nearest: the last plane that this level may look at; None: it sees all.
        stride: latents along each side of a token; 1 or even.
    """
    tokens = _middles(features, stride).flatten(2).transpose(1, 2)
    if nearest is None:
        return PlaneTokens(tokens, None)
    seen = _middles((regions <= nearest).to(torch.float32)[:, None], LATENT_STEP * stride).flatten(2) > 0.5
    return PlaneTokens(tokens, torch.cat((torch.ones_like(seen), seen), -1)[:, None])


class MPIAttention(nn.Module):
    """What Any-to-Bokeh adds to a spatial transformer block (``fuser`` in the names of the weights).

    Attributes:
        linear: from the planes' tokens to the block's width; None once dropped.
        ff_k: part of the published weights and of no computation; None once dropped.
    """

    def __init__(self, width: int, heads: int, plane_width: int) -> None:
        """``width`` of the block, its ``heads``, and ``plane_width`` of the planes' tokens."""
        super().__init__()
        self.alpha_attn = nn.Parameter(torch.tensor(0.0))
        self.alpha_dense = nn.Parameter(torch.tensor(0.0))
        self.linear: nn.Linear | None = nn.Linear(plane_width, width)
        self.mpi_attn = Attention(query_dim=width, heads=heads, dim_head=width // heads)
        self.ff = FeedForward(width, activation_fn="geglu")
        self.ff_k = FeedForward(width, activation_fn="geglu")
        self.k_encoder = nn.Linear(STRENGTH_WIDTH, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm_k = nn.LayerNorm(width)

    def forward(self, x: Tensor, strength: Tensor, planes: PlaneTokens | None) -> Tensor:
        """The visual tokens, told of strength and planes.

        Only the visual tokens ask; the planes' tokens are asked. The published network lets all of them ask and drops
        the answers to the planes: the same result for twice the attention.

        Args:
            x: (F, N, C) visual tokens.
            strength: (F, 32), embedding of the blur strength of each frame.
            planes: of this level; None: masks off.

        Returns:
            (F, N, C).
        """
        x = x + self.k_encoder(strength)[:, None]
        x = x + torch.tanh(self.alpha_attn) * self._attention(x, planes)
        return x + torch.tanh(self.alpha_dense) * self._feed_forward(x)

    def drop_dead_weights(self, masks: bool) -> None:
        """Let go of what inference never touches; without ``masks`` also of what only the planes need."""
        self.ff_k = None
        if not masks:
            self.linear = None

    def _attention(self, x: Tensor, planes: PlaneTokens | None) -> Tensor:
        if planes is None:
            visual = self.norm1(x)
            return attend(self.mpi_attn, visual, visual)
        if self.linear is None:
            raise ValueError("the weights of the depth planes were dropped; run with masks off")
        both = self.norm1(torch.cat((x, self.linear(planes.tokens)), 1))
        return attend(self.mpi_attn, both[:, : x.shape[1]], both, planes.keys)

    def _feed_forward(self, x: Tensor) -> Tensor:
        """One feed-forward applied after two norms, and summed: the last layer is linear, so it is applied once."""
        widen, _, narrow = self.ff.net
        hidden = widen(self.norm2(x)) + widen(self.norm_k(x))
        return functional.linear(hidden, narrow.weight, 2 * narrow.bias)


def attend(attention: Weights, queries: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
    """Multi-head attention with the weights of diffusers' ``Attention``.

    Args:
        attention: where the weights are.
        queries: (F, N, C).
        keys: (F, M, C), also the values.
        mask: broadcast to (F, heads, N, M) bool, True where a query may attend to a key.

    Returns:
        (F, N, C).
    """
    heads = (attention.heads, -1)
    query, key, value = (
        rows.unflatten(-1, heads).transpose(1, 2)
        for rows in (attention.to_q(queries), attention.to_k(keys), attention.to_v(keys))
    )
    seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    out: Tensor = attention.to_out[0](seen.transpose(1, 2).flatten(2))
    return out


def _middles(maps: Tensor, step: int) -> Tensor:
    """Bilinear samples in the middles of cells of ``step``: the means of the four values around them."""
    if step == 1:
        return maps
    start = step // 2 - 1
    return functional.avg_pool2d(maps[..., start:, start:], 2, step)
