"""What nvidia-smi says is read, and nothing is made up where it says nothing."""

from __future__ import annotations

from studio.app.gpu import GpuMemory, read_answer


def test_memory_of_every_gpu_is_read() -> None:
    answer = "NVIDIA H200, 12345, 143771, 87\nNVIDIA A10, 0, 23028, [N/A]\n"
    assert read_answer(answer) == [
        GpuMemory("NVIDIA H200", 12_345, 143_771, 87), GpuMemory("NVIDIA A10", 0, 23_028, None),
    ]  # fmt: skip


def test_a_driver_that_does_not_answer_is_no_gpu() -> None:
    assert read_answer("NVIDIA-SMI has failed because it couldn't communicate, with it\n") == []
    assert read_answer("Old GPU, [N/A], [N/A], [N/A]\n") == []
