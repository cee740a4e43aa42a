from __future__ import annotations

from math import exp, floor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from engine.networks.image_encoder import CLIP_DEVIATION, CLIP_MEAN, ImageEncoder, gaussian_kernel, resize_smoothly
from engine.networks.presets import PRESETS, CLIPConfig

TINY = PRESETS["tiny"].clip

ROUNDING = 5e-6
"""Of a resize in float32 against one in float64: positions of samples are rounded too. Seen: 9e-7."""


def pictures(count: int = 2, height: int = 60, width: int = 90, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def encoder() -> ImageEncoder:
    torch.manual_seed(3)
    return ImageEncoder(TINY).requires_grad_(False)


def cubic(x: float) -> float:
    """Keys' kernel with a = -0.75."""
    x = abs(x)
    if x < 1:
        return 1.25 * x**3 - 2.25 * x**2 + 1
    return -0.75 * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def resized_line(line: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """A row of samples at another size, one sum at a time."""
    n = len(line)
    sigma = max((n / size - 1) / 2, 0.001)
    taps = max(int(4 * sigma), 3)
    reach = (taps + 1 - taps % 2) // 2
    weights = [exp(-(offset**2) / (2 * sigma**2)) for offset in range(-reach, reach + 1)]
    padded = [*line[reach:0:-1], *line, *line[-2 : -reach - 2 : -1]]
    blurred = [np.dot(weights, padded[i : i + len(weights)]) / sum(weights) for i in range(n)]
    result = np.empty(size)
    for i in range(size):
        place = i * (n - 1) / (size - 1)
        near = range(floor(place) - 1, floor(place) + 3)
        result[i] = sum(cubic(place - j) * blurred[min(max(j, 0), n - 1)] for j in near)
    return result


@pytest.mark.parametrize(
    ("height", "width"), [(97, 131), (10, 13), (28, 28), (20, 300)], ids=["smaller", "larger", "kept", "both"]
)
def test_the_resize_is_a_gaussian_and_a_cubic_of_each_row_and_column(height: int, width: int) -> None:
    given = pictures(1, height, width)
    wanted = np.apply_along_axis(resized_line, -1, given.double().numpy(), 28)
    wanted = np.apply_along_axis(resized_line, -2, wanted, 28)
    np.testing.assert_allclose(resize_smoothly(given, 28, 28).numpy(), wanted, atol=ROUNDING)


def test_the_blur_grows_with_what_a_side_shrinks_by() -> None:
    assert gaussian_kernel(224, 224) == (0.0, 1.0, 0.0)
    assert gaussian_kernel(100, 224) == (0.0, 1.0, 0.0)
    assert len(gaussian_kernel(576, 224)) == 3
    assert len(gaussian_kernel(1024, 224)) == 7
    assert len(gaussian_kernel(4096, 224)) == 35
    assert sum(gaussian_kernel(4096, 224)) == pytest.approx(1)


@pytest.mark.parametrize("size", [(40, 50), (576, 1024)])
def test_an_even_picture_stays_even(size: tuple[int, int]) -> None:
    even = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, *size)
    torch.testing.assert_close(resize_smoothly(even, 224, 224), even[..., :1, :1].expand(1, 3, 224, 224))


def test_the_resize_is_single_precision_whatever_is_around_it() -> None:
    plain = resize_smoothly(pictures(), 24, 24)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resize_smoothly(pictures(), 24, 24), plain)
    assert resize_smoothly(pictures().half(), 24, 24).dtype == torch.float32


@pytest.mark.parametrize("normalised", [False, True])
def test_the_context_is_the_image_embedding_of_transformers(normalised: bool) -> None:
    ours = encoder()
    sizes = {name: getattr(TINY, name) for name in CLIPConfig.__dataclass_fields__}
    theirs = CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes)).requires_grad_(False)
    theirs.load_state_dict(ours.state_dict())
    pixels = resize_smoothly(pictures(), 224, 224)
    if normalised:
        pixels = (pixels - torch.tensor(CLIP_MEAN).view(3, 1, 1)) / torch.tensor(CLIP_DEVIATION).view(3, 1, 1)
    torch.testing.assert_close(ours(pictures(), normalised), theirs(pixels).image_embeds)


def test_normalised_and_plain_colours_differ() -> None:
    network = encoder()
    assert float((network(pictures(), True) - network(pictures(), False)).abs().max()) > 1e-2


def test_the_context_does_not_depend_on_batch_mates() -> None:
    network = encoder()
    together = network(pictures(3), False)
    assert together.shape == (3, TINY.projection_dim)
    torch.testing.assert_close(network(pictures(3)[1:2], False), together[1:2])
    assert float((together[0] - together[1]).abs().max()) > 1e-4


def test_half_precision_weights_give_nearly_the_same_context() -> None:
    network = encoder()
    full = network(pictures(), True)
    half = network.half()(pictures(), True)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), full, atol=5e-3, rtol=5e-3)


def published_names(layers: int) -> set[str]:
    """As the image encoder's folder of Stable Video Diffusion has them, misspelling included."""
    both = ("weight", "bias")
    tower = {"embeddings.class_embedding", "embeddings.patch_embedding.weight", "embeddings.position_embedding.weight"}
    tower |= {f"{norm}.{kind}" for norm in ("pre_layrnorm", "post_layernorm") for kind in both}
    parts = [f"self_attn.{part}_proj" for part in "kqv"]
    parts += ["self_attn.out_proj", "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2"]
    tower |= {f"encoder.layers.{n}.{part}.{kind}" for n in range(layers) for part in parts for kind in both}
    return {f"vision_model.{name}" for name in tower} | {"visual_projection.weight"}


def test_the_full_size_has_the_published_names_and_as_many_parameters() -> None:
    with torch.device("meta"):
        network = ImageEncoder(PRESETS["full"].clip)
    assert set(network.state_dict()) == published_names(layers=32)
    assert sum(weight.numel() for weight in network.parameters()) == 632_076_800
    assert network(torch.empty(2, 3, 576, 1024, device="meta"), True).shape == (2, 1024)


def test_weights_of_an_old_file_load_with_their_counter_of_positions() -> None:
    network = encoder()
    old = {**network.state_dict(), "vision_model.embeddings.position_ids": torch.arange(17)[None]}
    network.load_state_dict(old)
    with pytest.raises(RuntimeError, match="other"):
        network.load_state_dict({**old, "vision_model.other": torch.zeros(1)})


@pytest.mark.parametrize("assign", [False, True])
def test_a_network_made_without_memory_and_then_loaded_is_the_same(assign: bool) -> None:
    network = encoder()
    with torch.device("meta"):
        other = ImageEncoder(TINY)
    if not assign:
        other.to_empty(device="cpu")
    other.load_state_dict(network.state_dict(), assign=assign)
    assert torch.equal(other(pictures(), False), network(pictures(), False))
