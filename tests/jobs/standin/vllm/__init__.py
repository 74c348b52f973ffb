"""Stands in for vLLM where it cannot run: the same calls, answered greedily by plain Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from studio.jobs.student import quiet_peft


class SamplingParams:
    """How one prompt is to be answered."""

    def __init__(self, *, temperature: float, top_p: float, max_tokens: int, seed: int,
                 stop_token_ids: list[int], detokenize: bool) -> None:  # fmt: skip
        assert temperature == 0, "draws are not this one's business"
        assert top_p == 1.0
        assert not detokenize
        self.most, self.stops = max_tokens, set(stop_token_ids)


class LLM:
    """A model that answers prompts in tokens."""

    def __init__(self, *, model: str, dtype: str, seed: int, trust_remote_code: bool,
                 max_model_len: int, enable_lora: bool = False, max_lora_rank: int = 16) -> None:  # fmt: skip
        assert not trust_remote_code
        if max_model_len < 32:
            raise ValueError("not enough room\nfor anything")
        self._ranks = max_lora_rank if enable_lora else 0
        self._model: Any = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))

    def generate(self, prompts: list[dict[str, list[int]]], params: list[SamplingParams], *,
                 lora_request: Any, use_tqdm: bool) -> list[Any]:  # fmt: skip
        """Answer each prompt; the token that ends an answer is part of it."""
        if lora_request is not None:
            assert self._ranks >= 8
            with quiet_peft():
                self._model = PeftModel.from_pretrained(self._model, lora_request.path)
        self._model.eval()
        return [
            self._one(one["prompt_token_ids"], how)
            for one, how in zip(prompts, params, strict=True)
        ]

    @torch.inference_mode()
    def _one(self, prompt: Sequence[int], how: SamplingParams) -> Any:
        made: list[int] = []
        while len(made) < how.most and not (made and made[-1] in how.stops):
            ids = torch.tensor([[*prompt, *made]])
            made.append(int(self._model(input_ids=ids).logits[0, -1].argmax()))
        reason = "stop" if made[-1] in how.stops else "length"
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=made, finish_reason=reason)])
