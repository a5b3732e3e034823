package fleet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
)

// asSim makes the test program a simulated Discord on a port, so that what
// it costs is not taken for ours.
const asSim = "FLEET_TEST_AS_DISCORD"

// serveSim prints where it listens and the token of its bot, and injects the
// faults that are named on its input until that ends.
func serveSim() {
	sim := discordsim.New(discordsim.Config{Identify: discordsim.IdentifyConfig{Window: -1}, WebSocket: discordsim.WebSocketConfig{SharedCompression: true}, LogFrames: 10})
	defer sim.Close()
	var guilds []*discordsim.Guild
	for range 1000 {
		guilds = append(guilds, sim.AddGuild("a guild"))
	}
	app := sim.AddApp(discordsim.AppConfig{MaxConcurrency: 1000, StartsTotal: 100_000, Guilds: guilds})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = listener.Close() }()
	fmt.Println(listener.Addr(), app.Token)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "resumed":
			fmt.Println(sim.Verdict(app).Resumed)
		default:
			if _, err := sim.Inject(discordsim.Fault{Name: in.Text()}); err != nil {
				panic(err)
			}
		}
	}
}

// simProcess is a simulated Discord in a process of its own.
type simProcess struct {
	addr, token string
	in          io.WriteCloser
	cmd         *exec.Cmd
}

func startSim(b *testing.B) *simProcess {
	b.Helper()
	d := &simProcess{cmd: exec.Command(os.Args[0])}
	d.cmd.Env = append(os.Environ(), asSim+"=1")
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		d.in, err = d.cmd.StdinPipe()
	}
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	d.addr, d.token, _ = strings.Cut(strings.TrimSpace(line), " ")
	b.Cleanup(func() {
		_ = d.in.Close()
		_ = d.cmd.Wait()
	})
	return d
}

// unlimited lets every shard identify at once: the benchmark measures what shards
// cost, not Discord's patience.
type unlimited struct{}

func (unlimited) Acquire(context.Context, gateway.ShardID, func(time.Time, string)) (identify.Grant, error) {
	return unlimited{}, nil
}

func (unlimited) SessionEnded(gateway.ShardID, time.Duration) {}
func (unlimited) Sent() bool                                  { return true }
func (unlimited) Release(identify.Outcome)                    {}

// dialMeter is a dialer that knows how many dials began in the busiest tenth of a
// second.
type dialMeter struct {
	gateway.Dialer

	mu    sync.Mutex
	slot  int64 // the tenth of a second that is counted
	count int
	most  int
}

func (m *dialMeter) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	now := time.Now().UnixMilli() / 100
	m.mu.Lock()
	if now != m.slot {
		m.slot, m.count = now, 0
	}
	m.count++
	m.most = max(m.most, m.count)
	m.mu.Unlock()
	return m.Dialer.Dial(ctx, url)
}

// reset begins anew.
func (m *dialMeter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = 0
}

// peak is the busiest tenth of a second since.
func (m *dialMeter) peak() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most
}

// usage is what this process holds.
type usage struct {
	memory     uint64 // heap and stacks in use
	goroutines int
	cpu        time.Duration
}

func measure() usage {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{memory: m.HeapInuse + m.StackInuse, goroutines: runtime.NumGoroutine(), cpu: cpuTime()}
}

// BenchmarkThousandShards runs 1,000 shards in one process against a simulated
// Discord in another, on the real clock, and measures what one shard costs while
// nothing happens, how long an op 7 to all of them at once keeps any of them from
// its session, and how many dials that makes in the busiest tenth of a second.
//
//	go test ./fleet -run '^$' -bench Thousand -benchtime 1x
func BenchmarkThousandShards(b *testing.B) {
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
		b.Run(string(compression), func(b *testing.B) {
			for range b.N {
				runThousand(b, compression)
			}
		})
	}
}

func runThousand(b *testing.B, compression gateway.Compression) {
	const idle = 10 * time.Second
	shards := 1000
	if compression == gateway.CompressZstd {
		shards = 100 // each has a window of up to 8 MiB, at both ends
	}
	d := startSim(b)
	before := measure()
	dials := &dialMeter{Dialer: gateway.WebSocketDialer{UserAgent: "DiscordBot (https://example.com, 1)"}}
	f, err := fleet.New(fleet.Options{
		Shard: gateway.Options{
			Credentials: gateway.Credentials{Token: d.token, Intents: intents},
			URLSource:   gateway.FixedURL("ws://" + d.addr),
			Handler:     gateway.HandlerFunc(func(context.Context, gateway.Event) {}),
			Observer:    gateway.ObserverFunc(func(gateway.Observation) {}),
			Compression: compression, IdentifyLimiter: unlimited{}, Dialer: dials,
		},
		Assigner: fleet.All(shards),
	})
	if err != nil {
		b.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- f.Run(context.Background()) }()
	began := time.Now()
	await := func(what string, limit time.Duration, is func() bool) time.Duration {
		since := time.Now()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for !is() {
			if time.Since(since) > limit {
				b.Fatalf("after %s still not: %s (%s)", limit, what, f.Progress())
			}
			<-tick.C
		}
		return time.Since(since)
	}
	await("all shards online", time.Minute, func() bool { return f.Progress().Done() })
	started := time.Since(began)
	time.Sleep(time.Second) // the guilds arrive
	then := measure()
	time.Sleep(idle)
	cpu := cpuTime() - then.cpu

	dials.reset()
	busy := cpuTime()
	resumed := f.Stats().Resumed
	if _, err := io.WriteString(d.in, "op7\n"); err != nil {
		b.Fatal(err)
	}
	moved := await("all shards resumed after op 7", 30*time.Second, func() bool {
		return f.Stats().Resumed >= resumed+int64(shards) && f.Progress().Done()
	})
	busy = cpuTime() - busy
	if n := f.Stats().Identifies; n != int64(shards) {
		b.Errorf("%d IDENTIFYs were sent, want %d", n, shards)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stopping := time.Now()
	if err := f.Stop(ctx, gateway.KeepSession); err != nil {
		b.Fatal(err)
	}
	<-ran
	b.ReportMetric(float64(then.memory-before.memory)/float64(shards)/1024, "KiB/shard")
	b.ReportMetric(float64(then.goroutines-before.goroutines)/float64(shards), "goroutines/shard")
	b.ReportMetric(100*cpu.Seconds()/idle.Seconds(), "%cpu-idle")
	b.ReportMetric(started.Seconds(), "s/start")
	b.ReportMetric(moved.Seconds(), "s/op7")
	b.ReportMetric(busy.Seconds(), "cpu-s/op7")
	b.ReportMetric(float64(dials.peak()), "dials/100ms-peak")
	b.ReportMetric(time.Since(stopping).Seconds(), "s/stop")
}
