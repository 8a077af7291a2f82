FROM registry.company.test/php:8.3-fpm
RUN apt-get update && apt-get install -y --no-install-recommends unzip libzip-dev
RUN curl -sS https://getcomposer.test/installer -o /tmp/composer-setup.php
WORKDIR /var/www
COPY composer.json composer.lock ./
RUN composer install --no-dev --prefer-dist
COPY . .
