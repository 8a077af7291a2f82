FROM registry.company.test/gradle:8-jdk17
WORKDIR /home/gradle/app
COPY build.gradle .
RUN gradle --no-daemon build
COPY . .
CMD ["gradle", "run"]
