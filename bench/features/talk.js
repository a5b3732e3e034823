// The protocol of doc.go for programs in JavaScript.
const path = require("path");
const readline = require("readline");

const print = (feature, state, more) => process.stdout.write(JSON.stringify({ feature, state, ...more }) + "\n");

// Untried is thrown where something is missing on this machine.
class Untried extends Error {}

// Libraries look for modules that npm compiles when they are loaded, and use them if they are
// there. EVERGREEN_NODE_NATIVE names the folder of an npm project that has them; they are made
// visible only where the feature is about them.
const natives = { "zlib-stream": "zlib-sync", "ETF encoding": "erlpack" };
if (process.env.EVERGREEN_NODE_NATIVE && natives[process.env.CONNECT]) {
  process.env.NODE_PATH += path.delimiter + path.join(process.env.EVERGREEN_NODE_NATIVE, "node_modules");
  const modules = require("module");
  modules.Module._initPaths();
  // What is loaded by import() does not look there.
  const name = natives[process.env.CONNECT];
  const url = require("url").pathToFileURL(require.resolve(name)).href;
  const hook = `export const resolve = async (specifier, context, next) => specifier === ${JSON.stringify(name)} ? { url: ${JSON.stringify(url)}, format: "commonjs", shortCircuit: true } : next(specifier, context);`;
  modules.register("data:text/javascript," + encodeURIComponent(hook));
}

// native fails where such a module is not there.
const native = (name) => {
  try {
    require(name);
  } catch {
    throw new Untried();
  }
};

// Cannot is thrown by a feature that the library has no call, event or field for.
class Cannot extends Error {}

const cannot = (reason) => {
  throw new Cannot(reason);
};

const stateOf = (error) => (error instanceof Cannot ? "cannot" : error instanceof Untried ? "untried" : "error");

const reasonOf = (error) => String((error && (error.stack || error.message)) || error).split("\n").slice(0, 4).join(" / ");

// run connects, and then tries what the driver asks for. connect resolves once the library is
// ready, with the data of that. Each feature is an async function of args and ready that returns what it saw.
async function run(connect, features, close) {
  process.on("unhandledRejection", (error) => console.error("unhandled:", error));
  process.on("uncaughtException", (error) => console.error("uncaught:", error));
  try {
    print("connect", "ok", { data: await connect(process.env.CONNECT) });
  } catch (error) {
    print("connect", stateOf(error), { reason: error instanceof Cannot ? error.message : reasonOf(error) });
  }
  for await (const text of readline.createInterface({ input: process.stdin })) {
    const { feature, args } = JSON.parse(text);
    const attempt = features[feature];
    if (!attempt) {
      print(feature, "untried");
      continue;
    }
    if (typeof attempt === "string") {
      print(feature, "cannot", { reason: attempt });
      continue;
    }
    attempt(args, (data) => print(feature, "ready", { data })).then(
      (data) => print(feature, "ok", { data }),
      (error) => print(feature, stateOf(error), { reason: error instanceof Cannot ? error.message : reasonOf(error) }),
    );
  }
  await close();
  process.exit(0);
}

// once resolves with the arguments of the next event that fits.
const once = (emitter, event, fits = () => true) =>
  new Promise((resolve) => {
    const listener = (...details) => {
      if (!fits(...details)) return;
      emitter.off(event, listener);
      resolve(details);
    };
    emitter.on(event, listener);
  });

// event waits for an event that fits, and tells the driver before.
const event = (emitter, ready, name, fits, data) => {
  const waiting = once(emitter, name, fits);
  ready(data);
  return waiting;
};

// log writes what a client says of itself to stderr, which the driver keeps.
const log = (client) => {
  client.on("error", (error) => console.error("error:", error));
  client.on("warn", (text) => console.error("warning:", text));
  client.on("debug", (text) => console.error(text));
};

module.exports = { run, once, event, log, cannot, native };
