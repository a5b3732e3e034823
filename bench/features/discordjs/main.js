// Tries the features on discord.js; ../doc.go says how.
const { run } = require("../talk.js");
const connection = require("./connect.js");

const parts = ["gateway", "messages", "events", "expressions", "threads", "channels", "guilds", "members", "voice", "interactions", "hooks", "account"];
const features = Object.assign({}, ...parts.map((part) => require(`./${part}.js`)));

run(connection.connect, features, () => connection.client && connection.client.destroy());
