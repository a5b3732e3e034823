package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"

	"golang.org/x/sys/unix"
)

// remoteHost is a network namespace that a cable leads to: a second machine, as far as
// TCP can tell.
type remoteHost struct {
	t        *testing.T
	name, ip string
}

// newRemoteHost makes one, or skips the test where that is not allowed. Several can
// stand side by side, each with a number of its own.
func newRemoteHost(t *testing.T, number int) *remoteHost {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("a network namespace needs the ip command of iproute2")
	}
	id := (os.Getpid()<<2 | number) & (1<<14 - 1)
	f := &remoteHost{t: t, name: fmt.Sprint("evergreen", id), ip: fmt.Sprintf("10.213.%d.%d", id>>6, id&63<<2|2)}
	cable, near := fmt.Sprint("evergreen", id), fmt.Sprintf("10.213.%d.%d/30", id>>6, id&63<<2|1)
	f.orSkip("netns", "add", f.name)
	t.Cleanup(func() { _ = f.run("netns", "del", f.name) })
	f.orSkip("link", "add", cable, "type", "veth", "peer", "name", "far", "netns", f.name)
	t.Cleanup(func() { _ = f.run("link", "del", cable) })
	f.orSkip("addr", "add", near, "dev", cable)
	f.orSkip("link", "set", cable, "up")
	f.orSkip("-n", f.name, "addr", "add", f.ip+"/30", "dev", "far")
	f.orSkip("-n", f.name, "link", "set", "far", "up")
	return f
}

// run runs the ip command.
func (f *remoteHost) run(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %s", strings.Join(args, " "), out)
	}
	return nil
}

// orSkip is for what a machine may not allow or its kernel not know.
func (f *remoteHost) orSkip(args ...string) {
	f.t.Helper()
	if err := f.run(args...); err != nil {
		f.t.Skipf("this machine does not allow what is needed: %v", err)
	}
}

// visit does something on a thread that is over there. A socket stays where it was
// made.
func (f *remoteHost) visit(do func() error) error {
	result := make(chan error, 1)
	go func() {
		// The thread is not given back: it ends with the goroutine.
		runtime.LockOSThread()
		ns, err := os.Open("/run/netns/" + f.name)
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = do()
		}
		result <- err
	}()
	return <-result
}

// Given a bot and a Discord with a real network between them, when the network
// swallows every packet towards the bot, of one connection or of all, without a
// word to either side, then the kernel notices nothing and the shard does: it
// resumes on its spare connection, or as soon as packets get through again, and no
// message is lost.
// Statements: G-011, G-024, G-059, G-075.
func TestBlackHoleInARealNetwork(t *testing.T) {
	for number, c := range []struct {
		name string
		hole func(client string) []string // what of ip makes it, as an addition
	}{
		{"one connection", func(client string) []string {
			_, port, _ := net.SplitHostPort(client)
			return []string{"rule", "add", "pref", "10", "ipproto", "tcp", "dport", port, "blackhole"}
		}},
		{"all connections", func(client string) []string {
			host, _, _ := net.SplitHostPort(client)
			return []string{"route", "add", "blackhole", host + "/32"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testBlackHole(t, newRemoteHost(t, number), c.name == "one connection", c.hole)
		})
	}
}

func testBlackHole(t *testing.T, f *remoteHost, spare bool, hole func(string) []string) {
	sim := discordsim.New(discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: 5 * time.Second}})
	t.Cleanup(sim.Close)
	guild, user := sim.AddGuild("reading room"), sim.AddUser("ada")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	var listener *discordsim.Listener
	if err := f.visit(func() (err error) {
		listener, err = sim.ListenAnywhere(f.ip + ":0")
		return err
	}); err != nil {
		t.Skipf("the simulator cannot listen in a network namespace here: %v", err)
	}
	clients := make(chan string, 64)
	dial := &net.Dialer{}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial.DialContext(ctx, network, addr)
		if err == nil {
			clients <- c.LocalAddr().String()
		}
		return c, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	notes, heard := make(chan gateway.ShardEvent, 4096), make(chan string, 64)
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: intents},
		URLSource:   gateway.FixedURL("ws://" + listener.Addr().String()),
		Dialer:      gateway.WebSocketDialer{Transport: transport},
		Timing: gateway.Timing{
			SilenceProbe: 500 * time.Millisecond, SuspectAfter: 500 * time.Millisecond, DeadAfter: 1500 * time.Millisecond, Connect: time.Second,
			BackoffLocal: 200 * time.Millisecond, BackoffRemote: 200 * time.Millisecond,
		},
		Observer: gateway.ObserverFunc(func(n gateway.Observation) { notes <- n.Event }),
		Events:   []string{"MESSAGE_CREATE"},
		Handler:  gateway.HandlerFunc(func(_ context.Context, e gateway.Event) { heard <- e.Type }),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = shard.Run(context.Background()) }()
	t.Cleanup(func() {
		_ = shard.Stop(context.Background(), gateway.KeepSession)
		<-done
	})
	await := func(what string, is func(gateway.ShardEvent) bool) {
		t.Helper()
		limit := time.After(time.Minute)
		for {
			select {
			case o := <-notes:
				if is(o) {
					return
				}
			case <-limit:
				t.Fatal("never came: " + what)
			}
		}
	}
	await("READY", func(o gateway.ShardEvent) bool { _, is := o.(gateway.Ready); return is })
	await("a heartbeat answered", func(o gateway.ShardEvent) bool { _, is := o.(gateway.HeartbeatACK); return is })
	made := hole(<-clients)
	f.orSkip(append([]string{"-n", f.name}, made...)...)
	fill := func() {
		made[1] = "del"
		if err := f.run(append([]string{"-n", f.name}, made...)...); err != nil {
			t.Fatal(err)
		}
	}
	sim.Say(guild.Channels[0].ID, user.ID, "is anybody there?")
	if spare { // new connections work
		await("RESUMED on the spare connection", func(o gateway.ShardEvent) bool { _, is := o.(gateway.Resumed); return is })
		fill()
	} else {
		await("the end of the silent connection", func(o gateway.ShardEvent) bool {
			end, is := o.(gateway.Disconnected)
			return is && end.Reason.Kind == gateway.ReasonSilent
		})
		await("a connection that fails", func(o gateway.ShardEvent) bool { _, is := o.(gateway.ConnectFailed); return is })
		fill()
		await("RESUMED", func(o gateway.ShardEvent) bool { _, is := o.(gateway.Resumed); return is })
	}
	select {
	case <-heard:
	case <-time.After(time.Minute):
		t.Error("the message was lost")
	}
	if v := sim.Verdict(app); len(heard) != 0 || v.Identifies != 1 || len(v.Violations) != 0 {
		t.Errorf("%d messages came twice, %d IDENTIFYs, violations %v", len(heard), v.Identifies, v.Violations)
	}
}
