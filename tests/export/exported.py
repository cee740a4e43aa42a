"""Weights and exports that several tests read: made once in a test run, whichever process comes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from engine.networks.initialise import initialise
from engine.networks.presets import CLIPConfig, Preset, UNetConfig, VAEConfig
from engine.networks.saving import save_weights
from export.exporting import Precision, export_weights

__all__ = ["SMALLEST", "exported", "smallest_weights"]

SMALLEST = Preset(
    UNetConfig((32, 32), (1, 1), 1, 32, 32, 96, rackfocus_size=(128, 64)),
    VAEConfig((32, 32, 32, 32), 1),
    CLIPConfig(32, 64, 1, 2, patch_size=56, projection_dim=32),
)
"""Two levels in place of four, one attention head: the least that has every kind of block; a minute to export."""


def smallest_weights(factory: pytest.TempPathFactory) -> Path:
    """A folder of random weights of the smallest size, gates open."""
    folder = _shared(factory) / "weights"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            made = initialise(SMALLEST, 0, gate=0.7)
            save_weights(folder, made.unet, made.vae, made.image_encoder)
    return folder


def exported(factory: pytest.TempPathFactory, precision: Precision = "fp32", paper: bool = True) -> Path:
    """An export of them; read it, and change copies only."""
    weights = smallest_weights(factory)
    folder = _shared(factory) / f"{precision}-{'paper' if paper else 'released'}"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            export_weights(
                weights,
                folder,
                precision=precision,
                masks="threshold" if paper else "off",
                clip_input="normalised" if paper else "plain",
            )
    return folder


def _shared(factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of the run."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    folder.mkdir(exist_ok=True)
    return folder
