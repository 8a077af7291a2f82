FROM registry.company.test/rust:1.79
RUN cargo install cargo-audit --locked
RUN cargo install sccache --no-default-features
WORKDIR /src
