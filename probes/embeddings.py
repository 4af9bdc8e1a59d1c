"""Embeddings: https://platform.openai.com/docs/api-reference/embeddings/create."""

from typing import Any, Final

import openai

from probes.answer import read_embeddings
from probes.operation import OperationSpec
from probes.providers import Preset
from probes.target import Target


async def _ask(client: openai.AsyncOpenAI, target: Target, _preset: Preset, prompt: str) -> object:
    # Any: a parameter that is left out is not the same as one that is None.
    parameters: dict[str, Any] = {}
    if target.dimensions is not None:
        parameters["dimensions"] = target.dimensions
    return await client.embeddings.with_raw_response.create(
        model=target.model, input=prompt, **parameters
    )


# No nonce: the vector of one text is compared over time, so the text must stay the same.
EMBEDDINGS: Final = OperationSpec(ask=_ask, nonce=False, read=read_embeddings, fold=None)
