"""The memory estimate: shapes from configurations, weights counted, settings that help do help."""

from __future__ import annotations

from studio.domain.dealing import Load, Size
from studio.domain.memory import (
    Shape,
    adapter_parameters,
    at_worst,
    estimate,
    llama_tensors,
    parameters,
    shape_of,
)
from studio.domain.memory_of_pairs import Stacks
from studio.domain.specs import TrainSpec, train_spec

#: Of SmolLM2-360M's own config.json; its weights are told as 361,821,120.
SMOL = {"hidden_size": 960, "num_hidden_layers": 32, "intermediate_size": 2560, "num_attention_heads": 15,
        "num_key_value_heads": 5, "vocab_size": 49152, "tie_word_embeddings": True}  # fmt: skip


def spec(**values: object) -> TrainSpec:
    return train_spec({"student": {"location": "x"}, **values})


def shape() -> Shape:
    found = shape_of(SMOL)
    assert found is not None
    return found


def test_the_weights_of_a_known_model_are_counted_exactly() -> None:
    assert parameters(llama_tensors(shape())) == 361_821_120


def test_other_families_name_their_shape_otherwise() -> None:
    gpt2 = {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    assert shape_of(gpt2) == Shape(768, 12, 3072, 768, 768, 50257, heads=12)
    assert shape_of({"text_config": SMOL}) == shape()
    assert shape_of({"model_type": "mystery"}) is None


def test_an_adapter_of_all_linear_layers_leaves_embeddings_alone() -> None:
    tensors = {"model.embed_tokens.weight": (100, 8), "a.q_proj.weight": (8, 8),
               "a.down_proj.weight": (8, 24), "norm.weight": (8,), "lm_head.weight": (100, 8)}  # fmt: skip
    assert adapter_parameters(tensors, spec(lora={"r": 4})) == 4 * (16 + 32)
    only = spec(lora={"r": 4, "target_modules": "q_proj"})
    assert adapter_parameters(tensors, only) == 4 * 16


def total(*, on_gpu: bool = True, **values: object) -> int:
    chosen = spec(**values)
    told = [Size(512, 256, "rationale")] * 64
    return at_worst(
        shape(), llama_tensors(shape()), chosen, examples=told, on_gpu=on_gpu
    ).total  # fmt: skip


def test_what_ought_to_save_memory_does() -> None:
    plain = total()
    assert total(gradient_checkpointing=True) < plain
    assert total(batch_tokens=1024) < plain
    assert total(precision="fp32") > plain
    assert total(full=True) > plain
    assert total(four_bit=True) < plain
    assert total(full=True, processes=4, sharded=True) < 0.7 * total(full=True)


def test_full_training_in_fp32_takes_sixteen_bytes_a_weight_before_activations() -> None:
    chosen = spec(full=True, precision="fp32")
    found = estimate(shape(), llama_tensors(shape()), chosen, load=Load(0, 0), on_gpu=False)
    assert found.total == 16 * 361_821_120


def test_a_cpu_keeps_the_scores_of_short_examples_and_nothing_else_does() -> None:
    def activations(longest: int, *, on_gpu: bool = False, **values: object) -> int:
        chosen = spec(precision="fp32", **values)
        load = Load(2048, 1024, longest)
        told = estimate(shape(), {}, chosen, load=load, on_gpu=on_gpu).needs
        return next(need.bytes for need in told if need.name == "activations")

    # 15 heads in 32 layers, four bytes a score; keys and values are three times as wide.
    wider = 32 * 2048 * 8 * (960 - 320)
    assert activations(256) - activations(1024) == 32 * 2048 * 15 * 256 * 4 + wider
    assert activations(512) - activations(256) == 32 * 2048 * 15 * 256 * 4
    assert activations(256, on_gpu=True) == activations(1024)
    assert activations(256, packing="on") == activations(1024)


def test_half_precision_has_a_cpu_write_programs_of_its_own() -> None:
    def lines(precision: str, *, on_gpu: bool) -> set[str]:
        chosen = spec(precision=precision)
        found = estimate(shape(), {}, chosen, load=Load(64, 32, 32), on_gpu=on_gpu)
        return {need.name for need in found.needs if "libraries" in need.name}

    assert lines("fp32", on_gpu=False) == set()
    assert lines("bf16", on_gpu=False) == {"CPU libraries"}
    assert lines("bf16", on_gpu=True) == {"GPU libraries"}


def test_no_examples_still_have_weights() -> None:
    found = at_worst(shape(), llama_tensors(shape()), spec(), examples=[], on_gpu=False)
    assert found.total > 4 * 361_821_120
    assert found.load == Load(0, 0)


T5 = {"is_encoder_decoder": True, "d_model": 512, "num_layers": 6, "num_heads": 8, "d_kv": 64, "d_ff": 2048,
      "vocab_size": 32128}  # fmt: skip


def test_what_reads_and_what_writes_are_told_apart() -> None:
    found = shape_of(T5)
    assert found is not None
    assert found.stacks == Stacks(6, 8, gated=False)
    deep = shape_of({**T5, "num_decoder_layers": 12, "feed_forward_proj": "gated-gelu"})
    assert deep is not None
    assert deep.stacks == Stacks(12, 8, gated=True)
    chosen = spec(precision="fp32")
    totals = [
        estimate(one, {}, chosen, load=Load(1024, 512, 128), on_gpu=False).total
        for one in (found, deep)
    ]
    assert totals[0] < totals[1]
    less = spec(precision="fp32", gradient_checkpointing=True)
    assert estimate(found, {}, less, load=Load(1024, 512, 128), on_gpu=False).total < totals[0]


def test_processes_on_one_cpu_share_its_memory_and_on_gpus_each_has_its_own() -> None:
    def found(*, on_gpu: bool, processes: int, longest: int = 256) -> dict[str, int]:
        chosen = spec(full=True, precision="fp32", processes=processes, batch_examples=8)
        data = [Size(longest, longest // 2, "rationale")] * 8
        told = at_worst(shape(), llama_tensors(shape()), chosen, examples=data, on_gpu=on_gpu)
        return {need.name: need.bytes for need in told.needs} | {"all": told.total}

    alone, two = (found(on_gpu=False, processes=n) for n in (1, 2))
    assert two["activations"] * 2 == alone["activations"]  # each has half of the examples
    # They are added up in a place of their own; few short examples leave too little for the rest.
    assert two["gradients"] == alone["gradients"]
    short = found(on_gpu=False, processes=2, longest=8)
    left = short["gradients"] - alone["gradients"]
    assert 0 < left == alone["gradients"] - short["activations"] - short["logits"]
    assert two["other processes"] * 2 == two["all"]
    assert "other processes" not in found(on_gpu=True, processes=2)
