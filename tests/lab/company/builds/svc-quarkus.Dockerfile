FROM registry.company.test/temurin:21-jdk AS build
WORKDIR /src
COPY . .
RUN ./mvnw -B -DskipTests package
FROM registry.company.test/temurin:21-jre
COPY --from=build /src/target/quarkus-app /app
CMD ["java", "-jar", "/app/quarkus-run.jar"]
