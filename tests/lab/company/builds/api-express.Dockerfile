FROM registry.company.test/node:20-slim
RUN apt-get update && apt-get install -y --no-install-recommends dumb-init
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .
USER node
ENTRYPOINT ["dumb-init", "--"]
CMD ["node", "server.js"]
