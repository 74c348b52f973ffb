"""A base in 4 bit: refused in one line where the machine cannot, and no other run's concern."""

from __future__ import annotations

import sys

import pytest
import torch

from studio.domain.errors import SpecError
from studio.domain.specs import EFFORT, TrainSpec, effort_of, read_spec, train_spec
from studio.jobs.four_bit import four_bit_options
from studio.jobs.job import Job
from studio.jobs.train import train
from tests.jobs.conftest import MakeFolder, examples


def spec(**values: object) -> TrainSpec:
    return train_spec({"student": {"location": "x"}, **values})


def test_without_a_gpu_it_is_refused_and_says_what_to_set(make_folder: MakeFolder) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    folder = make_folder("train", {"four_bit": True}, train=examples())
    chosen = read_spec(folder)
    assert isinstance(chosen, TrainSpec)
    with pytest.raises(SpecError, match=r"needs an NVIDIA GPU.*set four_bit=false"):
        train(Job(folder), chosen)


def test_what_is_in_four_bit_cannot_learn_itself() -> None:
    with pytest.raises(SpecError, match="exclude each other"):
        spec(full=True, four_bit=True)


def test_with_a_gpu_but_without_the_package_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(SpecError, match=r"pip install mapd-studio\[qlora\]"):
        four_bit_options(torch.bfloat16)


def test_runs_of_before_keep_their_fingerprint(make_folder: MakeFolder) -> None:
    """Else an interrupted run could not be resumed once there was such a setting."""
    job, plain = Job(make_folder("train", train=examples())), spec()
    before = job.fingerprint(plain, but_for=EFFORT_AND_OFF)
    assert job.fingerprint(plain, but_for=effort_of(plain)) == before
    other = spec(four_bit=True)
    assert job.fingerprint(other, but_for=effort_of(other)) != before


EFFORT_AND_OFF = (*EFFORT, "four_bit")
