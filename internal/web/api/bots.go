package api

import (
	"time"

	"evergreen/internal/sidecar"
)

// proxyBody is how the bots behind evergreen proxy are.
type proxyBody struct {
	Gateway   string         `json:"gateway"`
	Address   string         `json:"address"`
	Known     bool           `json:"known"`
	Intents   int64          `json:"intents"`
	Attended  bool           `json:"attended"`
	Lines     int            `json:"lines"`
	Backlog   backlogBody    `json:"backlog"`
	Counts    botCountsBody  `json:"counts"`
	Consumers []consumerBody `json:"consumers"`
}

// backlogBody is what is kept for bots, and how much may be.
type backlogBody struct {
	Bytes      int64   `json:"bytes"`
	LimitBytes int64   `json:"limit_bytes"`
	LimitAgeS  float64 `json:"limit_age_s"`
}

type botCountsBody struct {
	Delivered   int64 `json:"delivered"`
	Lost        int64 `json:"lost"`
	SetAside    int64 `json:"set_aside"`
	Told        int64 `json:"told"`
	WrongTokens int64 `json:"wrong_tokens"`
}

// consumerBody is how the bot of one shard pair is.
type consumerBody struct {
	Consumer    string             `json:"consumer"`
	Library     string             `json:"library"`
	Version     string             `json:"version"`
	From        string             `json:"from"`
	Phase       string             `json:"phase"`
	Since       *time.Time         `json:"since"`
	Attended    bool               `json:"attended"`
	Standby     int                `json:"standby"`
	Waiting     waitingBody        `json:"waiting"`
	Unconfirmed int                `json:"unconfirmed"`
	LagMS       float64            `json:"lag_ms"`
	Starts1h    int                `json:"starts_1h"`
	Starts5m    int                `json:"starts_5m"`
	LastStart   *time.Time         `json:"last_start"`
	Counts      consumerCountsBody `json:"counts"`
}

// waitingBody is what the bot has not confirmed.
type waitingBody struct {
	Events int        `json:"events"`
	Bytes  int64      `json:"bytes"`
	Oldest *time.Time `json:"oldest"`
}

type consumerCountsBody struct {
	Delivered int64 `json:"delivered"`
	Again     int64 `json:"again"`
	Lost      int64 `json:"lost"`
	SetAside  int64 `json:"set_aside"`
	Told      int64 `json:"told"`
}

// newProxyBody is how the bots are; nil without a proxy.
func newProxyBody(p Proxy, now time.Time) *proxyBody {
	if p == nil {
		return nil
	}
	s := p.Status()
	b := &proxyBody{
		Gateway: s.Gateway, Address: s.Addr, Known: s.Known, Intents: int64(s.Intents), Attended: len(s.Consumers) > 0, Lines: s.Lines,
		Backlog: backlogBody{s.Backlog, s.BacklogLimit, seconds(s.BacklogAge)},
		Counts:  botCountsBody{s.Counts.Delivered, s.Counts.Lost, s.Counts.SetAside, s.Counts.Told, s.Counts.WrongTokens}, Consumers: []consumerBody{},
	}
	for _, c := range s.Consumers {
		b.Attended = b.Attended && c.Attended
		b.Consumers = append(b.Consumers, newConsumerBody(c, now))
	}
	return b
}

func newConsumerBody(c sidecar.ConsumerStatus, now time.Time) consumerBody {
	b := consumerBody{
		Consumer: c.Name(), Library: c.Library, Version: c.Version, From: c.From, Phase: string(c.Phase), Since: timeOrNull(c.Since), Attended: c.Attended,
		Standby: c.Standby, Waiting: waitingBody{c.Waiting, c.WaitingBytes, timeOrNull(c.Oldest)}, Unconfirmed: c.Unconfirmed, LagMS: milliseconds(c.Lag),
		Starts1h: len(c.Starts), Counts: consumerCountsBody{c.Counts.Delivered, c.Counts.Again, c.Counts.Lost, c.Counts.SetAside, c.Counts.Told},
	}
	b.Starts5m, _ = c.RecentStarts(now)
	if len(c.Starts) > 0 {
		b.LastStart = timeOrNull(c.Starts[len(c.Starts)-1])
	}
	return b
}

// age is how long ago a moment was; 0 for none.
func age(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(now.Sub(at), 0)
}
