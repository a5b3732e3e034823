package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

const (
	storm      = 3_000
	guildJoins = 100_000
)

// connections opens connections to the HTTP API, keeps them, and asks /readyz beside
// them.
func connections(ctx context.Context, t *target) {
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	for range storm {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", t.api)
		if err != nil {
			t.note("%d of %d connections were taken", len(held), storm)
			break
		}
		held = append(held, conn)
	}
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	var asked int
	var took []time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		asked++
		if answer, err := client.Get("http://" + t.api + "/readyz"); err == nil {
			_ = answer.Body.Close()
			took = append(took, time.Since(began))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	if len(took) == 0 {
		t.note("/readyz did not answer, %d times", asked)
		return
	}
	t.note("/readyz answered %d of %d, the slowest in %d ms", len(took), asked, slices.Max(took).Milliseconds())
}

// joins tells the bot that it has joined guilds.
func joins(ctx context.Context, t *target) {
	began := time.Now()
	for i := range guildJoins {
		if ctx.Err() != nil {
			t.note("%d joins in %d s", i, int(time.Since(began).Seconds()))
			return
		}
		id := 900_000_000_000_000_000 + i
		data := fmt.Sprintf(`{"id":"%d","name":"guild %d","unavailable":false,"member_count":1,"owner_id":"%d","channels":[],"members":[],"roles":[],"emojis":[]}`, id, i, id)
		t.world.Sim.Emit(t.world.App, t.world.App.Guilds[0], "GUILD_CREATE", json.RawMessage(data))
	}
}
