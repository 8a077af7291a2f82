FROM registry.company.test/python:3.12-alpine
RUN apk add --no-cache git
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev
COPY . .
