package dashboard_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/web/api"
)

// scene is a bot with a past, for tests of the pages. What it tells may be
// changed while it is looked at.
type scene struct {
	mu        sync.Mutex
	snap      health.Snapshot
	incidents []health.Incident // newest first
	days      []history.Day
	points    []history.Point
	rates     []history.Rate
	budget    identify.Usage
	wanted    gateway.Presence
	handlers  []bot.HandlerTime
	// clock tells the snapshot's time. Nil: it stands still.
	clock func() time.Time
}

// evening is when scenes in fixed time play.
var evening = time.Date(2026, 11, 24, 21, 44, 17, 0, time.UTC)

// newScene makes a bot that is online after ninety days with a few bad hours.
func newScene(now time.Time) *scene {
	random := rand.New(rand.NewPCG(1, 2))
	s := &scene{
		wanted: gateway.Presence{
			Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research | !help", Type: gateway.ActivityWatching}},
		},
		budget: identify.Usage{Hour: 0, Day: 3, Remaining: 991, Total: 1000, FromDiscord: true, Reset: now.Add(9*time.Hour + 12*time.Minute)},
		handlers: []bot.HandlerTime{
			{Name: "ask", Runs: 1204, Failed: 7, P50: 412 * time.Millisecond, P95: 1840 * time.Millisecond, Max: 9200 * time.Millisecond},
			{Name: "paper", Runs: 388, Failed: 0, P50: 236 * time.Millisecond, P95: 905 * time.Millisecond, Max: 1710 * time.Millisecond},
			{Name: "help", Runs: 640, Failed: 0, P50: 1200 * time.Microsecond, P95: 4100 * time.Microsecond, Max: 12 * time.Millisecond},
			{Name: "status", Runs: 186, Failed: 0, P50: 900 * time.Microsecond, P95: 2300 * time.Microsecond, Max: 8 * time.Millisecond},
		},
	}
	s.addPast(now, random)
	s.addIncidents(now)
	since := s.incidents[0].End
	shard := health.ShardSnapshot{
		Shard: gateway.ShardID{ID: 0, Count: 1}, Status: health.Online, Reason: health.NewMessage("status.connected"), Since: since,
		Ready: true, Connected: true, State: "live", StateSince: since, SessionSince: now.Add(-(4*24 + 3) * time.Hour),
		Interval: 41250 * time.Millisecond, LastACK: now.Add(-12 * time.Second), Username: "ResearchBot", Guilds: 128,
		Latency: health.Latency{
			Last: 45 * time.Millisecond, At: now.Add(-12 * time.Second), P50: 44 * time.Millisecond, P95: 71 * time.Millisecond,
			P99: 118 * time.Millisecond, Samples: 256,
		},
		Counts: health.Counts{
			Identifies: 1, Resumes: 9, Resumed: 8, Sessions: 1, Replayed: 47, Reconnects: 9, Disconnects: 9, Failures: 6, Requested: 6,
			Heartbeats: 9214, ACKs: 9212, Suspicions: 3,
		},
		Changes: []health.Change{
			{At: since.Add(-16 * time.Second), From: "live", To: "suspect", Cause: "silent"},
			{At: since.Add(-6 * time.Second), From: "suspect", To: "resuming", Cause: "silent"},
			{At: since, From: "resuming", To: "live"},
		},
	}
	s.snap = health.Snapshot{
		At: now, Status: health.Online, Reason: shard.Reason, Since: since, Ready: true, Connected: true,
		Started: now.Add(-(6*24 + 5) * time.Hour), SessionSince: shard.SessionSince, Username: "ResearchBot", Guilds: 128,
		Latency: shard.Latency, Counts: shard.Counts, Shards: []health.ShardSnapshot{shard},
		Work: health.Work{
			OK:       true,
			Stats:    gateway.Stats{Received: 184_212, Queued: 184_212, Handled: 184_212},
			Activity: health.Activity{Last: now.Add(-95 * time.Second), Guilds: 128, Asked: 2418, Answered: 2417, Failed: 1},
		},
	}
	return s
}

// addPast makes ninety days and an hour of round trips.
func (s *scene) addPast(now time.Time, random *rand.Rand) {
	today := now.UTC().Truncate(24 * time.Hour)
	for ago := 89; ago >= 0; ago-- {
		d := history.Day{Date: today.AddDate(0, 0, -ago), Totals: history.Totals{Online: 24 * time.Hour}}
		if ago == 0 {
			d.Online = now.Sub(today)
		}
		bad := func(offline, degraded time.Duration, incidents int, worst health.CauseID) {
			d.Online -= offline + degraded
			d.Offline, d.Degraded, d.Incidents, d.Worst = offline, degraded, incidents, &health.Incident{Cause: worst}
		}
		switch ago {
		case 89, 88, 87, 86, 85, 84:
			d.Online, d.Unknown = 0, 24*time.Hour
		case 71:
			bad(3*time.Hour+12*time.Minute, 0, 1, health.ProcessGone)
		case 52:
			bad(0, 41*time.Minute, 2, health.SlowHandlers)
		case 33:
			bad(9*time.Minute+12*time.Second, 4*time.Minute, 3, health.DNSFailure)
		case 34, 12:
			bad(2*time.Minute, 0, 1, health.HalfOpen)
		case 2:
			bad(2*time.Minute+48*time.Second, 0, 1, health.DiscordOutage)
		}
		s.days = append(s.days, d)
	}
	for ago := 59; ago >= 0; ago-- {
		in := int64(32 + 14*math.Sin(float64(ago)/11) + 18*random.Float64())
		s.rates = append(s.rates, history.Rate{
			At: now.Truncate(time.Minute).Add(-time.Duration(ago) * time.Minute), Per: time.Minute,
			Events: history.Events{Received: in, Handled: in, Asked: in / 9, Answered: in / 9},
		})
	}
	for ago := 87; ago >= 0; ago-- {
		wave := 44 + 5*math.Sin(float64(ago)/9) + 6*random.Float64()
		rest := 128 + 22*math.Sin(float64(ago)/13) + 26*random.Float64()
		p := history.Point{At: now.Add(-time.Duration(ago) * 41250 * time.Millisecond)}
		p.Gateway = time.Duration(wave * float64(time.Millisecond))
		p.Max = p.Gateway + time.Duration(random.Float64()*18*float64(time.Millisecond))
		p.REST = time.Duration(rest * float64(time.Millisecond))
		if ago == 30 {
			p.Gateway, p.Max = 131*time.Millisecond, 164*time.Millisecond
		}
		if ago > 55 && ago < 62 {
			p = history.Point{At: p.At}
		}
		s.points = append(s.points, p)
	}
}

// addIncidents makes a few incidents of different kinds.
func (s *scene) addIncidents(now time.Time) {
	loss := func(ago, lasted time.Duration, cause health.CauseID, what health.Message, outcome health.Outcome) health.Incident {
		start := now.Add(-ago)
		return health.Incident{
			ID: "i" + start.UTC().Format("20060102T150405") + "-0", Shard: gateway.ShardID{ID: 0, Count: 1}, Cause: cause, What: what, Start: start,
			Detected: start.Add(min(lasted/2, 10*time.Second)), End: start.Add(lasted), Outcome: outcome,
			Evidence: health.Evidence{
				Kind: gateway.ReasonSilent, By: health.ByUs, LastByte: start, LastACK: start.Add(-8 * time.Second), Lasted: 7*time.Hour + 12*time.Minute,
			},
			Actions: []health.Action{
				{At: start.Add(10 * time.Second), Until: start.Add(10 * time.Second), What: health.Text("sent an extra heartbeat"), Times: 1},
				{At: start.Add(10100 * time.Millisecond), Until: start.Add(11 * time.Second), What: health.Text("dialled a spare connection as far as HELLO"), Times: 1},
				{At: start.Add(15 * time.Second), Until: start.Add(15 * time.Second), What: health.Text("resumed on the spare connection"), Times: 1},
			},
		}
	}
	halfOpen := loss(2*time.Hour+11*time.Minute, 16200*time.Millisecond, health.HalfOpen, health.NewMessage("reason.silent.for", 15*time.Second), health.OutcomeResumed)
	halfOpen.Replayed = 12
	routine := loss(9*time.Hour+40*time.Minute, 840*time.Millisecond, health.RoutineReconnect, health.NewMessage("reason.reconnect"), health.OutcomeResumed)
	routine.Evidence.By, routine.Evidence.Kind = health.ByDiscord, gateway.ReasonReconnect
	closed := loss(27*time.Hour, 2400*time.Millisecond, health.DiscordClosed, health.NewMessage("close.1001"), health.OutcomeResumed)
	closed.Replayed, closed.Evidence.Code, closed.Evidence.By, closed.Evidence.Kind = 3, 1001, health.ByDiscord, gateway.ReasonClosed
	outage := loss(50*time.Hour, 4*time.Minute+18*time.Second, health.DiscordOutage, health.Text("Discord answered HTTP 503"), health.OutcomeNewSession)
	outage.Evidence.HTTPStatus, outage.Evidence.Attempts, outage.Evidence.DialKind, outage.Evidence.DialSaid = 503, 11, gateway.ReasonUpgrade, "HTTP 503 Service Unavailable"
	outage.SessionLost = outage.End.Add(-30 * time.Second)
	cut := loss(74*time.Hour, 3100*time.Millisecond, health.ConnectionCut, health.NewMessage("reason.reset"), health.OutcomeResumed)
	cut.Evidence.By = health.ByNetwork
	dns := loss(33*24*time.Hour, 10*time.Minute+42*time.Second, health.DNSFailure, health.Text("the name gateway.discord.gg did not resolve"), health.OutcomeNewSession)
	dns.Evidence.Attempts, dns.Evidence.DialKind, dns.Evidence.By = 128, gateway.ReasonDNS, health.ByNone
	slept := loss(12*24*time.Hour, 3*time.Minute+30*time.Second, health.HostSlept, health.NewMessage("host-slept", 210*time.Second), health.OutcomeNewSession)
	slept.Evidence.Slept = 210 * time.Second
	s.incidents = []health.Incident{halfOpen, routine, closed, outage, cut, slept, dns}
	for ago := 40; ago < 46; ago++ {
		s.incidents = append(s.incidents, loss(time.Duration(ago*24)*time.Hour, 910*time.Millisecond, health.RoutineReconnect, health.NewMessage("reason.reconnect"), health.OutcomeResumed))
	}
}

// lose lets the connection be lost.
func (s *scene) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	open := health.Incident{
		ID: "iopen", Shard: gateway.ShardID{ID: 0, Count: 1}, Cause: health.ConnectionCut, What: health.NewMessage("reason.reset"),
		Start: now, Detected: now, Evidence: health.Evidence{Kind: gateway.ReasonReset, By: health.ByNetwork, LastByte: now},
	}
	s.incidents = append([]health.Incident{open}, s.incidents...)
	s.snap.Status, s.snap.Reason, s.snap.Since = health.Reconnecting, health.NewMessage("join.doing", open.What, health.NewMessage("doing.connecting-to-resume")), now
	s.snap.Ready, s.snap.Connected, s.snap.Last = false, false, &s.incidents[0]
}

func (s *scene) now() time.Time {
	if s.clock != nil {
		return s.clock()
	}
	return s.snap.At
}

// change lets a test alter the scene.
func (s *scene) change(how func(*scene)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(s)
}

// locked reads the scene.
func locked[T any](s *scene, what func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return what()
}

// options makes a server tell the scene.
func (s *scene) options() api.Options {
	return api.Options{StatusPage: true, Version: "1.4.0", Bot: s, History: s}
}

func (s *scene) Snapshot() health.Snapshot {
	return locked(s, func() health.Snapshot {
		snap := s.snap
		snap.At = s.now()
		return snap
	})
}

func (s *scene) Check() health.Check        { return health.Check{} }
func (s *scene) Presence() gateway.Presence { return s.wanted }
func (s *scene) REST() rest.Stats           { return rest.Stats{} }

func (s *scene) Budget() identify.Usage {
	return locked(s, func() identify.Usage { return s.budget })
}

func (s *scene) Handlers() []bot.HandlerTime {
	return locked(s, func() []bot.HandlerTime { return s.handlers })
}

func (s *scene) Incidents(limit int) []health.Incident {
	return locked(s, func() []health.Incident {
		return append([]health.Incident{}, s.incidents[:min(limit, len(s.incidents))]...)
	})
}

func (s *scene) Rates(time.Duration) []history.Rate {
	return locked(s, func() []history.Rate { return append([]history.Rate{}, s.rates...) })
}

func (s *scene) Latency(time.Duration) []history.Point {
	return locked(s, func() []history.Point { return append([]history.Point{}, s.points...) })
}

// Uptime adds up the days.
func (s *scene) Uptime(_ int, window time.Duration) history.Uptime {
	return locked(s, func() history.Uptime {
		u := history.Uptime{To: s.snap.At, From: s.snap.At.Add(-window)}
		u.Days = append(u.Days, s.days[max(0, len(s.days)-int(window/(24*time.Hour))):]...)
		for _, d := range u.Days {
			u.Online, u.Degraded, u.Offline, u.Unknown = u.Online+d.Online, u.Degraded+d.Degraded, u.Offline+d.Offline, u.Unknown+d.Unknown
		}
		return u
	})
}
