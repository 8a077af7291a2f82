FROM registry.company.test/ruby:3.3-slim
RUN apt-get update && apt-get install -y --no-install-recommends build-essential libpq-dev git
WORKDIR /rails
COPY Gemfile Gemfile.lock ./
RUN gem install bundler
RUN bundle install --jobs 4
COPY . .
CMD ["bin/rails", "server"]
