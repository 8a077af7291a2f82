FROM registry.company.test/temurin:21-jdk AS build
WORKDIR /src
COPY gradlew settings.gradle.kts build.gradle.kts ./
RUN ./gradlew dependencies --no-daemon
COPY src ./src
RUN ./gradlew bootJar --no-daemon
FROM registry.company.test/temurin:21-jre-alpine
RUN apk add --no-cache curl
COPY --from=build /src/build/libs/app.jar /app.jar
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["java", "-jar", "/app.jar"]
