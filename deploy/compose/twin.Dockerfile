# The outside world, simulated: no file of the product is in it, and it is in no image of the product.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY requirements/twin.txt /requirements.txt
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /requirements.txt \
 && /venv/bin/pip uninstall -q -y setuptools pip

FROM ${BASE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# A new volume takes its owner from the folder it covers.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
 && install -d -o 10001 -g 10001 -m 0700 /state
COPY --from=build /venv /venv
WORKDIR /app
COPY twin twin
RUN python -m compileall -q twin
USER 10001
STOPSIGNAL SIGTERM
CMD ["python", "-m", "twin"]
