// Tries the features on eris; ../doc.go says how.
const { run } = require("../talk.js");
const here = require("./here.js");

const parts = ["gateway", "messages", "guilds", "members", "interactions", "hooks"];
const features = Object.assign({}, ...parts.map((part) => require(`./${part}.js`)));

run(here.connect, features, () => here.client() && here.client().disconnect({ reconnect: false }));
