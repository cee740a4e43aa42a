"""The networks that a run begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from engine.networks.checkpoint import NetworkFiles, open_network, open_weights
from engine.networks.initialise import NewNetworks, initialise
from engine.networks.layout import find_image_encoder, find_places
from engine.networks.mpi_attention import MPIAttention
from engine.networks.presets import Preset
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE
from engine.networks.vae import AnyToBokehVAE
from training.stages.configuration import Start
from training.stages.steps import TrainingNetworks

__all__ = ["networks_from_folder", "starting_networks"]

_ADDED: Final = (".fuser.", "conv_in_mpi.", "decoder.skip_conv_")
"""Names of what Any-to-Bokeh adds to Stable Video Diffusion."""


def starting_networks(start: Start, size: tuple[int, int]) -> TrainingNetworks:
    """Random networks, or those of a folder, in fp32 on the CPU.

    Random ones differ in the autoencoder from the published start, which leaves these to weights learned before:
    residual blocks begin as if they were not there (Goyal et al. 2017); the decoder's last layer passes each frame on
    as it is, since a random one mixes the colours and stage 3 does not train it; and the skips are drawn (He et al.
    2015), since at 1e-5 they would stay shut for most of a short run.

    Args:
        start: where from.
        size: width and height that they are trained for, which the saved weights will say.

    Raises:
        WeightsError: the folder cannot be used.
    """
    if start.weights is not None:
        return networks_from_folder(start.weights, size, start.seed)
    assert start.preset is not None, "a start has one of both"
    made = initialise(start.preset, start.seed)
    _clear_the_way(made.vae, start.seed)
    return _made_for(size, made)


def networks_from_folder(folder: str | Path, size: tuple[int, int], seed: int = 0) -> TrainingNetworks:
    """The networks of a folder of weights, in fp32 on the CPU, each tensor in memory of its own.

    What Any-to-Bokeh adds to Stable Video Diffusion may be missing: it is then as training starts with it, random
    behind closed gates, and ``conv_in_mpi`` does what ``conv_in`` does to the picture.

    Raises:
        WeightsError: the folder cannot be used; see ``open_weights``.
    """
    root = Path(folder).expanduser()
    places = find_places(root)
    unet, vae = open_network(UNET, places.unet), open_network(VAE, places.vae)
    encoder = open_network(IMAGE_ENCODER, find_image_encoder(root, None))
    lacking = [*unet.differences.missing, *vae.differences.missing]
    if not lacking or not all(any(part in name for part in _ADDED) for name in lacking):
        open_weights(root)  # raises where anything else is wrong, and says what
    made = initialise(Preset(unet.config, vae.config, encoder.config), seed)
    for files, network in ((unet, made.unet), (vae, made.vae), (encoder, made.image_encoder)):
        _take(files, network)
    planes, own = made.unet.conv_in_mpi, made.unet.conv_in
    if planes is not None and "conv_in_mpi.weight" in lacking:
        with torch.no_grad():
            planes.weight.copy_(own.weight[:, : planes.in_channels])
            if planes.bias is not None and own.bias is not None:
                planes.bias.copy_(own.bias)
    return _made_for(size, made)


def _clear_the_way(vae: AnyToBokehVAE, seed: int) -> None:
    """Let pictures pass a random autoencoder: blocks that add nothing yet, and skips that are open."""
    draw = torch.Generator("cpu").manual_seed(seed)
    for name, parameter in vae.named_parameters():
        if ".conv2." in name or ".to_out." in name or name == "decoder.time_conv_out.bias":
            nn.init.zeros_(parameter)
        elif name == "decoder.time_conv_out.weight":
            nn.init.dirac_(parameter)
        elif ".skip_conv_" in name:
            nn.init.kaiming_uniform_(parameter, a=1, generator=draw)


def _take(files: NetworkFiles[Any, Any], network: nn.Module) -> None:
    """Put what a folder holds into a network."""
    own = network.state_dict()
    with torch.no_grad():
        for name, tensor in files.tensors.read([name for name in own if name in files.tensors.specs]):
            own[name].copy_(tensor)


def _made_for(size: tuple[int, int], made: NewNetworks) -> TrainingNetworks:
    """Without what no computation reads and published folders hold, and with the size of its pictures."""
    for module in made.unet.modules():
        if isinstance(module, MPIAttention):
            module.ff_k = None
    made.unet.config = replace(made.unet.config, rackfocus_size=size)
    return TrainingNetworks(made.unet, made.vae, made.image_encoder)
