FROM registry.company.test/ruby:3.3-alpine AS build
RUN apk add --no-cache build-base
WORKDIR /site
COPY Gemfile ./
RUN bundle install
COPY . .
FROM registry.company.test/nginx:1.27-alpine
COPY --from=build /site /usr/share/nginx/html
