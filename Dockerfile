# syntax=docker/dockerfile:1
# One image for web and worker. Nothing is compiled: every requirement has a wheel.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --only-binary=:all: --requirement /tmp/requirements.txt \
    && /opt/venv/bin/python -m compileall -q /opt/venv \
    && /opt/venv/bin/pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim
# The Postgres client is for `manage.py backup` and `restore`.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin agentsite \
    && install -d -o agentsite -g agentsite -m 0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py requirements.txt ./
COPY agentsite agentsite
COPY runs runs
COPY static static
COPY templates templates
COPY locale locale
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    AGENTSITE_DATA=/data HOST=0.0.0.0 PORT=8000
RUN python -m compileall -q agentsite runs
USER agentsite
# Collected here, and again at a start only if the files have changed. The key made meanwhile is nobody's.
RUN python manage.py shell --no-imports -c "from runs.management.startup import collect_static_files as c; c()" \
    && rm -f /data/secret_key
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=3)"]
CMD ["python", "manage.py", "serve"]
