"""Loading published weights: headers are checked first, then tensors go straight from their file to the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Generic

import torch
from torch import nn

from engine.errors import MemoryShortError, MissingWeightsError, WeightsError, WeightsShapeError, require
from engine.networks.image_encoder import ImageEncoder
from engine.networks.layout import find_image_encoder, find_places
from engine.networks.presets import CLIPConfig, UNetConfig, VAEConfig
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE, C, M, NetworkKind, is_unused
from engine.networks.tensor_files import FLOATING, TensorFiles, TensorSpec, named, sample_of
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE

__all__ = ["Differences", "NetworkFiles", "WeightsFolder", "compare", "fingerprint_of", "open_network", "open_weights"]

_ADDED: Final = (".fuser.", "conv_in_mpi.", "decoder.skip_conv_")
"""Names of what Any-to-Bokeh adds to Stable Video Diffusion."""


@dataclass(frozen=True)
class Differences:
    """How the tensors of a file differ from those that a network needs; all empty when they agree.

    Attributes:
        missing: names that the network needs and the file lacks.
        unexpected: names that the file holds and no network has.
        reshaped: ``name: 320x8x3x3 in place of 320x4x3x3``.
        mistyped: ``name: int8``, tensors that are not floating-point numbers.
        unused: names that published files hold and the network does without; no fault.
    """

    missing: list[str]
    unexpected: list[str]
    reshaped: list[str]
    mistyped: list[str]
    unused: list[str]

    @property
    def agree(self) -> bool:
        """Whether the network can be loaded."""
        return not (self.missing or self.unexpected or self.reshaped or self.mistyped)


@dataclass(frozen=True)
class NetworkFiles(Generic[C, M]):
    """One network's folder, found and read but for its tensors' values.

    Attributes:
        kind: which of the three.
        folder: with its ``config.json``.
        config: what that says.
        tensors: the files and their headers.
        differences: from what the network needs.
    """

    kind: NetworkKind[C, M]
    folder: Path
    config: C
    tensors: TensorFiles
    differences: Differences

    def load(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> M:
        """The network with its weights, for inference: tensors go one by one from the file to their place.

        On the CPU and in the file's own type, nothing is copied: the weights stay mapped from the disk. Parts that no
        computation uses (``fuser.ff_k``) are left out.

        Raises:
            CorruptWeightsError: a file cannot be read through.
            MissingWeightsError: a file went away since it was opened.
            WeightsShapeError: a file changed since it was opened.
            MemoryShortError: the device has too little memory.
        """
        module = self.kind.skeleton(self.config)
        _drop_unused(module)
        try:
            state = {name: tensor.to(device, dtype) for name, tensor in self.tensors.read(module.state_dict())}
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryShortError(
                f"the {self.kind.title} of {self.folder} does not fit the memory of {device}; "
                "use a lower precision or a larger device"
            ) from error
        try:
            module.load_state_dict(state, assign=True)
        except RuntimeError as error:
            raise WeightsShapeError(f"{self.folder} changed while it was being read; try again") from error
        return module.to(device=device, dtype=dtype).eval().requires_grad_(False)


@dataclass(frozen=True)
class WeightsFolder:
    """A folder of weights whose every tensor has been looked at, by name, shape and type.

    Attributes:
        folder: as it was given.
        unet: files of the U-Net.
        vae: files of the autoencoder.
        image_encoder: files of the image encoder.
        fingerprint: 64 hexadecimal digits made of configurations and samples of the files; the same for the same
            content wherever it lies.
        size: width and height of the pictures that the weights were made for, multiples of 64.
    """

    folder: Path
    unet: NetworkFiles[UNetConfig, AnyToBokehUNet]
    vae: NetworkFiles[VAEConfig, AnyToBokehVAE]
    image_encoder: NetworkFiles[CLIPConfig, ImageEncoder]
    fingerprint: str
    size: tuple[int, int]

    @property
    def vae_config(self) -> VAEConfig:
        """What the autoencoder's folder says of it: sizes, scaling factor, whether it wants full precision."""
        return self.vae.config

    def load_unet(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> AnyToBokehUNet:
        """The U-Net. Raises as ``NetworkFiles.load`` does."""
        return self.unet.load(dtype, device)

    def load_vae(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> AnyToBokehVAE:
        """The autoencoder. Raises as ``NetworkFiles.load`` does."""
        return self.vae.load(dtype, device)

    def load_image_encoder(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> ImageEncoder:
        """The image encoder. Raises as ``NetworkFiles.load`` does."""
        return self.image_encoder.load(dtype, device)


def open_weights(folder: str | Path | None, image_encoder: str | Path | None = None) -> WeightsFolder:
    """Find and check the weights of Any-to-Bokeh; reads configurations, headers and at most 4 MiB of each file.

    Args:
        folder: with ``unet/unet`` (or ``unet``) and ``vae``.
        image_encoder: Stable Video Diffusion's folder, or its image encoder's; looked for in ``folder`` and in the
            folders in it and beside it when not given.

    Raises:
        MissingWeightsError: no folder was given, or folders, files or tensors are missing.
        WeightsShapeError: tensors of other shapes or types, or other tensors, than the networks have.
        CorruptWeightsError: a file is truncated, damaged or something else.
        WeightsError: a configuration is of another network, or the three do not fit together.
    """
    if folder is None or not str(folder):
        raise MissingWeightsError("the any-to-bokeh renderer needs weights; give their folder with --weights DIR")
    root = Path(folder).expanduser()
    places = find_places(root)
    unet = open_network(UNET, places.unet)
    vae = open_network(VAE, places.vae)
    given = Path(image_encoder).expanduser() if image_encoder else None
    encoder = open_network(IMAGE_ENCODER, find_image_encoder(root, given))
    for network in (unet, vae, encoder):
        _require_agreement(network)
    _require_fit(unet, vae, encoder)
    return WeightsFolder(root, unet, vae, encoder, fingerprint_of((unet, vae, encoder)), unet.config.rackfocus_size)


def open_network(kind: NetworkKind[C, M], folder: Path) -> NetworkFiles[C, M]:
    """One network's folder and how its tensors differ from what it needs, which is no error here.

    Raises:
        WeightsError: a configuration or a file cannot be used at all; the classes are those of ``open_weights``.
    """
    config = kind.read_config(folder)
    shapes = kind.shapes(config)
    tensors = TensorFiles.find(folder, kind.stems)
    return NetworkFiles(kind, folder, config, tensors, compare(tensors.specs, shapes))


def compare(found: Mapping[str, TensorSpec], needed: Mapping[str, tuple[int, ...]]) -> Differences:
    """Hold the tensors of a file against the shapes that a network needs."""
    common = [name for name in needed if name in found]
    return Differences(
        missing=[name for name in needed if name not in found],
        unexpected=[name for name in found if name not in needed and not is_unused(name)],
        reshaped=[
            f"{name}: {_times(found[name].shape)} in place of {_times(needed[name])}"
            for name in common
            if found[name].shape != needed[name]
        ],
        mistyped=[f"{name}: {found[name].dtype}" for name in common if found[name].dtype not in FLOATING],
        unused=[name for name in found if name not in needed and is_unused(name)],
    )


def fingerprint_of(networks: tuple[NetworkFiles[Any, Any], ...]) -> str:
    """A digest of configurations and samples of the files. Raises MissingWeightsError for one that cannot be read."""
    digest = sha256()
    for network in networks:
        digest.update(network.kind.name.encode())
        digest.update(json.dumps(network.config.to_json(), sort_keys=True).encode())
        for path in network.tensors.files:
            digest.update(sample_of(path).encode())
    return digest.hexdigest()


def _drop_unused(network: nn.Module) -> None:
    for path, _ in list(network.named_modules()):
        parent, _, own = path.rpartition(".")
        if is_unused(f"{path}.") and not is_unused(f"{parent}."):
            setattr(network.get_submodule(parent), own, None)


def _require_agreement(network: NetworkFiles[Any, Any]) -> None:
    found, where = network.differences, f"{network.folder}: the {network.kind.title}"
    if found.missing and all(any(part in name for part in _ADDED) for name in found.missing):
        raise MissingWeightsError(
            f"{where} is Stable Video Diffusion's own, without {len(found.missing)} tensors of Any-to-Bokeh "
            f"({named(found.missing)}); give the folder of Any-to-Bokeh's weights"
        )
    # Another size of the same network may also have a shortcut more or less; that says nothing by itself.
    require(
        len(found.reshaped) <= len(found.missing) + len(found.unexpected),
        WeightsShapeError,
        f"{where} has {len(found.reshaped)} tensors of another shape: {named(found.reshaped)}; "
        "use weights and config.json of the same network",
    )
    other = f", and {len(found.unexpected)} are there that it has not: {named(found.unexpected)}"
    require(
        not found.missing,
        MissingWeightsError,
        f"{where} lacks {len(found.missing)} tensors: {named(found.missing)}{other if found.unexpected else ''}; "
        "use weights and config.json of the same network",
    )
    require(
        not found.unexpected,
        WeightsShapeError,
        f"{where} has {len(found.unexpected)} tensors too many: {named(found.unexpected)}; "
        "use weights and config.json of the same network",
    )
    require(
        not found.mistyped,
        WeightsShapeError,
        f"{where} has {len(found.mistyped)} tensors that are no floating-point numbers: {named(found.mistyped)}; "
        "use weights that were not quantised",
    )


def _require_fit(
    unet: NetworkFiles[UNetConfig, AnyToBokehUNet],
    vae: NetworkFiles[VAEConfig, AnyToBokehVAE],
    encoder: NetworkFiles[CLIPConfig, ImageEncoder],
) -> None:
    wide, given = unet.config.cross_attention_dim, encoder.config.projection_dim
    require(
        wide == given,
        WeightsError,
        f"the image encoder of {encoder.folder} gives {given} numbers and the U-Net of {unet.folder} takes {wide}; "
        "give the image encoder that the U-Net was trained with",
    )
    latents = vae.config.latent_channels
    require(
        (2 * latents, latents) == (unet.config.in_channels, unet.config.out_channels),
        WeightsError,
        f"the autoencoder of {vae.folder} has {latents} latent channels and the U-Net of {unet.folder} takes "
        f"{unet.config.in_channels} and gives {unet.config.out_channels}; use the two that belong together",
    )
    size = unet.config.rackfocus_size
    require(
        len(size) == 2 and all(isinstance(side, int) and side >= 64 and side % 64 == 0 for side in size),
        WeightsError,
        f"{unet.folder}: rackfocus_size must be width and height in multiples of 64, got {list(size)}; correct it in "
        "config.json",
    )


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
