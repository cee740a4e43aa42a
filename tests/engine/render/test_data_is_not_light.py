"""Data is not light: from file to file, bit for bit, each channel in its own type; light is blurred as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
import pytest
from numpy.typing import NDArray

from engine.errors import ChannelError
from engine.render import Event, Summary, Warned, render
from engine.shot import shot_from_dict

HEIGHT, WIDTH = 24, 32
CRYPTO = {
    "cryptomatte/abc1234/name": "CryptoObject",
    "cryptomatte/abc1234/hash": "MurmurHash3_32",
    "cryptomatte/abc1234/conversion": "uint32_to_float32",
    "cryptomatte/abc1234/manifest": '{"bunny":"13851a76"}',
}
TYPES = {"half": np.float16, "float": np.float32, "uint": np.uint32}


@dataclass(frozen=True)
class FilePart:
    """Channels of a part: name to type and values."""

    channels: Mapping[str, NDArray[Any]]
    name: str = ""
    header: Mapping[str, str | tuple[str, ...]] | None = None
    corner: tuple[int, int] = (0, 0)


def any_values(kind: str, seed: int, wild: bool = True) -> NDArray[Any]:
    """Every kind of number that a type has but NaN: denormals, infinities, the largest."""
    random = np.random.default_rng(seed)
    if kind == "uint":
        return random.integers(0, 2**32, (HEIGHT, WIDTH), dtype=np.uint64).astype(np.uint32)
    if not wild:
        return random.random((HEIGHT, WIDTH)).astype(TYPES[kind])
    bits = {"half": np.uint16, "float": np.uint32}[kind]
    values = random.integers(0, np.iinfo(bits).max, (HEIGHT, WIDTH), dtype=np.uint64).astype(bits).view(TYPES[kind])
    return np.where(np.isnan(values), TYPES[kind](np.inf), values)


def store(path: Path, parts: Sequence[FilePart]) -> None:
    specs = []
    for part in parts:
        kinds = [_kind(values) for values in part.channels.values()]
        height, width = next(iter(part.channels.values())).shape
        spec = oiio.ImageSpec(width, height, len(kinds), kinds[0])
        spec.x, spec.y = part.corner
        spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, WIDTH, HEIGHT
        spec.channelnames = tuple(part.channels)
        if len(set(kinds)) > 1:
            spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in kinds)
        spec.attribute("oiio:subimagename", part.name)
        for name, value in (part.header or {}).items():
            if isinstance(value, str):
                spec.attribute(name, value)
            else:
                spec.attribute(name, oiio.TypeDesc(f"string[{len(value)}]"), value)
        specs.append(spec)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), tuple(specs) if len(specs) > 1 else specs[0]), oiio.geterror()
    for number, (part, spec) in enumerate(zip(parts, specs, strict=True)):
        assert number == 0 or out.open(str(path), spec, "AppendSubimage"), oiio.geterror()
        whole = {np.dtype(np.uint32)} == {values.dtype for values in part.channels.values()}
        stacked = np.stack(list(part.channels.values()), axis=2)
        assert out.write_image(np.ascontiguousarray(stacked, np.uint32 if whole else np.float32)), out.geterror()
    assert out.close()


def _kind(values: NDArray[Any]) -> str:
    return {"float16": "half", "float32": "float", "uint32": "uint"}[values.dtype.name]


def load(path: Path) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """All channels of all parts, each in its file's type, and the parts' headers."""
    file = oiio.ImageInput.open(str(path))
    assert file is not None, oiio.geterror()
    channels: dict[str, NDArray[Any]] = {}
    headers: list[dict[str, Any]] = []
    while file.seek_subimage(len(headers), 0):
        spec = file.spec()
        kinds = [str(kind) for kind in spec.channelformats] or [str(spec.format)] * spec.nchannels
        for place, (name, kind) in enumerate(zip(spec.channelnames, kinds, strict=True)):
            values = file.read_image(len(headers), 0, place, place + 1, "uint" if kind == "uint" else "float")
            channels[name] = values.reshape(spec.height, spec.width).astype(TYPES[kind])
        headers.append({entry.name: entry.value for entry in spec.extra_attribs})
    return channels, headers


def colours(kind: str = "half", seed: int = 1) -> dict[str, NDArray[Any]]:
    return {name: any_values(kind, seed + i, wild=False) for i, name in enumerate("RGB")}


def distance() -> NDArray[Any]:
    return np.tile(np.linspace(2, 9, WIDTH, dtype=np.float32), (HEIGHT, 1))


def refocus(folder: Path, parts: Sequence[FilePart], plate: dict[str, Any], **changes: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401  of the document
    """The result's channels, its headers, and what was said."""
    store(folder / "p.0001.exr", parts)
    store(folder / "d.0001.exr", [FilePart({"Z": distance()})])
    data = {
        "plate": {"path": str(folder / "p.%04d.exr")} | plate,
        "depth": {"path": str(folder / "d.%04d.exr"), "near": 2.0, "edges": "exact"},
        "focus": {"keys": [{"frame": 1, "distance": 2.0}]},
        "blur": {"keys": [{"frame": 1, "value": 8.0}]},
        "renderer": {"quality": "draft"},
    }
    data["output"] = {"path": str(folder / "o.%04d.exr")} | changes.pop("output", {})
    said: list[Event] = []
    render(shot_from_dict(data | changes), report=said.append)
    channels, headers = load(folder / "o.0001.exr")
    return channels, headers, {event.kind: event.message for event in said if isinstance(event, Warned)}


def assert_same_bits(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    assert found.dtype == wanted.dtype
    assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()


DATA_LAYERS = [
    ("CryptoObject00.R", "float"),
    ("N.X", "half"),
    ("Position.Z", "float"),
    ("motion.u", "half"),
    ("id.id", "uint"),
    ("UV.U", "half"),
    ("Mist.Z", "float"),
    ("cputime.R", "float"),
    ("VRayObjectID.R", "half"),
    ("diffuse_mse.G", "float"),
]


@pytest.mark.parametrize(("name", "kind"), DATA_LAYERS)
@pytest.mark.parametrize("compression", ["zips", "dwaa", "b44", "pxr24"])
def test_data_is_passed_on_bit_for_bit_whatever_the_compression(
    tmp_path: Path, name: str, kind: str, compression: str
) -> None:
    if kind == "uint" and name.startswith("id"):
        parts = [FilePart(colours(), "rgba"), FilePart({name: any_values(kind, 3)}, "ids")]
    else:
        parts = [FilePart(colours() | {name: any_values(kind, 3)})]
    layer = name.rpartition(".")[0]
    for asked in (["*"], [layer]):
        found, _, said = refocus(tmp_path, parts, {"extra_layers": asked}, output={"compression": compression})
        assert_same_bits(found[name], any_values(kind, 3))
        assert layer in said["layers.data"]
        assert "light_layers" in said["layers.data"]
        (tmp_path / "o.0001.exr").unlink()


def test_every_channel_keeps_its_own_type(tmp_path: Path) -> None:
    layers = {
        "diffuse.R": any_values("float", 5, wild=False),
        "glow.Y": any_values("half", 6, wild=False),
        "N.X": any_values("half", 7),
        "P.X": any_values("float", 8),
    }
    alpha = {"A": np.ones((HEIGHT, WIDTH), np.float32)}
    found, _, _ = refocus(tmp_path, [FilePart(colours() | alpha | layers)], {"extra_layers": ["*"]})
    kinds = {name: _kind(values) for name, values in found.items()}
    expected = {"R": "half", "G": "half", "B": "half", "A": "float", "diffuse.R": "float", "glow.Y": "half"}
    assert kinds == expected | {"N.X": "half", "P.X": "float"}


@pytest.mark.parametrize(("asked", "kind"), [("half", "half"), ("float", "float")])
def test_a_type_that_is_asked_for_is_that_of_light_alone(tmp_path: Path, asked: str, kind: str) -> None:
    layers = {
        "diffuse.R": any_values("float", 5, wild=False),
        "N.X": any_values("half", 7),
        "P.X": any_values("float", 8),
    }
    output = {"data_type": asked}
    found, _, _ = refocus(tmp_path, [FilePart(colours() | layers)], {"extra_layers": ["*"]}, output=output)
    assert _kind(found["R"]) == _kind(found["diffuse.R"]) == kind
    assert_same_bits(found["N.X"], layers["N.X"])
    assert_same_bits(found["P.X"], layers["P.X"])


def test_light_is_blurred_as_the_colour_is_beside_any_data(tmp_path: Path) -> None:
    plain = colours()
    alone, _, _ = refocus(tmp_path, [FilePart(plain)], {})
    (tmp_path / "o.0001.exr").unlink()
    layers = {"diffuse.R": plain["R"], "CryptoObject00.R": any_values("float", 9), "N.X": any_values("half", 10)}
    found, _, _ = refocus(tmp_path, [FilePart(plain | layers)], {"extra_layers": ["*"]})
    for name in "RGB":
        assert_same_bits(found[name], alone[name])
    assert_same_bits(found["diffuse.R"], alone["R"])
    assert not np.array_equal(alone["R"], plain["R"])


@pytest.mark.parametrize("name", ["id.R", "N.X", "depth.Z", "motion.u", "UV.U"])
def test_who_asks_gets_a_layer_blurred_though_its_name_says_data(tmp_path: Path, name: str) -> None:
    plain = colours()
    layer = name.rpartition(".")[0]
    found, _, said = refocus(tmp_path, [FilePart(plain | {name: plain["R"]})], {"light_layers": [layer]})
    assert_same_bits(found[name], found["R"])
    assert "layers.data" not in said


@pytest.mark.parametrize("name", ["diffuse.R", "mask.A", "glow.Y", "fx.G", "weights.B"])
def test_who_asks_gets_a_layer_passed_on_though_its_name_says_light(tmp_path: Path, name: str) -> None:
    values = any_values("half", 4)
    found, _, _ = refocus(
        tmp_path,
        [FilePart(colours() | {name: values})],
        {"data_layers": [name.rpartition(".")[0]], "extra_layers": ["*"]},
    )
    assert_same_bits(found[name], values)


def test_a_manifest_comes_along_with_its_ids_and_only_with_them(tmp_path: Path) -> None:
    ids = FilePart(
        {"CryptoObject00.R": any_values("float", 2), "CryptoObject00.G": any_values("float", 3)},
        "crypto",
        CRYPTO | {"cryptomatte/fedc123/name": "Other"},
    )
    parts = [FilePart(colours() | {"diffuse.R": any_values("half", 4, wild=False)}, "rgba"), ids]
    for compression in ("zips", "dwaa"):
        output = {"compression": compression}
        _, headers, _ = refocus(tmp_path, parts, {"extra_layers": ["CryptoObject00"]}, output=output)
        for header in headers:
            assert {name: header.get(name) for name in CRYPTO} == CRYPTO
            assert "cryptomatte/fedc123/name" not in header
        (tmp_path / "o.0001.exr").unlink()
    own = [FilePart({**colours(), **ids.channels, "diffuse.R": any_values("half", 4, wild=False)}, header=CRYPTO)]
    _, headers, _ = refocus(tmp_path, own, {"extra_layers": ["diffuse"]})
    assert not [name for name in headers[0] if name.startswith("cryptomatte/")]


def test_a_cryptomatte_is_known_by_its_header_whatever_its_name(tmp_path: Path) -> None:
    values = any_values("float", 2)
    header = {"cryptomatte/1234567/name": "Heroes"}
    found, _, _ = refocus(
        tmp_path, [FilePart(colours() | {"Heroes00.R": values}, header=header)], {"extra_layers": ["*"]}
    )
    assert_same_bits(found["Heroes00.R"], values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["diffuse.R", "N.X", "CryptoObject00.R", "R", "mask.A"])
def test_nan_is_never_written_and_the_repair_is_told(tmp_path: Path, bad: float, name: str) -> None:
    values = any_values("half", 4, wild=False)
    values[5:9, 7] = bad
    channels = colours() | {name: values}
    found, _, said = refocus(tmp_path, [FilePart(channels)], {"extra_layers": ["*"]})
    assert not any(np.isnan(values).any() for values in found.values() if values.dtype != np.uint32)
    if name in {"N.X", "CryptoObject00.R"}:
        assert ("layers.repaired" in said) == bool(np.isnan(bad))
        assert_same_bits(found[name], np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf))
    else:
        assert "plate.repaired" in said


@pytest.mark.parametrize("value", [3e38, -3e38, 1e20, 65504.0, -65504.0])
def test_light_beyond_all_range_leaves_the_colour_as_it_is(tmp_path: Path, value: float) -> None:
    alone, _, _ = refocus(tmp_path, [FilePart(colours())], {})
    (tmp_path / "o.0001.exr").unlink()
    values = any_values("float", 4, wild=False)
    values[::3] = value
    found, _, _ = refocus(tmp_path, [FilePart(colours() | {"glow.R": values})], {"extra_layers": ["glow"]})
    for name in "RGB":
        assert_same_bits(found[name], alone[name])
    assert np.isfinite(found["glow.R"]).all()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            [FilePart({"Y": any_values("half", 1, wild=False), "ao.Y": any_values("half", 2, wild=False)})],
            {"Y", "ao.Y"},
        ),
        ([FilePart(colours() | {"motion.u": any_values("half", 2), "motion.v": any_values("half", 3)})], None),
        (
            [
                FilePart(colours(), "rgba"),
                FilePart({name: any_values("half", 2, wild=False) for name in "RGBA"}, "diffuse"),
                FilePart({name: any_values("half", 3) for name in "XYZ"}, "N"),
            ],
            {"diffuse.R", "diffuse.G", "diffuse.B", "diffuse.A", "N.X", "N.Y", "N.Z", *"RGB"},
        ),
        ([FilePart(colours() | {"Z": distance(), "mask": any_values("half", 2, wild=False)})], None),
        ([FilePart(colours() | {"fx.R": any_values("half", 2, wild=False), "fx.Z": any_values("float", 3)})], None),
        ([FilePart(colours() | {"disparity.Z": any_values("float", 3), "CoC.x": any_values("float", 4)})], set("RGB")),
    ],
    ids=["grey", "two channels", "layers by part", "without a layer", "light and depth", "our own"],
)
def test_names_come_out_as_they_went_in(tmp_path: Path, parts: list[FilePart], expected: set[str] | None) -> None:
    found, _, _ = refocus(tmp_path, parts, {"extra_layers": ["*"]})
    assert set(found) == (expected or set(parts[0].channels))


@pytest.mark.parametrize("name", ["o.%04d.png", "o.%04d.dpx", "o.%04d.tif", "o.mov", "o.mp4"])
def test_what_a_result_cannot_hold_is_told(tmp_path: Path, name: str) -> None:
    store(
        tmp_path / "p.0001.exr", [FilePart(colours() | {"diffuse.R": any_values("half", 2, False), "N.X": distance()})]
    )
    store(tmp_path / "d.0001.exr", [FilePart({"Z": distance()})])
    said: list[Event] = []
    data = {
        "plate": {"path": str(tmp_path / "p.%04d.exr"), "extra_layers": ["*"]},
        "depth": {"path": str(tmp_path / "d.%04d.exr"), "near": 2.0},
        "focus": {"keys": [{"frame": 1, "distance": 2.0}]},
        "blur": {"keys": [{"frame": 1, "value": 8.0}]},
        "renderer": {"quality": "draft"},
        "output": {"path": str(tmp_path / name)},
    }
    render(shot_from_dict(data), report=said.append)
    dropped = [event.message for event in said if isinstance(event, Warned) and event.kind == "layers.dropped"]
    assert len(dropped) == 1
    assert "diffuse, N" in dropped[0]
    assert isinstance(said[-1], Summary)


@pytest.mark.parametrize(
    "parts",
    [
        [FilePart(colours(), "left", {"view": "left"}), FilePart(colours(seed=8), "right", {"view": "right"})],
        [
            FilePart(
                colours() | {"right.R": distance(), "right.N.X": distance()}, header={"multiView": ("left", "right")}
            )
        ],
    ],
    ids=["by part", "by name"],
)
def test_the_other_eye_is_left_out_of_all_layers_and_told(tmp_path: Path, parts: list[FilePart]) -> None:
    found, _, said = refocus(tmp_path, parts, {"extra_layers": ["*"]})
    assert set(found) == set("RGB")
    assert "right (it is of the view right)" in said["layers.left-out"]


@pytest.mark.parametrize(("name", "kind"), [("id.id", "uint"), ("N.X", "half"), ("P.X", "float")])
@pytest.mark.parametrize("compression", ["zips", "dwaa"])
def test_data_of_another_data_window_lies_where_it_belongs(
    tmp_path: Path, name: str, kind: str, compression: str
) -> None:
    values = any_values(kind, 3)[:10, :12]
    parts = [FilePart(colours(), "rgba"), FilePart({name: values}, "more", corner=(5, 7))]
    found, _, _ = refocus(tmp_path, parts, {"extra_layers": ["*"]}, output={"compression": compression})
    wanted = np.zeros((HEIGHT, WIDTH), values.dtype)
    wanted[7:17, 5:17] = values
    assert_same_bits(found[name], wanted)


@pytest.mark.parametrize(("name", "kind"), [("id.id", "uint"), ("N.X", "half")])
def test_data_of_a_cropped_plate_grows_with_it(tmp_path: Path, name: str, kind: str) -> None:
    cropped = {channel: values[6:18, 8:24] for channel, values in colours().items()}
    values = any_values(kind, 3)[6:18, 8:24]
    parts = [FilePart(cropped, "rgba", corner=(8, 6)), FilePart({name: values}, "more", corner=(8, 6))]
    found, _, _ = refocus(tmp_path, parts, {"extra_layers": ["*"]})
    height, width = found["R"].shape
    assert height > 12
    assert width > 16
    assert found[name].shape == found["R"].shape
    assert np.count_nonzero(found[name]) == np.count_nonzero(values)


def test_a_layer_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match=r'no layer "spec".*diffuse\.R'):
        refocus(tmp_path, [FilePart(colours() | {"diffuse.R": distance()})], {"data_layers": ["spec"]})


def test_a_missing_frame_has_layers_of_nothing(tmp_path: Path) -> None:
    parts = [
        FilePart(colours() | {"N.X": any_values("half", 3)}, "rgba"),
        FilePart({"id": any_values("uint", 2)}, "id"),
    ]
    store(tmp_path / "p.0002.exr", parts)
    store(tmp_path / "d.0002.exr", [FilePart({"Z": distance()})])
    found, _, _ = refocus(tmp_path, parts, {"extra_layers": ["*"], "frames": "1-3", "on_missing": "black"})
    assert found["id.id"].any()
    black, _ = load(tmp_path / "o.0003.exr")
    assert {name: values.dtype for name, values in black.items()} == {name: v.dtype for name, v in found.items()}
    assert not any(values.any() for values in black.values())
