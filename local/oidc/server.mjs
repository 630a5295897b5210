// The identity provider of one machine. Everything it needs comes in one JSON file (its path is the only argument):
// issuer, bind, port, audience, console origin, clients [{id, secret, groups}], people [{id, name, groups}], jwks, cookie keys.
// Access tokens are JWTs as RFC 9068 asks (typ at+jwt; iss, sub, aud, client_id, jti) with the claim `groups`.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const SCOPE = 'desk';
const TTL_S = { AccessToken: 3600, ClientCredentials: 3600, IdToken: 3600, Session: 12 * 3600, Grant: 12 * 3600, Interaction: 600 };
const groupsOf = new Map([...settings.clients, ...settings.people].map((entry) => [entry.id, entry.groups]));
const people = new Map(settings.people.map((person) => [person.id, person]));

const service = ({ id, secret }) => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
});
const consoleClient = {
  client_id: 'console',
  application_type: 'native', // RFC 8252: loopback redirects may use http
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [`${settings.console}/callback`, `${settings.console}/callback.html`],
  post_logout_redirect_uris: [`${settings.console}/`],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

const provider = new Provider(settings.issuer, {
  clients: [...settings.clients.map(service), consoleClient],
  jwks: settings.jwks,
  cookies: { keys: settings.cookieKeys },
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', SCOPE],
  claims: { openid: ['sub'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  clientBasedCORS: (_context, origin) => origin === settings.console,
  findAccount: (_context, id) => {
    const person = people.get(id);
    return person && { accountId: id, claims: () => ({ sub: id, name: person.name, groups: person.groups }) };
  },
  extraTokenClaims: (_context, token) => ({ groups: groupsOf.get(token.accountId ?? token.clientId) ?? [] }),
  ttl: TTL_S,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => `urn:${settings.audience}`,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: SCOPE,
        audience: settings.audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: TTL_S.AccessToken,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

const server = http.createServer(provider.callback());
server.listen(settings.port, settings.bind ?? '127.0.0.1');
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
