# Locust with what the load program in loadtests/ needs.
FROM locustio/locust:2.47.0
USER root
COPY locust.requirements.txt /opt/requirements.txt
RUN python3 -m pip install --no-cache-dir --requirement /opt/requirements.txt
USER locust
