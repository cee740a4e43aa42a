from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ColourError
from engine.media.colour import BUILT_IN_CONFIG, CINEON, believe, colour_spaces

RAMP = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(4, 16, 3)


def test_the_built_in_configuration_is_named_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    assert colour_spaces().config == BUILT_IN_CONFIG
    assert not colour_spaces().operators
    assert colour_spaces().linear == "Linear Rec.709 (sRGB)"


@pytest.mark.parametrize(
    "space", ["sRGB Encoded Rec.709 (sRGB)", "Gamma 2.4 Encoded Rec.709", "ACEScct", "ACEScg", CINEON]
)
def test_there_and_back_is_where_it_was(space: str) -> None:
    spaces = colour_spaces()
    encoded = spaces.convert(RAMP, spaces.linear, space)
    np.testing.assert_allclose(spaces.convert(encoded, space, spaces.linear), RAMP, atol=2e-4)


def test_the_gamma_of_movies_is_two_point_four() -> None:
    spaces = colour_spaces()
    space = spaces.default("movie", False)
    np.testing.assert_allclose(spaces.convert(RAMP, space, spaces.linear), RAMP**2.4, atol=1e-4)


def test_cineon_has_its_white_and_its_black() -> None:
    spaces = colour_spaces()
    codes = np.array([[[95, 685, 1023]]], np.float32) / np.float32(1023)
    light = spaces.convert(codes, CINEON, spaces.linear)
    np.testing.assert_allclose(light[0, 0], [0, 1, 13.5], rtol=2e-2, atol=1e-6)


@pytest.mark.parametrize("name", ["scene_linear", "lin_rec709", "srgb_tx", "ACEScg", "cineon"])
def test_roles_and_aliases_are_names_too(name: str) -> None:
    spaces = colour_spaces()
    assert spaces.resolve(name, "plate.colour_space") in spaces.names


@pytest.mark.parametrize("name", ["", "nothing", "Linear Rec.709 "])
def test_an_unknown_space_is_told_with_some_that_are_known(name: str) -> None:
    with pytest.raises(ColourError, match=r"plate\.colour_space.*ACEScg"):
        colour_spaces().resolve(name, "plate.colour_space")


def test_dpx_is_read_as_its_header_says() -> None:
    spaces = colour_spaces()
    assert believe(spaces, "dpx", False, {"dpx:Transfer": "Linear"}).space == spaces.linear
    assert believe(spaces, "dpx", False, {"dpx:Transfer": "ITU-R 709-4"}).space == spaces.default("movie", False)
    assert believe(spaces, "dpx", False, {}).space == CINEON


def test_a_broken_configuration_of_the_operator_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCIO", str(tmp_path / "missing.ocio"))
    with pytest.raises(ColourError, match=r"\$OCIO"):
        colour_spaces()
    broken = tmp_path / "broken.ocio"
    broken.write_text("ocio_profile_version: 2\nnonsense: [")
    monkeypatch.setenv("OCIO", str(broken))
    with pytest.raises(ColourError, match=r"\$OCIO"):
        colour_spaces()


def test_the_operators_configuration_takes_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    spaces = colour_spaces()
    assert spaces.operators
    assert spaces.linear == "ACEScg"
    assert spaces.resolve("ARRI LogC4", "plate.colour_space") == "ARRI LogC4"
