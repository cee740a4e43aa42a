"""Shots on disk for the any-to-bokeh renderer, and tiny weights to render them with."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.networks.initialise import NewNetworks, initialise
from engine.networks.saving import save_weights
from tests.engine.media.pictures import store
from tests.engine.render.shots import FIRST, shot_data

SIZE = "64x64"
"""The cheapest network pictures that there are."""


@cache
def open_networks(seed: int = 11) -> NewNetworks:
    """Random networks in which masks, strength and skips count: gates stand open, skips weigh as much as the rest."""
    made = initialise("tiny", seed, gate=0.7)
    for name, weights in made.vae.decoder.named_parameters():
        if name.startswith("skip_conv"):
            weights.data = torch.rand(weights.shape, generator=torch.Generator().manual_seed(seed)) * 0.1
    return made


def make_weights(folder: Path, seed: int = 11) -> Path:
    """A folder of weights in the published layout."""
    made = open_networks(seed)
    save_weights(folder, made.unet, made.vae, made.image_encoder)
    return folder


def make_spoilt_weights(folder: Path, change: Callable[[Tensor], object], name: str = "") -> Path:
    """A folder whose autoencoder's tensors are changed, those whose name begins with ``name``."""
    made = open_networks()
    vae = deepcopy(made.vae)
    for own, weights in vae.named_parameters():
        if own.startswith(name):
            change(weights.data)
    save_weights(folder, made.unet, vae, made.image_encoder)
    return folder


def learned(folder: Path, weights: Path, *, layers: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:  # noqa: ANN401
    """A document that renders what ``make_plates`` writes; single precision, so that nothing is rounded alike."""
    data = shot_data(folder)
    data["renderer"] = {"name": "any-to-bokeh", "any_to_bokeh": {"weights": str(weights), "size": SIZE, **options}}
    data["output"] |= {"data_type": "float", "layers": list(layers)}
    return data


def make_lit_plates(folder: Path, size: tuple[int, int], frames: int = 1) -> None:
    """Plates of any size, with lamps of 500 and with depth that has an edge in it."""
    width, height = size
    random = np.random.default_rng(3)
    for frame in range(FIRST, FIRST + frames):
        image = random.lognormal(-1.5, 1.0, (height, width, 3)).astype(np.float32)
        image[random.random((height, width)) < 0.002] = 500
        depth = np.full((height, width, 1), 2, np.float32)
        depth[height // 3 :, width // 3 :] = 30
        for name, picture, channels in (("plate", image, ("R", "G", "B")), ("depth", depth, ("Z",))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            store(folder / name / f"{name}.{frame}.exr", picture, channels)
