"""Stands where llama.cpp's ``convert_hf_to_gguf.py`` does, for tests: real GGUF files, of tiny Llamas only.

python tiny_converter.py FOLDER --outfile FILE --outtype f16
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
OUTER = {
    "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}  # fmt: skip


def main() -> None:
    """Convert one folder."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--outfile", required=True)
    options.add_argument("--outtype", required=True)
    said = options.parse_args()
    config = json.loads((said.folder / "config.json").read_text())
    import gguf

    writer = gguf.GGUFWriter(said.outfile, "llama")
    _shape(writer, config)
    _tokens(writer, said.folder, config)
    for name, value in load_file(said.folder / "model.safetensors").items():
        kind = np.float16 if said.outtype == "f16" and value.ndim > 1 else np.float32
        writer.add_tensor(_name(name), _permuted(name, value, config).astype(kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(writer: Any, config: dict[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])


def _tokens(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if n < 2 else 1 for n in range(len(tokens))])
    if model["merges"]:
        writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    template = folder / "chat_template.jinja"
    if template.is_file():
        writer.add_chat_template(template.read_text())


def _name(name: str) -> str:
    if name in OUTER:
        return OUTER[name]
    _, _, layer, *rest = name.split(".")
    return f"blk.{layer}.{NAMES['.'.join(rest[:-1])]}.weight"


def _permuted(name: str, value: Any, config: dict[str, Any]) -> Any:
    """Put the halves of a head's rotation side by side, as llama.cpp wants them."""
    if not name.endswith(("q_proj.weight", "k_proj.weight")):
        return value
    heads = config["num_attention_heads"]
    return value.reshape(heads, 2, -1, value.shape[1]).swapaxes(1, 2).reshape(value.shape)


if __name__ == "__main__":
    main()
