package features

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

// A picture of one point, for what needs one.
const picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// aCustomEmoji and aSound make what their names say, under the names emoji and sound.
var (
	aCustomEmoji = moderator("emoji", "POST", "/guilds/$guild/emojis", `{"name":"smile","image":"`+picture+`"}`)
	aSound       = func(t *trial) error {
		answer, err := t.inspector.request(t.ctx, "POST", t.expand("/guilds/$guild/soundboard-sounds"), object{"name": "boom", "sound": "data:audio/mp3;base64,SUQzBAAAAAAA"})
		t.args["sound"] = at(answer, "sound_id")
		return err
	}
)

// expressionFeatures are emojis, stickers and sounds.
func expressionFeatures() []Feature {
	return in("emojis, stickers, sounds",
		feature("emoji create", "Create Guild Emoji", `makes the emoji "wave" from args.picture (a data URI); data: id, name`).
			before(aPicture).then(said("name", "wave"), shows("/guilds/$guild/emojis/$id", "name", "wave")),
		feature("emoji list", "List Guild Emojis", "fetches the emojis of guild; data: names").before(aCustomEmoji).then(said("names.#", 1, "names.0", "smile")),
		feature("emoji edit", "Modify Guild Emoji", `renames emoji to "grin"; data: none`).before(aCustomEmoji).then(shows("/guilds/$guild/emojis/$emoji", "name", "grin")),
		feature("emoji delete", "Delete Guild Emoji", "deletes emoji; data: none").before(aCustomEmoji).then(unknown("/guilds/$guild/emojis/$emoji", 10014)),
		feature("emojis event", "Guild Emojis Update", "is ready, waits for the event that guild has a new emoji; data: name").people(aCustomEmoji).then(said("name", "smile")),
		feature("application emoji", "Create Application Emoji", `makes the emoji "mark" of the application from args.picture, lists them, deletes it; data: id, names (while it was there)`).
			before(aPicture).then(includes("names", "mark")),
		feature("sticker create", "Create Guild Sticker", `makes the sticker "hello" with the tag "wave" and the description "waves" from args.picture; data: id`).
			before(aPicture).then(shows("/guilds/$guild/stickers/$id", "name", "hello", "tags", "wave", "description", "waves")),
		feature("sticker list", "List Guild Stickers", "fetches the stickers of guild; data: names").before(aSticker).then(said("names.#", 1, "names.0", "sticker")),
		feature("sticker edit", "Modify Guild Sticker", `renames sticker to "bye"; data: none`).before(aSticker).then(shows("/guilds/$guild/stickers/$sticker", "name", "bye")),
		feature("sticker delete", "Delete Guild Sticker", "deletes sticker; data: none").before(aSticker).then(unknown("/guilds/$guild/stickers/$sticker", 10060)),
		feature("sticker send", "Create Message (sticker_ids)", "sends sticker into channel; data: id").before(aSticker).then(holds("sticker_items.0.id", "$sticker")),
		feature("sticker packs", "List Sticker Packs", "fetches Discord's sticker packs; data: count").then(func(t *trial) error {
			return shows("/sticker-packs", "sticker_packs.#", t.said["count"])(t)
		}),
		feature("stickers event", "Guild Stickers Update", "is ready, waits for the event that guild has a new sticker; data: name").people(aSticker).then(said("name", "sticker")),
		feature("sound create", "Create Guild Soundboard Sound", `makes the sound "bang" from args.sound_file (a data URI of an mp3); data: id`).
			before(func(t *trial) error { t.args["sound_file"] = "data:audio/mp3;base64,SUQzBAAAAAAA"; return nil }).then(shows("/guilds/$guild/soundboard-sounds/$id", "name", "bang")),
		feature("sound list", "List Guild Soundboard Sounds", "fetches the sounds of guild; data: names").before(aSound).then(said("names.#", 1, "names.0", "boom")),
		feature("sound edit", "Modify Guild Soundboard Sound", `renames sound to "puff"; data: none`).before(aSound).then(shows("/guilds/$guild/soundboard-sounds/$sound", "name", "puff")),
		feature("sound delete", "Delete Guild Soundboard Sound", "deletes sound; data: none").before(aSound).then(unknown("/guilds/$guild/soundboard-sounds/$sound", 10097)),
		feature("default sounds", "List Default Soundboard Sounds", "fetches Discord's own sounds; data: count").then(func(t *trial) error {
			return shows("/soundboard-default-sounds", "#", t.said["count"])(t)
		}),
		feature("sounds event", "Guild Soundboard Sound Create", "is ready, waits for the event that guild has a new sound; data: name").people(aSound).then(said("name", "boom")),
		feature("request sounds", "Request Soundboard Sounds", "asks for the sounds of guild over the gateway; data: names").before(aSound).then(said("names.#", 1, "names.0", "boom")),
	)
}

// aPicture tells the program of a picture.
func aPicture(t *trial) error { t.args["picture"] = picture; return nil }

// aSticker makes a sticker in guild, under the name sticker.
func aSticker(t *trial) error {
	const boundary = "boundary"
	var body bytes.Buffer
	for _, field := range [][2]string{{"name", "sticker"}, {"tags", "wave"}, {"description", "waves"}} {
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, field[0], field[1])
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(picture, "data:image/png;base64,"))
	if err != nil {
		return err
	}
	fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sticker.png\"\r\nContent-Type: image/png\r\n\r\n%s\r\n--%s--\r\n", boundary, raw, boundary)
	answer, _, err := t.inspector.send(t.ctx, "POST", t.expand("/guilds/$guild/stickers"), "multipart/form-data; boundary="+boundary, &body)
	t.args["sticker"] = at(answer, "id")
	return err
}
