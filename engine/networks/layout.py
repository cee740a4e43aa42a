"""Where the networks lie in a folder of weights. Looks at names only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import MissingWeightsError, require

__all__ = ["CONFIG", "Places", "find_image_encoder", "find_places", "find_svd_unet"]

CONFIG: Final = "config.json"
"""What makes a folder the folder of a network."""

_PUBLISHER: Final = "stable-video-diffusion"


@dataclass(frozen=True)
class Places:
    """The folders of U-Net and autoencoder, each with a ``config.json``."""

    unet: Path
    vae: Path


def find_places(folder: Path) -> Places:
    """The two networks of Any-to-Bokeh in a folder of weights.

    The published folder doubles the U-Net's: ``unet/unet/config.json``; ``unet/config.json`` does as well.

    Raises:
        MissingWeightsError: one of them is not there; says which folder to give, where it can be told.
    """
    _require_folder(folder)
    unet, vae = _unet(folder), _network(folder / "vae")
    if unet is not None and vae is not None:
        return Places(unet, vae)
    for place in (folder / "unet", folder / "unet" / "unet", folder / "vae"):
        _require_readable(place)
    lacks = [f"{name}/{CONFIG}" for name, found in (("unet", unet), ("vae", vae)) if found is None]
    raise MissingWeightsError(f"{folder} has no {' and no '.join(lacks)}; {_advice(folder)}")


def find_image_encoder(folder: Path, given: Path | None) -> Path:
    """The folder of the image encoder, which is Stable Video Diffusion's.

    Args:
        folder: of the weights. ``image_encoder/`` in it, in a folder in it, and in a folder beside it are looked at;
            not in weights of Any-to-Bokeh beside it, which are another network's.
        given: a Stable Video Diffusion folder or the image encoder's own, where the operator named one; nothing else
            is looked at then. Both may be a Hugging Face cache (``models--.../snapshots/...``).

    Raises:
        MissingWeightsError: there is none; names the places.
    """
    if given is not None:
        _require_folder(given)
        for place in (given / "image_encoder", *_cached(given), given):
            if _network(place) is not None and (place != given or _unet(given) is None):
                return place
        raise MissingWeightsError(
            f"{given} holds no image encoder (neither image_encoder/{CONFIG} nor {CONFIG}); "
            "give the Stable Video Diffusion folder"
        )
    _require_readable(folder / "image_encoder")
    beside = [place for place in _children(folder.absolute().parent) if _network(place / "unet" / "unet") is None]
    for root in (folder, *_children(folder), *beside):
        for place in (root / "image_encoder", *_cached(root)):
            if _network(place) is not None:
                return place
    raise MissingWeightsError(
        f"no image encoder was found: {folder / 'image_encoder'} is not there, and neither the folders in {folder} nor "
        f"those beside it hold image_encoder/{CONFIG}; give the Stable Video Diffusion folder as image_encoder"
    )


def find_svd_unet(image_encoder: Path) -> Path | None:
    """The original U-Net beside Stable Video Diffusion's image encoder, where the folder has it."""
    return _network(image_encoder.parent / "unet")


def _unet(folder: Path) -> Path | None:
    return _network(folder / "unet" / "unet") or _network(folder / "unet")


def _network(folder: Path) -> Path | None:
    try:
        return folder if (folder / CONFIG).is_file() else None
    except OSError:
        return None


def _cached(folder: Path) -> Iterator[Path]:
    """Image encoders of the snapshots in a Hugging Face cache, or in one of its models."""
    for snapshots in (
        folder / "snapshots",
        folder / "models--stabilityai--stable-video-diffusion-img2vid-xt/snapshots",
    ):
        for snapshot in _children(snapshots):
            yield snapshot / "image_encoder"


def _children(folder: Path) -> list[Path]:
    """Folders in a folder, those named after Stable Video Diffusion first, else by name."""
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.endswith(".partial")]
    except OSError:
        return []
    return sorted(found, key=lambda entry: (_PUBLISHER not in entry.name, entry.name))


def _require_readable(folder: Path) -> None:
    """Tell a folder that is there and closed from one that is not there."""
    try:
        if folder.is_dir():
            _require_folder(folder)
    except OSError:
        _require_folder(folder.parent)


def _require_folder(folder: Path) -> None:
    try:
        exists, is_folder = folder.exists(), folder.is_dir()
        if is_folder:
            next(folder.iterdir(), None)
    except OSError as error:
        raise MissingWeightsError(f"{folder} cannot be read ({error.strerror}); let it be read") from error
    require(exists, MissingWeightsError, f"{folder} does not exist; give the folder of the weights")
    unpack = "unpack it and give the folder" if folder.suffix in (".zip", ".tar", ".gz") else "give the folder"
    require(is_folder, MissingWeightsError, f"{folder} is a file, not a folder of weights; {unpack}")


def _advice(folder: Path) -> str:
    around = (folder.absolute().parent, folder.absolute().parent.parent, *_children(folder))
    for place in around:
        if _unet(place) is not None and _network(place / "vae") is not None:
            return f"give {place}, which has both"
    return "give the folder that holds unet and vae"
