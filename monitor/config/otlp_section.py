"""The shape of the section about OpenTelemetry; models.py says what sections are."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from monitor.config.fields import BaseUrl, Beat, Choice, Flag, PathText
from monitor.config.section import Section
from monitor.otlp.temporality import Temporality


class OtlpSection(Section):
    """An OpenTelemetry endpoint that every result is told to."""

    endpoint: BaseUrl | None = Field(
        default=None, description="where it is, such as http://collector:4318; empty: nowhere"
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, max_length=32, description="sent with every request"
    )
    header_files: dict[str, PathText] = Field(
        default_factory=dict, max_length=32, description="headers whose value is in a file"
    )
    traces: Flag | None = Field(default=None, description="a trace of each probe; default: true")
    metrics: Flag | None = Field(default=None, description="the GenAI metrics; default: true")
    every: Beat | None = Field(default=None, description="time between two exports; default: 10s")
    temporality: Annotated[
        Temporality | None,
        BeforeValidator(lambda word: Temporality(Choice(tuple(Temporality))(word))),
    ] = Field(default=None, description="cumulative (default), or delta as Datadog wants it")
    ca_file: PathText | None = Field(
        default=None, description="roots in PEM, to believe instead of the system's"
    )
    client_cert_file: PathText | None = Field(
        default=None, description="a certificate of ours in PEM, perhaps with its key"
    )
    client_key_file: PathText | None = Field(default=None, description="the certificate's key")
