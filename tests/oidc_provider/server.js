// oidc-provider with its own development pages, and accounts whose passwords count.
//
// node server.js PORT ISSUER, with ACCOUNTS={"name": {"password": ..., "email": ...}, ...}

import { timingSafeEqual, createHash } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, issuer] = process.argv.slice(2);
const accounts = JSON.parse(process.env.ACCOUNTS);

const SECRET = "of-the-tests";
const ASKING = "asking-proxy"; // the client whose users are asked whether they agree
const BRIEF = "brief-proxy"; // the client whose tokens are good for two seconds

const client = (id) => ({
  client_id: id,
  client_secret: SECRET,
  redirect_uris: ["http://127.0.0.1/oauth2/callback"],
});

const provider = new Provider(issuer, {
  clients: [client("proxy"), client(ASKING), client(BRIEF)],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  ttl: { IdToken: (ctx, token, { clientId }) => (clientId === BRIEF ? 2 : 3600) },
  pkce: { required: () => false },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["of-the-tests"] },
  async findAccount(ctx, id) {
    const account = accounts[id];
    return account && {
      accountId: id,
      claims: () => ({ sub: id, email: account.email, email_verified: true, name: id }),
    };
  },
  async loadExistingGrant(ctx) {
    const { client: asked, params, session, result } = ctx.oidc;
    const known = result?.consent?.grantId ?? session.grantIdFor(asked.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    if (asked.clientId === ASKING) return undefined;
    const grant = new ctx.oidc.provider.Grant({
      clientId: asked.clientId,
      accountId: session.accountId,
    });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
});

// The proxies' ports differ from run to run.
provider.Client.prototype.redirectUriAllowed = (uri) =>
  /^http:\/\/127\.0\.0\.1:\d+\/oauth2\/callback$/.test(uri);

const digest = (text) => createHash("sha256").update(text).digest();

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

// The development pages take any password: one that is not the account's shows the form again.
provider.use(async (ctx, next) => {
  if (ctx.method === "POST" && ctx.path.startsWith("/interaction/")) {
    ctx.req.body = await bodyOf(ctx.req);
    const form = new URLSearchParams(ctx.req.body);
    if (form.get("prompt") === "login") {
      const expected = accounts[form.get("login")]?.password;
      const came = form.get("password") ?? "";
      if (expected === undefined || !timingSafeEqual(digest(expected), digest(came))) {
        ctx.method = "GET";
      }
    }
  }
  await next();
});

provider.listen(Number(port), "127.0.0.1");
