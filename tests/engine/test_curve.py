from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bezier import Segment, solve_time
from engine.curve import Curve, CurveKey, Extrapolation, Interpolation
from engine.errors import KeysError
from engine.shot import Key

INTERPOLATIONS = get_args(Interpolation)
EXTRAPOLATIONS = get_args(Extrapolation)

ROUNDING = 1e-9  # of values up to 1000: about ten thousand times the spacing of floats


def offsets(sign: int) -> st.SearchStrategy[tuple[float, float] | None]:
    frames = st.floats(0, 60).map(lambda size: sign * size)
    return st.none() | st.tuples(frames, st.floats(-200, 200))


@st.composite
def curves(draw: st.DrawFn, interpolations: tuple[str, ...] = INTERPOLATIONS) -> Curve:
    frames = draw(st.lists(st.integers(-200, 1200), min_size=1, max_size=6, unique=True).map(sorted))
    keys = tuple(
        CurveKey(
            float(frame),
            draw(st.floats(-500, 500)),
            draw(st.sampled_from(interpolations)),
            draw(offsets(-1)),
            draw(offsets(1)),
        )
        for frame in frames
    )
    return Curve(keys, draw(st.sampled_from(EXTRAPOLATIONS)), draw(st.sampled_from(EXTRAPOLATIONS)))


def two_keys(interpolation: Interpolation) -> Curve:
    return Curve((CurveKey(1000, 10, interpolation), CurveKey(1010, 20)))


@pytest.mark.parametrize(
    ("interpolation", "closed_form"),
    [
        ("constant", lambda _: 0.0),
        ("linear", lambda t: t),
        ("bezier", lambda t: 3 * t**2 - 2 * t**3),
        ("ease-in", lambda t: t**2),
        ("ease-out", lambda t: 1 - (1 - t) ** 2),
        ("ease-in-out", lambda t: 3 * t**2 - 2 * t**3),
        ("settle", lambda t: 1 - (1 - t) ** 3),
    ],
)
def test_each_interpolation_is_its_closed_form(
    interpolation: Interpolation, closed_form: Callable[[float], float]
) -> None:
    curve = two_keys(interpolation)
    for step in range(100):
        assert curve(1000 + step / 10) == pytest.approx(10 + 10 * closed_form(step / 100), abs=1e-12)
    assert curve(1010) == 20


def test_two_automatic_keys_are_what_blender_shows() -> None:
    # Blender 3.4.1 and 5.0.1: fcurves[0].evaluate(1001..1005) of two new keys.
    curve = Curve((CurveKey(1001, 1), CurveKey(1005, 9)))
    assert [curve(frame) for frame in range(1001, 1006)] == pytest.approx([1, 2.25, 5, 7.75, 9], abs=1e-12)


@pytest.mark.parametrize(
    ("right", "left", "seen_in_blender"),
    [
        # Blender 3.4.1, keys 1001 -> 0 and 1011 -> 10, free handles, evaluate(1002..1010).
        ((8, 0), (-8, 0), [0.059244, 0.277381, 0.766121, 1.842844, 5, 8.157156, 9.233879, 9.72262, 9.940756]),
        ((20, 4), (-5, -5), [0.214653, 0.465271, 0.76653, 1.144708, 1.654662, 2.446407, 4.227474, 7.232, 8.86517]),
        ((20, 4), (-15, -5), [0.225139, 0.51681, 0.919007, 1.554578, 4.5, 7.787416, 8.623876, 9.194569, 9.636634]),
        ((4, 4), (-5, -1), [1.086304, 2.349806, 3.76581, 5.240978, 6.621777, 7.777021, 8.662124, 9.298785, 9.730716]),
    ],
)
def test_free_handles_are_what_blender_shows_even_past_the_next_key(
    right: tuple[float, float], left: tuple[float, float], seen_in_blender: list[float]
) -> None:
    curve = Curve((CurveKey(1001, 0, right=right), CurveKey(1011, 10, left=left)))
    # Blender evaluates in single precision.
    assert [curve(frame) for frame in range(1002, 1011)] == pytest.approx(seen_in_blender, abs=2e-3)


def test_linear_extrapolation_of_automatic_keys_is_what_blender_shows() -> None:
    # Blender 3.4.1, extrapolation LINEAR, evaluate(995..1001) and evaluate(1025..1030).
    curve = Curve((CurveKey(1001, 1), CurveKey(1009, 2), CurveKey(1013, 8), CurveKey(1025, 9)), "linear", "linear")
    assert [curve(f) for f in range(995, 1002)] == pytest.approx([0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1])
    expected = [9, 9.083333, 9.166667, 9.25, 9.333333, 9.416667]
    assert [curve(f) for f in range(1025, 1031)] == pytest.approx(expected, abs=1e-5)


def test_linear_extrapolation_goes_on_with_the_end_tangent() -> None:
    keys = (CurveKey(0, 0, "linear"), CurveKey(10, 20, "ease-in"), CurveKey(20, 30))
    curve = Curve(keys, "linear", "linear")
    assert curve(-5) == pytest.approx(-10)
    assert curve(25) == pytest.approx(30 + 5 * 2)  # the slope of t^2 at its end, in values a frame
    held = Curve(keys)
    assert (held(-5), held(25)) == (0, 30)


def test_a_step_and_an_upright_handle_hold_beyond_the_end() -> None:
    assert Curve((CurveKey(0, 1, "constant"), CurveKey(10, 5)), "linear", "hold")(-7) == 1
    assert Curve((CurveKey(0, 1), CurveKey(10, 5, left=(0, -3))), "hold", "linear")(90) == 5


def test_automatic_keys_never_overshoot() -> None:
    values = [0, 1, 1.01, 10, 10, 3, 2.5, -4]
    curve = Curve(tuple(CurveKey(10 * at, value) for at, value in enumerate(values)))
    for at, (before, after) in enumerate(pairwise(values)):
        for step in range(11):
            here = curve(10 * at + step)
            assert min(before, after) - 1e-12 <= here <= max(before, after) + 1e-12


def test_an_automatic_handle_does_not_overshoot_for_the_sake_of_a_steep_one() -> None:
    curve = Curve((CurveKey(0, 0), CurveKey(100, 1, right=(1e-5, 4))))
    assert all(0 <= curve(frame) <= 1 for frame in range(100))


def test_an_automatic_handle_continues_the_handle_across_the_key() -> None:
    curve = Curve((CurveKey(0, 0), CurveKey(10, 5, left=(-2, -6)), CurveKey(20, 35)))
    slope_before = (curve(10) - curve(10 - 1e-6)) / 1e-6
    slope_after = (curve(10 + 1e-6) - curve(10)) / 1e-6
    assert slope_before == pytest.approx(slope_after, abs=1e-3)
    assert slope_after == pytest.approx(3, abs=1e-3)


@given(curves())
def test_the_curve_passes_exactly_through_its_keys(curve: Curve) -> None:
    for key in curve.keys:
        assert curve(key.frame) == key.value


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=300)
def test_time_is_solved_to_a_billionth(u: float, a: float, b: float) -> None:
    t = solve_time(u, a, b)
    assert 0 <= t <= 1
    time = 3 * a * t * (1 - t) ** 2 + 3 * b * t * t * (1 - t) + t**3
    assert abs(time - u) < 1e-9


@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=9).map(sorted))
def test_time_never_runs_backwards(a: float, b: float, times: list[float]) -> None:
    solved = [solve_time(u, a, b) for u in times]
    for before, after in pairwise(solved):
        assert after >= before - 1e-6


@given(curves(("linear", "bezier", "ease-in", "settle")), st.integers(-50, 50), st.floats(-260, 1260))
def test_moving_all_keys_moves_the_curve(curve: Curve, frames: set[int], at: float) -> None:
    moved = Curve(
        tuple(CurveKey(k.frame + frames, k.value, k.interpolation, k.left, k.right) for k in curve.keys),
        curve.before,
        curve.after,
    )
    # Near an upright tangent the value answers to the last bit of the time.
    assert moved(at + frames) == pytest.approx(curve(at), abs=1e-2, rel=1e-6)


@given(curves(), st.lists(st.floats(-300, 1300), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_evaluation_does_not_matter(curve: Curve, frames: set[int], chance: random.Random) -> None:
    straight = {frame: curve(frame) for frame in frames}
    shuffled = list(frames)
    chance.shuffle(shuffled)
    assert {frame: curve(frame) for frame in shuffled} == straight


@given(curves(), st.tuples(st.integers(-250, 1250), st.integers(1, 400)), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_cutting_keeps_the_shape_between_in_and_out(curve: Curve, clip: tuple[int, int], chance: random.Random) -> None:
    first, last = float(clip[0]), float(clip[0] + clip[1])
    cut = curve.trim(first, last)
    assert (cut.keys[0].frame, cut.keys[-1].frame) == (first, last)
    for _ in range(10):
        frame = chance.uniform(first, last)
        assert cut(frame) == pytest.approx(curve(frame), abs=1e-2, rel=1e-6)
    assert cut(first - 100) == cut(first) == pytest.approx(curve(first), rel=ROUNDING, abs=ROUNDING)
    assert cut(last + 100) == cut(last) == curve(last)


def test_a_handle_of_next_to_no_length_stands_upright() -> None:
    curve = Curve((CurveKey(0.0, 0.0, right=(5e-324, 1.0)),), after="linear")
    assert curve(1.0) == 0.0
    curve = Curve((CurveKey(0.0, 0.0, left=(-5e-324, 1.0)), CurveKey(10.0, 5.0)), before="linear")
    assert math.isfinite(curve(-100.0))


def test_cutting_a_smooth_curve_is_exact() -> None:
    curve = Curve((CurveKey(0, 0, right=(4, 1)), CurveKey(10, 10, left=(-5, 2)), CurveKey(30, -5)), "linear", "linear")
    cut = curve.trim(-3, 17)
    for step in range(201):
        assert cut(-3 + step / 10) == pytest.approx(curve(-3 + step / 10), abs=ROUNDING)


def test_cutting_to_one_frame_leaves_its_value() -> None:
    curve = two_keys("linear")
    assert curve.trim(1005, 1005).keys == (CurveKey(1005, 15),)


@given(curves(), st.integers(-100, 100), st.integers(1, 900))
def test_expanding_stretches_time_and_keeps_values(curve: Curve, first: int, length: int) -> None:
    stretched = curve.trim(first, first + length, "expand")
    assert [key.value for key in stretched.keys] == [key.value for key in curve.keys]
    assert stretched.keys[0].frame == first
    if len(curve.keys) > 1:
        start, end = curve.keys[0].frame, curve.keys[-1].frame
        assert stretched.keys[-1].frame == first + length
        for share in (0.1, 0.37, 0.8):
            here, there = start + share * (end - start), first + share * length
            if min(abs(key.frame - here) for key in curve.keys) > 1e-6:
                assert stretched(there) == pytest.approx(curve(here), abs=1e-2, rel=1e-6)


def test_a_split_is_the_subdivision_of_de_casteljau() -> None:
    segment = Segment((0, 2, 5, 12), (1, 7, -3, 4), "bezier")
    before, after = segment.split(4)
    t = solve_time(4 / 12, 2 / 12, 5 / 12)
    ab, bc, cd = 1 + 6 * t, 7 - 10 * t, -3 + 7 * t
    abc, bcd = ab + (bc - ab) * t, bc + (cd - bc) * t
    assert before.values == pytest.approx((1, ab, abc, abc + (bcd - abc) * t))
    assert after.values == pytest.approx((abc + (bcd - abc) * t, bcd, cd, 4))
    assert before.frames[3] == after.frames[0] == 4


def test_a_flat_curve_is_flat_to_the_last_bit() -> None:
    curve = Curve((CurveKey(0, 0.1, right=(7, 0)), CurveKey(10, 0.1, left=(-9, 0))))
    assert {curve(random.Random(3).uniform(0, 10)) for _ in range(50)} == {0.1}


def test_keys_out_of_order_are_named() -> None:
    with pytest.raises(KeysError, match="frame 1001 follows the key at frame 1005"):
        Curve((CurveKey(1005, 0), CurveKey(1001, 0)))
    with pytest.raises(KeysError, match="frame 3 follows the key at frame 3"):
        Curve((CurveKey(3, 0), CurveKey(3, 1)))


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (CurveKey(1, float("nan")),),
        (CurveKey(float("inf"), 1),),
        (CurveKey(1, 1, left=(2, 0)),),
        (CurveKey(1, 1, right=(-2, 0)),),
    ],
)
def test_impossible_keys_are_refused(keys: tuple[CurveKey, ...]) -> None:
    with pytest.raises(KeysError):
        Curve(keys)


def test_impossible_cuts_are_refused() -> None:
    curve = two_keys("linear")
    with pytest.raises(KeysError):
        curve.trim(5, 1)
    with pytest.raises(KeysError):
        curve.trim(5, 5, "expand")
    with pytest.raises(KeysError):
        curve(float("nan"))


def test_keys_of_the_shot_document_make_the_same_curve() -> None:
    keys = [
        Key.model_validate({"frame": 1, "value": 2, "right": {"frames": 2, "value": 1}}),
        Key(frame=9, value=4, interpolation="linear"),
    ]
    assert Curve.of(keys).keys == (CurveKey(1, 2, right=(2, 1)), CurveKey(9, 4, "linear"))
    assert Curve.constant(5)(123) == 5
