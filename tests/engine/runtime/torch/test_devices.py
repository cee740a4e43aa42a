from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from engine.errors import DeviceError
from engine.runtime.torch.devices import devices_here, exact_kernels, free_memory, settle_device


def test_the_cpu_is_always_there_and_last() -> None:
    assert devices_here()[-1] == "cpu"
    assert settle_device("cpu") == torch.device("cpu")


def test_auto_is_the_first_of_the_devices_that_are_there() -> None:
    assert str(settle_device("auto")) == devices_here()[0]


@pytest.mark.parametrize("asked", ["cuda", "cuda:63", "mps"])
def test_a_device_that_is_not_there_is_an_error_that_names_those_that_are(asked: str) -> None:
    if {"cuda": "cuda:0"}.get(asked, asked) in devices_here():
        pytest.skip(f"{asked} is here")
    with pytest.raises(DeviceError, match=f"no device {asked} .*{', '.join(devices_here())} on this machine.*--device"):
        settle_device(asked)


def test_free_memory_is_some_or_unknown() -> None:
    free = free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 1 << 50


def test_the_settings_of_the_process_are_as_before_after_a_run_on_cuda() -> None:
    def settings() -> tuple[bool, ...]:
        cudnn = torch.backends.cudnn
        return cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32

    before = settings()
    for allowed in (True, False):
        with exact_kernels(torch.device("cuda:0"), allowed):
            assert settings() == (True, False, allowed, allowed)
        assert settings() == before
    with exact_kernels(torch.device("cpu"), True):
        assert settings() == before


def test_on_the_cpu_every_thread_computes_with_as_many_threads() -> None:
    """Torch chooses kernels by their number, and other libraries change it for a thread that they have run in."""

    def within(before: int) -> int:
        torch.set_num_threads(before)
        with exact_kernels(torch.device("cpu"), False):
            return torch.get_num_threads()

    with exact_kernels(torch.device("cpu"), False):
        usual = torch.get_num_threads()
    with ThreadPoolExecutor(1) as other:
        assert {other.submit(within, before).result() for before in (1, 2, 3)} == {usual}
    torch.set_num_threads(usual)
