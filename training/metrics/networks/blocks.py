"""What networks say of blocks of frames, for the Fréchet distances between videos (FVD, VFID)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.errors import CorruptWeightsError, MissingWeightsError, require
from engine.frames import Float32Array
from training.metrics.networks.files import answer_error, asked, read_script, said
from training.metrics.pictures import Float64Array

__all__ = ["ScriptedBlocks", "VideoMaeBlocks"]

_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)

Scale = Literal["-1..1", "0..1"]


class ScriptedBlocks:
    """A video network in a TorchScript file: I3D or ResNeXt-101 for VFID, or any other.

    It is called with (1, 3, T, S, S) and answers with (1, D), or with (1, D, ...), of which the mean over all but
    the features is taken, as VFID does over time. Frames are made S x S by bilinear interpolation, whatever their
    shape, with red, green and blue in this order (the program released with Any-to-Bokeh hands over blue, green, red).

    Args:
        path: of the file.
        frames: T; 10 for VFID, 16 for most networks of FVD.
        size: S.
        scale: what values run over; -1..1 for VFID.
        device: where it runs.

    Raises:
        WeightsError: the file cannot be used.
    """

    def __init__(
        self, path: str | Path, frames: int = 10, size: int = 224, scale: Scale = "-1..1", device: str = "cpu"
    ) -> None:
        self.frames = frames
        self._path, self._size, self._scale, self._device = Path(path), size, scale, device
        self._network = read_script(path, device)

    def prepare(self, picture: Float32Array) -> Float32Array:
        """(H, W, 3) in display values to (3, S, S)."""
        return _resized(picture, self._size)

    def describe(self, block: list[Float32Array]) -> Float64Array:
        """(D,) of a block of prepared frames.

        Raises:
            WeightsError: the network cannot take the block, or answers with something else.
        """
        clip = torch.from_numpy(np.stack(block, axis=1))[None].to(self._device)
        found = asked(self._network, self._path, clip * 2 - 1 if self._scale == "-1..1" else clip)
        if not isinstance(found, Tensor) or found.ndim < 2 or found.shape[0] != 1:
            raise answer_error(self._path, found, "features (1, D)")
        features: Float64Array = found[0].flatten(1).mean(1).double().cpu().numpy() if found.ndim > 2 else _flat(found)
        return features


class VideoMaeBlocks:
    """A VideoMAE encoder in a local folder of transformers: the mean over its tokens is the feature.

    Frames are resized like those of :class:`ScriptedBlocks` and normalised as ImageNet's, which such encoders are
    trained on. The package cd-fvd, whose numbers Any-to-Bokeh gives, asks another network (VideoMAE V2 giant, tuned on
    Something-Something V2) with values in 0..1; script that one for :class:`ScriptedBlocks` to compare with them.

    Args:
        folder: with ``config.json`` and the weights.
        device: where it runs.

    Raises:
        WeightsError: the folder cannot be used.
    """

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        from transformers import VideoMAEModel

        config = Path(folder) / "config.json"
        require(config.is_file(), MissingWeightsError, f"{config}: there is none; give the folder of a VideoMAE model")
        try:
            network: Any
            network, loading = VideoMAEModel.from_pretrained(
                str(folder), local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise CorruptWeightsError(
                f"{folder}: holds no VideoMAE model ({said(error)}); download it again"
            ) from error
        missing = sorted(loading["missing_keys"])
        # transformers fills what a file lacks with random numbers and only warns.
        require(
            not missing,
            MissingWeightsError,
            f"{folder}: lacks {', '.join(missing[:3])} ({len(missing)} tensors in all); give a whole VideoMAE model",
        )
        self._network = network.to(device).eval()
        self._device = device
        self._size = int(network.config.image_size)
        self.frames = int(network.config.num_frames)

    def prepare(self, picture: Float32Array) -> Float32Array:
        """(H, W, 3) in display values to (3, S, S)."""
        small = _resized(picture, self._size)
        mean, deviation = (np.array(v, np.float32)[:, None, None] for v in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))
        ready: Float32Array = (small - mean) / deviation
        return ready

    def describe(self, block: list[Float32Array]) -> Float64Array:
        """(D,) of a block of prepared frames."""
        clip = torch.from_numpy(np.stack(block))[None].to(self._device)
        with torch.inference_mode():
            tokens: Tensor = self._network(clip).last_hidden_state
        return _flat(tokens.mean(1))


def _resized(picture: Float32Array, size: int) -> Float32Array:
    plane = torch.from_numpy(np.ascontiguousarray(picture[..., :3])).permute(2, 0, 1)[None]
    small: Float32Array = interpolate(plane, (size, size), mode="bilinear", align_corners=False)[0].numpy()
    return small


def _flat(features: Tensor) -> Float64Array:
    flat: Float64Array = features[0].double().cpu().numpy()
    return flat
