package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shows is a presence with one activity.
func shows(status, name string) map[string]any {
	return map[string]any{"since": nil, "afk": false, "status": status, "activities": []any{map[string]any{"name": name, "type": 3}}}
}

// statusChanges lists the history of the dot as status and activity.
func (sc *clientHarness) statusChanges() (out []string) {
	for _, change := range sc.StatusHistory(sc.app) {
		out = append(out, strings.TrimSpace(change.Status+" "+change.Activity))
	}
	return out
}

// Given IDENTIFYs with and without a presence, then the dot shows that status
// and activity at once, and plain online without one.
//
// Statements: S-031.
func TestPresenceInIdentify(t *testing.T) {
	for want, presence := range map[string]any{
		"online": nil, "dnd reading": shows("dnd", "reading"), "idle": map[string]any{"status": "idle", "activities": []any{}},
		"online so it is": map[string]any{"status": "online", "activities": []any{map[string]any{"name": "Custom Status", "type": 4, "state": "so it is"}}},
	} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			sc.identified(map[string]any{"presence": presence})
			if got := sc.statusChanges(); !slices.Equal(got, []string{want}) || !sc.Online(sc.app) {
				t.Errorf("the dot went %q, want %q", got, want)
			}
		})
	}
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.identified(map[string]any{"presence": shows("invisible", "hiding")})
		if sc.Online(sc.app) || !sc.Attached(sc.app) || len(sc.statusChanges()) != 0 {
			t.Errorf("an invisible bot is seen: %q", sc.statusChanges())
		}
	})
}

// Given a live bot, when it changes its presence, then the dot changes and the
// entitled members are told, and nobody else.
//
// Statements: S-076.
func TestPresenceUpdate(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		watcher := sc.AddApp(AppConfig{Name: "watcher", Guilds: []*Guild{sc.guild}})
		w := sc.identified(map[string]any{"token": watcher.Token, "intents": intentPresences})
		blind := sc.AddApp(AppConfig{Name: "blind", Guilds: []*Guild{sc.guild}})
		b := sc.identified(map[string]any{"token": blind.Token})
		c := sc.identified(nil)
		b.all()
		w.all()
		c.send(3, shows("idle", "a book"))
		p := w.event("PRESENCE_UPDATE")
		d := p.object()
		if d["status"] != "idle" || d["guild_id"] != sc.guild.ID.String() || asObject(asList(d["activities"])[0])["name"] != "a book" ||
			asObject(d["client_status"])["web"] != "idle" || len(asObject(d["user"])) != 1 {
			t.Errorf("the others were told %s", p.raw)
		}
		c.send(3, shows("idle", "a book")) // nothing new
		w.nothingWithin(time.Second)
		if got := b.events(); len(got) != 0 {
			t.Errorf("somebody without the intent was told %q", got)
		}
		if got := sc.statusChanges(); !slices.Equal(got, []string{"online", "idle a book"}) {
			t.Errorf("the dot went %q", got)
		}
		sc.violations()
	})
}

// Given presence updates that cannot be decoded, then each closes with 4002.
//
// Statements: S-076.
func TestMalformedPresence(t *testing.T) {
	for field, values := range map[string][]any{
		"since": {"now"}, "afk": {"no"}, "status": {"busy", 1}, "activities": {"x", []any{1}, []any{map[string]any{"name": "x", "type": "0"}}, []any{map[string]any{"name": 1, "type": 0}}},
		"game": {"x"},
	} {
		for _, value := range values {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				c := sc.identified(nil)
				wrong := shows("online", "x")
				wrong[field] = value
				c.send(3, wrong)
				c.closedWith(4002)
				sc.violations("G-102")
				if len(sc.Verdict(sc.app).Broken()) != 1 {
					t.Errorf("%s %v is only advice", field, value)
				}
			})
		}
	}
}

// Given presences with less, more or other fields than are documented, in IDENTIFY and
// in op 3, then they are shown as far as a bot may, and advice says what is documented.
//
// Statements: S-031, S-076.
func TestUndocumentedPresence(t *testing.T) {
	chess := map[string]any{"name": "chess", "type": 0}
	for _, odd := range []struct {
		presence map[string]any
		want     string
		plain    bool
	}{
		{map[string]any{}, "online", false},
		{map[string]any{"status": nil, "activities": nil}, "online", false},
		{map[string]any{"status": "", "activities": []any{}}, "online", false},
		{map[string]any{"status": "dnd", "game": chess}, "dnd chess", false},
		{map[string]any{"status": "dnd", "game": nil}, "dnd", false},
		{map[string]any{"status": "idle", "activities": []any{}, "game": chess}, "idle", true},
		{map[string]any{"status": "idle", "activities": []any{map[string]any{"name": "", "type": 0}}}, "idle", false},
		{map[string]any{"status": "idle", "activities": []any{map[string]any{"name": "chess"}}}, "idle chess", false},
		{map[string]any{"status": "idle", "activities": []any{map[string]any{"name": "chess", "type": 0, "details": "e4"}}}, "idle chess", false},
		{map[string]any{"status": "idle", "activities": []any{map[string]any{"name": "chess", "type": 0, "url": nil}}}, "idle chess", true},
		{map[string]any{"since": 0.5, "status": "idle", "activities": []any{}, "afk": nil}, "idle", true},
	} {
		for _, identifying := range []bool{true, false} {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				if identifying {
					sc.identified(map[string]any{"presence": odd.presence})
				} else {
					sc.identified(map[string]any{"presence": shows("dnd", "else")}).send(3, odd.presence)
				}
				wait(time.Second)
				if got := sc.statusChanges(); got[len(got)-1] != odd.want {
					t.Errorf("%v: the dot went %q, want %q", odd.presence, got, odd.want)
				}
				if v := sc.Verdict(sc.app); len(v.Broken()) > 0 || (len(v.Violations) == 0) != odd.plain {
					t.Errorf("%v: recorded %v", odd.presence, v.Violations)
				}
			})
		}
	}
}

// Given a bot that sends the status "offline", then it is shown online, as two libraries
// report, or offline as documented where that is configured.
//
// Statements: S-031.
func TestStatusOfflineIsShownAsConfigured(t *testing.T) {
	for hides, want := range map[bool]string{false: "online x", true: ""} {
		cfg := patient
		cfg.OfflineHides = hides
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			sc.identified(map[string]any{"presence": shows("offline", "x")})
			if got := strings.Join(sc.statusChanges(), ", "); got != want {
				t.Errorf("offline hides %t: the dot went %q, want %q", hides, got, want)
			}
		})
	}
}

// Given the limit of 5 updates in 20 s, when a sixth comes, then it is dropped
// and recorded; it counts per session, and the window slides.
//
// Statements: S-076.
func TestPresenceLimit(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		for i := range 5 {
			c.send(3, shows("online", fmt.Sprint("book ", i)))
			wait(time.Second)
		}
		sc.violations()
		c.drop()
		c = c.reconnectAndResume()
		c.send(3, shows("online", "one too many"))
		wait(time.Second)
		sc.violations("G-101")
		wait(14*time.Second + time.Millisecond)
		c.send(3, shows("online", "in time"))
		wait(time.Second)
		got := sc.statusChanges()
		if slices.Contains(got, "online one too many") || got[len(got)-1] != "online in time" {
			t.Errorf("the dot went %q", got)
		}
		if v := sc.Verdict(sc.app); v.MaxPresences != 6 {
			t.Errorf("the most in a window were %d", v.MaxPresences)
		}
	})
}

// Given several sessions of a bot, live and detached, then the dot is the best
// of their statuses, and grey when the last is gone; the history has each change
// with its time.
//
// Statements: S-077.
func TestVisibleStatusIsTheBestOfAllSessions(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 4}, func(sc *clientHarness) {
		start := time.Now()
		open := func(id int, status string) *client {
			c := sc.identified(map[string]any{"shard": []int{id, 4}, "presence": shows(status, status)})
			wait(10 * time.Second)
			return c
		}
		idle := open(0, "idle")
		dnd := open(1, "dnd")
		hidden := open(2, "invisible")
		online := open(3, "online")
		online.closeWith(1000)
		wait(10 * time.Second)
		dnd.drop() // its presence stays
		wait(10 * time.Second)
		idle.send(3, shows("online", "back"))
		wait(10 * time.Second)
		idle.closeWith(1000)
		wait(10 * time.Second)
		hidden.closeWith(1000)
		wait(90 * time.Second)
		want := []StatusChange{
			{start, "idle", "idle"}, {start.Add(10 * time.Second), "dnd", "dnd"}, {start.Add(30 * time.Second), "online", "online"},
			{start.Add(40 * time.Second), "dnd", "dnd"}, {start.Add(60 * time.Second), "online", "back"},
			{start.Add(70 * time.Second), "dnd", "dnd"}, {start.Add(140 * time.Second), "offline", ""},
		}
		got := sc.StatusHistory(sc.app)
		if !slices.EqualFunc(got, want, func(a, b StatusChange) bool {
			return a.At.Equal(b.At) && a.Status == b.Status && a.Activity == b.Activity
		}) {
			t.Errorf("the dot went %+v, want %+v", got, want)
		}
		wait(50 * time.Second)
		if v := sc.Verdict(sc.app); v.Online != 140*time.Second || v.Offline != 80*time.Second {
			t.Errorf("green for %s, grey for %s", v.Online, v.Offline)
		}
	})
}

// Given a bot that changes its presence for a year, then only the newest of its
// history is kept.
//
// Statements: S-077.
func TestStatusHistoryIsBounded(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil)
		sc.mu.Lock()
		b := sc.bots[sc.app.ID]
		for i := range 3 * maxStatusHistory {
			b.sessions[0].presence.status = []string{"online", "idle"}[i%2]
			b.updateVisible()
			if len(b.visible.history) > 2*maxStatusHistory {
				t.Fatal("the history grows without bound")
			}
		}
		sc.mu.Unlock()
		if got := sc.StatusHistory(sc.app); len(got) != maxStatusHistory || got[maxStatusHistory-1].Status != "idle" {
			t.Errorf("%d changes are told", len(got))
		}
	})
}
