"""The image encoder: one vector that says what a picture shows, which conditions the U-Net.

CLIP's vision tower and projection (transformers), ViT-H/14 at the released size, and before them the resize that Stable
Video Diffusion's pipeline does.
"""

from __future__ import annotations

from math import exp
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from engine.networks.presets import CLIPConfig

__all__ = ["CLIP_DEVIATION", "CLIP_MEAN", "ImageEncoder", "gaussian_kernel", "resize_smoothly"]

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
"""Mean red, green and blue of the pictures that CLIP was trained with, from 0 to 1."""

CLIP_DEVIATION: Final = (0.26862954, 0.26130258, 0.27577711)
"""Their standard deviations."""

POSITION_NUMBERS: Final = "vision_model.embeddings.position_ids"
"""A counter that checkpoints written by transformers before 4.31 hold among their weights; it says nothing."""


def gaussian_kernel(size: int, new_size: int) -> tuple[float, ...]:
    """Weights of the blur before a side of ``size`` pixels becomes one of ``new_size``; odd in number, of sum 1.

    The deviation is half of what the side shrinks by beyond 1, at least 0.001 (then nothing is blurred), and the kernel
    reaches over two deviations to either side and at least a pixel, as in Stable Video Diffusion's pipeline.
    """
    deviation = max((size / new_size - 1) / 2, 0.001)
    taps = int(max(2 * 2 * deviation, 3)) | 1
    weights = [exp(-((tap - taps // 2) ** 2) / (2 * deviation**2)) for tap in range(taps)]
    return tuple(weight / sum(weights) for weight in weights)


def resize_smoothly(pictures: Tensor, height: int, width: int) -> Tensor:
    """Pictures at another size: blurred where they shrink, then bicubic with corner pixels on corner pixels.

    A sum of shifted pictures rather than a convolution: a convolution may run in TF32, and in half precision under
    autocast, and this is always what it says.

    Args:
        pictures: (N, C, H, W) of a floating dtype, H and W at least 2.
        height: wanted H.
        width: wanted W.

    Returns:
        (N, C, height, width) float32.
    """
    x = pictures.float()
    x = _blur(x, gaussian_kernel(x.shape[-1], width), dim=-1)
    x = _blur(x, gaussian_kernel(x.shape[-2], height), dim=-2)
    return functional.interpolate(x, size=(height, width), mode="bicubic", align_corners=True)


def _blur(x: Tensor, kernel: tuple[float, ...], dim: int) -> Tensor:
    """A picture (N, C, H, W) blurred along height (-2) or width (-1), reflected at its edges."""
    reach = len(kernel) // 2
    padded = functional.pad(x, (reach, reach, 0, 0) if dim == -1 else (0, 0, reach, reach), mode="reflect")
    blurred = torch.zeros_like(x)
    for start, weight in enumerate(kernel):
        blurred.add_(padded.narrow(dim, start, x.shape[dim]), alpha=weight)
    return blurred


class ImageEncoder(nn.Module):
    """``image_embeds`` of CLIP; parameters bear the names of the published ``image_encoder`` folder.

    The positions are added here and not by transformers, whose counter of positions is no part of the weights and is
    lost when a model made on the meta device gets its memory.

    Attributes:
        config: its sizes.
    """

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        self.config = config
        whole: Any = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=config.hidden_size,
                intermediate_size=config.intermediate_size,
                num_hidden_layers=config.num_hidden_layers,
                num_attention_heads=config.num_attention_heads,
                image_size=config.image_size,
                patch_size=config.patch_size,
                projection_dim=config.projection_dim,
                hidden_act=config.hidden_act,
                layer_norm_eps=config.layer_norm_eps,
                attn_implementation="sdpa",
            )
        )
        self.vision_model = whole.vision_model
        self.visual_projection = whole.visual_projection
        del self.vision_model.embeddings.position_ids

    def forward(self, pictures: Tensor, normalised: bool) -> Tensor:
        """The context of each picture.

        Args:
            pictures: (N, 3, H, W) display-referred colours, 0 to 1, any size; better in float32, in which they are
                resized whatever the dtype of the weights. Their aspect is not kept.
            normalised: whether colours are brought to CLIP's own mean and deviation, as CLIP was trained.

        Returns:
            (N, projection_dim), in the dtype of the weights.
        """
        x = resize_smoothly(pictures, self.config.image_size, self.config.image_size)
        if normalised:
            x = (x - x.new_tensor(CLIP_MEAN).view(3, 1, 1)) / x.new_tensor(CLIP_DEVIATION).view(3, 1, 1)
        return self.see(x)

    def see(self, pictures: Tensor) -> Tensor:
        """The context of pictures (N, 3, image_size, image_size) that are ready for the tower: (N, projection_dim)."""
        tower: Any = self.vision_model
        tokens = tower.pre_layrnorm(self._tokens(pictures.to(tower.embeddings.class_embedding.dtype)))
        tokens = tower.encoder(inputs_embeds=tokens).last_hidden_state
        context: Tensor = self.visual_projection(tower.post_layernorm(tokens[:, 0]))
        return context

    def _tokens(self, x: Tensor) -> Tensor:
        """The class token and one token a patch, each with its position: (N, 1 + patches, hidden_size)."""
        embeddings: Any = self.vision_model.embeddings
        patches = embeddings.patch_embedding(x).flatten(2).transpose(1, 2)
        first = embeddings.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
        tokens: Tensor = torch.cat([first, patches], dim=1) + embeddings.position_embedding.weight
        return tokens

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: object) -> None:
        state_dict.pop(prefix + POSITION_NUMBERS, None)
        super()._load_from_state_dict(state_dict, prefix, *rest)
