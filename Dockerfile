# Build: the locked tools, the locked dependencies, then the wheel. The digest is that of the index for all architectures;
# renovate.json moves it.
FROM python:3.12-slim@sha256:05cda9777409a9c3ffddd94a4c476b79f0769a0b4857f0c7ed9226b6800b0d6f AS build
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.lock
RUN uv venv /opt/klaviyo-mcp && uv pip install --python /opt/klaviyo-mcp --no-cache --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY tools tools
COPY server server
RUN uv build --wheel --build-constraints requirements-build.lock --require-hashes --out-dir dist
RUN uv pip install --python /opt/klaviyo-mcp --no-cache --no-deps dist/*.whl

# Run: the environment alone, as nobody in particular.
FROM python:3.12-slim@sha256:05cda9777409a9c3ffddd94a4c476b79f0769a0b4857f0c7ed9226b6800b0d6f
RUN useradd --system --uid 10001 --no-create-home klaviyo
COPY --from=build /opt/klaviyo-mcp /opt/klaviyo-mcp
ENV PATH="/opt/klaviyo-mcp/bin:$PATH" PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
# For `http`. With stdio there is no port to ask: run that with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["klaviyo-mcp"]
