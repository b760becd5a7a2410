# One image for every kind of node; what it is, the command says: serve, worker, scheduler, upgrade.
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Every package in the version and with the hashes of constraints.txt.
RUN awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' constraints.txt > /tmp/uv.txt \
    && pip install --no-cache-dir --require-hashes -r /tmp/uv.txt \
    && uv venv /opt/partitur \
    && uv build --wheel --build-constraints constraints.txt --out-dir /tmp/wheel \
    && uv pip install --python /opt/partitur/bin/python --constraints constraints.txt \
       "$(ls /tmp/wheel/*.whl)[postgres]"

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 partitur && mkdir /data && chown partitur /data
COPY --from=build /opt/partitur /opt/partitur
ENV PATH=/opt/partitur/bin:$PATH DATA_DIR=/data PYTHONUNBUFFERED=1
USER partitur
VOLUME /data
EXPOSE 8080
# SIGTERM lets calls and requests finish first.
STOPSIGNAL SIGTERM
ENTRYPOINT ["partitur"]
CMD ["serve", "--host", "0.0.0.0"]
