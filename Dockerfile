# Switchyard in a container: docker build -t switchyard . (docs/installing.md). The configuration is mounted at
# /etc/switchyard; nothing is written, so the root file system may be read-only.

FROM node:24-bookworm-slim AS build
WORKDIR /build
# What is needed comes first: it changes seldom, and its layer is kept.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY types ./types
COPY balancing ./balancing
COPY config ./config
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/switchyard
COPY LICENSE ./
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# The user `node` of the image, by number: an orchestrator that wants no root can see that it is none.
USER 1000:1000
EXPOSE 5347 9090
# Drains, then ends: give it more than drain.seconds (docker stop --time). It reaps nothing, having no children here.
STOPSIGNAL SIGTERM
# The admin port of the configuration; a node that drains is healthy.
ENV SWITCHYARD_ADMIN_PORT=9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SWITCHYARD_ADMIN_PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/switchyard/dist/src/main.js"]
CMD ["run", "--config", "/etc/switchyard/switchyard.yaml"]
