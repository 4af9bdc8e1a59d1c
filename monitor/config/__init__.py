"""Configuration: YAML and environment at the edge, frozen values inside."""
