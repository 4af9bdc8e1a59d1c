"""The shape of the section about replicas; models.py says what sections are."""

from pydantic import Field, SecretStr

from monitor.config.fields import Line, Name, PathText
from monitor.config.section import Section


class ClusterSection(Section):
    """Replicas that share the work through one Redis."""

    redis: SecretStr | None = Field(
        default=None, description="the URL of the Redis all share, as ${VARIABLE}; empty: alone"
    )
    redis_file: PathText | None = Field(
        default=None, description="a file that holds the URL; read again when it changes"
    )
    name: Name | None = Field(
        default=None, description="the group; groups that share one Redis have different names"
    )
    replica: Name | None = Field(
        default=None, description="this one's name, unlike all others'; default: host name"
    )
    locations: list[Line] = Field(
        default_factory=list, max_length=64, description="all locations of the group"
    )
    ca_file: PathText | None = Field(
        default=None, description="roots in PEM, to believe instead of the system's"
    )
    client_cert_file: PathText | None = Field(
        default=None, description="a certificate of ours in PEM, perhaps with its key"
    )
    client_key_file: PathText | None = Field(default=None, description="the certificate's key")
