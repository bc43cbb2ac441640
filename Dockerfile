# docker build -t archiver .
FROM python:3.13.9-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY archiver archiver
COPY mappings mappings
COPY docs/schemas docs/schemas
ENV UV_PROJECT_ENVIRONMENT=/opt/archiver \
    UV_PYTHON_DOWNLOADS=never
RUN uv sync --locked --no-editable --no-default-groups --no-cache

FROM python:3.13.9-slim-bookworm
COPY --from=build /opt/archiver /opt/archiver
RUN useradd --uid 10001 --create-home --home-dir /home/archiver archiver \
    && install -d -o archiver -g archiver -m 700 /data
USER archiver
WORKDIR /data
ENV PATH=/opt/archiver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ARCHIVER_ARCHIVE=/data/archive
VOLUME /data
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s \
    CMD ["sh", "-c", "test ! -e /data/archive/archive.sqlite3 || archiver status --json > /dev/null"]
ENTRYPOINT ["archiver"]
CMD ["--help"]
