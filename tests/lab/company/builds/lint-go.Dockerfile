FROM registry.company.test/golang:1.22
RUN go install golang.org/x/tools/cmd/goimports@latest
RUN go install honnef.co/go/tools/cmd/staticcheck@2024.1
RUN wget -qO /usr/local/bin/golangci-lint https://github.test/golangci/golangci-lint/releases/download/v1.59.1/golangci-lint-1.59.1-linux-amd64
