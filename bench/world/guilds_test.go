//go:build unix

// Package world measures what large worlds of the simulated Discord cost: a bot in ten
// thousand guilds, and a guild of a hundred thousand members.
//
//	go test -C bench -run '^$' -bench . -benchtime 3x ./world
package world

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"

	"github.com/coder/websocket"
)

const (
	guilds  = 10_000
	shards  = 16
	members = 100_000
)

// BenchmarkTenThousandGuilds makes a simulated Discord with a bot in ten thousand guilds,
// connects its 16 shards at once, and waits until each guild has come as GUILD_CREATE. Every
// rule has its default: the guilds of a shard follow READY within about a second and a half.
func BenchmarkTenThousandGuilds(b *testing.B) {
	for i := range b.N {
		before := heap()
		began := time.Now()
		sim := discordsim.New(discordsim.Config{})
		ada := sim.AddUser("ada")
		list := make([]*discordsim.Guild, guilds)
		for n := range list {
			list[n] = sim.AddGuild(fmt.Sprint("guild ", n))
			sim.AddMembers(list[n], ada)
		}
		app := sim.AddApp(discordsim.AppConfig{Shards: shards, MaxConcurrency: shards, Guilds: list})
		made := time.Since(began)
		b.ReportMetric(made.Seconds(), "s-made")
		if i == 0 { // later it counts what is left of the world before
			b.ReportMetric((heap()-before)/guilds, "kB/guild")
		}

		began, spent := time.Now(), processor()
		connectAll(b, sim, app)
		b.ReportMetric((processor() - spent).Seconds(), "cpu-s")
		b.ReportMetric((made + time.Since(began)).Seconds(), "s-all-guilds")
		sim.Close()
	}
}

// processor is the processor time of this process so far: of both ends, and unlike the time
// of the wall hardly of what else the machine does.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is what is in use, in kilobytes.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1000
}

// connectAll runs a bot's shards until every guild has come, and stops them.
func connectAll(b *testing.B, sim *discordsim.Sim, app *discordsim.App) {
	var came atomic.Int64
	all := make(chan struct{})
	limiter := identify.New(identify.Options{MaxConcurrency: shards})
	var work sync.WaitGroup
	var bots []*gateway.Shard
	for i := range shards {
		s, err := gateway.New(gateway.Options{
			Shard:       gateway.ShardID{ID: i, Count: shards},
			Credentials: gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuilds | gateway.IntentGuildMessages},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"), Dialer: gateway.WebSocketDialer{DialContext: sim.DialContext},
			IdentifyLimiter: limiter, Events: []string{"GUILD_CREATE"},
			Handler: gateway.HandlerFunc(func(context.Context, gateway.Event) {
				if came.Add(1) == guilds {
					close(all)
				}
			}),
		})
		if err != nil {
			b.Fatal(err)
		}
		bots = append(bots, s)
		work.Go(func() { _ = s.Run(context.Background()) })
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		b.Errorf("%d guilds of %d came", came.Load(), guilds)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, s := range bots {
		if err := s.Stop(ctx, gateway.EndSession); err != nil {
			b.Error(err)
		}
	}
	work.Wait()
}

// BenchmarkHundredThousandMembers makes a guild of a hundred thousand members, connects, and
// asks for all of them by op 8.
func BenchmarkHundredThousandMembers(b *testing.B) {
	for i := range b.N {
		before, began := heap(), time.Now()
		sim := discordsim.New(discordsim.Config{})
		people := make([]discordsim.User, members)
		for n := range people {
			people[n] = sim.AddUser(fmt.Sprint("person", n))
		}
		g := sim.AddGuild("city")
		sim.AddMembers(g, people...)
		app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{g}})
		b.ReportMetric(time.Since(began).Seconds(), "s-made")
		if i == 0 {
			b.ReportMetric((heap()-before)*1000/members, "B/member")
		}

		began = time.Now()
		c := connect(b, sim, app)
		c.until("GUILD_CREATE", 1)
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-guild")
		began, spent := time.Now(), processor()
		c.send(fmt.Sprintf(`{"op":8,"d":{"guild_id":"%s","query":"","limit":0}}`, g.ID))
		c.until("GUILD_MEMBERS_CHUNK", members/1000)
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-all-members")
		b.ReportMetric((processor()-spent).Seconds()*1000, "cpu-ms-all-members")
		_ = c.ws.CloseNow()
		c.http.CloseIdleConnections()
		sim.Close()
	}
}

// client is a bare WebSocket.
type client struct {
	b    *testing.B
	ws   *websocket.Conn
	http *http.Client
}

// connect identifies with GUILDS and GUILD_MEMBERS.
func connect(b *testing.B, sim *discordsim.Sim, app *discordsim.App) client {
	c := client{b: b, http: &http.Client{Transport: sim.Transport()}}
	ws, _, err := websocket.Dial(b.Context(), "ws://gateway.discord.sim/?v=10&encoding=json", &websocket.DialOptions{HTTPClient: c.http})
	if err != nil {
		b.Fatal(err)
	}
	ws.SetReadLimit(-1)
	c.ws = ws
	c.send(`{"op":2,"d":{"token":"` + app.Token + `","intents":3,"properties":{"os":"linux","browser":"bench","device":"bench"}}}`)
	return c
}

func (c client) send(text string) {
	if err := c.ws.Write(c.b.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.b.Fatal(err)
	}
}

// until reads until an event has come so many times.
func (c client) until(event string, times int) {
	for times > 0 {
		_, raw, err := c.ws.Read(c.b.Context())
		if err != nil {
			c.b.Fatal(err)
		}
		if strings.HasPrefix(string(raw[:min(60, len(raw))]), `{"t":"`+event+`"`) {
			times--
		}
	}
}
