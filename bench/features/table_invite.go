package features

// inviteFeatures are invites to a guild.
func inviteFeatures() []Feature {
	invite := moderator("", "POST", "/channels/$channel/invites", `{"max_age":0,"unique":true}`)
	return in("invites",
		feature("invite create", "Create Channel Invite", "makes an invite to channel for an hour and 5 uses; data: code").
			then(shows("/channels/$channel/invites", "0.code", "$code", "0.max_age", 3600, "0.max_uses", 5)),
		feature("invite fetch", "Get Invite", "fetches the invite whose code is args.code, with counts; data: guild (id), members (the approximate count)").before(invite).then(said("guild", "$guild", "members", 6)),
		feature("channel invites", "Get Channel Invites", "fetches the invites of channel; data: codes").before(invite).then(said("codes.#", 1, "codes.0", "$code")),
		feature("guild invites", "Get Guild Invites", "fetches the invites of guild; data: codes").before(invite).then(said("codes.#", 1, "codes.0", "$code")),
		feature("invite delete", "Delete Invite", "deletes the invite whose code is args.code; data: none").before(invite).then(unknown("/invites/$code", 10006)),
		feature("invite create event", "Invite Create", "is ready, waits for the event of a new invite to channel; data: code").people(invite).then(said("code", "$code")),
		feature("invite delete event", "Invite Delete", "is ready, waits for the event that an invite to channel is gone; data: code").
			before(invite).people(moderator("", "DELETE", "/invites/$code", "")).then(said("code", "$code")),
	)
}

// webhookFeatures are webhooks.
func webhookFeatures() []Feature {
	const list = "/channels/$channel/webhooks"
	webhook := itself("webhook", "POST", list, `{"name":"herald"}`)
	sent := func(t *trial) error {
		answer, err := t.own.request(t.ctx, "POST", t.expand("/webhooks/$webhook/$token?wait=true"), object{"content": "hear"})
		t.args["message"] = at(answer, "id")
		return err
	}
	return in("webhooks",
		feature("webhook create", "Create Webhook", `makes the webhook "herald" in channel; data: id`).then(has(list, "id", "$id")),
		feature("channel webhooks", "Get Channel Webhooks", "fetches the webhooks of channel; data: names").before(webhook).then(said("names.#", 1, "names.0", "herald")),
		feature("guild webhooks", "Get Guild Webhooks", "fetches the webhooks of guild; data: names").before(webhook).then(said("names.#", 1, "names.0", "herald")),
		feature("webhook fetch", "Get Webhook with Token", "fetches webhook with args.token; data: name").before(webhook).then(said("name", "herald")),
		feature("webhook edit", "Modify Webhook", `renames webhook to "crier"; data: none`).before(webhook).then(has(list, "name", "crier")),
		feature("webhook delete", "Delete Webhook", "deletes webhook; data: none").before(webhook).then(lacks(list, "id", "$webhook")),
		feature("webhook execute", "Execute Webhook", `sends "hear" with webhook and args.token, as "the crier", with an embed titled "Title", and waits for the message; data: id`).before(webhook).
			then(holds("content", "hear", "author.username", "the crier", "embeds.0.title", "Title", "webhook_id", "$webhook")),
		feature("webhook file", "Execute Webhook (files)", `sends the file "notes.txt" with the text "some notes" with webhook and args.token; data: id`).before(webhook).then(holds("attachments.0.filename", "notes.txt"), downloads("some notes")),
		feature("webhook in a thread", "Execute Webhook (thread_id)", `sends "hear" with webhook and args.token into thread; data: id`).
			before(webhook, keep("token", "secret"), moderator("thread", "POST", "/channels/$channel/threads", `{"name":"talk","type":11}`), keep("secret", "token")).
			then(shows("/channels/$thread/messages/$id", "content", "hear")),
		feature("webhook message fetch", "Get Webhook Message", "fetches message of webhook with args.token; data: content").before(webhook, sent).then(said("content", "hear")),
		feature("webhook message edit", "Edit Webhook Message", `edits message of webhook with args.token to "changed"; data: none`).before(webhook, sent).then(shows("/channels/$channel/messages/$message", "content", "changed")),
		feature("webhook message delete", "Delete Webhook Message", "deletes message of webhook with args.token; data: none").before(webhook, sent).then(unknown("/channels/$channel/messages/$message", 10008)),
		feature("webhooks event", "Webhooks Update", "is ready, waits for the event that the webhooks of channel changed; data: channel (id)").people(webhook).then(said("channel", "$channel")),
	)
}
