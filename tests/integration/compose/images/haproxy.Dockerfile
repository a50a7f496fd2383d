# The real one has a shell, and neither curl nor wget; it ends softly on SIGUSR1.
FROM tritongen-test/servers
RUN printf 'haproxy:x:99:\n' >> /etc/group \
 && printf 'haproxy:x:99:99::/var/lib/haproxy:/usr/sbin/nologin\n' >> /etc/passwd \
 && mkdir -p /usr/local/etc/haproxy /var/lib/haproxy && chown haproxy:haproxy /var/lib/haproxy \
 && mv /usr/sbin/haproxy /usr/local/sbin/ \
 && printf '%s\n' '#!/bin/sh' 'set -e' 'case "$1" in -*) set -- haproxy "$@" ;; esac' \
    'if [ "$1" = haproxy ]; then shift; set -- haproxy -W -db "$@"; fi' 'exec "$@"' \
    > /usr/local/bin/docker-entrypoint.sh \
 && chmod 755 /usr/local/bin/docker-entrypoint.sh
USER haproxy
WORKDIR /var/lib/haproxy
STOPSIGNAL SIGUSR1
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
