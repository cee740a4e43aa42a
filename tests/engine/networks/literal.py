"""The U-Net written out as the released network computes it, on the weights of ours: the oracle of the tests.

Nothing is saved here: every token asks in MPI attention, cross-attention runs at every pixel through diffusers'
``Attention``, each feed-forward runs on its own, tokens are reordered for time, pictures are doubled before they are
convolved, labels are resampled as pictures, and the temporal context is repeated for every place of its own window.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine.networks.unet import AnyToBokehUNet

Weights = Any
"""One of our modules, whose parts are read by name."""

Planes = tuple[Tensor, Tensor] | None
"""conv_in_mpi's maps (F, W, h, w), and the float mask (F, H, W) of a level."""


def mpi_attention(fuser: Weights, x: Tensor, strength: Tensor, planes: Planes) -> Tensor:
    """``MPIAttention.forward``; without planes they are masked whole, as in the released network."""
    frames, count, width = x.shape
    if planes is None:
        beside = torch.zeros_like(x)
        kept = torch.zeros(frames, count, dtype=torch.bool)
    else:
        maps, mask = planes
        stride = ceil(sqrt(maps.shape[2] * maps.shape[3] / count))
        size = (maps.shape[2] // stride, maps.shape[3] // stride)
        small = functional.interpolate(maps, size, mode="bilinear", align_corners=False)
        beside = fuser.linear(small.permute(0, 2, 3, 1).reshape(frames, count, -1))
        kept = functional.interpolate(mask[:, None], size, mode="bilinear", align_corners=False).flatten(1) > 0.5
    seen = torch.cat((torch.ones(frames, count, dtype=torch.bool), kept), 1)

    x = x + fuser.k_encoder(strength)[:, None, :]
    tokens = fuser.norm1(torch.cat((x, beside), 1))
    heads = fuser.mpi_attn.heads
    query, key, value = (
        project(tokens).reshape(frames, 2 * count, heads, width // heads).permute(0, 2, 1, 3)
        for project in (fuser.mpi_attn.to_q, fuser.mpi_attn.to_k, fuser.mpi_attn.to_v)
    )
    scores = query @ key.transpose(2, 3) / sqrt(width // heads)
    scores = scores.masked_fill(~seen[:, None, None, :], float("-inf"))
    answers = (scores.softmax(-1) @ value).permute(0, 2, 1, 3).reshape(frames, 2 * count, width)
    answers = fuser.mpi_attn.to_out[0](answers)[:, :count]

    x = x + torch.tanh(fuser.alpha_attn) * answers
    return x + torch.tanh(fuser.alpha_dense) * (fuser.ff(fuser.norm2(x)) + fuser.ff(fuser.norm_k(x)))


def spatial_block(block: Weights, x: Tensor, context: Tensor, strength: Tensor, planes: Planes) -> Tensor:
    """``SpatialBlock.forward``."""
    x = x + block.attn1(block.norm1(x))
    x = mpi_attention(block.fuser, x, strength, planes)
    x = x + block.attn2(block.norm2(x), encoder_hidden_states=context[:, None, :])
    out: Tensor = x + block.ff(block.norm3(x))
    return out


def temporal_block(block: Weights, x: Tensor, context: Tensor) -> Tensor:
    """``TemporalBlock.forward``, of (B, T, N, C), with each window's tokens as (B * N, T, C)."""
    batch, frames, count, width = x.shape
    x = x.permute(0, 2, 1, 3).reshape(batch * count, frames, width)
    everywhere = torch.stack([context[b] for b in range(batch) for _ in range(count)])[:, None, :]
    x = x + block.ff_in(block.norm_in(x))
    x = x + block.attn1(block.norm1(x))
    x = x + block.attn2(block.norm2(x), encoder_hidden_states=everywhere)
    x = x + block.ff(block.norm3(x))
    return x.reshape(batch, count, frames, width).permute(0, 2, 1, 3)


def transformer(
    module: Weights, maps: Tensor, context: Tensor, strength: Tensor, planes: Planes, frames: int
) -> Tensor:
    """``SpatioTemporalTransformer.forward``."""
    count, width, rows, columns = maps.shape
    x = module.proj_in(module.norm(maps).permute(0, 2, 3, 1).reshape(count, rows * columns, width))
    x = spatial_block(module.transformer_blocks[0], x, context, strength, planes)
    place = torch.arange(frames).repeat(count // frames)
    y = x + module.time_pos_embed(module.time_proj(place))[:, None, :]
    first = context.reshape(count // frames, frames, -1)[:, 0]
    y = temporal_block(
        module.temporal_transformer_blocks[0], y.reshape(-1, frames, rows * columns, width), first
    ).reshape(count, rows * columns, width)
    x = _mix(module.time_mixer, x, y)
    return module.proj_out(x).reshape(count, rows, columns, width).permute(0, 3, 1, 2) + maps


def residual(module: Weights, maps: Tensor, embedding: Tensor, frames: int) -> Tensor:
    """The residual block in space, then along time."""
    x = module.spatial_res_block(maps, embedding)
    count, width, rows, columns = x.shape
    clip = x.reshape(-1, frames, width, rows, columns).permute(0, 2, 1, 3, 4)
    moved = module.temporal_res_block(clip, embedding.reshape(count // frames, frames, -1))
    return _mix(module.time_mixer, clip, moved).permute(0, 2, 1, 3, 4).reshape(count, width, rows, columns)


def unet(
    module: AnyToBokehUNet,
    latents: Tensor,
    context: Tensor,
    strength: Tensor,
    time_ids: Tensor,
    regions: Tensor | None,
) -> Tensor:
    """``AnyToBokehUNet.forward``."""
    batch, frames = latents.shape[:2]
    net: Any = module
    step = net.time_embedding(net.time_proj(torch.ones(batch)))
    embedding = step + net.add_embedding(net.add_time_proj(time_ids.flatten()).reshape(batch, -1))
    embedding = embedding.repeat_interleave(frames, 0)
    context, strength = context.flatten(0, 1), strength.flatten(0, 1)

    def planes(last: int) -> Planes:
        if regions is None:
            return None
        return net.conv_in_mpi(latents[:, :, :4].flatten(0, 1)), (regions.flatten(0, 1) <= last).float()

    x = net.conv_in(latents.flatten(0, 1))
    left = [x]
    for level, block in enumerate(net.down_blocks):
        for place, resnet in enumerate(block.resnets):
            x = residual(resnet, x, embedding, frames)
            if level < 3:
                x = transformer(block.attentions[place], x, context, strength, planes(level), frames)
            left.append(x)
        if level < 3:
            x = block.downsamplers[0](x)
            left.append(x)

    x = residual(net.mid_block.resnets[0], x, embedding, frames)
    x = transformer(net.mid_block.attentions[0], x, context, strength, planes(3), frames)
    x = residual(net.mid_block.resnets[1], x, embedding, frames)

    for level, block in zip((3, 2, 1, 0), net.up_blocks, strict=True):
        for place, resnet in enumerate(block.resnets):
            x = residual(resnet, torch.cat((x, left.pop()), 1), embedding, frames)
            if level < 3:
                x = transformer(block.attentions[place], x, context, strength, planes(level), frames)
        if level > 0:
            x = block.upsamplers[0].conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
    x = net.conv_out(functional.silu(net.conv_norm_out(x)))
    return x.reshape(batch, frames, *x.shape[1:])


def _mix(mixer: Weights, spatial: Tensor, temporal: Tensor) -> Tensor:
    share = torch.sigmoid(mixer.mix_factor)
    return share * spatial + (1 - share) * temporal
