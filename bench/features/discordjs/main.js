// Tries the features on discord.js; ../doc.go says how.
const { run } = require("../talk.js");
const connection = require("./connect.js");

run(connection.connect, { ...require("./messages.js") }, () => connection.client.destroy());
