# docker build -t archiver .
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/archiver
COPY pyproject.toml README.md LICENSE ./
COPY archiver archiver
COPY mappings mappings
RUN /opt/archiver/bin/pip install --no-cache-dir .

FROM python:3.13-slim
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
