# What prepares the system of docker-compose.yml, and the operators' commands: `docker compose run --rm tools`.
# It holds all the code and all the requirements, so it is never deployed.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY requirements/tools.txt /requirements.txt
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /requirements.txt

FROM ${BASE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CDMX_STATE_DIR=/state
# New volumes take their owner from the folders they cover.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
 && for name in secrets identity signing trust emulator; do \
      install -d -o 10001 -g 10001 -m 0700 "/state/$name"; \
    done
COPY --from=build /venv /venv
WORKDIR /app
COPY services services
COPY shared shared
COPY ops ops
COPY twin twin
COPY local local
USER 10001
ENTRYPOINT ["python", "-m"]
CMD ["local.compose", "--help"]
