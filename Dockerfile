# Two stages: what is needed to build stays behind. docs/operations.md says how to run it.
FROM debian:bookworm-slim AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src

# The list of packages on its own first: this layer stays as long as the list does.
COPY scripts/packages.sh scripts/
RUN . scripts/packages.sh \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
      $(package_names "$packages_to_build")

COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build --preset release --target wspushd wspush \
 && DESTDIR=/image cmake --install build/release --strip \
 && install -m 644 conf/examples/container.yaml /image/etc/wspushd/wspushd.yaml


FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
      libfmt9 librocksdb7.8 libsimdjson14 libspdlog1.10 libssl3 libyaml-cpp0.7 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --uid 990 --no-create-home --shell /usr/sbin/nologin wspushd
COPY --from=build /image/ /
# engine.type disk keeps its logs here; without one of your own, Docker makes a volume.
RUN install -d -o wspushd -g wspushd -m 700 /var/lib/wspushd
VOLUME /var/lib/wspushd

USER wspushd
EXPOSE 8080 8081
STOPSIGNAL SIGTERM

# Debian has bash, and bash speaks TCP: no client has to be installed for this. It asks where the
# internal listener is by the variable that moves it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s --retries=3 \
  CMD ["/bin/bash", "-c", "address=${WSPUSHD_INTERNAL__ADDRESS:-127.0.0.1:8081}; exec 3<>/dev/tcp/127.0.0.1/${address##*:} && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 2 status <&3 && [[ $status == 'HTTP/1.1 200 '* ]]"]

CMD ["wspushd", "--config", "/etc/wspushd/wspushd.yaml"]
