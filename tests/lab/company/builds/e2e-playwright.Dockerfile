FROM registry.company.test/node:20
WORKDIR /e2e
COPY package.json package-lock.json ./
RUN npm ci
RUN apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation && rm -rf /var/lib/apt/lists/*
COPY tests ./tests
CMD ["npx", "playwright", "test"]
