// The protocol of doc.go for programs in JavaScript.
const readline = require("readline");

const print = (feature, state, more) => process.stdout.write(JSON.stringify({ feature, state, ...more }) + "\n");

// Cannot is thrown by a feature that the library has no call, event or field for.
class Cannot extends Error {}

const cannot = (reason) => {
  throw new Cannot(reason);
};

const reasonOf = (error) => String((error && (error.stack || error.message)) || error).split("\n").slice(0, 4).join(" / ");

// run connects, and then tries what the driver asks for. connect resolves once the library is
// ready, with the data of that. Each feature is an async function of args and ready that returns what it saw.
async function run(connect, features, close) {
  process.on("unhandledRejection", (error) => console.error("unhandled:", error));
  process.on("uncaughtException", (error) => console.error("uncaught:", error));
  try {
    print("connect", "ok", { data: await connect(process.env.CONNECT) });
  } catch (error) {
    print("connect", error instanceof Cannot ? "cannot" : "error", { reason: error instanceof Cannot ? error.message : reasonOf(error) });
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
      (error) => print(feature, error instanceof Cannot ? "cannot" : "error", { reason: error instanceof Cannot ? error.message : reasonOf(error) }),
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

module.exports = { run, once, cannot };
