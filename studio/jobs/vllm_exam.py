"""The exam asked through vLLM, in this very process, where a person has installed it.

It is asked for tokens and gives tokens, so prompts, ends of answers and texts are made as always.
What is drawn for a question depends on the seed and its own key here too, though not to the same
draws as our own decoding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.domain.errors import SpecError
from studio.jobs.decode import Reply
from studio.jobs.weights import find_adapter

if TYPE_CHECKING:
    from studio.domain.specs import GenerateSpec
    from studio.jobs.student import Student

AT_ONCE = 1024  #: questions handed over together; their answers are on the disk before the next
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  #: of adapters, as vLLM rounds them up


def is_wanted(spec: GenerateSpec, student: Student) -> bool:
    """Return whether vLLM is to be used; raises SpecError where it is asked for and not there."""
    is_here = find_spec("vllm") is not None
    if spec.engine == "vllm" and not is_here:
        raise SpecError("engine vllm: it is not installed: 'pip install vllm', or set engine=own")
    if spec.engine == "vllm" and student.answer_start is not None:
        raise SpecError("engine vllm: an encoder-decoder is asked without it: set engine=own")
    fits = student.answer_start is None and student.weights.gguf_file is None
    return spec.engine == "vllm" or (
        spec.engine == "auto" and is_here and fits and torch.cuda.is_available()
    )


class VllmStudent:
    """A student as vLLM holds it.

    Args:
        beside: the folder that relative paths start from.
        dtype: what it computes in, by vLLM's name.
        longest: tokens of the longest prompt.
    """

    def __init__(
        self, student: Student, spec: GenerateSpec, *, beside: Path, dtype: str, longest: int
    ) -> None:
        from vllm import LLM  # type: ignore[import-not-found,unused-ignore]

        self._spec, self._stops = spec, student.stops
        options: dict[str, Any] = {}
        self._adapter: Any = None
        if spec.student.adapter:
            from vllm.lora.request import (  # type: ignore[import-not-found,unused-ignore]
                LoRARequest,
            )

            place = find_adapter(spec.student.adapter, beside=beside)
            self._adapter = LoRARequest("student", 1, str(place))
            options = {"enable_lora": True, "max_lora_rank": _rank(place)}
        self._model = LLM(
            model=student.weights.place, dtype=dtype, seed=spec.seed, trust_remote_code=False,
            max_model_len=min(student.context, longest + spec.max_new_tokens), **options,
        )  # fmt: skip

    def answers(self, prompts: Sequence[list[int]], keys: Sequence[str]) -> list[Reply]:
        """Return a reply to each prompt."""
        made = self._model.generate(
            [{"prompt_token_ids": ids} for ids in prompts],
            [self._drawn_as(key) for key in keys],
            lora_request=self._adapter,
            use_tqdm=False,
        )
        return [self._reply(one.outputs[0]) for one in made]

    def _drawn_as(self, key: str) -> Any:
        from vllm import SamplingParams

        spec = self._spec
        digest = hashlib.sha256(f"{spec.seed} {key}".encode()).digest()
        return SamplingParams(
            temperature=spec.temperature, top_p=spec.top_p if spec.temperature else 1.0,
            max_tokens=spec.max_new_tokens, seed=int.from_bytes(digest[:4], "big"),
            stop_token_ids=sorted(self._stops), detokenize=False,
        )  # fmt: skip

    def _reply(self, made: Any) -> Reply:
        ids = [int(token) for token in made.token_ids]
        if ids and ids[-1] in self._stops:
            ids.pop()
        return Reply(ids, ended=made.finish_reason == "stop")


def _rank(adapter: Path) -> int:
    own = int(json.loads((adapter / "adapter_config.json").read_text())["r"])
    return next((rank for rank in _RANKS if rank >= own), own)
