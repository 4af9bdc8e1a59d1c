"""Models, a canary that costs nothing: the key is good and the model is there for it.

Asked by name first (https://platform.openai.com/docs/api-reference/models/retrieve). Servers that
have no such path answer 404 and are asked for their list from then on, for as long as the model is
in it: whether it is known is then for the list to say, so a 404 never means two things.
"""

from typing import Final

import openai

from probes.model_list import read_models
from probes.operation import OperationSpec
from probes.providers import Preset
from probes.target import Target


async def _retrieve(
    client: openai.AsyncOpenAI, target: Target, preset: Preset, _prompt: str
) -> object:
    headers = _headers(client, preset)
    return await client.models.with_raw_response.retrieve(target.model, extra_headers=headers)


async def _list(
    client: openai.AsyncOpenAI, _target: Target, preset: Preset, _prompt: str
) -> object:
    return await client.models.with_raw_response.list(extra_headers=_headers(client, preset))


def _headers(client: openai.AsyncOpenAI, preset: Preset) -> dict[str, str | openai.Omit]:
    if not preset.models_headers:
        return {}
    own = {name: text.format(key=client.api_key) for name, text in preset.models_headers.items()}
    return {"Authorization": openai.omit, **own}


LISTED_MODELS: Final = OperationSpec(ask=_list, nonce=False, read=read_models, fold=None)
MODELS: Final = OperationSpec(
    ask=_retrieve, nonce=False, read=read_models, fold=None, otherwise=LISTED_MODELS
)
