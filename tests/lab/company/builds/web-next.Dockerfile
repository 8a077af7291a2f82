FROM registry.company.test/node:20-alpine AS deps
RUN apk add --no-cache libc6-compat
WORKDIR /app
COPY package.json yarn.lock ./
RUN yarn install --frozen-lockfile

FROM registry.company.test/node:20-alpine AS builder
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
RUN yarn build

FROM registry.company.test/node:20-alpine
WORKDIR /app
COPY --from=builder /app/.next ./.next
CMD ["node", "server.js"]
