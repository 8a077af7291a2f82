FROM registry.company.test/alpine:3.20
RUN apk upgrade --no-cache && apk add --no-cache ca-certificates tzdata
RUN wget -qO /usr/local/share/ca-certificates/company.crt https://artifacts.company.test/ca/company.crt
RUN adduser -D -u 10001 app || true
USER 10001
