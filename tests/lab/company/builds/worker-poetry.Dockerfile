FROM registry.company.test/python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends curl
RUN curl -sSL https://install.poetry.test/ | python3 -
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN poetry install --only main --no-root
FROM registry.company.test/python:3.12-slim
COPY --from=build /app /app
COPY . /app
CMD ["python", "-m", "worker"]
