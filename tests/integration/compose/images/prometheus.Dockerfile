# The real one is made of busybox: a shell and wget, no curl.
FROM tritongen-test/servers
RUN for each in sh wget cat ls nc; do ln -sf /bin/busybox /usr/local/bin/$each; done \
 && mkdir /prometheus && chown nobody:nogroup /prometheus
USER nobody
EXPOSE 9090
VOLUME ["/prometheus"]
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
