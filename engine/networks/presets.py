"""Sizes of the networks: what ``config.json`` of a folder of weights says, and the presets that ship. No Torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, Self

from engine.errors import WeightsError

__all__ = ["PRESETS", "CLIPConfig", "Preset", "PresetName", "UNetConfig", "VAEConfig"]

PresetName = Literal["tiny", "small", "full"]


class _Config:
    """Reads itself from, and writes itself as, the JSON object that diffusers and transformers use."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> Self:
        """The configuration in a ``config.json``; entries that the network does not use are passed over.

        Raises:
            WeightsError: an entry is missing, or not of its kind.
        """
        names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        values = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name in names
        }
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise WeightsError(
                f"{where}: this configuration makes no network ({error}); use the folder's own"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class UNetConfig(_Config):
    """The U-Net; names and defaults are those of Stable Video Diffusion's ``config.json``.

    Attributes:
        block_out_channels: channels of the levels, from full latent size down; multiples of 32.
        num_attention_heads: heads of each level.
        layers_per_block: residual blocks of a level on the way down; one more on the way up.
        cross_attention_dim: width of the image encoder's vector.
        addition_time_embed_dim: width of each of the three numbers' embedding.
        projection_class_embeddings_input_dim: three times that.
        in_channels: latents of picture and defocus map.
        out_channels: latents of the result.
        rackfocus_size: width and height of the pictures that the weights were made for.
    """

    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    num_attention_heads: tuple[int, ...] = (5, 10, 20, 20)
    layers_per_block: int = 2
    cross_attention_dim: int = 1024
    addition_time_embed_dim: int = 256
    projection_class_embeddings_input_dim: int = 768
    in_channels: int = 8
    out_channels: int = 4
    rackfocus_size: tuple[int, int] = (1024, 576)

    def __post_init__(self) -> None:
        if len(self.num_attention_heads) != len(self.block_out_channels):
            raise ValueError("num_attention_heads and block_out_channels are of different lengths")
        if any(channels % 32 for channels in self.block_out_channels):
            raise ValueError("block_out_channels must be multiples of 32")


@dataclass(frozen=True)
class VAEConfig(_Config):
    """The variational autoencoder; names and defaults are those of Stable Video Diffusion's ``config.json``."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    latent_channels: int = 4
    in_channels: int = 3
    out_channels: int = 3
    scaling_factor: float = 0.18215
    force_upcast: bool = True


@dataclass(frozen=True)
class CLIPConfig(_Config):
    """The image encoder; names are those of ``CLIPVisionConfig``, defaults those of ViT-H/14."""

    hidden_size: int = 1280
    intermediate_size: int = 5120
    num_hidden_layers: int = 32
    num_attention_heads: int = 16
    image_size: int = 224
    patch_size: int = 14
    projection_dim: int = 1024
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-5


@dataclass(frozen=True)
class Preset:
    """The three networks of one size."""

    unet: UNetConfig
    vae: VAEConfig
    clip: CLIPConfig


PRESETS: Final[Mapping[PresetName, Preset]] = {
    "tiny": Preset(
        UNetConfig((32, 64, 64, 64), (1, 2, 2, 2), 1, 32, 32, 96, rackfocus_size=(256, 128)),
        # Norms have 32 groups: alone in its group, a channel would lose the brightness of its picture.
        VAEConfig((64, 64, 64, 64), 1),
        CLIPConfig(32, 64, 2, 2, patch_size=56, projection_dim=32),
    ),
    "small": Preset(
        UNetConfig((96, 192, 384, 384), (3, 6, 12, 12), 2, 256, 64, 192, rackfocus_size=(512, 320)),
        VAEConfig((64, 128, 256, 256), 2),
        CLIPConfig(192, 768, 6, 6, patch_size=28, projection_dim=256),
    ),
    "full": Preset(UNetConfig(), VAEConfig(), CLIPConfig()),
}
"""``full`` is the published size; ``small`` and ``tiny`` have the same structure, to train from scratch and to test."""
