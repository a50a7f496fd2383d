# The real one is made of busybox: a shell and wget, no curl.
FROM tritongen-test/servers
RUN for each in sh wget cat ls nc; do ln -sf /bin/busybox /usr/local/bin/$each; done \
 && ln -s prometheus-alertmanager /usr/bin/alertmanager \
 && mkdir /alertmanager && chown nobody:nogroup /alertmanager
USER nobody
EXPOSE 9093
VOLUME ["/alertmanager"]
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
