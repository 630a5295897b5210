# ministack from the same hashed file as `make up`, started by the wrapper that knows whether it saved its state.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY requirements/ministack.txt /requirements.txt
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /requirements.txt

FROM ${BASE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CDMX_STATE_DIR=/state
# A new volume takes its owner from the folder it covers.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
 && install -d -o 10001 -g 10001 -m 0700 /state /state/emulator
COPY --from=build /venv /venv
WORKDIR /app
COPY shared/__init__.py shared/topology.py shared/
COPY local local
USER 10001
CMD ["python", "-m", "local.compose.emulator"]
