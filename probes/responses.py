"""Responses: https://platform.openai.com/docs/api-reference/responses/create."""

from typing import Any, Final

import openai

from probes.operation import OperationSpec, sampling_of
from probes.providers import Preset
from probes.response_answer import read_response
from probes.response_stream import ResponseStream
from probes.target import Target


async def _ask(client: openai.AsyncOpenAI, target: Target, _preset: Preset, prompt: str) -> object:
    parameters: dict[str, Any] = sampling_of(target)  # Any: as there
    if target.reasoning_effort is not None:
        parameters["reasoning"] = {"effort": target.reasoning_effort.value}
    return await client.responses.with_raw_response.create(
        model=target.model,
        input=prompt,
        max_output_tokens=target.max_output_tokens,
        store=False,  # a probe's answer is worth nothing to anybody later
        **parameters,
    )


RESPONSES: Final = OperationSpec(ask=_ask, nonce=True, read=read_response, fold=ResponseStream)
