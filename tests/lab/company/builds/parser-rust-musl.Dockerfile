FROM registry.company.test/rust:1.79-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked
FROM scratch
COPY --from=build /src/target/release/parser /parser
ENTRYPOINT ["/parser"]
