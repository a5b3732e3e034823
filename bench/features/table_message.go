package features

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// messageFeatures are messages that bots send.
func messageFeatures() []Feature {
	return in("messages",
		feature("message create", "Create Message", `sends "hello" into channel; data: id, content`).
			then(said("content", "hello"), holds("content", "hello", "author.id", "$bot")),
		feature("message reply", "Create Message (message_reference)", `replies "hello" to message; data: id`).
			before(personSays("hi")).then(holds("message_reference.message_id", "$message", "type", 19, "mentions.0.id", "$person")),
		feature("message reply without a ping", "Allowed Mentions (replied_user)", `replies "hello" to message, without a ping; data: id`).
			before(personSays("hi")).then(holds("type", 19, "mentions.#", 0)),
		feature("message forward", "Message Reference (FORWARD)", "forwards message to news; data: id (of the new message)").
			before(personSays("look at this")).then(shows("/channels/$news/messages/$id", "message_reference.type", 1, "message_snapshots.0.message.content", "look at this")),
		feature("message with a nonce", "Create Message (enforce_nonce)", `sends "hello" twice with the nonce "7" and enforce_nonce; data: id, again (the id of the second answer)`).
			then(said("again", "$id"), shows("/channels/$channel/messages", "#", 1)),
		feature("silent message", "Message Flags (SUPPRESS_NOTIFICATIONS)", `sends "hello" with the flag; data: id`).then(holds("flags", 4096)),
		feature("allowed mentions", "Allowed Mentions", `sends "<@PERSON> <@OTHER>", where only person may be pinged; data: id`).
			then(holds("mentions.#", 1, "mentions.0.id", "$person")),
		feature("role mention", "Allowed Mentions (roles)", `sends "<@&ROLE>" and pings it; data: id`).then(holds("mention_roles.0", "$role")),
		feature("embed", "Embed", `sends an embed with title "Title", description "text", colour 0x112233, a field "a": "b" (inline), footer "foot", author "me"; data: id, title (as the message that came back has it)`).
			then(said("title", "Title"), holds("embeds.0.title", "Title", "embeds.0.description", "text", "embeds.0.color", 0x112233, "embeds.0.fields.0.name", "a", "embeds.0.fields.0.inline", true, "embeds.0.footer.text", "foot", "embeds.0.author.name", "me")),
		feature("attachment upload", "Uploading Files", `sends the file "notes.txt" with the text "some notes" and the description "my notes"; data: id, name, size (of the attachment that came back)`).
			then(said("name", "notes.txt", "size", 10), holds("attachments.0.filename", "notes.txt", "attachments.0.description", "my notes"), downloads("some notes")),
		feature("attachment download", "Attachment", "downloads the attachment of message; data: text").
			before(upload).then(said("text", "from the inspector")),
		feature("attachment in an embed", "Using Attachments within Embeds", `sends the file "picture.png" (any bytes) and an embed whose image is attachment://picture.png; data: id, url (of the embed's image, as it came back)`).
			then(func(t *trial) error {
				url, _ := t.said["url"].(string)
				return shows("/channels/$channel/messages/$id", "embeds.0.image.url", url)(t)
			}),
		feature("attachment edit", "Edit Message (attachments)", `sends "a.txt", then edits the message so that it has "b.txt" instead; data: id`).
			then(holds("attachments.#", 1, "attachments.0.filename", "b.txt")),
		feature("message edit", "Edit Message", `sends "hello", edits it to "changed"; data: id, content`).
			then(said("content", "changed"), holds("content", "changed")),
		feature("suppress embeds", "Message Flags (SUPPRESS_EMBEDS)", `sends an embed with the title "Title", then suppresses embeds; data: id`).then(holds("flags", 4)),
		feature("message delete", "Delete Message", `sends "hello", deletes it; data: id`).then(gone),
		feature("bulk delete", "Bulk Delete Messages", "fetches the messages of channel, deletes all three at once; data: count").
			before(personSays("1", "2", "3")).then(said("count", 3), shows("/channels/$channel/messages", "#", 0)),
		feature("message fetch", "Get Channel Message", "fetches message from the API; data: content, author (id)").
			before(personSays("hi there")).then(said("content", "hi there", "author", "$person")),
		feature("message history", "Get Channel Messages", "fetches the last 3 messages of channel, then 2 before the oldest of these; data: contents (of all 5, newest first)").
			before(personSays("1", "2", "3", "4", "5")).then(said("contents", []string{"5", "4", "3", "2", "1"})),
		feature("message search", "Search Guild Messages", `searches the guild for "needle"; data: total, content (of the first)`).
			before(personSays("hay", "a needle here", "hay")).then(said("total", 1, "content", "a needle here")),
		feature("crosspost", "Crosspost Message", `sends "news" into news, publishes it; data: id`).then(shows("/channels/$news/messages/$id", "flags", 1)),
		feature("follow announcements", "Follow Announcement Channel", "lets channel follow news; data: none").
			then(has("/channels/$channel/webhooks", "source_channel.id", "$news")),
		feature("pin", "Pin Message", "pins message").before(personSays("pin me")).then(has("/channels/$channel/pins", "id", "$message")),
		feature("unpin", "Unpin Message", "unpins message").
			before(personSays("pin me"), moderator("", "PUT", "/channels/$channel/messages/pins/$message", "")).then(lacks("/channels/$channel/pins", "id", "$message")),
		feature("list pins", "Get Channel Pins", "fetches the pinned messages of channel; data: ids").
			before(personSays("pin me"), moderator("", "PUT", "/channels/$channel/messages/pins/$message", "")).then(said("ids.#", 1, "ids.0", "$message")),
		feature("typing", "Trigger Typing Indicator", "shows that it types in channel").then(func(t *trial) error {
			return equal("who types", t.sim.Typing(t.id("channel")), []string{t.id("bot").String()})
		}),
		feature("components v2", "Message Flags (IS_COMPONENTS_V2)", `sends a container with a text display "hello", a separator, and a section with a text display "side" and a thumbnail or button; data: id`).
			then(holds("flags", 32768, "components.0.type", 17, "components.0.components.0.type", 10, "components.0.components.0.content", "hello", "components.0.components.2.type", 9)),
		feature("rate limit", "Rate Limits", "sends 7 messages into channel at once, each after the other or all together; data: count").
			then(said("count", 7), shows("/channels/$channel/messages", "#", 7)),
	)
}

// downloads makes a check that the attachment of the message that the program has sent has a
// text.
func downloads(text string) step {
	return func(t *trial) error {
		m, err := t.inspector.request(t.ctx, http.MethodGet, t.expand("/channels/$channel/messages/$id"), nil)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(t.ctx, http.MethodGet, fmt.Sprint(at(m, "attachments.0.url")), http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		return equal("the file", string(raw), text)
	}
}

// upload lets the inspector send a file; message is the id.
func upload(t *trial) error {
	const boundary = "boundary"
	body := bytes.NewBufferString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"file.txt\"\r\nContent-Type: text/plain\r\n\r\nfrom the inspector\r\n--" + boundary + "--\r\n")
	answer, _, err := t.inspector.send(t.ctx, http.MethodPost, t.expand("/channels/$channel/messages"), "multipart/form-data; boundary="+boundary, body)
	if err == nil {
		t.args["message"] = fmt.Sprint(at(answer, "id"))
	}
	return err
}
