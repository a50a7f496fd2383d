# The real one starts as root, gives its data to redis and goes on as that user.
FROM tritongen-test/servers
RUN printf 'redis:x:999:\n' >> /etc/group \
 && printf 'redis:x:999:999::/data:/usr/sbin/nologin\n' >> /etc/passwd \
 && mkdir /data && chown redis:redis /data \
 && printf '%s\n' '#!/bin/sh' 'set -e' \
    'case "$1" in -*|*.conf) set -- redis-server "$@" ;; esac' \
    'if [ "$1" = redis-server ]; then' \
    '  shift; set -- redis-server --protected-mode no "$@"' \
    '  if [ "$(id -u)" = 0 ]; then' \
    '    find . ! -user redis -exec chown redis:redis {} +' \
    '    exec setpriv --reuid=redis --regid=redis --clear-groups -- "$@"' \
    '  fi' \
    'fi' 'exec "$@"' > /usr/local/bin/docker-entrypoint.sh \
 && chmod 755 /usr/local/bin/docker-entrypoint.sh
EXPOSE 6379
VOLUME ["/data"]
WORKDIR /data
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
