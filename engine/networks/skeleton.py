"""The three networks without their weights: what each is called in a folder, its configuration, its tensors' shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import torch
from torch import nn

from engine.errors import CorruptWeightsError, MissingWeightsError, WeightsError, require
from engine.networks.image_encoder import ImageEncoder
from engine.networks.layout import CONFIG
from engine.networks.presets import CLIPConfig, UNetConfig, VAEConfig
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE

__all__ = ["IMAGE_ENCODER", "UNET", "VAE", "NetworkKind", "is_unused"]

C = TypeVar("C", UNetConfig, VAEConfig, CLIPConfig)
M = TypeVar("M", bound=nn.Module)

_UNUSED: Final = re.compile(r"\.fuser\.ff_k\.|(^|\.)position_ids$")


@dataclass(frozen=True)
class NetworkKind(Generic[C, M]):
    """One of the three networks.

    Attributes:
        name: of its folder.
        title: as messages have it.
        config: class of its configuration.
        module: makes the network of a configuration.
        classes: what its ``config.json`` may name as its class or architecture.
        stems: what its files of tensors are called, before the suffix.
    """

    name: str
    title: str
    config: type[C]
    module: Callable[[C], M]
    classes: frozenset[str]
    stems: tuple[str, ...]

    def read_config(self, folder: Path) -> C:
        """The configuration in a folder.

        Raises:
            MissingWeightsError: it cannot be read.
            CorruptWeightsError: it is no JSON object.
            WeightsError: it is of another network, or makes none.
        """
        path = folder / CONFIG
        try:
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise MissingWeightsError(f"{path} cannot be read ({error.strerror}); let it be read") from error
        except ValueError as error:
            raise CorruptWeightsError(f"{path} is no JSON; copy it again from where the weights came") from error
        require(isinstance(data, dict), CorruptWeightsError, f"{path} is no JSON object; copy it again")
        said = _classes(data)
        require(
            not said or bool(said & self.classes),
            WeightsError,
            f"{path} is of another network ({', '.join(sorted(said))}) than the {self.title} "
            f"({', '.join(sorted(self.classes))}); put the right folder there",
        )
        return self.config.from_json(data, str(path))

    def skeleton(self, config: C) -> M:
        """The network on the meta device: shapes and no memory.

        Raises:
            WeightsError: a configuration of which no network can be made.
        """
        try:
            with torch.device("meta"):
                return self.module(config)
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError, ZeroDivisionError, AssertionError) as error:
            raise WeightsError(
                f"no {self.title} can be made of its configuration ({_first_line(error)}); use the folder's own"
            ) from error

    def shapes(self, config: C) -> Mapping[str, tuple[int, ...]]:
        """Shape of every tensor that the network needs, by name. Raises as ``skeleton`` does."""
        return _shapes(self, config)


def is_unused(name: str) -> bool:
    """Whether a tensor is one that published folders hold and no network uses.

    ``fuser.ff_k`` is never called by the published code, ``position_ids`` is a counter that older transformers stored.
    """
    return _UNUSED.search(name) is not None


UNET: Final = NetworkKind(
    "unet",
    "U-Net",
    UNetConfig,
    AnyToBokehUNet,
    frozenset({"UNetSpatioTemporalConditionModel"}),
    ("diffusion_pytorch_model",),
)
VAE: Final = NetworkKind(
    "vae",
    "autoencoder",
    VAEConfig,
    AnyToBokehVAE,
    frozenset({"AutoencoderKLTemporalDecoder"}),
    ("diffusion_pytorch_model",),
)
IMAGE_ENCODER: Final = NetworkKind(
    "image_encoder",
    "image encoder",
    CLIPConfig,
    ImageEncoder,
    frozenset({"CLIPVisionModelWithProjection"}),
    ("model", "pytorch_model"),
)


@lru_cache(maxsize=8)
def _shapes(kind: NetworkKind[Any, Any], config: UNetConfig | VAEConfig | CLIPConfig) -> Mapping[str, tuple[int, ...]]:
    module: nn.Module = kind.skeleton(config)
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items() if not is_unused(name)}


def _classes(data: Mapping[str, Any]) -> set[str]:
    """The classes that diffusers (``_class_name``) or transformers (``architectures``) wrote."""
    named = data.get("architectures")
    found = {data.get("_class_name"), *(named if isinstance(named, list) else ())}
    return {name for name in found if isinstance(name, str)}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
