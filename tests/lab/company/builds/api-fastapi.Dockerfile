FROM registry.company.test/python:3.12-slim AS wheels
WORKDIR /wheels
COPY requirements.txt .
RUN pip wheel --wheel-dir /wheels -r requirements.txt

FROM registry.company.test/python:3.12-slim
WORKDIR /srv
COPY --from=wheels /wheels /wheels
RUN pip install fastapi uvicorn
COPY . .
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
