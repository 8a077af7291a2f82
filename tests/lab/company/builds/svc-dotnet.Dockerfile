FROM registry.company.test/dotnet/sdk:8.0 AS build
WORKDIR /src
COPY app.csproj .
RUN dotnet restore
COPY . .
RUN dotnet publish -c Release -o /out
FROM registry.company.test/dotnet/aspnet:8.0
COPY --from=build /out /app
ENTRYPOINT ["dotnet", "/app/app.dll"]
