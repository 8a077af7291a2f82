FROM registry.company.test/alpine:3.20
RUN apk add --no-cache bash curl jq git openssh-client
RUN curl -fsSLo /usr/local/bin/helm.tgz https://github.test/helm/helm/releases/download/v3.15.2/helm-v3.15.2-linux-amd64.tar.gz
RUN wget -qO /usr/local/bin/kubectl https://artifacts.company.test/mirror/kubectl/v1.30.2/kubectl && chmod +x /usr/local/bin/kubectl
ENTRYPOINT ["/bin/bash"]
