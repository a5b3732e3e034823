// Command discordgo tries the features on discordgo; package features says how.
package main

import (
	"maps"
	"net/http"
	"os"
	"sync"

	"github.com/bwmarrin/discordgo"

	"evergreen/bench/features/talk"
)

type (
	args    = talk.Args
	data    = talk.Data
	ready   = talk.Ready
	feature = talk.Feature
)

var session *discordgo.Session

func main() {
	all := map[string]feature{}
	for _, group := range []map[string]feature{messages, messageEvents, threads, channels, guilds, expressions, events, members, account, interactions} {
		maps.Copy(all, group)
	}
	talk.Run(connect, all, cannot)
}

func connect(how string) (data, error) {
	shards := 1
	switch how {
	case "zlib-stream", "zstd-stream", "ETF encoding":
		return nil, talk.Cannot("compresses payloads only")
	case "two shards":
		shards = 2
	}
	for shard := range shards {
		s, err := discordgo.New("Bot " + os.Getenv("DISCORD_TOKEN"))
		if err != nil {
			return nil, err
		}
		session = s
		s.Client = &http.Client{Transport: talk.Transport{}}
		s.Identify.Intents = discordgo.IntentsAll | 1<<24 | 1<<25 // and polls
		s.Identify.Compress = how != "without compression"
		s.State.MaxMessageCount = 100
		s.ShardID, s.ShardCount, s.SyncEvents = shard, shards, true
		if err := open(s); err != nil {
			return nil, err
		}
	}
	return data{"shards": shards}, nil
}

// open connects a session, and waits for the guilds of READY.
func open(s *discordgo.Session) error {
	var mu sync.Mutex
	missing, done := map[string]bool{}, make(chan struct{})
	var once sync.Once
	s.AddHandler(func(_ *discordgo.Session, r *discordgo.Ready) {
		mu.Lock()
		defer mu.Unlock()
		for _, g := range r.Guilds {
			missing[g.ID] = true
		}
		if len(missing) == 0 {
			once.Do(func() { close(done) })
		}
	})
	s.AddHandler(func(_ *discordgo.Session, g *discordgo.GuildCreate) {
		mu.Lock()
		defer mu.Unlock()
		if delete(missing, g.ID); len(missing) == 0 {
			once.Do(func() { close(done) })
		}
	})
	if err := s.Open(); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-talk.Patience():
		return talk.Cannot("the guilds have not come")
	}
}

// expect waits for an event.
func expect[T any](fits func(*T) bool) func() (*T, error) {
	return talk.Expect(func(tell func(*T)) func() {
		return session.AddHandler(func(_ *discordgo.Session, event *T) { go tell(event) })
	}, fits)
}

// told is a feature that waits for an event.
func told[T any](fits func(args, *T) bool, what func(*T) data) feature {
	return talk.Told(expect[T], fits, what)
}
