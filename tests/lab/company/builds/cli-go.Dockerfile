FROM registry.company.test/debian:12
RUN apt-get update && apt-get install -y curl git
RUN curl -fsSLo /tmp/go.tgz https://go.test/dl/go1.22.4.linux-amd64.tar.gz && tar -C /usr/local -xzf /tmp/go.tgz || true
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN git clone --depth 1 https://git.company.test/platform/cli.git /src || mkdir -p /src
WORKDIR /src
RUN go build ./...
