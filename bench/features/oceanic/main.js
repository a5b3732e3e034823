// Tries the features on oceanic.js; ../doc.go says how.
const { run } = require("../talk.js");
const here = require("./here.js");

const parts = ["gateway", "messages", "events", "expressions", "threads", "guilds", "members", "interactions", "hooks", "account"];
const features = Object.assign({}, ...parts.map((part) => require(`./${part}.js`)));

run(here.connect, features, () => here.client() && here.client().disconnect(false));
