package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"

	"evergreen/discordsim"
	"evergreen/internal/web/chat"
	"evergreen/internal/web/simapi"
)

// listenControl lets people look into the simulated Discord, act in it and set faults: on
// the port behind the dashboard's, or on any other one if another program has that.
func (r *run) listenControl(ctx context.Context) error {
	host, port, err := net.SplitHostPort(r.dashboard.addr)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	o := simapi.Options{
		Sim: r.world.Sim, Apps: []*discordsim.App{r.world.Bot}, FaultSet: r.notePressed,
		Page: chat.New(chat.Options{Attachments: r.world.Sim.Attachments(), Dashboard: "http://" + r.dashboard.addr + "/"}),
	}
	if r.control, err = simapi.Listen(ctx, net.JoinHostPort(host, strconv.Itoa(n+1)), o); !errors.Is(err, syscall.EADDRINUSE) && n < maxPort {
		return err
	}
	r.control, err = simapi.Listen(ctx, net.JoinHostPort(host, "0"), o)
	return err
}

const maxPort = 65535

// serveControl serves that until the function it returns is called.
func (r *run) serveControl() (end func()) {
	if r.control == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { r.control.Run(ctx) })
	return func() {
		cancel()
		serving.Wait()
	}
}

// controlLine tells where that is, in a line of the heading.
func (r *run) controlLine() string {
	return fmt.Sprintf("Look into the simulated Discord, and break something yourself: %s/", r.control.URL())
}

// notePressed counts a fault that a person has set. What it costs the bot's users counts
// like that of any other; the time the dot is grey in an episode with one is forced.
func (r *run) notePressed(f discordsim.Active) {
	r.mu.Lock()
	r.score.Pressed++
	r.score.Mishaps++
	r.kinds[pressedPrefix+f.Name]++
	r.pressed = f.Began
	r.mu.Unlock()
	r.opts.Screen.Pressed(r.elapsed(), f.Name, discordsim.DescribeFault(f.Name).Description)
}

// pressedPrefix stands before the names of faults that people have set.
const pressedPrefix = "by hand: "
