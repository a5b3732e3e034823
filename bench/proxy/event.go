package proxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// latency measures how much later an event comes to a bot behind Evergreen, at 1,000 events
// a second, beside a bot that is connected directly and gets the same events in between.
func (r *Run) latency(ctx context.Context) ([]Row, error) {
	const rate = 1000
	p, err := r.pair(ctx)
	if err != nil {
		return nil, err
	}
	defer p.close()
	count := int(r.Lasting.Seconds() * rate)
	var took [2][]time.Duration
	var reading sync.WaitGroup
	for i, b := range []*Bot{p.behind, p.direct} {
		reading.Go(func() { took[i] = readLatencies(b, count) })
	}
	before, _ := p.evergreen.Usage()
	ticker := time.NewTicker(time.Second / rate / 2)
	defer ticker.Stop()
	for i := range count {
		<-ticker.C
		p.upstream.Emit(NewEvent(guildID(0), i))
		<-ticker.C
		p.beside.Emit(NewEvent(guildID(0), i))
	}
	reading.Wait()
	after, _ := p.evergreen.Usage()
	if len(took[0]) < count {
		return nil, fmt.Errorf("of %d events %d have come", count, len(took[0]))
	}
	row := func(name, goal string, part float64) Row {
		behind, direct := percentile(took[0], part), percentile(took[1], part)
		return Row{What: "an event at 1,000 a second, from Discord's write to the bot's read, " + name, Goal: "+ " + goal,
			Behind: milliseconds(behind) + " (+ " + milliseconds(behind-direct) + ")", Beside: milliseconds(direct)}
	}
	return []Row{
		row("p50", "0.15 ms", 0.5), row("p99", "1 ms", 0.99),
		{What: "CPU time of an event at 1,000 a second", Behind: perEvent(after.CPU-before.CPU, count)},
	}, ctx.Err()
}

func perEvent(cpu time.Duration, count int) string {
	return fmt.Sprintf("%.0f us", float64(cpu.Nanoseconds())/1e3/float64(count))
}

// pair is a bot behind Evergreen, and one that is connected directly.
type pair struct {
	upstream, beside *Discord
	evergreen        *evergreen
	behind, direct   *Bot
}

// pair connects both, to Discords of their own with one guild.
func (r *Run) pair(ctx context.Context) (p *pair, err error) {
	p = &pair{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.upstream, err = NewDiscord(1); err != nil {
		return p, err
	}
	if p.beside, err = NewDiscord(1); err != nil {
		return p, err
	}
	if p.evergreen, err = r.proxy(ctx, p.upstream, ""); err != nil {
		return p, err
	}
	if p.behind, err = p.evergreen.connect(); err != nil {
		return p, err
	}
	if err = p.behind.Await("GUILD_CREATE", patience); err != nil {
		return p, err
	}
	if p.direct, err = Dial(p.beside.GatewayURL(), ""); err == nil {
		err = p.direct.Identify(0, 1)
	}
	if err != nil {
		return p, err
	}
	if err = p.direct.Await("GUILD_CREATE", patience); err != nil {
		return p, err
	}
	// The first event comes once the bot is settled.
	p.upstream.Emit(NewEvent(guildID(0), 0))
	return p, p.behind.Await("MESSAGE_CREATE", patience)
}

func (p *pair) close() {
	for _, b := range []*Bot{p.behind, p.direct} {
		if b != nil {
			b.Kill()
		}
	}
	if p.evergreen != nil {
		p.evergreen.Kill()
	}
	for _, d := range []*Discord{p.upstream, p.beside} {
		if d != nil {
			d.Close()
		}
	}
}

// readLatencies reads events and returns how old each was.
func readLatencies(b *Bot, count int) (took []time.Duration) {
	_ = b.conn.SetReadDeadline(time.Now().Add(2 * patience))
	for len(took) < count {
		payload, err := b.read()
		if err != nil {
			return took
		}
		if _, at, ok := readStamp(payload); ok {
			took = append(took, time.Since(at))
		}
	}
	return took
}

// throughput measures how many events a second come to a bot, and whether Discord's
// heartbeats are answered meanwhile.
func (r *Run) throughput(ctx context.Context) (rows []Row, err error) {
	direct, err := r.flood(ctx, "", false, 0)
	if err != nil {
		return nil, err
	}
	for _, compression := range []string{"", "zlib-stream", "zstd-stream"} {
		f, err := r.flood(ctx, compression, true, 0)
		if err != nil {
			return rows, err
		}
		row := Row{What: "events a second, one bot, " + orNone(compression) + ", as fast as they are taken", Behind: fmt.Sprintf("%s, %s CPU each", thousands(f.rate), perEvent(f.cpu, f.count))}
		if compression == "" {
			row.Goal, row.Beside = "20,000", thousands(direct.rate)
		}
		rows = append(rows, row)
	}
	const paced = 20_000
	f, err := r.flood(ctx, "", true, paced)
	if err != nil {
		return rows, err
	}
	g, err := r.flood(ctx, "", false, paced)
	if err != nil {
		return rows, err
	}
	return append(rows,
		Row{What: "the same at 20,000 a second: come", Goal: "20,000", Behind: thousands(f.rate), Beside: thousands(g.rate)},
		Row{What: "the same: event p50 / p99", Behind: milliseconds(percentile(f.took, 0.5)) + " / " + milliseconds(percentile(f.took, 0.99)),
			Beside: milliseconds(percentile(g.took, 0.5)) + " / " + milliseconds(percentile(g.took, 0.99))},
		Row{What: "the same: Discord's heartbeat request answered, p50 / worst", Goal: "100 ms", Behind: milliseconds(percentile(f.beats, 0.5)) + " / " + milliseconds(percentile(f.beats, 1))},
	), nil
}

func orNone(compression string) string {
	if compression == "" {
		return "no compression"
	}
	return compression
}

// thousands writes a number with commas.
func thousands(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// askBeatEvery is how often Discord asks for a heartbeat. Evergreen answers no more of them
// than its limit of what may be sent allows.
const askBeatEvery = 500 * time.Millisecond

// flooded is what came of a flood.
type flooded struct {
	rate  float64
	count int
	cpu   time.Duration
	beats []time.Duration // each heartbeat that Discord has asked for
	took  []time.Duration // each event, without compression
}

// flood sends events for a time, to a bot behind Evergreen or directly: at a rate, or for 0
// as fast as they are taken, with a bound of what is under way.
func (r *Run) flood(ctx context.Context, compression string, behind bool, rate int) (f flooded, err error) {
	const underWay, batch = 8000, 100
	d, err := NewDiscord(1)
	if err != nil {
		return f, err
	}
	defer d.Close()
	gateway := d.GatewayURL()
	var e *evergreen
	if behind {
		if e, err = r.proxy(ctx, d, ""); err != nil {
			return f, err
		}
		defer e.Kill()
		gateway = e.gateway
	}
	b, err := Dial(gateway, compression)
	if err != nil {
		return f, err
	}
	defer b.Kill()
	if err := b.Identify(0, 1); err != nil {
		return f, err
	}
	_ = b.conn.SetReadDeadline(time.Now().Add(2*patience + r.Lasting))
	for range 2 { // READY and the guild
		if _, err := b.read(); err != nil {
			return f, err
		}
	}
	d.Emit(NewEvent(guildID(0), 0))
	if _, err := b.read(); err != nil { // it is settled
		return f, err
	}
	var before, after time.Duration
	if behind {
		u, _ := e.Usage()
		before = u.CPU
	}
	var sent, received atomic.Int64
	var over atomic.Bool
	var sending sync.WaitGroup
	began := time.Now()
	// It ends with the time. Another event follows then, for a bot that has read all of them.
	sending.Go(func() {
		defer func() {
			sent.Add(1)
			over.Store(true)
			d.Emit(NewEvent(guildID(0), 0))
		}()
		asked := began
		for i := 0; time.Since(began) < r.Lasting; i++ {
			if now := time.Now(); now.Sub(asked) > askBeatEvery {
				asked = now
				d.AskBeat()
			}
			due := began.Add(time.Duration(i) * batch * time.Second / time.Duration(max(rate, 1)))
			if wait := time.Until(due); rate > 0 && wait > 0 {
				time.Sleep(wait)
			}
			if sent.Load()-received.Load() > underWay {
				time.Sleep(time.Millisecond)
				if rate == 0 {
					i--
				}
				continue
			}
			events := make([]Event, batch)
			for j := range events {
				events[j] = NewEvent(guildID(0), i*batch+j)
			}
			sent.Add(batch)
			d.Emit(events...)
		}
	})
	for !over.Load() || received.Load() < sent.Load() {
		payload, err := b.read()
		if err != nil {
			return f, err
		}
		received.Add(1)
		if compression == "" {
			if _, at, ok := readStamp(payload); ok {
				f.took = append(f.took, time.Since(at))
			}
		}
	}
	lasted := time.Since(began)
	sending.Wait()
	if behind {
		u, _ := e.Usage()
		after = u.CPU
	}
	f.count = int(received.Load())
	f.rate, f.cpu, f.beats = float64(f.count)/lasted.Seconds(), after-before, d.TakeBeats()
	return f, ctx.Err()
}
