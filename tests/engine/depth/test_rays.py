from __future__ import annotations

from math import atan, degrees

import numpy as np
import pytest

from engine.depth.rays import half_width, plane_share
from engine.errors import OpticsError
from engine.frames import Window
from engine.shot import Depth, Key, LensSettings

HALF = 0.5
FIELD = degrees(2 * atan(HALF))


@pytest.mark.parametrize(
    ("window", "pixel_aspect"),
    [
        (Window.of_size(64, 36), 1.0),
        (Window.of_size(64, 72), 2.0),
        (Window(10, 4, 20, 12, 0, 0, 64, 36), 1.0),
        (Window(-8, -4, 80, 44, 0, 0, 64, 36), 1.0),
        (Window(100, 50, 64, 36, 100, 50, 64, 36), 1.3),
    ],
)
def test_a_flat_wall_that_faces_the_camera_has_one_depth(window: Window, pixel_aspect: float) -> None:
    """Ray lengths to a wall 7 away, by geometry: a screen one unit before the camera."""
    step = 2 * HALF / window.display_width
    centre = window.display_x + window.display_width / 2, window.display_y + window.display_height / 2
    x = (np.arange(window.x, window.x + window.width) + 0.5 - centre[0]) * step
    y = (np.arange(window.y, window.y + window.height) + 0.5 - centre[1]) * step / pixel_aspect
    rays = 7 * np.sqrt(x[None, :] ** 2 + y[:, None] ** 2 + 1)
    np.testing.assert_allclose(rays * plane_share(window, HALF, pixel_aspect), 7, rtol=1e-6)


def test_the_field_of_view_is_told_or_the_lenss() -> None:
    lens = LensSettings(focal_length=36.0, f_number=2.0, sensor_width=36.0)
    keyed = lens.model_copy(update={"focal_length": (Key(frame=1, value=18), Key(frame=11, value=36))})
    ray = Depth(measured="ray")
    assert half_width(Depth(), None) is None
    for depth, given, frame in (
        (ray.model_copy(update={"field_of_view": FIELD}), None, 1),
        (ray.model_copy(update={"field_of_view": FIELD}), keyed, 1),
        (ray, lens, 1),
        (ray, keyed, 11),
    ):
        half = half_width(depth, given)
        assert half is not None
        assert half(frame) == pytest.approx(HALF)
    with pytest.raises(OpticsError, match=r"depth\.field_of_view"):
        half_width(ray, None)


def test_squeezed_pixels_change_nothing_on_screen() -> None:
    wide, squeezed = Window.of_size(64, 36), Window.of_size(32, 36)
    np.testing.assert_allclose(
        plane_share(wide, HALF, 1.0).reshape(36, 32, 2).mean(axis=2), plane_share(squeezed, HALF, 2.0), atol=1e-3
    )
