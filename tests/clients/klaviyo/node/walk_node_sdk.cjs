// Call every read of Klaviyo's Node SDK against the sandbox: node walk_node_sdk.cjs FACTS.json
//
// FACTS.json is that of walk_python_sdk.py, and so is what is printed.
const fs = require("node:fs");
const sdk = require("klaviyo-api");

const CHANNEL = "equals(messages.channel,'email')";
const facts = JSON.parse(fs.readFileSync(process.argv[2], "utf-8"));
const session = new sdk.ApiKeySession("sandbox", new sdk.RetryWithExponentialBackoff({ numRetries: 0 }));

// The SDK's methods are compiled: their text tells the path and the arguments before the options.
function route(method) {
  const text = method.toString();
  const path = /localVarPath = this\.basePath \+ '([^']+)'/.exec(text);
  const verb = /method: '([A-Z]+)'/.exec(text);
  const names = /^\s*(?:async\s+)?\w+\(([^)]*)\)/.exec(text)[1].split(",").map((name) => name.split("=")[0].trim());
  return path && verb && verb[1] === "GET" ? { path: path[1], names: names.filter(Boolean) } : null;
}

function camel(name) {
  return name.replace(/[^a-z]+$/, "").replace(/[^a-zA-Z]+(.)/g, (_, letter) => letter.toUpperCase());
}

function variants(queries) {
  const all = [{}, ...queries.sort.map((sort) => ({ sort }))];
  const lists = Object.entries(queries.lists).filter(([, values]) => values && values.length);
  all.push(...lists.map(([name, values]) => ({ [camel(name)]: values })));
  if (lists.length > 1) all.push(Object.fromEntries(lists.map(([name, values]) => [camel(name), values])));
  return all;
}

async function main() {
  const report = {};
  for (const [className, Api] of Object.entries(sdk).filter(([name]) => /Api$/.test(name) && name !== "OAuthApi")) {
    const api = new Api(session);
    api.basePath = facts.url;
    for (const name of Object.getOwnPropertyNames(Api.prototype).filter((one) => one.startsWith("get"))) {
      const found = route(Api.prototype[name]);
      if (!found || !found.path.startsWith("/api/")) continue;
      const { path, names } = found;
      const queries = facts.queries[path];
      const failures = {};
      let calls = 0;
      for (const variant of queries ? variants(queries) : [{}]) {
        const positional = names.filter((one) => one !== "options").map((one) => {
          if (one === "filter") return path.includes("campaigns") ? CHANNEL : `equals(coupon.id,'${facts.coupon}')`;
          return facts.ids[path];
        });
        calls += 1;
        try {
          const answer = await api[name](...positional, variant);
          if (answer.body === undefined || answer.body.data === undefined) throw new Error("an answer without data");
        } catch (error) {
          const data = error.response && JSON.stringify(error.response.data);
          failures[JSON.stringify(variant)] = `${className}: ${error.message} ${data || ""}`.slice(0, 600);
        }
      }
      report[name] = { calls, failures };
    }
  }
  process.stdout.write(JSON.stringify(report));
}

main();
