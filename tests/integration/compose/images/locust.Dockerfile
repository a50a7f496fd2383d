# The real one keeps Locust in /opt/venv, which root owns, runs as locust, and has no curl.
FROM tritongen-test/locust
RUN mkdir /opt/venv/bin && ln -s /usr/bin/python3 /opt/venv/bin/python3 \
 && ln -s python3 /opt/venv/bin/python \
 && printf 'home = /usr/bin\ninclude-system-site-packages = false\n' > /opt/venv/pyvenv.cfg \
 && for each in "locust locust.main" "pip pip._internal.cli.main"; do set -- $each; \
      printf '#!/opt/venv/bin/python\nimport sys\nfrom %s import main\nsys.exit(main())\n' $2 \
      > /opt/venv/bin/$1; done \
 && chmod 755 /opt/venv/bin/locust /opt/venv/bin/pip && ln -s pip /opt/venv/bin/pip3 \
 && useradd --create-home locust && rm /usr/bin/curl
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
USER locust
WORKDIR /home/locust
EXPOSE 8089 5557
ENTRYPOINT ["locust"]
