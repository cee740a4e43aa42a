"""Writing a folder of weights in the published layout: whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from engine.errors import MissingWeightsError, OutputExistsError, OutputWriteError, require
from engine.files import flush_open, whole_folder
from engine.networks.image_encoder import ImageEncoder
from engine.networks.layout import CONFIG
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE, C, M, NetworkKind
from engine.networks.tensor_files import named
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE

__all__ = ["require_room", "save_weights", "write_safetensors"]

_PARTS: Final = frozenset({"unet", "vae", "image_encoder"})
"""All that a folder may hold that is replaced."""

_TYPES: Final = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.uint8: "U8",
}


def save_weights(
    folder: str | Path,
    unet: AnyToBokehUNet,
    vae: AnyToBokehVAE,
    image_encoder: ImageEncoder,
    dtype: torch.dtype | None = None,
    *,
    overwrite: bool = False,
    step: Callable[[], None] = lambda: None,
) -> None:
    """Write ``unet/unet``, ``vae`` and ``image_encoder``, each with ``config.json`` and one safetensors file.

    Everything is written beside the folder first and gets its name when it is whole and on the disk.

    Args:
        folder: where to; made with the folders that it lies in.
        unet: weights on any device.
        vae: weights on any device.
        image_encoder: weights on any device.
        dtype: to store floating-point tensors in; their own when None.
        overwrite: replace a folder that holds something.
        step: called before each tensor; what it raises ends the work and leaves nothing behind.

    Raises:
        MissingWeightsError: a network has dropped weights that it does not need itself but a folder does.
        OutputExistsError: the folder holds something and ``overwrite`` is not set, or holds other things than
            weights, or is no folder.
        OutputWriteError: it cannot be written.
    """
    place = Path(folder).expanduser().absolute()
    require_room(place, overwrite)
    _require_whole(UNET, unet.config, unet)
    _require_whole(VAE, vae.config, vae)
    _require_whole(IMAGE_ENCODER, image_encoder.config, image_encoder)
    parts: tuple[tuple[str, nn.Module, dict[str, Any]], ...] = (
        ("unet/unet/diffusion_pytorch_model", unet, _unet_config(unet)),
        ("vae/diffusion_pytorch_model", vae, _vae_config(vae)),
        ("image_encoder/model", image_encoder, _clip_config(image_encoder)),
    )
    with whole_folder(place) as temporary:
        for stem, network, config in parts:
            path = temporary / f"{stem}.safetensors"
            path.parent.mkdir(parents=True)
            (path.parent / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            write_safetensors(path, network.state_dict(), dtype, step)


def write_safetensors(
    path: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype | None, step: Callable[[], None] = lambda: None
) -> None:
    """Write a safetensors file tensor by tensor and flush it to the disk; only one is copied or cast at a time.

    The same tensors give the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    kinds = {name: dtype if dtype and tensor.is_floating_point() else tensor.dtype for name, tensor in tensors.items()}
    # Wide types first, as the format's own library does, so that every tensor starts at a multiple of its width.
    order = sorted(tensors, key=lambda name: (-kinds[name].itemsize, name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in order:
        begin, end = end, end + tensors[name].numel() * kinds[name].itemsize
        header[name] = {
            "dtype": _TYPES[kinds[name]],
            "shape": list(tensors[name].shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            step()
            tensor = tensors[name].detach().to("cpu", kinds[name]).contiguous()
            file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)
        flush_open(file)


def _unet_config(unet: AnyToBokehUNet) -> dict[str, Any]:
    """What diffusers wants to know beside our own entries."""
    levels = len(unet.config.block_out_channels)
    return {
        "_class_name": "UNetSpatioTemporalConditionModel",
        "down_block_types": ["CrossAttnDownBlockSpatioTemporal"] * (levels - 1) + ["DownBlockSpatioTemporal"],
        "up_block_types": ["UpBlockSpatioTemporal"] + ["CrossAttnUpBlockSpatioTemporal"] * (levels - 1),
        "transformer_layers_per_block": 1,
        "num_frames": 25,
        "sample_size": unet.config.rackfocus_size[0] // 8,
        **unet.config.to_json(),
    }


def _vae_config(vae: AnyToBokehVAE) -> dict[str, Any]:
    return {
        "_class_name": "AutoencoderKLTemporalDecoder",
        "down_block_types": ["DownEncoderBlock2D"] * len(vae.config.block_out_channels),
        "sample_size": 768,
        **vae.config.to_json(),
    }


def _clip_config(encoder: ImageEncoder) -> dict[str, Any]:
    return {
        "architectures": ["CLIPVisionModelWithProjection"],
        "model_type": "clip_vision_model",
        **encoder.config.to_json(),
    }


def require_room(folder: Path, overwrite: bool) -> None:
    """Make sure that a folder may be written: before hours of work rather than after.

    Raises:
        OutputExistsError: it holds something and ``overwrite`` is not set, or other things than weights, or is
            no folder.
        OutputWriteError: it cannot be looked at.
    """
    place = folder.expanduser().absolute()
    try:
        if place.exists() and not place.is_dir():
            raise OutputExistsError(f"{place} is a file; choose another folder")
        held = {entry.name for entry in place.iterdir()} if place.is_dir() else set()
        if held and not overwrite:
            raise OutputExistsError(f"{place} is not empty; choose another folder, or overwrite it")
        if held - _PARTS:
            raise OutputExistsError(
                f"{place} holds {sorted(held - _PARTS)[0]} beside weights and is not replaced; choose another folder"
            )
    except OSError as error:
        raise OutputWriteError(f"{place} cannot be written ({error.strerror}); choose another folder") from error


def _require_whole(kind: NetworkKind[C, M], config: C, network: nn.Module) -> None:
    lost = sorted(kind.shapes(config).keys() - network.state_dict().keys())
    require(not lost, MissingWeightsError, f"a {kind.title} without {named(lost)} is not saved; save it whole")
