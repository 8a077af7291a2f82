FROM registry.company.test/debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends gnupg ca-certificates curl
RUN curl -fsSL https://apt.postgresql.test/pub/repos/apt/ACCC4CF8.asc -o /etc/apt/keyrings/pgdg.asc \
 && echo "deb [signed-by=/etc/apt/keyrings/pgdg.asc] https://apt.postgresql.test/pub/repos/apt bookworm-pgdg main" > /etc/apt/sources.list.d/pgdg.list
RUN apt-get update && apt-get install -y postgresql-16
COPY init.sql /docker-entrypoint-initdb.d/
EXPOSE 5432
