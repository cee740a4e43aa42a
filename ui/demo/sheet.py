"""A contact sheet: rows of small pictures with their names, display-encoded, as one PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses

from engine.errors import OutputWriteError
from engine.frames import Float32Array

__all__ = ["Sheet", "developed", "grey"]

PAPER: Final = np.array([0.085, 0.085, 0.09], dtype=np.float32)
INK: Final = (0.88, 0.88, 0.86)
FAINT: Final = (0.56, 0.56, 0.55)

MARGIN: Final = 56
GAP: Final = 14
LABELS: Final = 150
HEADER: Final = 108
COLUMN_NAMES: Final = 34
FOOTER: Final = 64


@dataclass(frozen=True)
class Sheet:
    """What the sheet shows.

    Attributes:
        title, subtitle, footer: lines of text.
        columns: names of the columns.
        rows: name of each row and its pictures, (h, w, 3) float32 in display values, all of one size.
    """

    title: str
    subtitle: str
    footer: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[Float32Array]]

    def write(self, path: Path) -> None:
        """Write the PNG.

        Raises:
            OutputWriteError: the disk does not let it be written.
        """
        page = self._draw()
        page.set_write_format(oiio.UINT8)
        if not page.write(str(path)):
            raise OutputWriteError(f"{path}: the contact sheet cannot be written ({page.geterror()}); check its folder")

    def _draw(self) -> oiio.ImageBuf:
        height, width = next(iter(self.rows.values()))[0].shape[:2]
        left, top = MARGIN + LABELS, MARGIN + HEADER + COLUMN_NAMES
        across = left + len(self.columns) * (width + GAP) - GAP + MARGIN
        down = top + len(self.rows) * (height + GAP) - GAP + FOOTER + MARGIN
        pixels = np.broadcast_to(PAPER, (down, across, 3)).copy()
        for row, pictures in enumerate(self.rows.values()):
            for column, picture in enumerate(pictures):
                y, x = top + row * (height + GAP), left + column * (width + GAP)
                pixels[y : y + height, x : x + width] = picture
        page = oiio.ImageBuf(oiio.ImageSpec(across, down, 3, oiio.FLOAT))
        page.set_pixels(page.roi, pixels)
        self._letter(page, left, top, width, height, down)
        return page

    def _letter(self, page: oiio.ImageBuf, left: int, top: int, width: int, height: int, down: int) -> None:
        """All texts; a machine without fonts gets the pictures alone."""
        _text(page, MARGIN, MARGIN + 34, self.title, 40, INK)
        _text(page, MARGIN, MARGIN + 72, self.subtitle, 21, FAINT)
        _text(page, MARGIN, down - MARGIN, self.footer, 21, FAINT)
        for column, name in enumerate(self.columns):
            _text(page, left + column * (width + GAP), top - 14, name, 19, FAINT)
        for row, name in enumerate(self.rows):
            _text(page, MARGIN, top + row * (height + GAP) + height // 2 + 8, name, 24, INK)


def _text(page: oiio.ImageBuf, x: int, y: int, text: str, size: int, colour: tuple[float, float, float]) -> None:
    oiio.ImageBufAlgo.render_text(page, x, y, text, size, "", (*colour, 1.0))


def developed(image: Float32Array, width: int) -> Float32Array:
    """A scene-linear picture as a small display picture.

    Lamps far above white roll off on a shoulder and keep some of their colour, as a print of it would look; mid-grey
    stays where it is.

    Args:
        image: (H, W, 3 or 4) float32 scene-linear.
        width: of the small picture in pixels.

    Returns:
        (h, width, 3) float32 in 0..1, on the sRGB curve.
    """
    small = np.maximum(_shrunk(image[:, :, :3], width), 0)
    peak = small.max(axis=2, keepdims=True)
    knee = np.float32(0.6)
    over = np.maximum(peak - knee, 0)
    rolled = np.where(peak > knee, knee + (1 - knee) * over / (over + 1 - knee), peak)
    toned = small * (rolled / np.maximum(peak, 1e-6))
    # The very brightest drift to white, as film does.
    whiteness = np.clip((peak - 2) / 30, 0, 0.8)
    toned = toned + (rolled - toned) * whiteness
    return _display(toned)


def grey(plane: Float32Array, width: int) -> Float32Array:
    """A plane of 0..1 values as a small grey display picture."""
    values = np.clip(_shrunk(plane[:, :, None], width), 0, 1)
    return np.repeat(values, 3, axis=2)


def _display(linear: Float32Array) -> Float32Array:
    low = 12.92 * linear
    high = 1.055 * np.power(np.maximum(linear, 0.0031308), 1 / 2.4) - 0.055
    shown: Float32Array = np.clip(np.where(linear <= 0.0031308, low, high), 0, 1).astype(np.float32)
    return shown


def _shrunk(image: Float32Array, width: int) -> Float32Array:
    """Reduced by box filter in linear light; the height follows."""
    source = oiio.ImageBuf(np.ascontiguousarray(image, dtype=np.float32))
    height = round(image.shape[0] * width / image.shape[1])
    roi = oiio.ROI(0, width, 0, height, 0, 1, 0, image.shape[2])
    small = oiio.ImageBufAlgo.resize(source, "box", 0, roi)
    return np.asarray(small.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(height, width, -1)
