"""A tiny real student: a two-layer Llama with random weights and a tokenizer of its own.

Tests of the flow have it made in another process (see ``forked``), and never load torch.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHAT = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def main(
    folder: Path,
    *,
    hidden_size: int = 16,
    layers: int = 2,
    vocabulary_size: int = 0,
    merges: tuple[str, ...] = (),
    heads: int = 2,
    context: int = 512,
) -> None:
    """Build and save the student; larger ones are for benchmarks.

    Args:
        merges: pairs of letters that are one token.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate(["<pad>", "</s>", *letters, *merges])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[(one[0], one[1]) for one in merges]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", chat_template=CHAT,
        model_max_length=context, padding_side="left",
    )  # fmt: skip
    torch.manual_seed(731)
    config = LlamaConfig(
        vocab_size=max(len(vocabulary), vocabulary_size), hidden_size=hidden_size, intermediate_size=2 * hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=context,
        bos_token_id=None, eos_token_id=vocabulary["</s>"], pad_token_id=vocabulary["<pad>"],
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def encoder_decoder(
    folder: Path, *, hidden_size: int = 16, layers: int = 2, heads: int = 2
) -> None:
    """Build and save a student of the shape of T5 and CodeT5, its tokenizer ending what it reads."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate(["<pad>", "</s>", *letters])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", vocabulary["</s>"])]
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", model_max_length=512
    )
    torch.manual_seed(731)
    config = T5Config(
        vocab_size=len(vocabulary), d_model=hidden_size, d_kv=hidden_size // heads,
        d_ff=2 * hidden_size, num_layers=layers, num_heads=heads, decoder_start_token_id=0, pad_token_id=0,
        eos_token_id=vocabulary["</s>"],
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
