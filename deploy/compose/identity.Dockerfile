# The identity provider of one machine: npm's oidc-provider, exactly as local/oidc locks it.
ARG BASE=node:22-bookworm-slim

FROM ${BASE}
ENV NODE_ENV=production
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app
WORKDIR /app
COPY local/oidc/package.json local/oidc/package-lock.json local/oidc/.npmrc ./
RUN npm ci --no-progress && npm cache clean --force
COPY local/oidc/server.mjs ./
USER 10001
CMD ["node", "server.mjs", "/identity/oidc.json"]
