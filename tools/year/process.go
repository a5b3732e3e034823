package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/bot"
	"evergreen/internal/process/config"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/simtest"
	"evergreen/internal/store"
)

// process is one process of the bot, from its start to its end.
type process struct {
	number int
	net    *processNet
	door   *botListener // nil: bots do not connect to it
	store  *store.Store
	app    *app.App
	ran    chan error
}

// aliveEvery is how often a run writes to the database that it is alive. The default
// of a few seconds would be most of what happens in a year.
const aliveEvery = 20 * time.Minute

// clockCheck is how often a shard compares the wall clock with the time it had planned.
// It is no more often than a shard looks at a silent connection anyway.
const clockCheck = 15 * time.Second

// slowCommand is a command that takes long, as any bot may have one.
var slowCommand = bot.Command{
	Name: "ponder", Summary: "Thinks for a while",
	Run: func(ctx context.Context, _ *bot.Request) (bot.Answer, error) {
		timer := time.NewTimer(8 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
			return bot.Answer{Text: "I have thought about it."}, nil
		case <-ctx.Done():
			return bot.Answer{}, ctx.Err()
		}
	},
}

// folder is where the process keeps its database. After a crash the next process gets
// a copy of what the disk had at that moment.
func (y *year) folder() string { return filepath.Join(y.Dir, strconv.Itoa(y.disk)) }

// startProcess starts a process.
func (y *year) startProcess() error {
	l := &process{number: y.Starts + 1, net: newProcessNet(y.sim.DialContext, y.fingerprint), ran: make(chan error, 1)}
	var err error
	l.store, err = store.Open(context.Background(), store.Options{
		Dir: y.folder(), Fingerprint: tokenlock.FingerprintOf(y.bot.Token), Version: "year", AliveInterval: aliveEvery, NoHost: true,
	})
	if err != nil {
		return fmt.Errorf("the bot's database cannot be opened: %w", err)
	}
	previous := l.store.BeginRun()
	c := config.Against(y.sim.APIURL(), y.bot.Token)
	timing := c.Timing()
	timing.ClockCheck = clockCheck
	o := app.Options{
		Config: c, Timing: &timing, Rand: y.jitter.next, Clock: y.clock(), Commands: []bot.Command{slowCommand},
		Transport: l.net.transport(y.sim), Dialer: gateway.WebSocketDialer{Transport: l.net.transport(y.sim)},
		Sessions: l.store, Storage: l.store.Identifies(), Journal: l.store.Journal(),
		Observers: []gateway.Observer{&observer{year: y, process: l.number}},
	}
	if y.Proxy {
		l.door = &botListener{simtest.NewListener(), l.net}
		o.Proxy, o.ProxyDir, o.Commands = true, y.proxyFolder(), nil
		o.Listen = func(context.Context, string, string) (net.Listener, error) { return l.door, nil }
	}
	if l.app, err = app.New(o); err != nil {
		_ = l.store.Close(context.Background())
		return err
	}
	y.Starts++
	y.process, y.wasOnline, y.waiting = l, false, false
	y.door.Store(l.door)
	y.note("the bot starts (%d); its last run %s", l.number, previous.End)
	go func() { l.ran <- l.app.Run(context.Background()) }()
	return nil
}

// wait waits for a process and closes its database.
func (l *process) wait(how store.End) error {
	err := <-l.ran
	if how != "" {
		l.store.EndRun(how, "")
	}
	if closed := l.store.Close(context.Background()); closed != nil && err == nil {
		err = closed
	}
	return err
}

// stop stops the process as a deploy does.
func (y *year) stop() error {
	y.process.app.Stop(context.Background(), gateway.KeepSession)
	err := y.process.wait(store.EndSessionKept)
	y.leaveProcess()
	return err
}

// kill ends the process in the middle of whatever it does. What the disk has at
// that moment is what the next one finds.
func (y *year) kill() error {
	synctest.Wait() // no goroutine is in the middle of a call to the disk
	y.process.net.kill()
	y.leaveDoor()
	before := y.folder()
	y.disk++
	if err := os.CopyFS(y.folder(), os.DirFS(before)); err != nil {
		return fmt.Errorf("the disk cannot be copied: %w", err)
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	y.process.app.Stop(now, gateway.KeepSession)
	_ = y.process.wait("") // its error does not count: it is dead
	y.leaveProcess()
	return os.RemoveAll(before)
}

// leaveDoor closes where bots connect, and keeps what the proxy has told of lost events.
func (y *year) leaveDoor() {
	if y.process.door == nil || y.door.Swap(nil) == nil {
		return
	}
	_ = y.process.door.Close()
	y.reported = addCounts(y.reported, y.process.app.Proxy().Status().Counts)
	y.noteLoss()
}

// leaveProcess forgets a process that has ended.
func (y *year) leaveProcess() {
	y.leaveDoor()
	y.process, y.restTrouble = nil, time.Now()
}
