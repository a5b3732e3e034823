'use strict';
// Points the library of a bot at Evergreen. Node loads this file before the bot, because
// `evergreen proxy -- COMMAND` names it in NODE_OPTIONS. It changes one setting of the library
// as soon as that is loaded, and nothing else; whatever goes wrong here must not keep a bot
// from starting.

const Module = require('node:module');

const gateway = process.env.EVERGREEN_GATEWAY_URL;
const api = process.env.EVERGREEN_API_URL;

function say(text) {
  process.stderr.write(`evergreen: ${text}\n`);
}

const changes = {
  // discord.js asks there for the address of the gateway.
  '@discordjs/rest': (library) => {
    library.DefaultRestOptions.api = api;
    return 'discord.js';
  },
  eris: (library) => {
    const here = async () => ({
      url: gateway,
      shards: 1,
      session_start_limit: { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 16 },
    });
    library.Client.prototype.getGateway = here;
    library.Client.prototype.getBotGateway = here;
    return 'eris';
  },
};

if (gateway && api) {
  const load = Module._load;
  Module._load = function (request, ...rest) {
    const library = load.call(this, request, ...rest);
    const change = Object.hasOwn(changes, request) ? changes[request] : undefined;
    if (change) {
      delete changes[request];
      try {
        say(`${change(library)} connects to Evergreen at ${gateway}`);
      } catch (error) {
        say(`${request} cannot be pointed here (${error}); make the change of \`evergreen proxy setup\` in the bot`);
      }
    }
    return library;
  };
}
