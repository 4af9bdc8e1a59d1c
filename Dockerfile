# Sonde in a container: state in /var/lib/sonde, nothing else is written, so the root may be
# read-only. Configuration by environment, or mount a file: docker run … run /etc/sonde/sonde.yaml
#
# No architecture is named, here or in the lock files: whatever Debian and the wheels have.
# The same commit gives the same files, as long as Debian's packages are the same: docs/howto/container.md

FROM debian:bookworm-slim AS base
# TLS is verified against the system's roots: without them every provider would look down. tini is
# process 1: it hands signals on from the first moment, and buries what others leave behind.
# hadolint ignore=DL3008,DL3009  # a pinned version vanishes from the archive with its next update; lists go below
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 tini


FROM base AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ONLY_BINARY=:all:
# hadolint ignore=DL3008,DL3009  # as above
RUN apt-get install -y --no-install-recommends python3-venv
# The build's own tools live in an environment that is left behind with this stage.
COPY requirements.lock requirements-build.lock ./
RUN mkdir /made \
 && python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock \
 && python3 -m venv --without-pip /opt/sonde \
 && /opt/build/bin/python -m pip --python /opt/sonde/bin/python install --no-cache-dir \
      --no-compile --require-hashes --report /made/lock.json -r requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY probes probes
COPY aggregator aggregator
COPY alerting alerting
COPY monitor monitor
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation -w /made . \
 && /opt/build/bin/python -m pip --python /opt/sonde/bin/python install --no-cache-dir --no-deps \
      --no-compile --no-index --report /made/sonde.json /made/*.whl
# numpy's own tests: 8 MB of 140, and nothing else asks for them.
RUN find /opt/sonde -type d -name tests -prune -exec rm -r {} +


# What the image holds. Bases differ: no pip, cache, log or manual of one comes along.
FROM base AS root
COPY --from=build /opt/sonde /opt/sonde
COPY --from=build /made/lock.json /made/sonde.json /made/
COPY deploy/image/sbom.py monitor/web/ui/package-lock.json /made/
# Compiled here, once: the root is read-only later, and each start would compile everything anew.
# unchecked-hash: what times files have says nothing in an image that is the same whenever built.
RUN apt-get purge -y --auto-remove python3-pip python3-pip-whl python3-setuptools \
      python3-setuptools-whl python3-venv python3.11-venv python3-wheel \
 && echo 'sonde:x:10001:' >> /etc/group \
 && echo 'sonde:x:10001:10001::/var/lib/sonde:/usr/sbin/nologin' >> /etc/passwd \
 && install -d -o sonde -g sonde -m 0750 /var/lib/sonde \
 && PYTHONHASHSEED=0 python3 -m compileall -q -f --invalidation-mode unchecked-hash \
      /usr/lib/python3.11 /opt/sonde/lib \
 && python3 /made/sbom.py /made/package-lock.json /made/lock.json /made/sonde.json > /opt/sonde/sbom.cdx.json \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && find /usr/share/doc -type f ! -name copyright -delete \
 && rm -rf /made /tmp/* /var/cache/* /var/log/* /var/lib/apt/lists/* /usr/share/locale /usr/share/man \
      /var/lib/dpkg/*-old /etc/*- /root/.cache


FROM scratch
LABEL org.opencontainers.image.title="Sonde" \
      org.opencontainers.image.description="Watches LLM APIs from the outside" \
      org.opencontainers.image.licenses="Apache-2.0"

# hadolint ignore=DL3067  # all of it, as one layer, is what makes removing anything worth while
COPY --from=root / /

# SONDE_LISTEN is the listening address unless the configuration says another.
ENV PATH=/opt/sonde/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SONDE_LISTEN=0.0.0.0:8000
WORKDIR /var/lib/sonde
VOLUME ["/var/lib/sonde"]
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
  CMD ["python", "-IS", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['SONDE_LISTEN'].rpartition(':')[2]), timeout=3); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["tini", "--", "sonde"]
CMD ["run"]
