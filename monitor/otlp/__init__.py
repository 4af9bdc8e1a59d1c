"""Results for OpenTelemetry: metrics and one trace a probe, over OTLP/HTTP.

What is sent goes by the names of the GenAI conventions, which a client's own instrumentation has
too: https://github.com/open-telemetry/semantic-conventions-genai. `telling.py` is the way in; what
needs protobuf is imported behind it, when an endpoint is configured.
"""
