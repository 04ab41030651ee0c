// A client of the TypeScript SDK that logs in and calls a tool: `node login.mjs PACKAGE URL`.
// Prints each address at which a person authorizes, and reads the address to which the provider sent them back.

import { createInterface } from 'node:readline';

const [packageName, url] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await load(packageName);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const storage = {};
const outcome = { authorizations: 0, tokens: 0, scope: '' };
const authProvider = {
  redirectUrl: 'http://127.0.0.1:9/callback',
  clientMetadata: {
    client_name: 'login',
    redirect_uris: ['http://127.0.0.1:9/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  state: () => 'state-of-the-login',
  clientInformation: () => storage.client,
  saveClientInformation: (client) => { storage.client = client; },
  tokens: () => storage.tokens,
  saveTokens: (tokens) => { storage.tokens = tokens; outcome.tokens += 1; outcome.scope = tokens.scope; },
  codeVerifier: () => storage.verifier,
  saveCodeVerifier: (verifier) => { storage.verifier = verifier; },
  saveDiscoveryState: (state) => { storage.discovery = state; },
  discoveryState: () => storage.discovery,
  redirectToAuthorization: (address) => { outcome.authorizations += 1; console.log(address.href); },
};

async function load(name) {
  if (name === '@modelcontextprotocol/client') return import(name);
  const [index, http, auth] = await Promise.all(
    ['index', 'streamableHttp', 'auth'].map((module) => import(`@modelcontextprotocol/sdk/client/${module}.js`)),
  );
  return { ...index, ...http, ...auth };
}

async function connect() {
  const client = new Client({ name: 'login', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError) || outcome.authorizations > 2) throw error;
    const { searchParams } = new URL((await lines.next()).value);
    await transport.finishAuth(packageName === '@modelcontextprotocol/client' ? searchParams : searchParams.get('code'));
    return connect();
  }
  return client;
}

try {
  const client = await connect();
  const { content } = await client.callTool({ name: 'echo', arguments: { word: 'hello' } });
  console.log(JSON.stringify({ ...outcome, text: content[0].text }));
  await client.close();
} catch (error) {
  console.log(JSON.stringify({ ...outcome, error: `${error.name}: ${error.message}` }));
}
process.exit(0);
