FROM registry.company.test/airflow:2.9
USER root
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre-headless
USER airflow
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://pypi.company.test/simple/ -r requirements.txt
RUN curl -fsSLo /opt/airflow/constraints.txt https://raw.github.test/apache/airflow/constraints-2.9.2/constraints-3.12.txt
COPY dags ./dags
