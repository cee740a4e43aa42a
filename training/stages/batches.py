"""Windows of clips as the networks are given them in training.

A frame takes the way that it takes through the any-to-bokeh renderer: lamps and what else the curve cannot hold are
taken out of the plate, and the rest goes through the same resize and the same curve. The truth goes through them too,
less the light that the renderer blurs beside the networks: that is what they must make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from engine.errors import DataSetError, require
from engine.frames import Float32Array, PlateFrame, Window
from engine.optics import Defocus
from engine.renderers.any_to_bokeh.conditioning import network_input
from engine.renderers.any_to_bokeh.finishing import Lens
from engine.renderers.any_to_bokeh.fitting import STEP, Fit
from engine.renderers.any_to_bokeh.highlights import blur_beside, split_light
from engine.renderers.any_to_bokeh.renderer import LOOKS
from engine.renderers.any_to_bokeh.tone import Tone, measure_exposure
from engine.renderers.optical import OpticalRenderer
from engine.runtime import Behaviour, NetworkInput
from engine.shot import Highlights
from training.data.clips import ClipSet, Focusing, OpenClip

__all__ = ["ClipWindows", "Perturbation", "start_worker"]

Perturbation = Literal["none", "paper", "released"]

COLOURS: Final = ("R", "G", "B")


@dataclass(frozen=True, eq=False)
class _Course:
    """One focusing of one clip: what a window is cut from."""

    clip: OpenClip
    focusing: Focusing


@dataclass(frozen=True)
class _View:
    """What of every frame of a window is seen, and how.

    Attributes:
        left, top: of the part that is cut out, in pixels of the plate.
        fit: of that part, in the networks' picture.
        mirrored: whether left and right change places.
        tone: the clip's curve.
    """

    left: int
    top: int
    fit: Fit
    mirrored: bool
    tone: Tone

    def cut(self, image: NDArray[np.float32]) -> Float32Array:
        """The part of (H, W, ...) that is seen."""
        rows, columns = slice(self.top, self.top + self.fit.height), slice(self.left, self.left + self.fit.width)
        return np.ascontiguousarray(image[rows, columns])


class ClipWindows(Dataset[dict[str, Tensor]]):
    """Windows of consecutive frames, one for each focusing of each clip, drawn anew in each epoch.

    Item i depends on the seed, the epoch and i alone, whoever reads it and in whatever order: that is what lets a
    resumed run go on as if it had never stopped. It holds

    * ``picture`` (T, 3, H, W) and ``target`` (T, 3, H, W), display-referred, 0 to 1;
    * ``defocus`` (T, H, W), the distance from the focal plane, 0 to 1;
    * ``strength_embedding`` (T, 32);
    * ``regions`` (T, H, W) uint8, the depth planes, where ``behaviour`` has masks.

    A clip larger than ``size`` is seen from some way between whole and pixel for pixel, and a part of ``size`` is cut
    out anywhere; K follows the scale. One coin decides for the whole window whether it is mirrored. The published
    script mirrors by the number that decides whether the last frame is perturbed, so a mirrored window never ends in a
    perturbed frame.

    Args:
        sets: the clips, in order.
        frames: T.
        size: W and H, multiples of 64.
        behaviour: how K is embedded, and whether there are masks.
        seed: of all that is drawn.
        perturbation: of the disparity that the networks are told, in clips whose focus lies on an element; each frame
            by its own coin. Focus and truth stay as they are (Any-to-Bokeh, section 3.4).
        perturb_probability: of that coin.
        flip: whether windows may be mirrored.
        held_back: the last ``hold_back`` clips, for validation: whole, in their middle, never mirrored nor perturbed;
            otherwise all the others.
        hold_back: clips that are never trained on, counted over all sets.

    Raises:
        DataSetError: there is nothing to train on, or a clip is smaller or shorter than a window.
    """

    def __init__(
        self,
        sets: Sequence[ClipSet],
        frames: int,
        size: tuple[int, int],
        behaviour: Behaviour,
        *,
        seed: int,
        perturbation: Perturbation = "none",
        perturb_probability: float = 0.5,
        flip: bool = True,
        held_back: bool = False,
        hold_back: int = 0,
    ) -> None:
        require(
            min(size) > 0 and not any(side % STEP for side in size),
            DataSetError,
            f"windows of {size[0]}x{size[1]} fit no network; give multiples of {STEP}",
        )
        self._frames, self._size, self._behaviour, self._seed = frames, size, behaviour, seed
        self._perturbation, self._perturb_probability = perturbation, perturb_probability
        self._flip, self._augmented = flip, not held_back
        self._epoch = 0
        clips = [clip for part in sets for clip in part]
        first = max(len(clips) - hold_back, 0)
        chosen = clips[first:] if held_back else clips[:first]
        for clip in chosen:
            self._require_room(clip)
        self._courses = [_Course(clip, focusing) for clip in chosen for focusing in clip.clip.focusings]
        require(
            bool(self._courses),
            DataSetError,
            f"of {len(clips)} finished clips, with {hold_back} held back, none are left to "
            f"{'validate with' if held_back else 'train on'}; make more with rackfocus data make",
        )
        self._exposures: dict[Path, float] = {}

    def __len__(self) -> int:
        return len(self._courses)

    def set_epoch(self, epoch: int) -> None:
        """Draw other windows; a copy in a worker must be told itself."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Window ``index``, as told above.

        Raises:
            MissingFrameError, CorruptError: a file of the clip is not there or cannot be read.
        """
        course = self._courses[index]
        draw = np.random.default_rng((self._seed, self._epoch, index))
        first = int(draw.integers(course.clip.clip.frames - self._frames + 1))
        view = self._view(course.clip, draw)
        given, targets = zip(
            *(self._frame(course, first + place, view, draw) for place in range(self._frames)), strict=True
        )
        item = {
            "picture": _stacked([frame.picture for frame in given], view),
            "defocus": _stacked([frame.defocus for frame in given], view),
            "strength_embedding": torch.from_numpy(np.stack([frame.strength_embedding for frame in given])),
            "target": _stacked(targets, view),
        }
        if self._behaviour.mpi_masks == "threshold":
            item["regions"] = _stacked([frame.regions for frame in given if frame.regions is not None], view)
        return item

    def _require_room(self, clip: OpenClip) -> None:
        seen, (width, height) = clip.clip, self._size
        require(
            seen.width >= width and seen.height >= height and seen.frames >= self._frames,
            DataSetError,
            f"{clip.folder}: the clip has {seen.frames} frames of {seen.width}x{seen.height}, but a window is "
            f"{self._frames} frames of {width}x{height}; train on smaller windows, or make larger clips",
        )

    def _view(self, clip: OpenClip, draw: np.random.Generator) -> _View:
        """A part of the clip; the same numbers are drawn whether they are used or not."""
        (width, height), seen = self._size, clip.clip
        least = max(width / seen.width, height / seen.height)
        far, left, top, coin = draw.uniform(size=4) if self._augmented else (1.0, 0.5, 0.5, 1.0)
        scale = least**far
        columns, rows = min(round(width / scale), seen.width), min(round(height / scale), seen.height)
        return _View(
            left=int(left * (seen.width - columns + 1)),
            top=int(top * (seen.height - rows + 1)),
            fit=Fit(columns, rows, width, height, width, height, 0, 0),
            mirrored=self._flip and coin < 0.5,
            tone=Tone(self._exposure(clip)),
        )

    def _exposure(self, clip: OpenClip) -> float:
        """As the renderer measures it for the shot that the clip is."""
        if clip.folder not in self._exposures:
            last = clip.clip.frames - 1
            spread = sorted({round(step * last / (LOOKS - 1)) for step in range(LOOKS)})
            self._exposures[clip.folder] = measure_exposure(clip.plate(index) for index in spread)
        return self._exposures[clip.folder]

    def _frame(
        self, course: _Course, index: int, view: _View, draw: np.random.Generator
    ) -> tuple[NetworkInput, Float32Array]:
        """What the networks are given of a frame, and (3, H, W) what they are to make of it."""
        clip, focusing, tone, lens = course.clip, course.focusing, view.tone, _plain_lens()
        truth, disparity = clip.bokeh(focusing.name, index), clip.disparity(index)
        window = Window.of_size(clip.clip.width, clip.clip.height)
        focus, strength = focusing.focus[index], focusing.strength[index]
        plate = PlateFrame(index, clip.plate(index)[..., :3], COLOURS, disparity, focus, strength, window)
        radius = lens.radius(plate)
        split = split_light(plate.image, radius, tone, most_drawn=lens.quick.quality.lamps)
        beside = blur_beside(lens.optical, lens.quick, plate, split).light
        seen = truth[..., :3] if beside is None else truth[..., :3] - beside

        told = replace(plate, disparity=view.cut(self._told(course, index, disparity, draw)))
        given = network_input(told, index, view.cut(split.base), lens.radius(told), view.fit, tone, self._behaviour)
        target = tone.encode(view.fit.shrink(view.cut(seen)))
        return given, target.transpose(2, 0, 1)

    def _told(self, course: _Course, index: int, disparity: Float32Array, draw: np.random.Generator) -> Float32Array:
        """The disparity that the networks are told of: perturbed around the element in focus, or as it is."""
        element = course.focusing.element
        if self._perturbation == "none" or not self._augmented or element is None:
            return disparity
        if draw.uniform() >= self._perturb_probability:
            return disparity
        from training.data.perturbation import perturb

        subject = course.clip.matte(element, index) > 0.5
        for nearer in range(1, element):
            subject &= course.clip.matte(nearer, index) <= 0.5
        return perturb(disparity, subject, course.focusing.focus[index], draw, self._perturbation)


def start_worker(_number: int) -> None:
    """For a loader's ``worker_init_fn``: a worker takes one core, since there are as many workers as cores.

    Start workers by ``spawn``: a forked one dies with the first parallel loop if its parent has run one.
    """
    import numba
    import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

    numba.set_num_threads(1)
    oiio.attribute("threads", 1)
    torch.set_num_threads(1)


@cache
def _plain_lens() -> Lens:
    """One for each process, since a renderer can be stopped from another thread and so cannot be sent to a worker."""
    return Lens(OpticalRenderer(), Highlights(), Defocus())


def _stacked(planes: Sequence[NDArray[np.generic]], view: _View) -> Tensor:
    """(T, ..., H, W) of T planes, mirrored where the view is."""
    clip = np.stack([plane[..., ::-1] if view.mirrored else plane for plane in planes])
    return torch.from_numpy(clip)
