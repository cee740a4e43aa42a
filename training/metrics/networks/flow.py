"""Motion between two pictures: by a scripted RAFT, or by OpenCV's DIS, each under its own name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from engine.errors import DependencyError, FormatError, require
from engine.frames import Float32Array
from training.metrics.networks.files import answer_error, asked, read_script
from training.metrics.preservation import GREY

__all__ = ["DisFlow", "ScriptedFlow"]

_MULTIPLE: Final = 8
_DIS_LEAST: Final = 16


class DisFlow:
    """Dense inverse search on 8-bit grey, OpenCV's preset "medium": the stand-in where no weights are given.

    Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse search", 2016. It blurs motion at
    silhouettes and misses small fast things; it is repeatable and needs no file.

    Raises:
        DependencyError: OpenCV is not installed.
    """

    name = "DIS"

    def __init__(self) -> None:
        try:
            import cv2
        except ImportError as error:
            raise DependencyError(
                "flow by DIS needs opencv-python-headless; install the extra: pip install -c constraints.txt '.[train]'"
            ) from error
        self._search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, first: Float32Array, second: Float32Array) -> Float32Array:
        """(H, W, 2) pixels to the right and down; see :class:`training.metrics.flow.Flow`.

        Raises:
            FormatError: the pictures are smaller than 16x16.
        """
        height, width = first.shape[:2]
        require(
            min(height, width) >= _DIS_LEAST,
            FormatError,
            f"the pictures are {width}x{height}; flow by DIS needs {_DIS_LEAST}x{_DIS_LEAST} or larger",
        )
        flow: Float32Array = self._search.calc(_grey(first), _grey(second), None)
        return flow


def _grey(picture: Float32Array) -> NDArray[np.uint8]:
    weighted = picture[..., :3] @ GREY if picture.shape[-1] >= 3 else picture[..., 0]
    return np.rint(weighted * 255).astype(np.uint8)


class ScriptedFlow:
    """A flow network in a TorchScript file, such as torchvision's ``raft_large`` after ``torch.jit.script``.

    It is called with two pictures (1, 3, H, W) in -1..1, H and W multiples of 8 (the borders repeated), and answers
    with (1, 2, H, W) pixels, or with a list or tuple of which that is the last.

    Args:
        path: of the file.
        name: for tables.
        device: where it runs.

    Raises:
        WeightsError: the file cannot be used.
    """

    def __init__(self, path: str | Path, name: str = "RAFT", device: str = "cpu") -> None:
        self.name = name
        self._path, self._device = Path(path), device
        self._network = read_script(path, device)

    def __call__(self, first: Float32Array, second: Float32Array) -> Float32Array:
        """(H, W, 2) pixels to the right and down; see :class:`training.metrics.flow.Flow`.

        Raises:
            WeightsError: the network cannot take the pictures, or answers with something else.
        """
        height, width = first.shape[:2]
        found = asked(self._network, self._path, self._ready(first), self._ready(second))
        if isinstance(found, list | tuple) and found:
            found = found[-1]
        if not isinstance(found, Tensor) or found.ndim != 4 or found.shape[1] != 2 or found.shape[2] < height:
            raise answer_error(self._path, found, "flow (1, 2, H, W)")
        flow: Float32Array = found[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        return flow

    def _ready(self, picture: Float32Array) -> Tensor:
        height, width = picture.shape[:2]
        plane = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].to(self._device)
        return pad(plane * 2 - 1, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE), mode="replicate")
