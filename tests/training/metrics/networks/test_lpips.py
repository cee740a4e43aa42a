from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CorruptWeightsError, FormatError, MissingWeightsError, WeightsShapeError

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from training.metrics.networks import Lpips  # noqa: E402

WIDTHS = {"squeeze": (64, 128, 256, 384, 384, 512, 512), "alex": (64, 192, 384, 256, 256)}


class Fire(nn.Module):
    """torchvision's block, by its names."""

    def __init__(self, into: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat((self.expand1x1(x).relu(), self.expand3x3(x).relu()), 1)


def published(backbone: str) -> nn.Module:
    """A network with the names, shapes and order of torchvision's, and random weights."""
    torch.manual_seed(3)
    network = nn.Module()
    if backbone == "squeeze":
        fires = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
        fires += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), *(Fire(*sizes) for sizes in fires)]
        for place in (2, 5, 8):
            layers.insert(place, nn.MaxPool2d(3, 2, ceil_mode=True))
        network.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, 10, 1))
    else:
        layers = [nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
        layers += [nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
        for into, out in ((192, 384), (384, 256), (256, 256)):
            layers += [nn.Conv2d(into, out, 3, padding=1), nn.ReLU()]
        layers.append(nn.MaxPool2d(3, 2))
        network.classifier = nn.Sequential(nn.Dropout(), nn.Linear(9216, 10))
    network.features = nn.Sequential(*layers)
    return network


@pytest.fixture(scope="module", params=["squeeze", "alex"])
def backbone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def features(backbone: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / f"{backbone}-features.pth"
    torch.save(published(backbone).state_dict(), path)
    return path


def heads(backbone: str, value: float, path: Path) -> Path:
    named = {f"lin{i}.model.1.weight": torch.full((1, w, 1, 1), value) for i, w in enumerate(WIDTHS[backbone])}
    torch.save(named, path)
    return path


def pictures(height: int = 64, width: int = 72) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.random.default_rng(6).random((2, height, width, 3), dtype=np.float32)
    return a, b


def test_it_is_torchmetrics_s_with_the_published_heads(
    backbone: str, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    published_features = published(backbone).features
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: published_features)
    a, b = pictures()
    with torch.no_grad():
        both = torch.from_numpy(np.stack([a, b])).permute(0, 3, 1, 2)
        expected = float(theirs._LPIPS(net=backbone)(both[:1], both[1:], normalize=True))
    assert expected > 0
    assert Lpips(features, backbone=backbone)(a, b) == pytest.approx(expected, rel=1e-5)


def test_equal_pictures_are_at_no_distance_and_the_order_does_not_matter(backbone: str, features: Path) -> None:
    a, b = pictures()
    lpips = Lpips(features, backbone=backbone)
    assert lpips(a, a) == 0
    assert lpips(a, b) == pytest.approx(lpips(b, a), rel=1e-6)
    apart = [lpips(a, a + (b - a) * np.float32(share)) for share in (0.05, 0.2, 1.0)]
    assert 0 < apart[0] < apart[1] < apart[2]


def test_by_hand_of_channels_that_are_the_picture_s_own(tmp_path: Path) -> None:
    """Every layer passes on what is red and what is blue: the units of all layers differ by the same, red to blue."""
    network = published("squeeze")
    for name, tensor in network.state_dict().items():
        tensor.zero_()
        if name == "features.0.weight":
            tensor[0, 0, 1, 1] = tensor[1, 2, 1, 1] = 1.0
        elif name.endswith(("squeeze.weight", "expand1x1.weight")):
            tensor[0, 0] = tensor[1, 1] = 1.0
    torch.save(network.state_dict(), tmp_path / "f.pth")
    lpips = Lpips(tmp_path / "f.pth", heads("squeeze", 0.25, tmp_path / "h.pth"))
    red, blue = np.zeros((2, 48, 48, 3), np.float32)
    red[..., 0] = blue[..., 2] = 1.0
    # Units (1, 0) and (0, 1): squares 1 + 1, weighed 0.25, in seven layers; (2 v - 1 - shift) / scale of 0 is below 0.
    assert lpips(red, blue) == pytest.approx(7 * 0.25 * 2, rel=1e-5)
    # Grey has (r, b) / |(r, b)| with r = 1.03 / 0.458 and b = 1.188 / 0.45.
    r, b = 1.03 / 0.458, 1.188 / 0.45
    unit = np.array([r, b]) / np.hypot(r, b)
    apart = (1 - unit[0]) ** 2 + unit[1] ** 2
    assert lpips(red, np.ones((48, 48, 3), np.float32)) == pytest.approx(7 * 0.25 * apart, rel=1e-5)


def test_files_of_something_else_are_refused_by_name(backbone: str, features: Path, tmp_path: Path) -> None:
    other = "alex" if backbone == "squeeze" else "squeeze"
    with pytest.raises((MissingWeightsError, WeightsShapeError), match=r"features\.pth: .* give "):
        Lpips(features, backbone=other)
    with pytest.raises((MissingWeightsError, WeightsShapeError), match=r"lin\d\.model\.1\.weight"):
        Lpips(features, heads(other, 1.0, tmp_path / "heads.pth"), backbone=backbone)
    with pytest.raises(MissingWeightsError, match="No such file"):
        Lpips(tmp_path / "none.pth", backbone=backbone)
    (tmp_path / "page.pth").write_text("<html>log in first</html>")
    with pytest.raises(CorruptWeightsError, match=r"page\.pth: is no file of tensors"):
        Lpips(tmp_path / "page.pth", backbone=backbone)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CorruptWeightsError, match="no plain table of tensors"):
        Lpips(tmp_path / "list.pth", backbone=backbone)
    torch.save({"features.0.weight": tmp_path}, tmp_path / "code.pth")
    with pytest.raises(CorruptWeightsError, match="no file of tensors"):
        Lpips(tmp_path / "code.pth", backbone=backbone)


def test_safetensors_do_as_well(backbone: str, features: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(torch.load(features, weights_only=True), tmp_path / "f.safetensors")
    a, b = pictures()
    again = Lpips(tmp_path / "f.safetensors", backbone=backbone)
    assert again(a, b) == Lpips(features, backbone=backbone)(a, b)


def test_pictures_that_are_too_small_or_grey_are_refused(backbone: str, features: Path) -> None:
    lpips = Lpips(features, backbone=backbone)
    with pytest.raises(FormatError, match="32x32 or larger; got 40x20 and 40x20"):
        lpips(*pictures(20, 40))
    a, b = pictures()
    with pytest.raises(FormatError, match="with colour"):
        lpips(a[..., :1], b[..., :1])
    assert lpips(*pictures(32, 32)) > 0
