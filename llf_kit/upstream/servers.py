"""What each server needs beside a merged model: a Modelfile for Ollama, and the commands for vLLM and SGLang."""

from __future__ import annotations

from collections.abc import Sequence

from llf_kit.upstream.chat_template import ChatTemplate, Slot, Token
from llf_kit.upstream.tokenizer import Special

__all__ = ["commands", "modelfile"]


def modelfile(
    template: ChatTemplate, special: Special, stops: Sequence[str], context: int, source: str = "."
) -> str | None:
    """The Modelfile of ``source`` (a file or folder beside it); None where the format cannot hold it.

    Ollama draws lots and punishes repetition by default; here it takes the likeliest token, as the model is measured.
    """
    made = _go_template(template, special)
    if made is None or '"""' in f"{made}{template.default_system}":
        return None
    lines = [f"FROM {source}", "", f'TEMPLATE """{made}"""', ""]
    if template.default_system:
        lines += [f'SYSTEM """{template.default_system}"""', ""]
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    lines += [f"PARAMETER num_ctx {context}", "PARAMETER temperature 0", "PARAMETER repeat_penalty 1.0"]
    return "\n".join([*lines, ""])


def _go_template(template: ChatTemplate, special: Special) -> str | None:
    """The template of a conversation in the language of Go; None where a slot counts the turns."""
    slots = (*template.prefix, *template.system, *template.user, *template.assistant)
    if any(isinstance(slot, str) and ("{{idx}}" in slot or "{{" in slot.replace("{{content}}", "")) for slot in slots):
        return None
    eos = template.stop_words[0] if template.replace_eos and template.stop_words else special.eos or ""

    def part(slots: Sequence[Slot], name: str) -> str:
        texts = {"bos": special.bos or "", "eos": eos}
        return "".join(
            texts.get(slot.kind, slot.text) if isinstance(slot, Token) else slot.replace("{{content}}", name, 1)
            for slot in slots
        )

    system, user = part(template.system, "{{ $.System }}"), part(template.user, "{{ .Content }}")
    if template.family == "Llama2Template":  # the system prompt is part of the first question
        inside = f"{{{{ if and $first $.System }}}}{system}{{{{ end }}}}{{{{ .Content }}}}{{{{ $first = false }}}}"
        user, system = part(template.user, inside), "{{ $first := true }}"
    if template.reasons and not template.enable_thinking:
        user += f"{{{{ if eq (len (slice $.Messages $i)) 1 }}}}{template.empty_thought}{{{{ end }}}}"
    opening = system if "$first" in system else f"{{{{ if .System }}}}{system}{{{{ end }}}}"
    return (
        f"{part(template.prefix, '')}{opening}{{{{ range $i, $_ := .Messages }}}}"
        f'{{{{ if eq .Role "user" }}}}{user}'
        f'{{{{ else if eq .Role "assistant" }}}}{part(template.assistant, "{{ .Content }}")}'
        "{{ end }}{{ end }}"
    )


def commands(name: str, context: int, precision: str | None) -> str:
    """How vLLM, SGLang and Ollama serve the folder, on this machine alone and with a key out of the environment."""
    dtype = precision or "auto"
    return f"""\
# Run these in this folder. The system prompt, the template and the end tokens of the training are in its files.
# The key comes from the environment, so that it stands in no history:
#   read -rs LLF_KIT_API_KEY && export LLF_KIT_API_KEY
# Ask with "temperature": 0, as the model is measured: the same question then gets the same answer.

# vLLM (pip install vllm; a GPU)
VLLM_API_KEY="$LLF_KIT_API_KEY" vllm serve . \\
  --host 127.0.0.1 --port 8000 --served-model-name {name} \\
  --dtype {dtype} --max-model-len {context}

# SGLang (pip install sglang; a GPU)
python -m sglang.launch_server --model-path . \\
  --host 127.0.0.1 --port 30000 --served-model-name {name} --api-key "$LLF_KIT_API_KEY" \\
  --dtype {dtype} --context-length {context}

# Ollama (listens on 127.0.0.1:11434, without a key)
ollama create {name} -f Modelfile
ollama run {name}
"""
