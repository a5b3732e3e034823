// Package pingbot is a plain Discord bot, as a newcomer writes one: evergreen demo --proxy
// runs it as a process of its own.
//
// It connects to the gateway that it is given, keeps nothing over its end, and answers one
// thing after the other: messages that begin with ! by a reply, slash commands by a message.
// Lines on its standard input let it hang, go on and stop.
package pingbot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options configures [Run]. GatewayURL, APIURL and Token are required.
type Options struct {
	// GatewayURL is the gateway, such as ws://127.0.0.1:8001, and APIURL the REST API without
	// its version, such as http://127.0.0.1:8001/api.
	GatewayURL, APIURL, Token string
	// Orders has the lines [Hang], [GoOn] and [Stop]. Its end ends the bot, so that no bot
	// outlives the process that has started it.
	Orders io.Reader
}

// The orders of [Options].
const (
	// Hang has the bot read, answer and send nothing any more, as if it were stuck.
	Hang = "hang"
	// GoOn ends that.
	GoOn = "go on"
	// Stop has the bot close its connection and end.
	Stop = "stop"
)

// How the bot connects again. It ends when it has not been connected for giveUpAfter.
const (
	reconnectDelay = 250 * time.Millisecond
	dialTimeout    = 10 * time.Second
	requestTimeout = 15 * time.Second
	giveUpAfter    = 30 * time.Second
)

// bot is a bot that runs.
type bot struct {
	opts   Options
	client *http.Client
	stuck  valve

	// handling is held while an event is handled, so that a stop waits for its answer.
	handling sync.Mutex
	line     *line // nil: it is not connected
	stopped  bool

	session string // what is resumed; "": none
	resume  string // where
	seq     int64
}

// Run runs the bot until it is told to stop, its orders end or ctx ends. It returns an error
// if the gateway refuses it, or cannot be reached for half a minute.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bot{opts: o}
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &stuckConn{conn, &b.stuck}, nil
	}}
	defer transport.CloseIdleConnections()
	b.client = &http.Client{Transport: transport}
	// It ends with the process, or when the input does: a read of it cannot be broken off.
	go func() {
		b.obey()
		cancel()
	}()
	return b.stayConnected(ctx)
}

// obey does what the orders say until the last of them.
func (b *bot) obey() {
	defer b.stuck.open()
	for lines := bufio.NewScanner(b.opts.Orders); lines.Scan(); {
		switch strings.TrimSpace(lines.Text()) {
		case Hang:
			b.stuck.close()
		case GoOn:
			b.stuck.open()
		case Stop:
			b.stuck.open()
			b.stop()
			return
		}
	}
}

// stop closes the connection once the event that is handled is done with. What comes later
// is not handled.
func (b *bot) stop() {
	b.handling.Lock()
	defer b.handling.Unlock()
	b.stopped = true
	if b.line != nil {
		b.line.close()
	}
}

// stayConnected connects again and again until ctx ends.
func (b *bot) stayConnected(ctx context.Context) error {
	for connected := time.Now(); ; {
		ready, err := b.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if ready {
			connected = time.Now()
		}
		if _, ok := errors.AsType[*refusedError](err); ok || time.Since(connected) > giveUpAfter {
			return fmt.Errorf("the gateway %s: %w", b.opts.GatewayURL, err)
		}
		timer := time.NewTimer(reconnectDelay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}
