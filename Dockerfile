# Two stages: the first installs the pinned, hashed packages, the second holds only what runs.
# The base is an argument, pinned by digest: a tag can be moved, a digest cannot.
# `docker buildx imagetools inspect python:3.13-slim-bookworm` names the newest one.
# Any Debian with Python 3.11 to 3.14, its venv module and CA certificates will do.
ARG BASE=python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

FROM ${BASE} AS build
COPY requirements/run.txt /build/run.txt
# Wheels only: nothing that was downloaded is run while the image is built.
RUN python3 -m venv /opt/verbatim \
    && /opt/verbatim/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r /build/run.txt \
    && /opt/verbatim/bin/python -m pip check \
    && /opt/verbatim/bin/python -m pip uninstall --yes --quiet pip setuptools \
    && /opt/verbatim/bin/python -m compileall -q /opt/verbatim/lib

FROM ${BASE}
# docs/system-packages.md says why each of them is needed.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libfribidi0 \
        libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 openssh-client \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && mkdir --mode=0700 /data \
    && chown 10001:10001 /data
COPY --from=build /opt/verbatim /opt/verbatim
WORKDIR /app
COPY bot/ bot/
COPY run_bot.py LICENSE ./
# The campaign that is built in; another one is mounted over it.
COPY posts/ /campaign/posts/
COPY schedule.yaml /campaign/
# `make image` gives these; `--version` reads the commit.
ARG BASE
ARG VERSION=
ARG COMMIT=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="Verbatim" \
    org.opencontainers.image.description="A campaign bot that quotes exactly and posts exactly once" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.base.name="${BASE}"
RUN /opt/verbatim/bin/python -m compileall -q bot \
    && echo "${COMMIT}" > COMMIT
# The root file system may be read-only: only /data is written, and /tmp by image checks.
# The service, its health check and every `exec` find the same files here.
ENV PATH=/opt/verbatim/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    VERBATIM_CONFIG=/campaign/schedule.yaml \
    VERBATIM_POSTS=/campaign/posts \
    VERBATIM_DATA=/data \
    VERBATIM_MONITOR=0.0.0.0:8766
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
# Asks this process itself, and loads nothing of the bot for it.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8766/livez')"]
ENTRYPOINT ["python", "run_bot.py"]
CMD ["run"]
