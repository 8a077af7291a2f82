FROM registry.company.test/golang:1.21 AS builder
ARG TARGETARCH=amd64
WORKDIR /workspace
COPY go.mod go.sum ./
RUN go mod download
COPY main.go .
RUN GOOS=linux GOARCH=${TARGETARCH} go build -a -o manager main.go
FROM registry.company.test/distroless/static
COPY --from=builder /workspace/manager .
USER 65532:65532
ENTRYPOINT ["/manager"]
