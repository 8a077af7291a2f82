FROM registry.company.test/node:22-slim AS build
RUN corepack enable && corepack prepare pnpm@9 --activate
WORKDIR /app
COPY package.json pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile
COPY . .
RUN pnpm build
FROM registry.company.test/nginx:1.27-alpine
COPY --from=build /app/dist /usr/share/nginx/html
