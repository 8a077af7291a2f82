FROM registry.company.test/debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl gnupg
RUN curl -fsSL https://deb.nodesource.test/gpgkey/nodesource-repo.gpg.key | gpg --dearmor -o /etc/apt/keyrings/nodesource.gpg \
 && echo "deb [signed-by=/etc/apt/keyrings/nodesource.gpg] https://deb.nodesource.test/node_20.x nodistro main" > /etc/apt/sources.list.d/nodesource.list
RUN apt-get update && apt-get install -y nodejs
WORKDIR /app
COPY package.json .
RUN npm install
COPY . .
