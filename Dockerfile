# One image for every kind of node; what it is, the command says: serve, worker, scheduler, upgrade.
FROM python:3.13-slim AS build
# Further extras of pyproject.toml, such as postgres,otel,brokers.
ARG EXTRAS=postgres
WORKDIR /src
# Every package in the version and with the hashes of constraints.txt, in a layer that outlives changes of the source.
COPY constraints.txt pyproject.toml ./
RUN awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' constraints.txt > /tmp/uv.txt \
    && pip install --no-cache-dir --require-hashes -r /tmp/uv.txt \
    && uv venv /opt/partitur \
    && uv pip install --python /opt/partitur/bin/python --compile-bytecode --constraints constraints.txt \
       $(echo "$EXTRAS" | sed 's/\([^,]\{1,\}\),*/--extra \1 /g') -r pyproject.toml
# Node builds the console's assets; it comes as a package, too, and is not in the image.
COPY . .
RUN uv build --wheel --build-constraints constraints.txt --out-dir /tmp/wheel \
    && uv pip install --python /opt/partitur/bin/python --compile-bytecode --no-deps /tmp/wheel/*.whl

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 partitur && mkdir /data && chown partitur /data
COPY --from=build /opt/partitur /opt/partitur
# Nothing but /data is written to: the root may be read-only.
ENV PATH=/opt/partitur/bin:$PATH DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes knows that it is not root.
USER 10001
VOLUME /data
EXPOSE 8080
# SIGTERM lets calls and requests finish first.
STOPSIGNAL SIGTERM
ENTRYPOINT ["partitur"]
CMD ["serve", "--host", "0.0.0.0"]
