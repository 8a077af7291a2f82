FROM registry.company.test/debian:12
RUN apt-get update && apt-get install -y curl build-essential
RUN curl --proto '=https' -sSf https://sh.rustup.test/ | sh -s -- -y || true
RUN rustup toolchain install stable
WORKDIR /src
COPY . .
RUN cargo fetch
