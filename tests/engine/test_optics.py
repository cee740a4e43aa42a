from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.curve import Curve
from engine.depth import DepthLimits, focus_curve
from engine.errors import OpticsError
from engine.frames import Window
from engine.optics import WORLD_UNITS, Defocus, circle_of_confusion, lens_strength, screen_width, strength_curve
from engine.shot import Blur, Depth, Focus, FocusKey, Key, LensSettings, Output, Plate, Shot

RAMP = np.linspace(0, 1, 101, dtype=np.float32)[None]
ROUNDING = 2e-6  # of single precision, for radii of about ten pixels


def shot(**fields: object) -> Shot:
    known = {
        "plate": Plate(path="plate.%04d.exr"),
        "focus": Focus(
            keys=(FocusKey(frame=1, distance=4.0, interpolation="linear"), FocusKey(frame=11, distance=2.0))
        ),
        "output": Output(path="out.%04d.exr"),
    }
    return Shot(**(known | fields))  # type: ignore[arg-type]


def no_sample(*_: object) -> float:
    raise AssertionError("no key points at a pixel")


def test_the_radius_is_positive_behind_and_negative_in_front() -> None:
    radius = circle_of_confusion(RAMP, 0.4, 20)
    assert radius.dtype == np.float32
    np.testing.assert_allclose(radius, 20 * (0.4 - RAMP), atol=ROUNDING * 2)
    assert radius[0, 0] > 0 > radius[0, -1]


def test_no_strength_is_no_blur() -> None:
    assert not circle_of_confusion(RAMP, 0.4, 0).any()


def test_blur_grows_from_zero_at_the_border_of_the_range_in_focus() -> None:
    radius = circle_of_confusion(RAMP, 0.5, 10, Defocus(in_focus_range=0.1))[0]
    disparity = RAMP[0]
    inside = np.abs(disparity - 0.5) <= 0.1 - 1e-6
    assert not radius[inside].any()
    far = disparity < 0.4
    np.testing.assert_allclose(radius[far], 10 * (0.4 - disparity[far]), atol=ROUNDING)
    assert np.abs(np.diff(radius)).max() <= 10 * 0.01 + 1e-5  # no jump anywhere


def test_multipliers_act_on_their_own_side() -> None:
    plain = circle_of_confusion(RAMP, 0.5, 10)
    radius = circle_of_confusion(RAMP, 0.5, 10, Defocus(near_multiplier=2, far_multiplier=0.5))
    np.testing.assert_allclose(radius, np.where(plain < 0, plain * 2, plain * 0.5), atol=ROUNDING)


def test_no_radius_passes_the_maximum() -> None:
    radius = circle_of_confusion(RAMP, 0.5, 100, Defocus(near_multiplier=3, maximum_radius=12))
    assert (radius.min(), radius.max()) == (-12, 12)


@pytest.mark.parametrize("strength", [-1, nan, inf])
def test_a_strength_that_no_lens_has_is_refused(strength: float) -> None:
    with pytest.raises(OpticsError, match="K is"):
        circle_of_confusion(RAMP, 0.5, strength)


def test_a_focus_that_is_no_number_is_refused() -> None:
    with pytest.raises(OpticsError, match="focal disparity"):
        circle_of_confusion(RAMP, nan, 1)


@pytest.mark.parametrize(
    "fields", [{"in_focus_range": -1}, {"near_multiplier": nan}, {"far_multiplier": inf}, {"maximum_radius": -2}]
)
def test_an_impossible_defocus_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(OpticsError, match=next(iter(fields))):
        Defocus(**fields)


def test_defocus_is_read_from_the_shot() -> None:
    document = shot(blur=Blur(keys=(Key(frame=1, value=5),)), in_focus_range=0.1, far_multiplier=2, maximum_radius=50)
    assert Defocus.of(document) == Defocus(0.1, 1, 2, 50)
    assert Defocus().is_plain
    assert not Defocus.of(document).is_plain


def test_a_lens_computed_by_hand() -> None:
    # 50 mm at f/2 focused at 2 m; disparity 1 is 1 m, 0 is infinity; 1920 px on 36 mm:
    # 50^2 * 2000 * (1/1000) / (2 * 2 * 1950) mm = 0.641026 mm = 34.188 px.
    assert lens_strength(50, 2, 36, 2, 1, inf, "m", 1920) == pytest.approx(34.18803, abs=1e-4)
    assert lens_strength(50, 2, 36, 200, 100, inf, "cm", 1920) == pytest.approx(34.18803, abs=1e-4)
    # Focus at infinity: f^2 / (2 N) / near.
    assert lens_strength(50, 2, 36, inf, 1, inf, "m", 1920) == pytest.approx(0.625 * 1920 / 36)


@given(
    focal_length=st.floats(8, 400),
    f_number=st.floats(0.7, 32),
    focus=st.floats(0.5, 100),
    near=st.floats(0.1, 10),
    depth_range=st.floats(0.1, 1000) | st.just(inf),
    share=st.floats(0.001, 1),
    unit=st.sampled_from(sorted(WORLD_UNITS)),
)
def test_the_radius_of_a_point_is_that_of_the_thin_lens(
    focal_length: float, f_number: float, focus: float, near: float, depth_range: float, share: float, unit: str
) -> None:
    far = near + depth_range
    z = 1 / (1 / far + share * (1 / near - 1 / far))
    scale = WORLD_UNITS[unit] / 1000  # the same scene in another unit
    s_mm, z_mm = focus * 1000, z * 1000
    if s_mm <= focal_length * 1.01:
        return
    diameter = focal_length**2 / (f_number * (s_mm - focal_length)) * abs(z_mm - s_mm) / z_mm
    strength = lens_strength(focal_length, f_number, 36, focus / scale, near / scale, far / scale, unit, 1000)
    d_f = (1 / focus - 1 / far) / (1 / near - 1 / far)
    assert strength * abs(d_f - share) == pytest.approx(diameter / 2 * 1000 / 36, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"focal_length": 0}, "focal_length"),
        ({"f_number": -2}, "f_number"),
        ({"sensor_width": nan}, "sensor_width"),
        ({"focus_distance": 0.05}, "cannot focus at"),
        ({"focus_distance": -1}, "cannot focus at"),
        ({"near": 0}, "near"),
        ({"far": 0.5}, "far"),
        ({"world_unit": "parsec"}, "world_unit"),
        ({"width_px": 0}, "width"),
    ],
)
def test_what_no_lens_has_is_refused(change: dict[str, object], named: str) -> None:
    lens = {
        "focal_length": 50.0,
        "f_number": 2.0,
        "sensor_width": 36.0,
        "focus_distance": 2.0,
        "near": 1.0,
        "far": inf,
        "world_unit": "m",
        "width_px": 1920.0,
    }
    with pytest.raises(OpticsError, match=named):
        lens_strength(**(lens | change))


def test_keys_of_k_are_followed_and_never_swing_below_zero() -> None:
    keys = (
        Key.model_validate({"frame": 1, "value": 0, "right": {"frames": 3, "value": -9}}),
        Key(frame=11, value=10, interpolation="linear"),
    )
    document = shot(blur=Blur(keys=keys))
    strength = strength_curve(document, 1920, DepthLimits(1, inf))
    assert strength(11) == 10
    assert strength(3) == 0
    assert Curve.of(keys)(3) < 0


def test_k_of_a_lens_follows_the_focus_distance_of_the_frame() -> None:
    document = shot(lens=LensSettings(focal_length=50, f_number=2))
    limits = DepthLimits(1, inf)
    focus = focus_curve(document, limits, no_sample)
    strength = strength_curve(document, 1920, limits, focus)
    assert strength(1) == pytest.approx(lens_strength(50, 2, 36, 4, 1, inf, "m", 1920))
    assert strength(11) == pytest.approx(lens_strength(50, 2, 36, 2, 1, inf, "m", 1920))
    # Halfway in disparity between 1/4 and 1/2 lies 8/3 m.
    assert strength(6) == pytest.approx(lens_strength(50, 2, 36, 8 / 3, 1, inf, "m", 1920))


def test_a_zoom_and_an_iris_can_be_keyed() -> None:
    zoom = (Key(frame=1, value=35, interpolation="linear"), Key(frame=11, value=85))
    document = shot(lens=LensSettings(focal_length=zoom, f_number=(Key(frame=1, value=4),)), depth=Depth(near=1, far=9))
    limits = DepthLimits(1, 9)
    strength = strength_curve(document, 2048, limits, lambda _: 0.5)
    distance = limits.distance_at(0.5, document.depth)
    assert strength(6) == pytest.approx(lens_strength(60, 4, 36, distance, 1, 9, "m", 2048))


def test_inverse_depth_gives_a_lens_its_distances() -> None:
    document = shot(lens=LensSettings(focal_length=50, f_number=2), depth=Depth(convention="inverse"))
    strength = strength_curve(document, 1920, DepthLimits(1, 0), lambda _: 0.5)
    assert strength(1) == pytest.approx(lens_strength(50, 2, 36, 2, 1, inf, "m", 1920))


def test_the_frame_where_a_lens_cannot_focus_is_named() -> None:
    document = shot(lens=LensSettings(focal_length=50, f_number=2, world_unit="mm"))
    strength = strength_curve(document, 1920, DepthLimits(1, inf), lambda _: 0.5)
    with pytest.raises(OpticsError, match="frame 1017: a lens of 50 mm cannot focus at 2 mm"):
        strength(1017)


def test_a_lens_without_a_focus_says_so() -> None:
    document = shot(lens=LensSettings(focal_length=50, f_number=2))
    with pytest.raises(OpticsError, match="focus"):
        strength_curve(document, 1920, DepthLimits(1, inf))


@pytest.mark.parametrize("squeeze", [0.5, 1.33, 1.8, 2.0, 4.0])
@pytest.mark.parametrize("focus", [0.0, 0.3, 1.0])
def test_a_real_lens_on_an_anamorphic_plate_has_the_k_of_the_picture_as_it_is_seen(
    squeeze: float, focus: float
) -> None:
    document = shot(
        lens=LensSettings(focal_length=85.0, f_number=1.4, sensor_width=36.0), depth=Depth(convention="distance")
    )
    limits = DepthLimits(1.5, inf)
    square = strength_curve(document, screen_width(Window.of_size(2400, 1000), 1.0), limits, lambda _: focus)
    squeezed_window = Window.of_size(round(2400 / squeeze), 1000)
    squeezed = strength_curve(
        document, screen_width(squeezed_window, 2400 / squeezed_window.width), limits, lambda _: focus
    )
    assert squeezed(1) == pytest.approx(square(1), rel=1e-12)
    assert square(1) > 0


def test_only_the_display_window_counts_for_the_width_of_the_sensor() -> None:
    assert screen_width(Window(-20, 0, 1040, 500, 0, 0, 1000, 500), 2.0) == 2000
