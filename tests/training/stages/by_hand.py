"""Sets of clips written by hand, whose truth is the optical renderer's, and networks to train on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from engine.frames import Float32Array, PlateFrame, Window
from engine.networks.initialise import initialise
from engine.networks.presets import CLIPConfig, Preset, UNetConfig, VAEConfig
from engine.renderers.optical import OpticalRenderer
from training.data.clips import MANIFEST, Asset, Clip, ClipSet, Focusing, Manifest, Matte
from training.peers.exr import write_exr
from training.stages.batches import ClipWindows
from training.stages.configuration import StageSettings
from training.stages.steps import TrainingNetworks, training_behaviour

SMALLEST = Preset(
    UNetConfig((32, 32, 32), (1, 2, 2), 1, 32, 32, 96, rackfocus_size=(64, 64)),
    VAEConfig((32, 32, 32, 32), 1),
    CLIPConfig(32, 64, 1, 2, patch_size=112, projection_dim=32),
)
"""As ``tiny``, and less: every kind of part is in it."""

ASSET = Asset(name="disc", source="procedural", licence="CC0-1.0")
NEAR, FAR = 0.75, 0.25


def picture(width: int, height: int, seed: int, time: int = 0) -> Float32Array:
    """Cells of colour that drift, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    cells = rng.uniform(0.02, 0.9, (height // 8 + 2, width // 8 + 2, 3))
    wide = np.kron(cells, np.ones((8, 8, 1)))
    return np.ascontiguousarray(wide[:height, time % 8 : width + time % 8], np.float32)


def disc(width: int, height: int, time: int = 0) -> np.ndarray:
    """Where the near element is: (H, W) bool, a disc that moves to the right."""
    y, x = np.mgrid[:height, :width]
    return np.hypot(x - width / 2 - time, y - height / 2) < height / 4


def write_set(
    folder: Path,
    *,
    size: tuple[int, int] = (64, 64),
    frames: int = 4,
    clips: int = 2,
    strength: float = 6.0,
    element: int | None = 1,
    lamp: float = 0.0,
) -> ClipSet:
    """Discs before walls, focused on the disc (1) or the wall (None), with a lamp on the wall if ``lamp`` is light."""
    width, height = size
    focus = NEAR if element else FAR
    held = Focusing(name="held", kind="held", element=element, focus=(focus,) * frames, strength=(strength,) * frames)
    lens = OpticalRenderer()
    names = [f"clip-{number}" for number in range(clips)]
    for number, name in enumerate(names):
        for index in range(frames):
            near = disc(width, height, index)
            wall, front = picture(width, height, number), picture(width, height, 100 + number, index)
            plate = np.where(near[..., None], front, wall)
            if lamp:
                plate[6, 6] = lamp
            disparity = np.where(near, NEAR, FAR).astype(np.float32)
            seen = PlateFrame(index, plate, ("R", "G", "B"), disparity, focus, strength, Window.of_size(width, height))
            _write(folder / name / "plate" / f"plate.{1001 + index}.exr", plate)
            _write(folder / name / "disparity" / f"disparity.{1001 + index}.exr", disparity)
            _write(folder / name / "matte-1" / f"matte.{1001 + index}.exr", near.astype(np.float32))
            _write(folder / name / "held" / f"bokeh.{1001 + index}.exr", lens.render(seen).image)
        elements = (Matte(asset="disc", disparity=(NEAR,) * frames),)
        clip = Clip(
            name=name, width=width, height=height, frames=frames, elements=elements, focusings=(held,), assets=(ASSET,)
        )
        (folder / name / "clip.json").write_text(clip.model_dump_json())
    manifest = Manifest(made_by="tests", seed=0, recipe={}, clips=tuple(names), assets=(ASSET,))
    (folder / MANIFEST).write_text(manifest.model_dump_json())
    return ClipSet(folder)


def windows(
    sets: Sequence[ClipSet], frames: int = 2, size: tuple[int, int] = (64, 64), **options: object
) -> ClipWindows:
    """Windows by the paper's profile, unless ``profile`` says otherwise."""
    behaviour = training_behaviour(options.pop("profile", "paper"))  # type: ignore[arg-type]
    return ClipWindows(sets, frames, size, behaviour, **{"seed": 3, **options})  # type: ignore[arg-type]


def settings(**options: object) -> StageSettings:
    """Of a stage that only its step is wanted of."""
    given = {"steps": 1, "frames": 2, "size": "64x64", "learning_rate": 2e-3, "posterior": "mode", **options}
    return StageSettings.model_validate(given)


def networks(gate: float = 0.5) -> TrainingNetworks:
    """Of the smallest size, with open gates, through which all of them gets gradient."""
    made = initialise(SMALLEST, seed=1, gate=gate)
    return TrainingNetworks(made.unet, made.vae, made.image_encoder)


@cache
def batch(frames: int = 2, windows: int = 1) -> dict[str, torch.Tensor]:
    """Of pictures that need no disk: smooth ones, and their defocus is from left to right."""
    rng = torch.Generator().manual_seed(5)
    coarse = torch.rand(windows * frames, 3, 6, 6, generator=rng)
    sharp = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 1)
    target = torch.nn.functional.avg_pool2d(sharp, 9, 1, 4, count_include_pad=False)
    defocus = torch.linspace(0, 1, 64).expand(windows, frames, 64, 64).contiguous()
    return {
        "picture": sharp.unflatten(0, (windows, frames)),
        "target": target.unflatten(0, (windows, frames)),
        "defocus": defocus,
        "strength_embedding": torch.rand(windows, frames, 32, generator=rng) * 2 - 1,
        "regions": (defocus * 3.99).to(torch.uint8),
    }


def _write(path: Path, image: Float32Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_exr(path, image)
