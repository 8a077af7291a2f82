FROM registry.company.test/debian:12
RUN apt-get update && apt-get install -y --no-install-recommends gcc-arm-none-eabi cmake ninja-build git python3-pip
RUN git clone --depth 1 --branch v2.9.0 https://github.test/ARMmbed/mbedtls.git /opt/mbedtls || true
RUN wget -qO /tmp/sdk.tar.gz https://artifacts.company.test/sdk/sdk-7.3.tar.gz
WORKDIR /fw
COPY . .
