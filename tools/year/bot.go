package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// foreignBot is one process of a bot behind the proxy, with what its library keeps in memory. It
// is as simple as a library lets a bot be: it answers commands, and keeps nothing on a
// disk.
type foreignBot struct {
	year   *year
	number int
	began  time.Time
	count  int // of shards
	net    *processNet
	client *http.Client
	shards []*gateway.Shard
	ran    sync.WaitGroup
	ctx    context.Context // ends the answers
	cancel context.CancelFunc

	mu       sync.Mutex
	dead     bool
	ready    map[int]time.Time // when which shard was READY last
	guilds   map[discordsim.ID]*botGuild
	answers  sync.WaitGroup // Add only under mu, before the end
	inFlight map[discordsim.ID]bool
}

// botGuild is what the bot knows of a guild.
type botGuild struct {
	listed    bool // READY has named it, and it has not come
	available bool
	channels  map[discordsim.ID]bool
}

// botIntents are what the bot asks for.
const botIntents = gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildVoiceStates | gateway.IntentGuildMessages |
	gateway.IntentGuildMessageReactions | gateway.IntentGuildMessageTyping | gateway.IntentDirectMessages | gateway.IntentMessageContent

// botPresence is what others see of the bot.
var botPresence = gateway.Presence{Status: gateway.StatusIdle, Activities: []gateway.Activity{{Name: "the year", Type: gateway.ActivityWatching}}}

// The addresses of the proxy.
const (
	proxyGateway = "ws://127.0.0.1:8001"
	proxyREST    = "http://127.0.0.1:8001/api/v10"
)

const botAgent = "DiscordBot (https://example.com, 1)"

// newBot makes a process of a bot with so many shards.
func (y *year) newBot(shards int, token string) (*foreignBot, error) {
	y.botStarts++
	b := &foreignBot{
		year: y, number: y.botStarts, began: time.Now(), count: shards, net: newProcessNet(y.dialProxy, y.fingerprint),
		ready: map[int]time.Time{}, guilds: map[discordsim.ID]*botGuild{}, inFlight: map[discordsim.ID]bool{},
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	transport := &http.Transport{DialContext: b.net.dial}
	b.client = &http.Client{Transport: transport}
	for i := range shards {
		presence := botPresence
		o := gateway.Options{
			Credentials: gateway.Credentials{Token: token, Intents: botIntents}, URLSource: gateway.FixedURL(proxyGateway),
			Presence: &presence, Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) { b.handle(i, e) }),
			Dialer:      gateway.WebSocketDialer{Transport: &http.Transport{DialContext: b.net.dial}, UserAgent: botAgent},
			Compression: gateway.CompressNone, Rand: y.jitter.next, Clock: y.clock(),
			// Libraries look at nothing but their heartbeats, and wait for a write for ever.
			Timing: gateway.Timing{SilenceProbe: gateway.Never, ClockCheck: clockCheck, Write: time.Hour},
		}
		if shards > 1 {
			o.Shard = gateway.ShardID{ID: i, Count: shards}
		}
		shard, err := gateway.New(o)
		if err != nil {
			return nil, err
		}
		b.shards = append(b.shards, shard)
	}
	for _, shard := range b.shards {
		b.ran.Go(func() { _ = shard.Run(context.Background()) })
	}
	return b, nil
}

// handle handles an event of a shard, as a library and its bot do.
func (b *foreignBot) handle(shard int, e gateway.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return
	}
	now, body := time.Now(), readEvent(e.Type, e.Data)
	switch {
	case e.Type == "RESUMED":
		return
	case e.Type == "READY":
		b.onReady(shard, body, now)
		return
	case b.isSnapshot(e.Type, body):
		return
	}
	again := b.year.ledger.deliver(e.Type, e.Data, body, now)
	b.remember(e.Type, body, again)
	switch {
	case b.year.isPoison(body.Content):
		b.dead = true
		b.net.kill()
		b.year.botDied(b)
	case e.Type == "INTERACTION_CREATE":
		b.start(body.ID, func() { b.answerInteraction(body) })
	case isCommand(e.Type, body):
		b.start(body.ID, func() { b.answerCommand(body, now) })
	case e.Type == "MESSAGE_CREATE" && strings.HasPrefix(body.Content, pruneCommand):
		b.start(body.ID, func() { b.prune(strings.TrimPrefix(body.Content, pruneCommand)) })
	}
}

// pruneCommand stands before the channel that the bot is to delete.
const pruneCommand = "prune "

func isCommand(kind string, b eventBody) bool {
	return kind == "MESSAGE_CREATE" && !b.Author.Bot && strings.HasPrefix(b.Content, "!")
}

// onReady begins what the bot knows anew. The caller holds the lock.
func (b *foreignBot) onReady(shard int, body eventBody, now time.Time) {
	if len(b.ready) < b.count {
		b.year.ledger.end(b.began.Add(-doubtfulTime), now)
	} else {
		b.year.ledger.end(now.Add(-doubtfulTime), now)
	}
	b.ready[shard] = now
	b.year.ledger.begin()
	for id := range b.guilds {
		if int(id>>22%discordsim.ID(b.count)) == shard {
			delete(b.guilds, id)
		}
	}
	for _, g := range body.Guilds {
		b.guilds[g.ID] = &botGuild{listed: true}
	}
	b.year.wakeUp()
}

// isSnapshot takes in an event of the snapshot that follows READY. The caller holds the
// lock.
func (b *foreignBot) isSnapshot(kind string, body eventBody) bool {
	g := b.guilds[body.ID]
	if g == nil || !g.listed || kind != "GUILD_CREATE" && kind != "GUILD_DELETE" {
		return false
	}
	g.listed = false
	if kind == "GUILD_CREATE" {
		g.set(body)
	}
	return true
}

func (g *botGuild) set(body eventBody) {
	g.available, g.channels = true, map[discordsim.ID]bool{}
	for _, ch := range body.Channels {
		g.channels[ch.ID] = true
	}
}

// remember keeps what an event says of guilds. What contradicts what the bot knows is a
// fault: its guilds were not those at the place where its events begin. The caller holds
// the lock.
func (b *foreignBot) remember(kind string, body eventBody, again bool) {
	g := b.guilds[body.Guild]
	if g == nil {
		g = &botGuild{}
	}
	switch kind {
	case "GUILD_CREATE":
		if body.Unavailable {
			return
		}
		if g.available && !again {
			b.year.ledger.fail("guild %d came to a bot that has it", body.Guild)
		}
		b.guilds[body.Guild] = g
		g.set(body)
	case "GUILD_DELETE":
		if g.available = false; !body.Unavailable {
			delete(b.guilds, body.Guild)
		}
	case "CHANNEL_CREATE":
		if g.channels[body.ID] && !again {
			b.year.ledger.fail("channel %d was made, and the bot has it already", body.ID)
		}
		if g.available {
			g.channels[body.ID] = true
		}
	case "CHANNEL_DELETE":
		if g.available && !g.channels[body.ID] && !again {
			b.year.ledger.fail("channel %d was deleted, and the bot does not have it", body.ID)
		}
		delete(g.channels, body.ID)
	}
}

// start runs an answer beside the events. The caller holds the lock.
func (b *foreignBot) start(id discordsim.ID, answer func()) {
	b.inFlight[id] = true
	b.answers.Go(func() {
		answer()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.ctx.Err() == nil {
			delete(b.inFlight, id)
		}
	})
}

// Limits of an answer.
const (
	answerTries  = nonceLifetime - 10*time.Second
	requestLimit = 20 * time.Second
	retryAfter   = time.Second
)

// answerCommand answers a command. The nonce is that of this process, so that a second
// process that gets the command again answers it again.
func (b *foreignBot) answerCommand(body eventBody, asked time.Time) {
	if strings.HasPrefix(body.Content, "!ponder") {
		b.pause(8 * time.Second)
	}
	ask := map[string]any{
		"content": "pong", "allowed_mentions": map[string]any{"parse": []string{}}, "nonce": fmt.Sprintf("%d-%d", b.number%1000, body.ID), "enforce_nonce": true,
		"message_reference": map[string]any{"message_id": body.ID, "fail_if_not_exists": false},
	}
	for b.ctx.Err() == nil {
		status := b.request(http.MethodPost, "/channels/"+body.Channel.String()+"/messages", ask)
		switch {
		case status >= 200 && status < 300:
			return
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
			b.year.ledger.fail("the answer to message %d was refused with %d", body.ID, status)
			return
		case time.Since(asked) > answerTries:
			b.year.giveUp(body.ID)
			return
		}
		b.pause(retryAfter)
	}
}

// answerInteraction answers an interaction, if that is not too late.
func (b *foreignBot) answerInteraction(body eventBody) {
	asked := b.year.interactionAsked(body.ID)
	for b.ctx.Err() == nil && time.Since(asked) < 2500*time.Millisecond {
		status := b.request(http.MethodPost, "/interactions/"+body.ID.String()+"/"+body.Token+"/callback", map[string]any{"type": 4, "data": map[string]any{"content": "pong"}})
		if status >= 200 && status < 500 && status != http.StatusTooManyRequests {
			return
		}
		b.pause(100 * time.Millisecond)
	}
}

// prune deletes a channel.
func (b *foreignBot) prune(channel string) {
	b.request(http.MethodDelete, "/channels/"+channel, nil)
}

// request sends a REST request through the proxy and returns the status; 0: there was no
// answer.
func (b *foreignBot) request(method, path string, ask any) int {
	ctx, cancel := context.WithTimeout(b.ctx, requestLimit)
	defer cancel()
	var content io.Reader
	if ask != nil {
		raw, err := json.Marshal(ask)
		if err != nil {
			panic("year: " + err.Error())
		}
		content = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, proxyREST+path, content)
	if err != nil {
		panic("year: " + err.Error())
	}
	r.Header.Set("Authorization", "Bot "+b.year.bot.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", botAgent)
	response, err := b.client.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// pause waits, or until the process ends.
func (b *foreignBot) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ctx.Done():
	}
}

// kill ends the process in the middle of what it does.
func (b *foreignBot) kill() {
	b.mu.Lock()
	b.dead = true
	b.mu.Unlock()
	b.net.kill()
	b.finish(gateway.KeepSession, true)
}

// answersGrace is how long a bot that stops waits for its answers.
const answersGrace = 10 * time.Second

// stop ends the process as a library does: its connections are closed with 1000.
func (b *foreignBot) stop() {
	b.finish(gateway.EndSession, false)
	b.mu.Lock()
	b.dead = true
	b.mu.Unlock()
	b.net.kill()
}

// finish ends shards and answers. Commands that have no answer then stay without one.
func (b *foreignBot) finish(mode gateway.StopMode, now bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answersGrace)
	defer cancel()
	if now {
		cancel()
	}
	var stopping sync.WaitGroup
	for _, shard := range b.shards {
		stopping.Go(func() { _ = shard.Stop(ctx, mode) })
	}
	stopping.Wait()
	b.ran.Wait()
	answered := make(chan struct{})
	go func() { // it ends after b.cancel at the latest
		b.answers.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-ctx.Done():
	}
	b.mu.Lock()
	b.cancel()
	for id := range b.inFlight {
		b.year.ledger.excuse(id)
	}
	b.mu.Unlock()
	<-answered
	b.client.CloseIdleConnections()
}

// isReady reports whether every shard is READY and has its guilds.
func (b *foreignBot) isReady() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead || len(b.ready) < b.count {
		return false
	}
	for _, g := range b.guilds {
		if g.listed {
			return false
		}
	}
	for _, shard := range b.shards {
		if !gateway.Online(shard.State()) {
			return false
		}
	}
	return true
}

// knows says how what the bot knows of guilds is not what is true; empty: it is.
func (b *foreignBot) knows(guilds []*discordsim.Guild) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.guilds) != len(guilds) {
		return fmt.Sprintf("the bot knows %d guilds, and is in %d", len(b.guilds), len(guilds))
	}
	for _, g := range guilds {
		known := b.guilds[g.ID]
		switch {
		case known == nil:
			return fmt.Sprintf("the bot does not know guild %d", g.ID)
		case known.available == g.Unavailable:
			return fmt.Sprintf("guild %d is unavailable: %t, and the bot knows that it is available: %t", g.ID, g.Unavailable, known.available)
		case g.Unavailable:
			continue
		}
		for _, ch := range g.Channels {
			if !known.channels[ch.ID] {
				return fmt.Sprintf("the bot does not know channel %d of guild %d", ch.ID, g.ID)
			}
		}
		if len(known.channels) != len(g.Channels) {
			return fmt.Sprintf("the bot knows %d channels of guild %d, which has %d", len(known.channels), g.ID, len(g.Channels))
		}
	}
	return ""
}

// String names the process.
func (b *foreignBot) String() string {
	return "bot " + strconv.Itoa(b.number) + map[bool]string{true: "", false: " with " + strconv.Itoa(b.count) + " shards"}[b.count == 1]
}
