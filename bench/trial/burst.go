package trial

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// events is how many events a burst has.
const events = 20_000

// burst sends events that the bot's intents let through and that no ping bot wants,
// and measures the CPU time they cost the bot, from the first until the process is
// idle.
func (c *cell) burst() {
	before, err := c.proc.Usage()
	if err != nil {
		return
	}
	mix := c.world.mix()
	guild := c.app.Guilds[0]
	for i := range events {
		e := mix[i%len(mix)]
		c.sim.Emit(c.app, guild, e.name, e.data)
	}
	last, still := before.CPU, time.Now()
	for began := time.Now(); time.Since(still) < 400*time.Millisecond && time.Since(began) < 10*time.Second; {
		time.Sleep(50 * time.Millisecond)
		now, err := c.proc.Usage()
		if err != nil {
			return
		}
		if now.CPU-last > time.Millisecond {
			last, still = now.CPU, time.Now()
		}
	}
	c.perEvent = append(c.perEvent, (last-before.CPU)/events)
	c.world.Ask(len(c.perEvent))
}

// unwanted is an event that the bot does not want.
type unwanted struct {
	name string
	data json.RawMessage
}

// mix returns the events that busy guilds send most, in realistic sizes: six edited
// messages with an embed, three changed members, one deleted message.
func (w World) mix() (all []unwanted) {
	ch, guild, user := w.channels[1], w.App.Guilds[0].ID, w.people[1]
	who := fmt.Sprintf(`{"id":%q,"username":%q,"global_name":"A Person","avatar":"a_0123456789abcdef0123456789abcdef","discriminator":"0","public_flags":64,"flags":64,"bot":false,"banner":null,"accent_color":null,"avatar_decoration_data":null,"collectibles":null,"primary_guild":null,"clan":null}`, user.ID.String(), user.Username)
	member := fmt.Sprintf(`"roles":["%s"],"nick":"a person","mute":false,"deaf":false,"joined_at":"2021-03-04T05:06:07.890000+00:00","premium_since":null,"pending":false,"flags":0,"communication_disabled_until":null,"avatar":null,"banner":null`, guild)
	edited := fmt.Sprintf(`{"id":"1200000000000000001","channel_id":%q,"guild_id":%q,"type":0,"content":%q,"author":%s,"member":{%s},"timestamp":"2026-11-29T10:00:00.123000+00:00","edited_timestamp":"2026-11-29T10:00:05.456000+00:00","tts":false,"mention_everyone":false,"mentions":[],"mention_roles":[],"attachments":[],"embeds":[{"type":"article","url":"https://example.org/an/article","title":"An article","description":%q,"color":3447003,"provider":{"name":"Example","url":"https://example.org"},"thumbnail":{"url":"https://example.org/i.png","proxy_url":"https://images.example.org/i.png","width":1200,"height":630,"placeholder":"abcdef","placeholder_version":1,"flags":0}}],"pinned":false,"flags":0,"components":[]}`,
		ch.String(), guild.String(), strings.Repeat("what people write, with a link: https://example.org/an/article ", 3), who, member, strings.Repeat("A few words about what is behind the link. ", 5))
	changed := fmt.Sprintf(`{"guild_id":%q,"user":%s,%s}`, guild.String(), who, member)
	deleted := fmt.Sprintf(`{"id":"1200000000000000001","channel_id":%q,"guild_id":%q}`, ch.String(), guild.String())
	for _, e := range []struct {
		name, data string
		times      int
	}{{"MESSAGE_UPDATE", edited, 6}, {"GUILD_MEMBER_UPDATE", changed, 3}, {"MESSAGE_DELETE", deleted, 1}} {
		for range e.times {
			all = append(all, unwanted{e.name, json.RawMessage(e.data)})
		}
	}
	return all
}
