FROM registry.company.test/python:3.11-slim
ARG TORCH=2.3.0
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN pip install --extra-index-url https://pypi.company.test/simple/ torch==${TORCH} company-datasets
COPY . /train
CMD ["python", "-m", "train"]
