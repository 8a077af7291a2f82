FROM registry.company.test/node:20 AS build
WORKDIR /app
RUN npm config set registry https://npm.company.test/
COPY package.json package-lock.json ./
RUN npm install --registry https://npm.company.test/
COPY . .
RUN npx tsc -p .
FROM registry.company.test/node:20-slim
COPY --from=build /app/dist /app
CMD ["node", "/app/main.js"]
