package discordsim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// documentedObjects is what Discord's documentation says of the objects it sends; the
// file explains its columns.
//
//go:embed testdata/objects.tsv
var documentedObjects string

// objectTable holds objects against the documentation.
type objectTable struct {
	fields  map[string]map[string]documentedField // by object and field
	answers map[string]string                     // the type a route answers with
}

type documentedField struct {
	kind     string
	optional bool
}

// objects is the table of the documentation.
var objects = readObjects(documentedObjects)

func readObjects(text string) objectTable {
	t := objectTable{map[string]map[string]documentedField{}, map[string]string{}}
	included := map[string][]string{}
	for line := range strings.SplitSeq(text, "\n") {
		columns := strings.Split(line, "\t")
		if len(columns) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		name, field, kind := columns[0], columns[1], columns[2]
		if t.fields[name] == nil && field != "=" {
			t.fields[name] = map[string]documentedField{}
		}
		switch field {
		case "=":
			t.answers[name] = kind
		case "+":
			included[name] = append(included[name], kind)
		default:
			plain, optional := strings.CutSuffix(field, "?")
			t.fields[name][plain] = documentedField{kind, optional}
		}
	}
	for name, others := range included {
		for _, other := range others {
			t.include(name, other, included)
		}
	}
	return t
}

// include adds the fields of another object to one; fields that are there already stay.
func (t objectTable) include(name, other string, included map[string][]string) {
	other, partial := strings.CutPrefix(other, "~")
	for _, further := range included[other] {
		t.include(other, further, included)
	}
	for field, f := range t.fields[other] {
		if _, there := t.fields[name][field]; !there {
			t.fields[name][field] = documentedField{f.kind, f.optional || partial}
		}
	}
}

// scalars are the types that are no objects.
var scalars = map[string]func(v any) bool{
	"any":    func(any) bool { return true },
	"bool":   func(v any) bool { _, ok := v.(bool); return ok },
	"string": func(v any) bool { _, ok := v.(string); return ok },
	"float":  func(v any) bool { _, ok := v.(float64); return ok },
	"int":    func(v any) bool { n, ok := v.(float64); return ok && n == math.Trunc(n) },
	"id": func(v any) bool {
		text, _ := v.(string)
		_, err := strconv.ParseUint(text, 10, 64)
		return err == nil
	},
	"time": func(v any) bool {
		text, _ := v.(string)
		_, err := time.Parse(time.RFC3339Nano, text)
		return err == nil
	},
}

// wrong lists what of a value is not as documented; where names the value.
func (t objectTable) wrong(where, kind string, v any) (all []string) {
	kind, nullable := strings.CutPrefix(kind, "?")
	if v == nil {
		if !nullable && kind != "any" {
			all = append(all, where+" is null")
		}
		return all
	}
	if kinds := strings.Split(kind, "|"); len(kinds) > 1 && !strings.HasPrefix(kind, "[") {
		for i, one := range kinds {
			if got := t.wrong(where, one, v); i == 0 || len(got) < len(all) {
				all = got
			}
		}
		return all
	}
	if inner, list := strings.CutPrefix(kind, "["); list {
		items, ok := v.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no list: %v", where, v)}
		}
		for i, item := range items {
			all = append(all, t.wrong(fmt.Sprintf("%s[%d]", where, i), strings.TrimSuffix(inner, "]"), item)...)
		}
		return all
	}
	kind, partial := strings.CutPrefix(kind, "~")
	object, isObject := v.(map[string]any)
	if inner, isMap := strings.CutPrefix(kind, "{"); isMap {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			all = append(all, t.wrong(where+"."+key, strings.TrimSuffix(inner, "}"), object[key])...)
		}
		if !isObject {
			all = append(all, fmt.Sprintf("%s is no object: %v", where, v))
		}
		return all
	}
	if fits := scalars[kind]; fits != nil {
		if !fits(v) {
			all = append(all, fmt.Sprintf("%s is no %s: %v", where, kind, v))
		}
		return all
	}
	fields := t.fields[kind]
	if !isObject || fields == nil {
		return []string{fmt.Sprintf("%s is no %s: %v", where, kind, v)}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if f, documented := fields[name]; documented {
			all = append(all, t.wrong(where+"."+name, f.kind, object[name])...)
		} else {
			all = append(all, where+"."+name+" is not documented")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, there := object[name]; !there && !fields[name].optional && !partial {
			all = append(all, where+"."+name+" is missing")
		}
	}
	return all
}

// checkObject fails a test where JSON is not as documented.
func checkObject(t *testing.T, where, kind string, raw []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	for _, what := range objects.wrong(where, kind, v) {
		t.Error(what)
	}
}

// checkEvent fails a test where the data of an event is not as documented.
func checkEvent(t *testing.T, typ string, data []byte) {
	t.Helper()
	if objects.fields[typ] == nil {
		t.Errorf("%s is not in the table of documented events", typ)
		return
	}
	checkObject(t, typ, typ, data)
}

// Given the table of documented objects, then every type in it is a type there is.
func TestDocumentedObjectsAreComplete(t *testing.T) {
	known := func(kind string) bool {
		for one := range strings.SplitSeq(strings.Trim(kind, "?[]{}~"), "|") {
			if scalars[one] == nil && objects.fields[one] == nil {
				return false
			}
		}
		return true
	}
	for name, fields := range objects.fields {
		for field, f := range fields {
			if !known(f.kind) {
				t.Errorf("%s.%s has the type %q, which is none", name, field, f.kind)
			}
		}
	}
	for route, kind := range objects.answers {
		if !known(kind) || !slices.Contains(Routes(), route) {
			t.Errorf("%s answers with %q: there is no such route or type", route, kind)
		}
	}
	for _, bad := range []struct{ kind, raw, want string }{
		{"role colors", `{"primary_color":1,"secondary_color":null}`, "x.tertiary_color is missing"},
		{"role colors", `{"primary_color":null,"secondary_color":null,"tertiary_color":null}`, "x.primary_color is null"},
		{"role colors", `{"primary_color":1,"secondary_color":null,"tertiary_color":null,"fourth":1}`, "x.fourth is not documented"},
		{"[id]", `["1",2]`, "x[1] is no id: 2"},
		{"~role", `{"name":7}`, "x.name is no string: 7"},
		{"role colors|id", `7`, "x is no role colors: 7"},
		{"role colors|component data", `{"custom_id":"c"}`, "x.component_type is missing"},
	} {
		var v any
		_ = json.Unmarshal([]byte(bad.raw), &v)
		if got := objects.wrong("x", bad.kind, v); !slices.Equal(got, []string{bad.want}) {
			t.Errorf("%s as %s: %q, want %q", bad.raw, bad.kind, got, bad.want)
		}
	}
}

// Given everything the simulator can do, when a bot with every intent looks on, then
// each event and each answer is as Discord documents it: no field unknown, none missing,
// and none null that must not be.
//
// Statements: S-027, S-069.
func TestEveryObjectIsAsDocumented(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		w := &restHarness{Sim: sc.Sim, t: t, app: sc.app, guild: sc.guild, channel: sc.channel, person: sc.ada}
		request := func(method, path string, body any) apiResponse {
			t.Helper()
			wait(time.Second) // for the rate limits
			return w.request(method, path, body)
		}
		voice := sc.AddVoiceChannels(sc.guild, "voice")[0]
		sc.JoinVoice(voice.ID, sc.ada.ID)
		c := sc.identified(map[string]any{"intents": documentedIntents, "presence": shows("idle", "x"), "shard": []int{0, 1}})
		seen := map[string]bool{}
		look := func() {
			wait(time.Second)
			for _, typ := range c.events() {
				seen[typ] = true
			}
		}
		look()

		asked := sc.say("hello <@" + sc.app.Bot.ID.String() + ">")
		sc.say("again", ReplyingTo(asked.ID, true))
		sc.say("of a webhook", AsWebhook(sc.ada.ID+1))
		sc.say("somebody joined", OfType(7))
		direct := sc.DM(sc.app, sc.ada.ID, "hello")
		sc.Edit(asked.ID, "hello!")
		embed := map[string]any{"title": "t", "description": nil, "footer": map[string]any{"text": "f", "icon_url": nil}, "fields": []any{map[string]any{"name": "n", "value": "v"}}}
		posted := request("POST", w.messagesPath(), map[string]any{
			"content": "answer", "nonce": 5, "embeds": []any{embed}, "message_reference": map[string]any{"message_id": asked.ID}, "sticker_ids": []string{"7"},
			"components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 1, "label": "b", "custom_id": "c"}}}},
		}).hasStatus(200, 0).id()
		message := w.messagesPath() + "/" + posted
		request("PATCH", message, map[string]any{"content": "better"}).hasStatus(200, 0)
		request("GET", w.messagesPath(), nil).hasStatus(200, 0)
		request("POST", "/channels/"+direct.Channel.ID.String()+"/messages", map[string]any{"content": "hello you"}).hasStatus(200, 0)
		request("POST", "/channels/"+direct.Channel.ID.String()+"/typing", nil).hasStatus(204, 0)
		request("POST", "/channels/"+sc.channel.String()+"/typing", nil).hasStatus(204, 0)
		for _, emoji := range []string{"%F0%9F%91%8D", "own:123"} {
			request("PUT", message+"/reactions/"+emoji+"/@me", nil).hasStatus(204, 0)
			request("GET", message, nil).hasStatus(200, 0)
			request("GET", message+"/reactions/"+emoji, nil).hasStatus(200, 0)
		}
		request("DELETE", message+"/reactions/own:123/@me", nil).hasStatus(204, 0)
		request("DELETE", message+"/reactions", nil).hasStatus(204, 0)
		request("DELETE", message, nil).hasStatus(204, 0)
		look()

		commands := "/applications/" + sc.app.ID.String() + "/commands"
		request("PUT", commands, []any{map[string]any{"name": "ping", "description": "pings", "options": []any{map[string]any{"type": 3, "name": "who", "description": "w"}}}}).hasStatus(200, 0)
		request("GET", commands, nil).hasStatus(200, 0)
		for _, channel := range []ID{sc.channel, direct.Channel.ID} {
			id := sc.Interact(sc.app, channel, sc.ada.ID, "ping", "who", "me", "n", 1)
			path := "/api/v10/interactions/" + id.String() + "/" + w.asked(id).token + "/callback?with_response=true"
			w.send(apiRequest{method: "POST", path: path, body: `{"type":4,"data":{"content":"pong"}}`}).hasStatus(200, 0)
			request("POST", w.followPath(id), map[string]any{"content": "more"}).hasStatus(200, 0)
			request("GET", w.followPath(id)+"/messages/@original", nil).hasStatus(200, 0)
		}
		look()

		bob := sc.AddUser("bob")
		sc.AddMembers(sc.guild, bob)
		guild := "/guilds/" + sc.guild.ID.String()
		role := request("POST", guild+"/roles", map[string]any{"name": "r"}).hasStatus(200, 0).id()
		request("PUT", guild+"/members/"+bob.ID.String()+"/roles/"+role, nil).hasStatus(204, 0)
		request("PATCH", guild+"/roles/"+role, map[string]any{"name": "s"}).hasStatus(200, 0)
		request("DELETE", guild+"/roles/"+role, nil).hasStatus(204, 0)
		request("PUT", guild+"/bans/"+bob.ID.String(), map[string]any{}).hasStatus(204, 0)
		request("GET", guild+"/bans", nil).hasStatus(200, 0)
		request("DELETE", guild+"/bans/"+bob.ID.String(), nil).hasStatus(204, 0)
		for _, path := range []string{guild, guild + "/members?limit=10", guild + "/members/" + sc.ada.ID.String(), guild + "/roles", "/channels/" + sc.channel.String(),
			"/channels/" + voice.ID.String(), "/channels/" + direct.Channel.ID.String(), "/users/@me", "/users/@me/guilds?with_counts=true", "/users/" + sc.ada.ID.String(),
			"/applications/@me", "/oauth2/applications/@me", "/gateway", "/gateway/bot"} {
			request("GET", path, nil).hasStatus(200, 0)
		}
		c.goTo(voice.ID)
		look()
		sc.TimeOut(sc.app, sc.guild, time.Now().Add(time.Minute))
		sc.Mute(sc.app, sc.channel, true)
		c.send(3, shows("dnd", "y"))
		c.send(8, map[string]any{"guild_id": sc.guild.ID, "user_ids": []ID{sc.ada.ID, 12345}, "presences": true, "nonce": "n"})
		for range 2 {
			c.send(8, map[string]any{"guild_id": sc.guild.ID, "query": "", "limit": 0})
		}
		c.send(31, map[string]any{"guild_ids": []ID{sc.guild.ID}})
		c.send(43, map[string]any{"guild_id": sc.guild.ID, "fields": []string{"status"}})
		look()

		sc.SetUnavailable(sc.guild, true)
		sc.SetUnavailable(sc.guild, false)
		sc.Leave(sc.app, sc.guild)
		look()
		c.closeWith(4000)
		sc.DM(sc.app, sc.ada.ID, "meanwhile")
		c = c.reconnectAndResume()
		look()
		for _, typ := range []string{"RESUMED", "GUILD_CREATE", "GUILD_DELETE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_REACTION_ADD",
			"MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL", "TYPING_START", "INTERACTION_CREATE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE",
			"GUILD_MEMBER_REMOVE", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE", "CHANNEL_UPDATE",
			"VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE", "PRESENCE_UPDATE", "GUILD_MEMBERS_CHUNK", "RATE_LIMITED", "SOUNDBOARD_SOUNDS", "CHANNEL_INFO"} {
			if !seen[typ] {
				t.Errorf("no %s came", typ)
			}
		}
	})
}
