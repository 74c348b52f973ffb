"""What training will take of the memory, line by line, from a model's shape and the settings alone.

Weights, adapter, gradients and optimiser are counted exactly. Activations follow from how many bytes
a layer keeps for its way back; these were measured on Llama-like models with our own loop, and are
right within about a tenth for such models, less surely for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from studio.domain.dealing import Example, Load, heaviest
from studio.domain.memory_of_layers import PLAIN_UP_TO, LayerWidths, kept_by_layer
from studio.domain.memory_of_pairs import Reading, Stacks, Widths, layer_bytes, stacks_of
from studio.domain.specs import TrainSpec

WIDE = 256  #: hidden size from which bf16 pays on a CPU that has it
TIGHT = 0.85  #: of what is free: from here on it may not fit, the estimate being what it is
GPU_CONTEXT = 500 << 20  #: bytes a GPU's own libraries take before the first tensor
CPU_KERNELS = 60 << 20  #: bytes of programs that a CPU's library writes itself for half precision
_OPTIMISER = 8  #: bytes of AdamW a trained weight: two moments in fp32
_FP32 = 4
_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
_FOUR_BIT = 0.516  #: bytes a weight: 4 bit, and 0.127 bit for its block's scale (arXiv 2305.14314)
_EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "wpe", "embed", "shared")
_LOADED = ("weights", "adapter", "GPU libraries")
Tensors = Mapping[str, tuple[int, ...]]  #: shape of each weight by name


class Shape(NamedTuple):
    """What of a model's ``config.json`` decides its activations."""

    hidden: int
    layers: int
    intermediate: int
    key_value: int  #: width of keys, and of values
    queries: int
    vocabulary: int
    heads: int = 1
    tied: bool = False
    stacks: Stacks | None = None  #: of an encoder-decoder; ``layers`` are then those that read


class Need(NamedTuple):
    """One line of the estimate."""

    name: str
    bytes: int
    why: str


class Estimate(NamedTuple):
    """What a run will take at its peak."""

    needs: tuple[Need, ...]
    load: Load  #: the micro-batch that this is for
    checkpointing: bool = False  #: whether activations are made anew on the way back

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(need.bytes for need in self.needs)

    @property
    def to_come(self) -> int:
        """What is not there yet when the student is loaded, in bytes."""
        return sum(need.bytes for need in self.needs if need.name not in _LOADED)


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """Return the shape that a ``config.json`` tells; None where it does not."""
    text = config.get("text_config")
    told = {**config, **text} if isinstance(text, Mapping) else config

    def first(*names: str) -> int:
        found = (told.get(name) for name in names)
        return next((int(n) for n in found if isinstance(n, int) and n > 0), 0)

    hidden, layers = (
        first("hidden_size", "n_embd", "d_model"),
        first("num_hidden_layers", "n_layer", "num_layers"),
    )
    heads = first("num_attention_heads", "n_head", "num_heads")
    if not (hidden and layers and heads):
        return None
    wide = first("head_dim", "d_kv") or hidden // heads
    return Shape(
        hidden, layers, first("intermediate_size", "n_inner", "d_ff") or 4 * hidden,
        wide * (first("num_key_value_heads") or heads), wide * heads, first("vocab_size"),
        heads, bool(told.get("tie_word_embeddings", False)), stacks_of(told, layers=layers, heads=heads),
    )  # fmt: skip


def llama_tensors(shape: Shape) -> Tensors:
    """Return the weights a Llama-like model of this shape has, where its files are not at hand."""
    h, i = shape.hidden, shape.intermediate
    made = {"model.embed_tokens.weight": (shape.vocabulary, h), "model.norm.weight": (h,)}
    if not shape.tied:
        made["lm_head.weight"] = (shape.vocabulary, h)
    for n in range(shape.layers):
        own = {
            "self_attn.q_proj": (shape.queries, h), "self_attn.k_proj": (shape.key_value, h),
            "self_attn.v_proj": (shape.key_value, h), "self_attn.o_proj": (h, shape.queries),
            "mlp.gate_proj": (i, h), "mlp.up_proj": (i, h), "mlp.down_proj": (h, i),
            "input_layernorm": (h,), "post_attention_layernorm": (h,),
        }  # fmt: skip
        made |= {f"model.layers.{n}.{name}.weight": size for name, size in own.items()}
    return made


def parameters(tensors: Tensors) -> int:
    """Return how many weights there are."""
    return sum(math.prod(size) for size in tensors.values())


def adapter_parameters(tensors: Tensors, spec: TrainSpec) -> int:
    """Return how many weights a LoRA adapter of these settings has."""
    names = spec.lora.target_modules
    wanted = None if names == "all-linear" else {name.strip() for name in names.split(",")}
    total = 0
    for name, size in tensors.items():
        if not _is_layer(name, size):
            continue
        if wanted is None or name.split(".")[-2] in wanted:
            total += spec.lora.r * sum(size)
    return total


def with_its_adapter(spec: TrainSpec, told: Mapping[str, Any]) -> TrainSpec:
    """Return the same run with the adapter its student has already, which is trained on as it is.

    Args:
        told: what the adapter's configuration says.
    """
    rank, names = told.get("r"), told.get("target_modules")
    own: dict[str, Any] = {"r": rank} if isinstance(rank, int) and rank > 0 else {}
    if names:
        own["target_modules"] = names if isinstance(names, str) else ",".join(sorted(names))
    return spec.model_copy(update={"lora": spec.lora.model_copy(update=own)})


def precision_of(spec: TrainSpec, *, fast_bf16: bool) -> str:
    """Return what ``auto`` comes to."""
    if spec.precision != "auto":
        return spec.precision
    return "bf16" if fast_bf16 else "fp32"


def is_tight(need: int, free: int | None) -> bool:
    """Return whether so many bytes may not fit; where nothing is known of what is free, they do."""
    return free is not None and need > free * TIGHT


def with_checkpointing(spec: TrainSpec) -> TrainSpec:
    """Return the same run with activations made anew on the way back."""
    return spec.model_copy(update={"gradient_checkpointing": "on"})


def _made_anew(spec: TrainSpec) -> bool:
    return spec.gradient_checkpointing == "on"


def estimate(
    shape: Shape,
    tensors: Tensors,
    spec: TrainSpec,
    *,
    load: Load,
    on_gpu: bool,
    cpu_has_bf16: bool = False,
) -> Estimate:
    """Return what training takes at its peak, line by line; checkpointing counts where it is on."""
    if not on_gpu and spec.packing != "on" and load.longest <= PLAIN_UP_TO:
        load = load._replace(plain=load.longest)
    by_itself = cpu_has_bf16 and shape.hidden >= WIDE and not spec.four_bit
    precision = precision_of(spec, fast_bf16=on_gpu or by_itself)
    size, n = _BYTES[precision], parameters(tensors)
    adapter = 0 if spec.full else adapter_parameters(tensors, spec)
    trained = n if spec.full else adapter
    # What is trained is kept in fp32; in half precision a copy of it serves each pass.
    copy = size * trained if size < _FP32 else 0
    needs = [_weights(tensors, spec, precision=precision)]
    if not spec.full:
        needs.append(Need("adapter", adapter * _FP32, f"{adapter:,} in fp32, rank {spec.lora.r}"))
    passing = [
        Need("activations", _activations(shape, spec, load=load, size=size),
             f"{load.tokens:,} tokens a micro-batch, {shape.layers} layers"
             + (", most made anew on the way back" if _made_anew(spec) else "")),
        Need("logits", _logits(shape, spec, load=load, size=size),
             f"{load.supervised:,} learned tokens of {shape.vocabulary:,} words, with gradient"),
    ]  # fmt: skip
    gone = sum(need.bytes for need in passing)
    needs += [
        _gradients(spec, trained=trained, copy=copy, gone=gone),
        Need("optimiser", trained * _OPTIMISER, "AdamW: two moments a trained weight"),
    ]
    if spec.sharded:
        needs = [_part(need, spec.processes) for need in needs]
    needs += passing
    if on_gpu:
        needs.append(Need("GPU libraries", GPU_CONTEXT, "about, before the first tensor"))
    elif size < _FP32:
        needs.append(Need("CPU libraries", CPU_KERNELS, "about, for half precision"))
    if not on_gpu and spec.processes > 1:  # of GPUs each has one to itself
        more = (spec.processes - 1) * sum(need.bytes for need in needs)
        needs.append(Need("other processes", more, f"{spec.processes - 1} more in the same memory"))
    return Estimate(tuple(needs), load, _made_anew(spec))


def at_worst(
    shape: Shape, tensors: Tensors, spec: TrainSpec, *, examples: Sequence[Example],
    on_gpu: bool, cpu_has_bf16: bool = False,
) -> Estimate:  # fmt: skip
    """Return what training on these examples takes at its peak."""
    reads_on = shape.stacks is None
    packed = reads_on and (spec.packing == "on" or (on_gpu and spec.packing == "auto"))
    loads = heaviest(examples, spec, packed=packed) or {Load(0, 0)}
    found = (
        estimate(shape, tensors, spec, load=load, on_gpu=on_gpu, cpu_has_bf16=cpu_has_bf16)
        for load in sorted(loads)
    )
    return max(found, key=lambda one: one.total)


def _weights(tensors: Tensors, spec: TrainSpec, *, precision: str) -> Need:
    n = parameters(tensors)
    if spec.full:
        return Need("weights", n * _FP32, f"{n:,} in fp32")
    if not spec.four_bit:
        return Need("weights", n * _BYTES[precision], f"{n:,} in {precision}")
    small = sum(math.prod(size) for name, size in tensors.items() if _is_layer(name, size))
    taken = math.ceil(small * _FOUR_BIT) + (n - small) * _FP32
    return Need("weights", taken, f"{small:,} in 4 bit, {n - small:,} in fp32")


def _gradients(spec: TrainSpec, *, trained: int, copy: int, gone: int) -> Need:
    """Return what gradients take.

    Processes that each hold them all add them up in a place of its own, there from the start; then
    they themselves find room where activations were.

    Args:
        gone: bytes that are free again by the time all gradients are there.
    """
    own, why = trained * _FP32, f"of {trained:,} trained weights"
    if spec.processes > 1 and not spec.sharded:
        own, why = own + max(0, own - gone), f"{why}, to be added up"
    return Need("gradients", own + copy, why)


def _part(need: Need, processes: int) -> Need:
    """Return what one of several processes holds of a line."""
    why = f"{need.why}; one of {processes} parts"
    return Need(need.name, math.ceil(need.bytes / processes), why)


def _is_layer(name: str, size: tuple[int, ...]) -> bool:
    """Return whether a tensor is the weight of a linear layer; embeddings are none."""
    *path, kind = name.split(".")
    return kind == "weight" and len(size) == 2 and not set(path) & set(_EMBEDDINGS)


def _logits(shape: Shape, spec: TrainSpec, *, load: Load, size: int) -> int:
    whole = load.supervised * shape.vocabulary * 2 * size
    if not _made_anew(spec):
        return whole
    # They are let go of before a layer is made anew: only what is more than that layer counts.
    return max(0, whole - max(_layers(shape, spec, load=load, size=size)))


def _activations(shape: Shape, spec: TrainSpec, *, load: Load, size: int) -> int:
    layers = _layers(shape, spec, load=load, size=size)
    deep = (shape.layers,) if shape.stacks is None else (shape.layers, shape.stacks.decoder_layers)
    if not _made_anew(spec):
        return sum(n * each for n, each in zip(deep, layers, strict=True))
    tokens = (
        (load.tokens,) if shape.stacks is None else (load.tokens - load.supervised, load.supervised)
    )
    ends = sum(n * (many + 2) for n, many in zip(tokens, deep, strict=True))
    return ends * shape.hidden * size + max(layers)


def _layers(shape: Shape, spec: TrainSpec, *, load: Load, size: int) -> tuple[int, ...]:
    """Return the bytes that one layer keeps of a micro-batch; of an encoder-decoder, one of each stack."""
    how = "full" if spec.full else "dropout" if spec.lora.dropout else "lora"
    if shape.stacks is not None:
        asked = load.tokens - load.supervised
        read = Reading(
            asked, load.supervised, math.ceil(load.longest * asked / load.tokens),
            math.ceil(load.longest * load.supervised / load.tokens),
        )  # fmt: skip
        widths = Widths(shape.hidden, shape.intermediate, shape.queries)
        return layer_bytes(shape.stacks, widths, read, fp32=size == _FP32, how=how)
    own = LayerWidths(shape.hidden, shape.intermediate, shape.queries, shape.key_value, shape.heads)
    return (kept_by_layer(own, tokens=load.tokens, plain=load.plain, fp32=size == _FP32, how=how),)
