FROM registry.company.test/python:3.12-alpine
RUN apk add --no-cache build-base libffi-dev
RUN python -m pip install mkdocs mkdocs-material
WORKDIR /docs
COPY . .
EXPOSE 8000
