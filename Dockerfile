# Sonde in a container: state in /var/lib/sonde, nothing else is written, so the root may be
# read-only. Configuration by environment, or mount a file: docker run … run /etc/sonde/sonde.yaml
FROM python:3.11-slim AS build

WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# The build's own tools live in an environment that is left behind with this stage.
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock \
 && python3 -m venv --without-pip /opt/sonde \
 && /opt/build/bin/python -m pip --python /opt/sonde/bin/python install --no-cache-dir \
      --require-hashes -r requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY probes probes
COPY aggregator aggregator
COPY alerting alerting
COPY monitor monitor
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation -w /wheel . \
 && /opt/build/bin/python -m pip --python /opt/sonde/bin/python install --no-cache-dir --no-deps \
      --no-index /wheel/*.whl


FROM python:3.11-slim

LABEL org.opencontainers.image.title="Sonde" \
      org.opencontainers.image.description="Watches LLM APIs from the outside" \
      org.opencontainers.image.licenses="Apache-2.0"

# TLS is verified against the system's roots: without them every provider would look down.
# hadolint ignore=DL3008  # a pinned version vanishes from the archive with its next update
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 sonde \
 && useradd --uid 10001 --gid sonde --no-create-home --home-dir /var/lib/sonde --shell /usr/sbin/nologin \
      --no-log-init sonde \
 && install -d -o sonde -g sonde -m 0750 /var/lib/sonde

COPY --from=build /opt/sonde /opt/sonde

# SONDE_LISTEN is the listening address unless the configuration says another.
ENV PATH=/opt/sonde/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SONDE_LISTEN=0.0.0.0:8000
WORKDIR /var/lib/sonde
VOLUME ["/var/lib/sonde"]
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['SONDE_LISTEN'].rpartition(':')[2]), timeout=3); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["sonde"]
CMD ["run"]
