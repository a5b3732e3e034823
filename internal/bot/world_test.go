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

// world is one bot with everything around it, inside a bubble of virtual time.
type world struct {
	*testing.T
	discord *fakeDiscord
	shard   *fakeShard
	log     *journal
	bot     *Bot
	serial  uint64
	stopRun context.CancelFunc
	secrets []string
}

// story tells one story in virtual time. When it is over the bot is stopped, no
// secret may stand in the log and Discord must have found nothing to complain
// about.
func story(t *testing.T, tell func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins before Discord did, and ids tell the time since Discord.
		time.Sleep(time.Until(time.Date(2026, 8, 6, 12, 0, 0, 0, time.UTC)))
		w := &world{
			T: t, discord: newFakeDiscord(), log: &journal{},
			shard:   &fakeShard{latency: 45 * time.Millisecond, state: gateway.Live{}},
			secrets: []string{testToken},
		}
		tell(w)
		w.stop()
		for _, secret := range w.secrets {
			if w.log.count(secret) > 0 {
				t.Error("a secret stands in the log")
			}
		}
		for _, problem := range w.discord.problems {
			t.Error("Discord complains:", problem)
		}
	})
}

// start makes the bot and tells it who it is.
func (w *world) start(change ...func(*Options)) {
	w.Helper()
	w.make(change...)
	w.deliver("READY", fmt.Sprintf(`{"user":{"id":"%d","username":"research"},"application":{"id":"%d","flags":%d},"guilds":[]}`, selfID, appID, 1<<19|1<<15))
}

// make makes the bot, which does not know yet who it is.
func (w *world) make(change ...func(*Options)) {
	w.Helper()
	o := Options{
		Token: testToken, HTTPClient: &http.Client{Transport: w.discord}, APIURL: testBase,
		Logger: slog.New(w.log), Rand: func() float64 { return 0.5 }, Version: "1.2.3",
	}
	for _, c := range change {
		c(&o)
	}
	b, err := New(o)
	if err != nil {
		w.Fatal(err)
	}
	b.Attach(w.shard)
	w.bot = b
}

// crash makes another bot in place of the first, which is never heard of again.
func (w *world) crash(change ...func(*Options)) {
	w.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.bot.Stop(ended)
	w.start(change...)
}

// run starts the bot's own work, until the story ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := w.bot.Run(ctx); err != nil {
			w.Error(err)
		}
	}()
	w.stopRun = func() { cancel(); <-over }
	synctest.Wait()
}

// stop stops the bot and gives it all the time it wants.
func (w *world) stop() {
	if w.bot == nil {
		return
	}
	if w.stopRun != nil {
		w.stopRun()
	}
	if err := w.bot.Stop(context.Background()); err != nil {
		w.Error(err)
	}
}

// wait lets time pass and then everything settle.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// delivery is an event that was handed to the bot, and its hold.
type delivery struct {
	mu    sync.Mutex
	taken bool
	done  int
}

// held reports whether the event would come again after a crash.
func (d *delivery) held() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken && d.done == 0
}

// released reports whether the hold was taken and ended.
func (d *delivery) released() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken && d.done > 0
}

// deliver hands an event to the bot as HandleEvent does, with a hold that the
// test can look at, and waits until all that needs no time is done.
func (w *world) deliver(kind, data string) *delivery {
	w.Helper()
	d := w.push(kind, data)
	synctest.Wait()
	return d
}

// push is deliver without waiting for anything.
func (w *world) push(kind, data string) *delivery {
	d := &delivery{}
	event := gateway.Event{Type: kind, Data: []byte(data), Received: time.Now()}
	w.bot.take(context.Background(), event, func() func() {
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
		w.Error("the bot wrote into the event's data, which others read too")
	}
	return d
}

// nextID returns a new id that says it was made now.
func (w *world) nextID() uint64 {
	w.serial++
	return uint64(time.Now().UnixMilli()-1420070400000)<<22 | w.serial
}

type fields map[string]any

// message is the data of a MESSAGE_CREATE by a person in a guild; more replaces
// or adds fields, nil removes them.
func (w *world) message(content string, more fields) string {
	m := fields{
		"id": fmt.Sprint(w.nextID()), "channel_id": fmt.Sprint(channelID), "guild_id": fmt.Sprint(guildID), "type": 0, "content": content,
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
		w.Fatal(err)
	}
	return string(text)
}

// say is a message by a person in a guild, delivered.
func (w *world) say(content string) *delivery {
	w.Helper()
	return w.deliver("MESSAGE_CREATE", w.message(content, nil))
}

// sayAs is say by somebody in particular.
func (w *world) sayAs(user uint64, content string) *delivery {
	w.Helper()
	return w.deliver("MESSAGE_CREATE", w.message(content, fields{"author": fields{"id": fmt.Sprint(user), "username": "mai"}}))
}

// slash is the data of an INTERACTION_CREATE and the token of the interaction,
// which Discord now knows.
func (w *world) slash(user uint64, name string, options ...string) (data, token string) {
	id := fmt.Sprint(w.nextID())
	token = "aW50ZXJhY3Rpb24-" + id
	w.secrets = append(w.secrets, token)
	w.discord.mu.Lock()
	w.discord.interactions[token] = &fakeInteraction{id: id, created: time.Now()}
	w.discord.mu.Unlock()
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
		w.Fatal(err)
	}
	return string(text), token
}

// use is a slash command, delivered.
func (w *world) use(user uint64, name string, options ...string) (*delivery, string) {
	w.Helper()
	data, token := w.slash(user, name, options...)
	return w.deliver("INTERACTION_CREATE", data), token
}

// expect holds what was said against what should have been.
func (w *world) expect(want ...string) {
	w.Helper()
	got := w.discord.said()
	if len(got) != len(want) {
		w.Fatalf("the bot said %d things, want %d:\n%s", len(got), len(want), strings.Join(got, "\n---\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			w.Errorf("the bot said\n%s\nwant\n%s", got[i], want[i])
		}
	}
}

// logged fails unless the log holds the line that often.
func (w *world) logged(times int, line string) {
	w.Helper()
	if got := w.log.count(line); got != times {
		w.Errorf("the log holds %d times %q, want %d:\n%s", got, line, times, w.log)
	}
}

// fakeShard is a shard that is always what the test wants.
type fakeShard struct {
	mu        sync.Mutex
	latency   time.Duration
	state     gateway.State
	stats     gateway.Stats
	err       error
	presences []time.Time
}

// become changes what the shard says.
func (s *fakeShard) become(state gateway.State, latency time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.latency, s.err = state, latency, err
}

func (s *fakeShard) SetPresence(gateway.Presence) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presences = append(s.presences, time.Now())
	return s.err
}

func (s *fakeShard) Latency() time.Duration { s.mu.Lock(); defer s.mu.Unlock(); return s.latency }
func (s *fakeShard) State() gateway.State   { s.mu.Lock(); defer s.mu.Unlock(); return s.state }
func (s *fakeShard) Stats() gateway.Stats   { s.mu.Lock(); defer s.mu.Unlock(); return s.stats }

// journal is a slog.Handler that keeps lines such as "WARN text key=value".
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
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
func (j *journal) count(text string) int {
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

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}
