"""Folders of tiny weights, and ways to spoil them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.networks.checkpoint import open_weights
from engine.networks.initialise import NewNetworks, initialise
from engine.networks.saving import save_weights, write_safetensors

UNET = "unet/unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
CLIP = "image_encoder/model.safetensors"


@cache
def networks() -> NewNetworks:
    return initialise("tiny", 11, gate=0.25)


def save(folder: Path, made: NewNetworks | None = None, dtype: torch.dtype | None = None) -> Path:
    made = made or networks()
    save_weights(folder, made.unet, made.vae, made.image_encoder, dtype)
    return folder


def copy(kept: Path, folder: Path) -> Path:
    """The same folder again, for nothing: what is changed must be replaced and not written into."""
    shutil.copytree(kept, folder, copy_function=os.link)
    return folder


def replace(file: Path, content: bytes) -> None:
    file.unlink(missing_ok=True)
    file.write_bytes(content)


def change_config(file: Path, **entries: object) -> None:
    replace(file, json.dumps({**json.loads(file.read_bytes()), **entries}).encode())


def change_tensors(file: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    change(tensors)
    file.unlink()
    write_safetensors(file, tensors, None)


def shard(file: Path, count: int = 3) -> Path:
    """A file as shards with their index, which is returned."""
    tensors = load_file(file)
    names = sorted(tensors)
    stem, suffix = file.name.split(".", 1)
    places: dict[str, str] = {}
    for number in range(count):
        part = {name: tensors[name].clone() for name in names[number::count]}
        shard_name = f"{stem}-{number + 1:05}-of-{count:05}.{suffix}"
        write_safetensors(file.parent / shard_name, part, None)
        places |= dict.fromkeys(part, shard_name)
    file.unlink()
    index = file.parent / f"{stem}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


def pickle_instead(file: Path, held: Any = None, *, old_format: bool = False) -> Path:  # noqa: ANN401
    """Torch's own file in place of safetensors, with the same tensors unless told."""
    stem = {"model": "pytorch_model"}.get(file.stem, file.stem)
    place = file.with_name(f"{stem}.bin")
    torch.save(
        {name: tensor.clone() for name, tensor in load_file(file).items()} if held is None else held,
        place,
        _use_new_zipfile_serialization=not old_format,
    )
    file.unlink()
    return place


def same(found: nn.Module, wanted: nn.Module, dtype: torch.dtype = torch.float32) -> bool:
    """Whether all tensors of ``found`` are those of ``wanted``, which may hold more that is never used."""
    theirs = {name: value for name, value in wanted.state_dict().items() if ".ff_k." not in name}
    ours = found.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name].to(dtype)) for name in ours)


def loads_the_same(folder: Path, image_encoder: Path | None = None, dtype: torch.dtype = torch.float32) -> bool:
    found, made = open_weights(folder, image_encoder), networks()
    return (
        same(found.load_unet(dtype), made.unet, dtype)
        and same(found.load_vae(dtype), made.vae, dtype)
        and same(found.load_image_encoder(dtype), made.image_encoder, dtype)
    )
