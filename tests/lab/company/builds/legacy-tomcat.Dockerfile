FROM registry.company.test/tomcat:10-jre17
RUN apt-get update && apt-get upgrade -y && apt-get install -y curl
RUN curl -fsSLo /usr/local/tomcat/webapps/ROOT.war https://artifacts.company.test/releases/legacy/legacy-4.2.war
RUN curl -fsSLo /usr/local/tomcat/lib/postgresql.jar https://repo.maven.test/maven2/org/postgresql/postgresql/42.7.3/postgresql-42.7.3.jar
EXPOSE 8080
