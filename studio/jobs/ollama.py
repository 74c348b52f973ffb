"""A Modelfile: how Ollama is to ask a student, in the very words it was trained with.

Ollama's templates are Go's, a student's chat template is Jinja; the one is read off what the other
makes of marked texts. What Ollama does with turns beyond the first is its own affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateError

from studio.domain.errors import StudentError

if TYPE_CHECKING:
    from studio.jobs.student import Student

_SYSTEM, _USER, _ANSWER = "\u2063system\u2063", "\u2063user\u2063", "\u2063answer\u2063"


def modelfile(student: Student, *, weights: str, system: str = "") -> str:
    """Return the text of a Modelfile.

    Args:
        weights: the GGUF file or the folder of safetensors, beside the Modelfile.
        system: what an exam tells the student before the question; empty for nothing.
    """
    lines = [f"FROM ./{weights}", f'TEMPLATE """{template(student)}"""']
    if system:
        lines.append(f'SYSTEM """{_quoted(system)}"""')
    lines += [f'PARAMETER stop "{_escaped(text)}"' for text in stop_texts(student)]
    lines += [f"PARAMETER num_ctx {min(student.context, 8192)}", "PARAMETER temperature 0"]
    return "\n".join(lines) + "\n"


def template(student: Student) -> str:
    """Return the student's chat template as one of Go's, for a system text, a question, an answer.

    Raises:
        StudentError: the template hides or changes what it is given.
    """
    user, system = {"role": "user", "content": _USER}, {"role": "system", "content": _SYSTEM}
    before, after = _parts(student, [user], _USER)
    answered = _text(student, [user, {"role": "assistant", "content": _ANSWER}], ask=False)
    end = answered.partition(_ANSWER)[2]
    opening = _go(before)
    try:
        told, rest = _parts(student, [system, user], _SYSTEM)
        between = rest.partition(_USER)[0]
        with_system = f"{_go(told)}{{{{ .System }}}}{_go(between)}"
        opening = f"{{{{ if .System }}}}{with_system}{{{{ else }}}}{opening}{{{{ end }}}}"
    except (StudentError, TemplateError):
        pass  # a template that knows no system text: Ollama is not to give it any
    return f"{opening}{{{{ .Prompt }}}}{_go(after)}{{{{ .Response }}}}{_go(end)}"


def stop_texts(student: Student) -> list[str]:
    """Return the texts of the tokens that end an answer."""
    texts = [str(student.tokenizer.convert_ids_to_tokens(i)) for i in sorted(student.stops)]
    return [text for text in texts if text.strip()]


def _parts(student: Student, messages: list[dict[str, str]], mark: str) -> tuple[str, str]:
    text = _text(student, messages, ask=True)
    before, found, after = text.partition(mark)
    if not found or mark in after:
        raise StudentError(f"the chat template of {student.weights.place} hides what it is given")
    return before, after


def _text(student: Student, messages: list[dict[str, str]], *, ask: bool) -> str:
    """Return what a student reads, without the mark of a beginning, which Ollama adds itself."""
    if student.tokenizer.chat_template:
        text = str(student.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=ask
        ))  # fmt: skip
    else:
        asked = [message["content"] for message in messages if message["role"] != "assistant"]
        text = "\n".join(asked) + "\n"
        text += "".join(m["content"] for m in messages if m["role"] == "assistant")
    return text.removeprefix(student.tokenizer.bos_token or "\0")


def _go(text: str) -> str:
    """Return text as it is written in a Go template within a Modelfile."""
    return _quoted(text).replace("{{", '{{ "{{" }}')


def _quoted(text: str) -> str:
    return text.replace('"""', '\\"\\"\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
