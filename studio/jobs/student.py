"""Load a student: base weights, adapter, tokenizer, device and precision; and put messages into the
very tokens it is asked with, in the exam as in training."""

from __future__ import annotations

import inspect
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jinja2 import TemplateError
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)
from transformers.utils.hub import cached_file
from transformers.utils.logging import disable_progress_bar

from studio.domain.errors import SpecError, StudentError
from studio.domain.spec_kinds import Precision
from studio.domain.specs import StudentSpec
from studio.jobs.four_bit import four_bit_options
from studio.jobs.limits import within
from studio.jobs.weights import Weights, check_config, find_adapter, find_weights, is_hub_id

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Messages = Sequence[dict[str, str]]
#: What libraries raise on files that are damaged or of another make.
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError,
    struct.error, SafetensorError,
)  # fmt: skip
TEMPLATE_WITHIN_S = 10.0  #: a chat template is a program, and not ours
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Student(NamedTuple):
    """A loaded student. ``model`` is a PeftModel where there is an adapter."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    weights: Weights

    @property
    def context(self) -> int:
        """The most tokens, question and answer together, that it can take."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", None) or 1 << 30)

    @property
    def answer_start(self) -> int | None:
        """What an encoder-decoder's answers begin with; None for a student that reads on."""
        if not self.model.config.is_encoder_decoder:
            return None
        told = (
            getattr(self.model.config, "decoder_start_token_id", None),
            getattr(self.model.generation_config, "decoder_start_token_id", None),
            getattr(self.model.generation_config, "bos_token_id", None),
        )
        found = next((int(one) for one in told if one is not None), None)
        if found is None:
            raise StudentError(
                f"{self.weights.place} does not tell what an answer begins with: set"
                " decoder_start_token_id in its config.json"
            )
        return found

    @property
    def cache_name(self) -> str:
        """What its model calls that which it keeps of what it has read."""
        model: Any = self.model
        return _cache_name(model.get_base_model() if isinstance(model, PeftModel) else model)

    @property
    def stops(self) -> frozenset[int]:
        """The token ids that end an answer."""
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ids = named if isinstance(named, list) else [named]
        return frozenset(i for i in (*ids, self.tokenizer.eos_token_id) if i is not None)

    @property
    def pad_id(self) -> int:
        """A token to fill up with; what stands there is masked, so any serves."""
        found = self.tokenizer.pad_token_id
        return int(found if found is not None else min(self.stops))

    def prompt_ids(self, messages: Messages) -> list[int]:
        """Return the tokens a student is asked with; raises StudentError where it cannot be."""
        if not self.tokenizer.chat_template:
            text = "\n".join(message["content"] for message in messages) + "\n"
            ids: list[int] = self.tokenizer(text)["input_ids"]
            # An encoder wants to see the end of what it reads; who reads on must not.
            ended = ids[-1:] == [self.tokenizer.eos_token_id] and self.answer_start is None
            return ids[:-1] if ended else ids
        return self._rendered(messages, add_generation_prompt=True)

    def completion_ids(self, text: str) -> list[int]:
        """Return the tokens of an answer and of its end, as the student would write them."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*ids, self.end_of_answer()]

    def end_of_answer(self) -> int:
        """Return the id that ends an answer: the template's own, where it writes one."""
        if self.tokenizer.chat_template:
            turn = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
            written = [i for i in self._rendered(turn) if i in self.stops]
            if written:
                return written[-1]
        if self.tokenizer.eos_token_id is not None:
            return int(self.tokenizer.eos_token_id)
        raise StudentError(
            f"{self.weights.place} has no token that ends an answer: set eos_token in its tokenizer"
        )

    def _rendered(self, messages: Messages, **options: Any) -> list[int]:
        try:
            with within(TEMPLATE_WITHIN_S):
                ids: Any = self.tokenizer.apply_chat_template(
                    list(messages), tokenize=True, return_dict=False, **options
                )
        except (TemplateError, ArithmeticError, LookupError, RecursionError, TimeoutError, TypeError,
                ValueError) as error:  # fmt: skip
            raise StudentError(
                f"the chat template of {self.weights.place} refuses these messages ({error}): write"
                " prompts with the roles it knows"
            ) from None
        return list(ids)


def load_student(
    spec: StudentSpec,
    *,
    beside: Path,
    dtype: torch.dtype,
    for_training: bool = False,
    four_bit: bool = False,
) -> Student:
    """Load base and adapter to the CPU; raises StudentError in one line.

    Args:
        beside: the folder that relative paths start from.
        for_training: let the adapter's weights learn.
        four_bit: the base in 4 bit, where it computes; raises SpecError where that cannot be.
    """
    weights = find_weights(spec.location, beside=beside)
    if is_hub_id(spec.location, beside=beside):
        _check_on_hub(spec.location)
    more = four_bit_options(dtype, pick_device()) if four_bit else {}
    model, tokenizer = _load_base(weights, dtype, more)
    if spec.adapter:
        adapter = find_adapter(spec.adapter, beside=beside)
        model = _with_adapter(model, adapter, for_training=for_training)
    student = Student(model, tokenizer, weights)
    student.end_of_answer()  # refused now, not after an hour
    return student


def pick_device() -> torch.device:
    """Return the device of this process: its GPU where there is one."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_precision(wish: Precision, device: torch.device) -> str:
    """Return fp32, bf16 or fp16; raises SpecError for one that the device has not."""
    if wish == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return "bf16" if has_bf16 else "fp32"
    if wish == "fp16" and device.type == "cpu":
        raise SpecError("precision fp16 needs a GPU: set precision=auto")
    return wish


def use_threads(wanted: int) -> None:
    """Use so many CPU threads; 0 for this process's share of the cores it may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes of the same job
    torch.set_num_threads(wanted or max(1, (cores or 1) // beside))


def _load_base(
    weights: Weights, dtype: torch.dtype, more: dict[str, Any]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    disable_progress_bar()
    options: dict[str, Any] = {"trust_remote_code": False}
    if weights.gguf_file:
        _check_gguf_reader()
        options["gguf_file"] = weights.gguf_file
    else:
        options["use_safetensors"] = True
    try:
        config = AutoConfig.from_pretrained(weights.place, **options)
        tokenizer = AutoTokenizer.from_pretrained(weights.place, **options)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        options |= {"dtype": dtype, "output_loading_info": True, **more}
        loaded: Any = kind.from_pretrained(weights.place, **options)
    except UNREADABLE as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise StudentError(f"{weights.place} cannot be loaded: {first_line(error)}") from error
    model, found = loaded
    _check_kind(model, weights)
    if missing := sorted(found["missing_keys"]):  # they would be drawn at random
        raise StudentError(
            f"{weights.place} cannot be loaded: its weights lack {missing[0]}, which its configuration"
            f" asks for ({len(missing)} in all): copy the model again"
        )
    if weights.gguf_file:  # an adapter names this as its base
        model.name_or_path = str(Path(weights.place, weights.gguf_file))
    return model, tokenizer


def _check_kind(model: PreTrainedModel, weights: Weights) -> None:
    kind, known = model.config.model_type, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if model.config.is_encoder_decoder:
        known = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
    if kind not in known or model.get_output_embeddings() is None:
        raise StudentError(
            f"{weights.place} ({kind}) is no causal language model, and no encoder-decoder that"
            " writes text: take one that is"
        )
    if not _cache_name(model):
        raise StudentError(
            f"{weights.place} ({kind}) cannot go on from what it has read, and would write nonsense:"
            " take another model"
        )


def _cache_name(model: Any) -> str:
    """Return the name; empty where the model reads all anew for each token, or as we do not know."""
    takes = inspect.signature(type(model).forward).parameters
    return next((name for name in ("past_key_values", "cache_params") if name in takes), "")


def _check_gguf_reader() -> None:
    try:
        import gguf  # noqa: F401
    except ImportError:
        raise StudentError(
            "reading a .gguf file needs the package gguf: 'pip install gguf', or take a safetensors"
            " folder"
        ) from None


def _check_on_hub(location: str) -> None:
    """Look at a hub model's configuration before anything else of it is fetched."""
    try:
        config = cached_file(location, "config.json")
    except (OSError, ValueError) as error:
        raise StudentError(
            f"there is no folder {location} here, and it cannot be fetched from the hub"
            f" ({first_line(error)}): put the folder back, or name another student"
        ) from None
    check_config(Path(str(config)))


def _with_adapter(model: PreTrainedModel, adapter: Path, *, for_training: bool) -> Any:
    try:
        with quiet_peft():
            return PeftModel.from_pretrained(
                model, str(adapter), is_trainable=for_training, use_safetensors=True
            )
    except UNREADABLE as error:
        raise StudentError(
            f"the adapter {adapter} does not fit this student: {first_line(error)}"
        ) from error


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Keep out of the log what libraries tell PEFT, or PEFT says of a base that is no folder."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        warnings.filterwarnings("ignore", "Could not find a config file", UserWarning)
        yield


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
