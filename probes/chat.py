"""Chat completions: https://platform.openai.com/docs/api-reference/chat/create."""

from typing import Any, Final

import openai

from probes.answer import read_chat
from probes.operation import OperationSpec, sampling_of
from probes.providers import Preset
from probes.stream import ChatStream
from probes.target import Target


async def _ask(client: openai.AsyncOpenAI, target: Target, preset: Preset, prompt: str) -> object:
    # Any: the SDK's overloads cannot follow parameters whose names are data.
    parameters: dict[str, Any] = sampling_of(target)
    parameters[preset.token_parameter.value] = target.max_output_tokens
    if target.stream and preset.include_usage:
        parameters["stream_options"] = {"include_usage": True}
    if target.reasoning_effort is not None:
        parameters["reasoning_effort"] = target.reasoning_effort.value
    return await client.chat.completions.with_raw_response.create(
        model=target.model, messages=[{"role": "user", "content": prompt}], **parameters
    )


CHAT: Final = OperationSpec(ask=_ask, nonce=True, read=read_chat, fold=ChatStream)
