# NVIDIA's container has Ubuntu and more backends; the same here: where things lie, curl, bash, the
# user triton-server beside root, and the entrypoint that runs what it is given.
FROM tritongen-test/triton
RUN echo /opt/tritonserver/lib > /etc/ld.so.conf.d/tritonserver.conf && ldconfig \
 && useradd --uid 1000 --create-home --shell /bin/bash triton-server \
 && mkdir /opt/nvidia \
 && printf '#!/bin/bash\n[ $# -gt 0 ] || exec bash\nexec "$@"\n' > /opt/nvidia/nvidia_entrypoint.sh \
 && chmod 755 /opt/nvidia/nvidia_entrypoint.sh
ENV PATH=/opt/tritonserver/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /opt/tritonserver
ENTRYPOINT ["/opt/nvidia/nvidia_entrypoint.sh"]
