"""Networks of the tiny preset with random weights whose every part matters, and frames to give them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Literal

import numpy as np
import torch

from engine.networks.initialise import NewNetworks, initialise
from engine.runtime import RELEASED, Behaviour, NetworkInput
from engine.runtime.torch.networks import Modules, RunSettings, TorchNetworks
from engine.runtime.torch.precision import Precision

HEIGHT, WIDTH = 64, 128
CPU = torch.device("cpu")


def tiny_modules() -> Modules:
    """Gates open, and skips that weigh as much as what they are added to; new ones each time."""
    made = _made_once()
    return Modules(deepcopy(made.unet), deepcopy(made.vae), deepcopy(made.image_encoder))


@cache
def _made_once() -> NewNetworks:
    made = initialise("tiny", seed=1, gate=0.5)
    for name, weights in made.vae.decoder.named_parameters():
        if name.startswith("skip_conv"):
            weights.data = torch.rand(weights.shape, generator=torch.Generator().manual_seed(2)) * 0.1
    return made


def tiny_networks(
    precision: str = "fp32",
    *,
    behaviour: Behaviour = RELEASED,
    modules: Modules | None = None,
    posterior: Literal["mode", "sample"] = "mode",
    seed: int = 0,
    compile: bool = False,  # noqa: A002 (the setting's own name)
) -> TorchNetworks:
    settings = RunSettings(behaviour, CPU, Precision(precision), posterior=posterior, seed=seed, compile=compile)
    return TorchNetworks(lambda: modules or tiny_modules(), settings, "some-weights", (256, 128))


def frame(index: int = 0, *, picture: int | None = None, defocus: int = 7, regions: bool = False) -> NetworkInput:
    """A frame; ``picture`` and ``defocus`` are seeds of what is in it."""
    draw = np.random.default_rng(index + 100 if picture is None else picture)
    coarse = draw.random((3, HEIGHT // 8, WIDTH // 8), dtype=np.float32)
    depth = np.random.default_rng(defocus).random((HEIGHT // 8, WIDTH // 8), dtype=np.float32)
    unsigned = depth.repeat(8, 0).repeat(8, 1)
    return NetworkInput(
        index=index,
        picture=coarse.repeat(8, 1).repeat(8, 2),
        defocus=unsigned,
        strength_embedding=np.sin(np.arange(32, dtype=np.float32)),
        regions=(unsigned * 3.99).astype(np.uint8) if regions else None,
    )


def psnr(pictures: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Of pictures from 0 to 1, in dB."""
    error = np.mean((np.stack(pictures).astype(np.float64) - np.stack(truth)) ** 2)
    return float(-10 * np.log10(max(error, 1e-20)))
