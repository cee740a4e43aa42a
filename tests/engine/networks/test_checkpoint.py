"""A folder of weights gives back the networks that it was made of; a bad one says in a sentence what is wrong."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import (
    CorruptWeightsError,
    MissingWeightsError,
    WeightsError,
    WeightsShapeError,
)
from engine.networks.checkpoint import open_weights
from tests.engine.networks import folders
from tests.engine.networks.folders import (
    CLIP,
    UNET,
    VAE,
    change_config,
    change_tensors,
    loads_the_same,
    pickle_instead,
    replace,
    shard,
)

# --- good folders ---


def test_saved_networks_load_as_they_were(kept: Path) -> None:
    assert loads_the_same(kept)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_load_in_the_precision_that_is_asked_for(kept: Path, dtype: torch.dtype) -> None:
    assert loads_the_same(kept, dtype=dtype)


def test_weights_saved_in_half_precision_load_in_full(tmp_path: Path) -> None:
    folders.save(tmp_path / "half", dtype=torch.float16)
    weight = open_weights(tmp_path / "half").load_unet(torch.float32).conv_in.weight
    assert torch.equal(weight, folders.networks().unet.conv_in.weight.half().float())


def test_loaded_networks_work_for_inference_and_on_memory_of_their_own_device(kept: Path) -> None:
    found = open_weights(kept)
    for network in (found.load_unet(torch.float32), found.load_vae(torch.float32)):
        assert not network.training
        assert not any(parameter.requires_grad or parameter.is_meta for parameter in network.parameters())
        assert not any(buffer.is_meta for buffer in network.buffers())
    with torch.no_grad():
        context = found.load_image_encoder(torch.float32)(torch.rand(1, 3, 64, 64), normalised=True)
    assert context.isfinite().all()


@pytest.mark.parametrize("files", [(UNET, VAE, CLIP), (UNET,), (CLIP,)])
def test_torch_s_own_files_load_like_safetensors(weights: Path, files: tuple[str, ...]) -> None:
    for file in files:
        pickle_instead(weights / file)
    assert loads_the_same(weights)


@pytest.mark.parametrize("name", ["safetensors.index", "fp16.safetensors.index", "safetensors.index.fp16"])
def test_shards_load_like_a_whole_file(weights: Path, name: str) -> None:
    index = shard(weights / UNET)
    index.rename(index.with_name(f"diffusion_pytorch_model.{name}.json"))
    assert len(open_weights(weights).unet.tensors.files) == 3
    assert loads_the_same(weights)


def test_shards_in_torch_s_own_format_load(weights: Path) -> None:
    index = shard(weights / VAE)
    places = json.loads(index.read_text())["weight_map"]
    for part in sorted(set(places.values())):
        pickle_instead(index.parent / part)
    as_bin = {name: file.replace(".safetensors", ".bin") for name, file in places.items()}
    index.rename(index.with_name("diffusion_pytorch_model.bin.index.json")).write_text(
        json.dumps({"weight_map": as_bin})
    )
    assert loads_the_same(weights)


def test_files_of_half_precision_are_found_by_their_own_name(weights: Path) -> None:
    (weights / CLIP).rename(weights / "image_encoder" / "model.fp16.safetensors")
    (weights / VAE).rename(weights / "vae" / "diffusion_pytorch_model.fp16.safetensors")
    assert loads_the_same(weights)


def test_the_u_net_s_folder_need_not_be_doubled(weights: Path) -> None:
    (weights / "unet" / "unet").rename(weights / "single")
    (weights / "unet").rmdir()
    (weights / "single").rename(weights / "unet")
    assert loads_the_same(weights)


def test_tensors_that_nothing_uses_may_be_there_or_not(weights: Path) -> None:
    def without(tensors: dict[str, Tensor]) -> None:
        for name in [name for name in tensors if ".fuser.ff_k." in name]:
            del tensors[name]

    assert any(".fuser.ff_k." in name for name in open_weights(weights).unet.differences.unused)
    change_tensors(weights / UNET, without)
    counter = "vision_model.embeddings.position_ids"
    change_tensors(weights / CLIP, lambda t: t.update({counter: torch.arange(17)[None]}))
    found = open_weights(weights)
    assert found.unet.differences.unused == []
    assert found.image_encoder.differences.unused == [counter]
    assert loads_the_same(weights)


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("weights/stable-video-diffusion/image_encoder", None),
        ("svd/image_encoder", None),
        ("models--stabilityai--stable-video-diffusion-img2vid-xt/snapshots/9e43/image_encoder", None),
        ("weights/models--stabilityai--stable-video-diffusion-img2vid-xt/snapshots/9e43/image_encoder", None),
        ("far/off/svd/image_encoder", "far/off/svd"),
        ("far/off/svd/image_encoder", "far/off/svd/image_encoder"),
        ("far/off/clip", "far/off/clip"),
        ("hub/models--stabilityai--stable-video-diffusion-img2vid-xt/snapshots/9e43/image_encoder", "hub"),
    ],
)
def test_the_image_encoder_is_found_where_people_keep_it(weights: Path, place: str, given: str | None) -> None:
    root = weights.parent
    (root / place).parent.mkdir(parents=True)
    (weights / "image_encoder").rename(root / place)
    assert loads_the_same(weights, None if given is None else root / given)


def test_opening_reads_no_tensor(weights: Path) -> None:
    """The values may be anything; only headers, sizes and samples count."""
    file = weights / UNET
    content = bytearray(file.read_bytes())
    content[-4:] = b"\xff\xff\xff\x7f"  # a NaN
    replace(file, bytes(content))
    assert open_weights(weights).unet.differences.agree


def test_weights_know_the_size_that_they_were_made_for(weights: Path) -> None:
    assert open_weights(weights).size == (256, 128)
    config = json.loads((weights / "unet/unet/config.json").read_text())
    del config["rackfocus_size"]
    replace(weights / "unet/unet/config.json", json.dumps(config).encode())
    assert open_weights(weights).size == (1024, 576)


# --- bad folders ---


def drop(*names: str) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        for name in [name for name in tensors if name.startswith(names)]:
            del tensors[name]

    return change


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return content.getvalue()


def truncate(file: Path, left: float = 0.5) -> None:
    content = file.read_bytes()
    replace(file, content[: int(len(content) * left)])


class Stranger:
    """An object that a pickle may hold."""


def lose_a_shard(folder: Path) -> None:
    index = shard(folder / UNET)
    (index.parent / "diffusion_pytorch_model-00002-of-00003.safetensors").unlink()


def lose_the_index(folder: Path) -> None:
    shard(folder / UNET).unlink()


def lie_in_the_index(folder: Path) -> None:
    index = shard(folder / UNET)
    places = json.loads(index.read_text())
    places["weight_map"]["conv_in.nowhere"] = next(iter(places["weight_map"].values()))
    index.write_text(json.dumps(places))


def point_outside(folder: Path) -> None:
    index = shard(folder / UNET)
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "../../vae/diffusion_pytorch_model.safetensors"}}))


def another_image_encoder(folder: Path) -> None:
    change_config(folder / "image_encoder/config.json", projection_dim=48)
    change_tensors(folder / CLIP, lambda t: t.update({"visual_projection.weight": torch.zeros(48, 32)}))


def plain_svd(folder: Path) -> None:
    def without(tensors: dict[str, Tensor]) -> None:
        for name in [name for name in tensors if ".fuser." in name or "conv_in_mpi" in name]:
            del tensors[name]

    change_tensors(folder / UNET, without)


BAD: dict[str, tuple[Callable[[Path], object], type[WeightsError], str]] = {
    "no U-Net": (lambda f: shutil.rmtree(f / "unet"), MissingWeightsError, "no unet/config.json"),
    "no autoencoder": (lambda f: shutil.rmtree(f / "vae"), MissingWeightsError, "no vae/config.json"),
    "no image encoder": (lambda f: shutil.rmtree(f / "image_encoder"), MissingWeightsError, "no image encoder"),
    "no tensors": (lambda f: (f / UNET).unlink(), MissingWeightsError, "no diffusion_pytorch_model.safetensors"),
    "no configuration": (lambda f: (f / "vae/config.json").unlink(), MissingWeightsError, "no vae/config.json"),
    "missing shard": (lose_a_shard, MissingWeightsError, "00002-of-00003.safetensors"),
    "missing index": (lose_the_index, MissingWeightsError, "no index"),
    "index names what is not there": (lie_in_the_index, MissingWeightsError, "conv_in.nowhere"),
    "index points outside": (point_outside, CorruptWeightsError, "is damaged"),
    "index is no index": (
        lambda f: shard(f / UNET).write_text("[]"),
        CorruptWeightsError,
        "diffusion_pytorch_model.safetensors.index.json is damaged",
    ),
    "truncated": (lambda f: truncate(f / VAE), CorruptWeightsError, "truncated or damaged"),
    "truncated at the end": (lambda f: truncate(f / VAE, 0.9999), CorruptWeightsError, "truncated or damaged"),
    "truncated in the header": (lambda f: truncate(f / VAE, 1e-5), CorruptWeightsError, "truncated or damaged"),
    "truncated Torch file": (
        lambda f: truncate(pickle_instead(f / VAE)),
        CorruptWeightsError,
        "truncated or damaged",
    ),
    "empty": (lambda f: replace(f / CLIP, b""), CorruptWeightsError, "is empty"),
    "web page": (lambda f: replace(f / CLIP, b"<!DOCTYPE html><html>log in"), CorruptWeightsError, "a web page"),
    "LFS pointer": (
        lambda f: replace(f / CLIP, b"version https://git-lfs.github.com/spec/v1\noid sha256:00"),
        CorruptWeightsError,
        "git lfs pull",
    ),
    "zip archive": (lambda f: replace(f / CLIP, zipped()), CorruptWeightsError, "zip archive"),
    "zip archive as Torch file": (
        lambda f: replace(pickle_instead(f / CLIP), zipped()),
        CorruptWeightsError,
        "zip archive",
    ),
    "pickle": (
        lambda f: pickle_instead(f / CLIP, {"weights": Stranger()}),
        CorruptWeightsError,
        "could run any program",
    ),
    "pickle of old": (
        lambda f: pickle_instead(f / CLIP, old_format=True),
        CorruptWeightsError,
        "could run any program",
    ),
    "nested table": (
        lambda f: pickle_instead(f / CLIP, {"state_dict": {"a": torch.zeros(1)}}),
        CorruptWeightsError,
        "no plain table",
    ),
    "missing tensors": (
        lambda f: change_tensors(f / UNET, drop("mid_block.resnets.0.")),
        MissingWeightsError,
        "lacks 21 tensors: mid_block.resnets.0.",
    ),
    "unexpected tensors": (
        lambda f: change_tensors(f / VAE, lambda t: t.update({"post_quant_conv.weight": torch.zeros(4)})),
        WeightsShapeError,
        "1 tensors too many: post_quant_conv.weight",
    ),
    "tensors of another shape": (
        lambda f: change_tensors(f / UNET, lambda t: t.update({"conv_in.weight": torch.zeros(32, 4, 3, 3)})),
        WeightsShapeError,
        "conv_in.weight: 32x4x3x3 in place of 32x8x3x3",
    ),
    "tensors of another size": (
        lambda f: change_config(f / "unet/unet/config.json", block_out_channels=[64, 64, 64, 64]),
        WeightsShapeError,
        "conv_in.weight: 32x8x3x3 in place of 64x8x3x3",
    ),
    "quantised": (
        lambda f: change_tensors(f / UNET, lambda t: t.update({"conv_in.bias": torch.zeros(32, dtype=torch.uint8)})),
        WeightsShapeError,
        "conv_in.bias: u8",
    ),
    "plain Stable Video Diffusion": (plain_svd, MissingWeightsError, "is Stable Video Diffusion's own"),
    "configuration is no JSON": (
        lambda f: replace(f / "vae/config.json", b"{"),
        CorruptWeightsError,
        "is no JSON",
    ),
    "configuration of another network": (
        lambda f: replace(f / "unet/unet/config.json", (f / "vae/config.json").read_bytes()),
        WeightsError,
        "AutoencoderKLTemporalDecoder",
    ),
    "configuration of no network": (
        lambda f: change_config(f / "unet/unet/config.json", block_out_channels=[30, 60, 60, 60]),
        WeightsError,
        "multiples of 32",
    ),
    "configuration of impossible parts": (
        lambda f: change_config(f / "vae/config.json", layers_per_block="two"),
        WeightsError,
        "no autoencoder can be made",
    ),
    "a size that is none": (
        lambda f: change_config(f / "unet/unet/config.json", rackfocus_size=[1000, 576]),
        WeightsError,
        "multiples of 64",
    ),
    "an image encoder of another model": (
        another_image_encoder,
        WeightsError,
        "gives 48 numbers",
    ),
}
"""What is wrong, how a folder gets so, what is raised, and what must be said."""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_is_refused_with_one_sentence_that_names_the_fault(weights: Path, name: str) -> None:
    damage, error, words = BAD[name]
    damage(weights)
    with pytest.raises(error) as caught:
        open_weights(weights)
    said = caught.value.message
    assert type(caught.value) is error
    assert words in said
    assert str(weights) in said or "configuration" in said
    assert "\n" not in said
    assert len(said) < 900


@pytest.mark.parametrize("given", ["weights/unet", "weights/unet/unet", "weights/vae", "."])
def test_a_folder_too_deep_or_too_high_is_told_the_right_one(weights: Path, given: str) -> None:
    with pytest.raises(MissingWeightsError, match=r"give .*weights, which has both"):
        open_weights(weights.parent / given)


def test_weights_beside_these_do_not_lend_their_image_encoder(weights: Path, kept: Path) -> None:
    folders.copy(kept, weights.parent / "others")
    shutil.rmtree(weights / "image_encoder")
    with pytest.raises(MissingWeightsError, match="no image encoder was found"):
        open_weights(weights)


def test_what_is_no_folder_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "weights.zip").write_bytes(zipped())
    with pytest.raises(MissingWeightsError, match="does not exist"):
        open_weights(tmp_path / "nowhere")
    with pytest.raises(MissingWeightsError, match="is a file, not a folder of weights; unpack it"):
        open_weights(tmp_path / "weights.zip")
    with pytest.raises(MissingWeightsError, match="--weights"):
        open_weights("")


def test_a_named_image_encoder_is_looked_at_alone(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingWeightsError, match="holds no image encoder"):
        open_weights(weights, tmp_path / "empty")
    with pytest.raises(MissingWeightsError, match="does not exist"):
        open_weights(weights, tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("what", [UNET, "vae/config.json", ".", "image_encoder", "unet", "unet/unet", "vae"])
def test_what_may_not_be_read_is_named(weights: Path, what: str) -> None:
    place = weights / what
    if place.is_file():
        replace(place, place.read_bytes())
    place.chmod(0)
    try:
        with pytest.raises(MissingWeightsError, match="cannot be read"):
            open_weights(weights)
    finally:
        place.chmod(0o700)


def test_a_file_that_is_spoilt_after_opening_is_an_error_of_ours(weights: Path) -> None:
    found = open_weights(weights)
    truncate(weights / UNET)
    with pytest.raises(CorruptWeightsError):
        found.load_unet(torch.float32)
    (weights / VAE).unlink()
    with pytest.raises(MissingWeightsError):
        found.load_vae(torch.float32)
    change_tensors(weights / CLIP, drop("visual_projection"))
    with pytest.raises(WeightsShapeError):
        found.load_image_encoder(torch.float32)


# --- fingerprints ---


def test_a_fingerprint_is_of_the_content_and_not_of_the_place(kept: Path, weights: Path, tmp_path: Path) -> None:
    fingerprint = open_weights(kept).fingerprint
    assert open_weights(weights).fingerprint == fingerprint
    (weights / "image_encoder").rename(tmp_path / "clip")
    assert open_weights(weights, tmp_path / "clip").fingerprint == fingerprint


@pytest.mark.parametrize("file", [UNET, VAE, CLIP])
@pytest.mark.parametrize("at", [0.3, 0.7, 1.0])
def test_another_number_anywhere_in_a_small_file_is_another_fingerprint(weights: Path, file: str, at: float) -> None:
    before = open_weights(weights).fingerprint
    content = bytearray((weights / file).read_bytes())
    # The sampled blocks of a large file reach its end, and lie 64 KiB wide at 64 places.
    place = len(content) - 1 if at == 1.0 or len(content) > 64 * 65536 else int(at * len(content))
    content[place] ^= 1
    replace(weights / file, bytes(content))
    assert open_weights(weights).fingerprint != before


@pytest.mark.parametrize(
    ("config", "entries"),
    [
        ("unet/unet/config.json", {"num_attention_heads": [1, 1, 1, 1]}),
        ("vae/config.json", {"scaling_factor": 0.5}),
        ("image_encoder/config.json", {"layer_norm_eps": 1e-6}),
    ],
)
def test_another_configuration_is_another_fingerprint(weights: Path, config: str, entries: dict[str, object]) -> None:
    before = open_weights(weights).fingerprint
    change_config(weights / config, _diffusers_version="0.25.0")
    assert open_weights(weights).fingerprint == before
    change_config(weights / config, **entries)
    assert open_weights(weights).fingerprint != before
