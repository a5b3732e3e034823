package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// harness is one bot with everything around it, inside a bubble of virtual time.
type harness struct {
	*testing.T
	discord *fakeDiscord
	shard   *fakeShard
	log     *logRecorder
	bot     *Bot
	serial  uint64
	stopRun context.CancelFunc
	secrets []string

	unattached bool // the bot gets no shard
}

// run runs one test in virtual time. At its end the bot is stopped; the log must
// have no secret, and Discord no complaint.
func run(t *testing.T, tell func(h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins before Discord did, and ids tell the time since Discord.
		time.Sleep(time.Until(time.Date(2026, 8, 6, 12, 0, 0, 0, time.UTC)))
		h := &harness{
			T: t, discord: newFakeDiscord(), log: &logRecorder{},
			shard:   &fakeShard{latency: 45 * time.Millisecond, state: gateway.Live{}},
			secrets: []string{testToken},
		}
		tell(h)
		h.stop()
		for _, secret := range h.secrets {
			if h.log.count(secret) > 0 {
				t.Error("a secret stands in the log")
			}
		}
		for _, problem := range h.discord.problems {
			t.Error("Discord complains:", problem)
		}
	})
}

// start makes the bot and tells it who it is.
func (h *harness) start(change ...func(*Options)) {
	h.Helper()
	h.make(change...)
	h.deliver("READY", fmt.Sprintf(`{"user":{"id":"%d","username":"research"},"application":{"id":"%d","flags":%d},"guilds":[]}`, selfID, appID, 1<<19|1<<15))
}

// make makes the bot, which does not know yet who it is.
func (h *harness) make(change ...func(*Options)) {
	h.Helper()
	o := Options{
		Token: testToken, HTTPClient: &http.Client{Transport: h.discord}, APIURL: testBase,
		Logger: slog.New(h.log), Rand: func() float64 { return 0.5 }, Version: "1.2.3",
	}
	for _, c := range change {
		c(&o)
	}
	b, err := New(o)
	if err != nil {
		h.Fatal(err)
	}
	if !h.unattached {
		b.Attach(h.shard)
	}
	h.bot = b
}

// crash makes another bot in place of the first, which is never heard of again.
func (h *harness) crash(change ...func(*Options)) {
	h.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.bot.Stop(ended)
	h.start(change...)
}

// run calls Bot.Run in the background, until the test ends.
func (h *harness) run() {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := h.bot.Run(ctx); err != nil {
			h.Error(err)
		}
	}()
	h.stopRun = func() { cancel(); <-over }
	synctest.Wait()
}

// stop stops the bot and gives it all the time it wants.
func (h *harness) stop() {
	if h.bot == nil {
		return
	}
	if h.stopRun != nil {
		h.stopRun()
	}
	if err := h.bot.Stop(context.Background()); err != nil {
		h.Error(err)
	}
}

// wait lets time pass and then everything settle.
func (h *harness) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// heldEvent is an event that was handed to the bot, and its hold.
type heldEvent struct {
	mu    sync.Mutex
	taken bool
	done  int
}

// held reports whether the event would come again after a crash.
func (d *heldEvent) held() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken && d.done == 0
}

// released reports whether the hold was taken and ended.
func (d *heldEvent) released() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken && d.done > 0
}

// deliver hands an event to the bot as HandleEvent does, with a hold that the
// test can look at, and waits until all that needs no time is done.
func (h *harness) deliver(kind, data string) *heldEvent {
	h.Helper()
	d := h.push(kind, data)
	synctest.Wait()
	return d
}

// push is deliver without waiting for anything.
func (h *harness) push(kind, data string) *heldEvent {
	d := &heldEvent{}
	event := gateway.Event{Type: kind, Data: []byte(data), Received: time.Now()}
	h.bot.handle(context.Background(), event, func() func() {
		d.mu.Lock()
		d.taken = true
		d.mu.Unlock()
		return func() {
			d.mu.Lock()
			d.done++
			d.mu.Unlock()
		}
	})
	if string(event.Data) != data {
		h.Error("the bot wrote into the event's data, which others read too")
	}
	return d
}

// nextID returns a new id that says it was made now.
func (h *harness) nextID() uint64 {
	h.serial++
	return uint64(time.Now().UnixMilli()-1420070400000)<<22 | h.serial
}

type fields map[string]any

// message is the data of a MESSAGE_CREATE by a person in a guild; more replaces
// or adds fields, nil removes them.
func (h *harness) message(content string, more fields) string {
	m := fields{
		"id": fmt.Sprint(h.nextID()), "channel_id": fmt.Sprint(channelID), "guild_id": fmt.Sprint(guildID), "type": 0, "content": content,
		"author": fields{"id": fmt.Sprint(askerID), "username": "mai"}, "mentions": []any{}, "flags": 0, "tts": false, "member": fields{"roles": []any{}},
	}
	for name, value := range more {
		m[name] = value
		if value == nil {
			delete(m, name)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		h.Fatal(err)
	}
	return string(text)
}

// say is a message by a person in a guild, delivered.
func (h *harness) say(content string) *heldEvent {
	h.Helper()
	return h.deliver("MESSAGE_CREATE", h.message(content, nil))
}

// sayAs is say by the given user.
func (h *harness) sayAs(user uint64, content string) *heldEvent {
	h.Helper()
	return h.deliver("MESSAGE_CREATE", h.message(content, fields{"author": fields{"id": fmt.Sprint(user), "username": "mai"}}))
}

// slash is the data of an INTERACTION_CREATE and the token of the interaction,
// which Discord now knows.
func (h *harness) slash(user uint64, name string, options ...string) (data, token string) {
	id := fmt.Sprint(h.nextID())
	token = "aW50ZXJhY3Rpb24-" + id
	h.secrets = append(h.secrets, token)
	h.discord.mu.Lock()
	h.discord.interactions[token] = &fakeInteraction{id: id, created: time.Now()}
	h.discord.mu.Unlock()
	given := []any{}
	for i := 0; i+1 < len(options); i += 2 {
		given = append(given, fields{"name": options[i], "type": 3, "value": options[i+1]})
	}
	text, err := json.Marshal(fields{
		"id": id, "application_id": fmt.Sprint(appID), "token": token, "type": 2, "channel_id": fmt.Sprint(channelID), "guild_id": fmt.Sprint(guildID),
		"member": fields{"user": fields{"id": fmt.Sprint(user), "username": "mai"}},
		"data":   fields{"name": name, "type": 1, "options": given},
	})
	if err != nil {
		h.Fatal(err)
	}
	return string(text), token
}

// use is a slash command, delivered.
func (h *harness) use(user uint64, name string, options ...string) (*heldEvent, string) {
	h.Helper()
	data, token := h.slash(user, name, options...)
	return h.deliver("INTERACTION_CREATE", data), token
}

// expect holds what was said against what should have been.
func (h *harness) expect(want ...string) {
	h.Helper()
	got := h.discord.said()
	if len(got) != len(want) {
		h.Fatalf("the bot said %d things, want %d:\n%s", len(got), len(want), strings.Join(got, "\n---\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			h.Errorf("the bot said\n%s\nwant\n%s", got[i], want[i])
		}
	}
}

// logged fails unless the log holds the line that often.
func (h *harness) logged(times int, line string) {
	h.Helper()
	if got := h.log.count(line); got != times {
		h.Errorf("the log holds %d times %q, want %d:\n%s", got, line, times, h.log)
	}
}

// fakeShard is a shard that is always what the test wants.
type fakeShard struct {
	mu        sync.Mutex
	latency   time.Duration
	state     gateway.State
	stats     gateway.Stats
	err       error
	presences []sentPresence
}

// sentPresence is a presence and when the bot set it.
type sentPresence struct {
	gateway.Presence
	at time.Time
}

// become changes what the shard says.
func (s *fakeShard) become(state gateway.State, latency time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.latency, s.err = state, latency, err
}

func (s *fakeShard) SetPresence(p gateway.Presence) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presences = append(s.presences, sentPresence{p, time.Now()})
	return s.err
}

func (s *fakeShard) Latency() time.Duration { s.mu.Lock(); defer s.mu.Unlock(); return s.latency }
func (s *fakeShard) State() gateway.State   { s.mu.Lock(); defer s.mu.Unlock(); return s.state }
func (s *fakeShard) Stats() gateway.Stats   { s.mu.Lock(); defer s.mu.Unlock(); return s.stats }

// logRecorder is a slog.Handler that keeps lines such as "WARN text key=value".
type logRecorder struct {
	mu    sync.Mutex
	lines []string
}

func (j *logRecorder) Enabled(context.Context, slog.Level) bool { return true }
func (j *logRecorder) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *logRecorder) WithGroup(string) slog.Handler            { return j }

func (j *logRecorder) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
	return nil
}

// count returns how many lines hold the text.
func (j *logRecorder) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, line := range j.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (j *logRecorder) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}
