# ClamAV's daemon beside the media worker, with the two test signatures of services/media/clamav. Where there is a
# network, mount freshclam's folder over DatabaseDirectory: docs/media.md.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE}
# Debian keeps one version a release.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends clamav-daemon && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app
COPY services/media/clamav /etc/cdmx-clamav
ENV CDMX_CLAMD_CONF=/etc/cdmx-clamav/clamd.conf
USER 10001
STOPSIGNAL SIGTERM
CMD ["sh", "-c", "exec clamd -c \"$CDMX_CLAMD_CONF\""]
