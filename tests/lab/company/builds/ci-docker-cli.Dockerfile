FROM registry.company.test/debian:12-slim
RUN apt-get update && apt-get install -y ca-certificates curl gnupg
RUN curl -fsSL https://download.docker.test/linux/debian/gpg -o /etc/apt/keyrings/docker.asc \
 && echo "deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.test/linux/debian bookworm stable" > /etc/apt/sources.list.d/docker.list
RUN apt-get update && apt-get install -y docker-ce-cli
