"""Build the sample project's student and its questions: `python resources/demo/build_student.py`.

A tokenizer and a small Llama-shaped model are made from nothing but the problems of `problems.py`:
the model is pre-trained to solve the strong kinds and to make the typical mistake in the weak ones.
Then it sits an exam, and the questions, the student and its model card are written to this folder.
"""

# Parts of transformers carry no annotations.
# mypy: allow-untyped-calls

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.optim.lr_scheduler import LambdaLR
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from card import model_card
from exam import Scored, accuracy_by_kind, scored
from lessons import SHARE_OF_MISCONCEPTIONS, Lesson, lessons
from problems import KINDS, Bucket, Problem, check_kinds, distinct_problems
from strong_kinds import STRONG_KINDS
from weak_kinds import WEAK_KINDS

HERE = Path(__file__).parent
STUDENT = HERE / "student"

SEED = 731
QUESTIONS_PER_KIND = 30
STEPS = 1900
WARMUP_STEPS = 50
DECAY_STEPS = 1200
LESSONS_PER_STEP = 64
PARTS_PER_STEP = 2
MUON_PEAK = 0.02
ADAMW_PEAK = 4e-3
IGNORED = -100

SPECIAL_TOKENS = ["<pad>", "<bos>", "<eos>", "<q>", "<a>"]
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<q>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ '<a>' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('The student knows the roles user and assistant only.') }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<a>' }}{% endif %}"
)


def main() -> None:
    """Build everything in this folder that is made by rule."""
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    check_kinds(seed=SEED)
    train, test = sample_questions("train"), sample_questions("test")
    write_questions({"train": train, "test": test})

    tokenizer = trained_tokenizer()
    student = pretrained_student(tokenizer)
    student.eval()
    tokenizer.save_pretrained(STUDENT, save_jinja_files=False)
    student.half().save_pretrained(STUDENT)
    # The student knows no instructions: the studio asks it the bare question.
    (STUDENT / "mapd-studio.json").write_text('{"prompts": "bare"}\n', encoding="utf-8")
    results = scored(student.float(), tokenizer, test)
    (STUDENT / "README.md").write_text(card(student, results), encoding="utf-8")
    print(accuracy_by_kind(results))


def card(student: LlamaForCausalLM, results: list[Scored]) -> str:
    """Return the model card of the student."""
    return model_card(
        results,
        parameters=student.num_parameters(),
        layers=student.config.num_hidden_layers,
        width=student.config.hidden_size,
        strong=len(STRONG_KINDS),
        weak=len(WEAK_KINDS),
        steps=STEPS,
        lessons=LESSONS_PER_STEP,
        misconceptions=SHARE_OF_MISCONCEPTIONS,
    )


def sample_questions(bucket: Bucket) -> list[Problem]:
    """Return the sample questions of one split, kind after kind."""
    return [
        problem
        for kind in KINDS
        for problem in distinct_problems(kind, bucket, QUESTIONS_PER_KIND, seed=SEED)
    ]


def write_questions(splits: dict[str, list[Problem]]) -> None:
    """Write the sample questions with what the scripted committee says about each."""
    with (HERE / "questions.jsonl").open("w", encoding="utf-8") as file:
        for split, members in splits.items():
            for number, problem in enumerate(members):
                kind = problem.kind.replace(" ", "-")
                row = {
                    "key": f"{split}-{kind}-{number % QUESTIONS_PER_KIND + 1:02d}",
                    "question": problem.question,
                    "answer": str(problem.answer),
                    "kind": problem.kind,
                    "split": split,
                    "solution": problem.solution,
                    "wrong_solution": problem.wrong_solution,
                    "explanation": problem.explanation,
                }
                file.write(json.dumps(row) + "\n")


def trained_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer in which every digit is a token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    corpus = (text for lesson in islice(lessons(SEED), 20000) for text in lesson)
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        extra_special_tokens=["<q>", "<a>"],
        chat_template=CHAT_TEMPLATE,
        model_max_length=512,
        padding_side="left",
    )


def untrained_student(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return a Llama-shaped model of about a million parameters with random weights."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    student = LlamaForCausalLM(config)
    student.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=96,
    )
    return student


def pretrained_student(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Pre-train a student from scratch on the replies of the lessons."""
    student = untrained_student(tokenizer)
    student.train()
    optimizers = optimizers_of(student)
    schedules = [LambdaLR(optimizer, learning_rate_factor) for optimizer in optimizers]
    for step, parts in enumerate(batches(tokenizer), start=1):
        supervised = [int((part["labels"] != IGNORED).sum()) for part in parts]
        loss = 0.0
        for part, tokens in zip(parts, supervised, strict=True):
            part_loss = student(**part).loss * (tokens / sum(supervised))
            part_loss.backward()
            loss += part_loss.item()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        if step % 100 == 0 or step == STEPS:
            print(f"step {step} of {STEPS}, loss {loss:.4f}", flush=True)
    return student


def optimizers_of(student: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Return Muon for the weight matrices (arXiv 2502.16982) and AdamW for all the rest."""
    parameters = dict(student.named_parameters())
    matrices = [name for name, p in parameters.items() if p.ndim == 2 and "embed" not in name]
    rest = [p for name, p in parameters.items() if name not in matrices]
    return [
        torch.optim.Muon([parameters[name] for name in matrices], lr=MUON_PEAK, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=ADAMW_PEAK, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def learning_rate_factor(step: int) -> float:
    """Return the share of the peak: warm-up, a plateau, then a straight line down to zero."""
    return min((step + 1) / WARMUP_STEPS, 1.0, (STEPS - step) / DECAY_STEPS)


def batches(tokenizer: PreTrainedTokenizerFast) -> Iterator[list[dict[str, Any]]]:
    """Yield the parts of one batch a step: the shorter and the longer lessons, to pad little."""
    stream = lessons(SEED)
    size = LESSONS_PER_STEP // PARTS_PER_STEP
    for _ in range(STEPS):
        pool = list(islice(stream, LESSONS_PER_STEP))
        encoded = sorted(encode(tokenizer, pool), key=lambda pair: len(pair[0]))
        yield [
            collate(encoded[start : start + size], tokenizer.pad_token_id)
            for start in range(0, LESSONS_PER_STEP, size)
        ]


def encode(tokenizer: PreTrainedTokenizerFast, pool: list[Lesson]) -> list[tuple[list[int], int]]:
    """Return each lesson's token ids and the number of ids that belong to the prompt."""
    prompts = tokenizer([f"<bos><q>{lesson.prompt}<a>" for lesson in pool])["input_ids"]
    replies = tokenizer([f"{lesson.reply}<eos>" for lesson in pool])["input_ids"]
    return [(p + r, len(p)) for p, r in zip(prompts, replies, strict=True)]


def collate(encoded: list[tuple[list[int], int]], pad_id: int) -> dict[str, Any]:
    """Pad on the right; labels are `IGNORED` on prompts and padding."""
    width = max(len(ids) for ids, _ in encoded)
    input_ids = torch.full((len(encoded), width), pad_id)
    labels = torch.full((len(encoded), width), IGNORED)
    for row, (ids, prompt_length) in enumerate(encoded):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        labels[row, prompt_length : len(ids)] = torch.tensor(ids[prompt_length:])
    return {"input_ids": input_ids, "labels": labels}


if __name__ == "__main__":
    main()
