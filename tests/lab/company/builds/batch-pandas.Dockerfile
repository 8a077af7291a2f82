FROM registry.company.test/python:3.11
RUN apt-get update && apt-get install -y libgomp1
RUN pip install --no-cache-dir pandas==2.2.2 pyarrow==16.0.0
COPY job.py /job.py
ENTRYPOINT ["python", "/job.py"]
