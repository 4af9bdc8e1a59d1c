"""What every section of the configuration is: a mapping of known keys."""

from pydantic import BaseModel, ConfigDict, model_validator

from monitor.config.scalars import Interpolated


class Section(BaseModel):
    """A mapping of known keys; a key without a value counts as not said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_unsaid(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if key not in known or not _unsaid(value)}


def _unsaid(value: object) -> bool:
    return value is None or (isinstance(value, Interpolated) and not value)
