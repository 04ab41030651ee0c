// A real OAuth provider on loopback: several issuers, each under a path of its own, that differ in one respect.
// Prints one line of JSON with the URL of each issuer once it listens, and ends with its standard input.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const SCOPES = ['klaviyo:read', 'klaviyo:write'];
const TENANTS = {
  root: { path: '' },
  slash: { path: '/slash/' },
  api: { path: '/api', audience: 'api://klaviyo' },
  elsewhere: { path: '/elsewhere', audience: 'https://other.example.com/mcp' },
  expired: { path: '/expired', firstTokenExpired: true },
  partial: { path: '/partial', firstGrantPartial: true },
};

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'signing', use: 'sig', alg: 'RS256' };
}

function configuration(prefix, tenant) {
  const clientsWithToken = new Set();
  return {
    jwks: { keys: [signingKey()] },
    cookies: { keys: ['a key of the tests'] },
    scopes: ['openid', 'offline_access', ...SCOPES],
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, Interaction: 60, RefreshToken: 600, Session: 600 },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_, resource) => ({
          audience: tenant.audience ?? resource,
          scope: SCOPES.join(' '),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    pkce: { required: () => true },
    interactions: { url: (_, interaction) => `${prefix}/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    issueRefreshToken: async () => true,
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope(['openid', 'offline_access', ...SCOPES].join(' '));
      for (const resource of Object.keys(oidc.resourceServers ?? {})) {
        grant.addResourceScope(resource, SCOPES.join(' '));
        if (tenant.firstGrantPartial && !clientsWithToken.has(oidc.client.clientId)) {
          grant.rejectResourceScope(resource, SCOPES[1]);
          grant.rejectOIDCScope(SCOPES[1]);
        }
      }
      await grant.save();
      return grant;
    },
    formats: {
      customizers: {
        jwt: async (_, token, jwt) => {
          clientsWithToken.add(token.clientId);
          if (tenant.firstTokenExpired && !token.gty.includes('refresh_token')) jwt.payload.exp -= 7200;
        },
      },
    },
  };
}

// Everybody is Ann, and Ann agrees.
async function agree(provider, request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  const result = prompt.name === 'login' ? { login: { accountId: 'ann' } } : { consent: {} };
  await provider.interactionFinished(request, response, result);
}

const server = createServer((request, response) => {
  const tenant = tenants.find(({ prefix }) => request.url.startsWith(`${prefix}/`));
  request.originalUrl = request.url;
  request.url = request.url.slice(tenant.prefix.length);
  if (request.url.startsWith('/interaction/')) {
    agree(tenant.provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    tenant.callback(request, response);
  }
});
const tenants = [];
server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const issuers = {};
  for (const [name, tenant] of Object.entries(TENANTS)) {
    const prefix = tenant.path.replace(/\/$/, '');
    issuers[name] = base + tenant.path;
    const provider = new Provider(issuers[name], configuration(prefix, tenant));
    tenants.push({ prefix, provider, callback: provider.callback() });
  }
  tenants.sort((one, other) => other.prefix.length - one.prefix.length); // the root matches every path
  console.log(JSON.stringify(issuers));
});
process.stdin.resume().on('end', () => process.exit(0));
