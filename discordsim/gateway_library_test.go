package discordsim

import (
	_ "embed"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// libraryPayloads is what libraries send after HELLO, as it was recorded: TOKEN, GUILD,
// VOICE and ADA stand for the token and three ids. Discord has taken all of it for years.
//
//go:embed testdata/libraries.json
var libraryPayloads []byte

// Given what each library sends, when it is sent in its order, then no connection ends,
// the dot shows what the library meant, and at most advice is recorded.
//
// Statements: S-019, S-031, S-076, S-078, S-080.
func TestWhatLibrariesSendIsTaken(t *testing.T) {
	var all []struct {
		Library  string
		Payloads []struct{ Sends, Shows string }
	}
	if err := json.Unmarshal(libraryPayloads, &all); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		t.Run(one.Library, func(t *testing.T) {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				sc.AddMembers(sc.guild, sc.ada)
				voice := sc.AddVoiceChannels(sc.guild, "voice")[0]
				c := sc.connect(inMemory)
				c.op(10)
				fill := strings.NewReplacer("TOKEN", sc.app.Token, "GUILD", sc.guild.ID.String(), "VOICE", voice.ID.String(), "ADA", sc.ada.ID.String())
				for _, payload := range one.Payloads {
					text := fill.Replace(payload.Sends)
					op, _, bad := readPayload([]byte(text))
					if bad {
						t.Fatalf("%s is no payload", text)
					}
					c.raw(text)
					switch op {
					case opHeartbeat:
						c.op(opACK)
					case opIdentify:
						c.ready()
						c.event("GUILD_CREATE")
					case opMembers:
						if got := asList(c.event("GUILD_MEMBERS_CHUNK").object()["members"]); len(got) == 0 {
							t.Errorf("%s: no members came", text)
						}
					case opVoice:
						wait(time.Second)
						if in := sc.VoiceChannel(sc.guild, sc.app.Bot.ID) == voice.ID; in != strings.Contains(text, voice.ID.String()) {
							t.Errorf("%s: the bot is in voice: %t", text, in)
						}
					default:
						c.all()
					}
					if got := sc.statusChanges(); payload.Shows != "" && got[len(got)-1] != payload.Shows {
						t.Errorf("%s: the dot went %q, want %q last", text, got, payload.Shows)
					}
				}
				c.raw(`{"op":1,"d":1}`)
				c.op(opACK)
			})
		})
	}
}
