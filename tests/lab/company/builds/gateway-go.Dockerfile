FROM registry.company.test/golang:1.22-alpine AS build
RUN apk add --no-cache git make
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN make build
FROM registry.company.test/alpine:3.20
RUN apk add --no-cache ca-certificates tzdata
COPY --from=build /src/bin/gateway /gateway
CMD ["/gateway"]
