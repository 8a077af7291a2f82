FROM registry.company.test/debian:12-slim
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends ca-certificates tzdata && rm -rf /var/lib/apt/lists/*
RUN gpg --batch --keyserver hkps://keys.openpgp.test --recv-keys 0123456789ABCDEF0123456789ABCDEF01234567 || true
LABEL org.opencontainers.image.vendor="company"
