package pingbot

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait.
const patience = 30 * time.Second

// world is a simulated Discord on a port, and a bot that runs.
type world struct {
	t       *testing.T
	sim     *discordsim.Sim
	app     *discordsim.App
	channel discordsim.ID
	person  discordsim.ID
	orders  *io.PipeWriter
	ended   chan error
}

// start starts a bot with a token; empty: the right one.
func start(t *testing.T, token string) *world {
	t.Helper()
	w := &world{t: t, sim: discordsim.New(discordsim.Config{Seed: 1}), ended: make(chan error, 1)}
	t.Cleanup(w.sim.Close)
	guild := w.sim.AddGuild("guild", "room")
	user := w.sim.AddUser("person")
	w.sim.AddMembers(guild, user)
	w.app = w.sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	w.channel, w.person = guild.Channels[0].ID, user.ID
	listener, err := w.sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if token == "" {
		token = w.app.Token
	}
	orders, write := io.Pipe()
	w.orders = write
	t.Cleanup(func() { _ = write.Close() })
	host := listener.Addr().String()
	go func() {
		w.ended <- Run(context.Background(), Options{GatewayURL: "ws://" + host, APIURL: "http://" + host + "/api", Token: token, Orders: orders})
	}()
	return w
}

// until waits until something holds.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-limit.C:
			w.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (w *world) awaitOnline() {
	w.t.Helper()
	w.until("the bot is online", func() bool { return w.sim.Attached(w.app) })
}

// end waits until the bot has ended.
func (w *world) end() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(patience):
		w.t.Fatal("the bot does not end")
		return nil
	}
}

// The bot answers messages and slash commands, resumes after a cut, and closes its session
// when it is told to stop.
func TestBotAnswersUntilItIsStopped(t *testing.T) {
	w := start(t, "")
	w.awaitOnline()
	asked := w.sim.Say(w.channel, w.person, "!ping", discordsim.Expect())
	w.sim.Say(w.channel, w.person, "hello")
	used := w.sim.Interact(w.app, w.channel, w.person, "ping")
	w.until("both are answered", func() bool { return len(w.sim.Answers(asked.ID)) == 1 && len(w.sim.Answers(used)) == 1 })
	if _, err := w.sim.Inject(discordsim.Fault{Name: "cut"}); err != nil {
		t.Fatal(err)
	}
	w.until("the bot has resumed", func() bool { return w.sim.Verdict(w.app).Resumed == 1 })
	fmt.Fprintln(w.orders, Stop)
	if err := w.end(); err != nil {
		t.Error(err)
	}
	w.until("the session is over", func() bool { return w.sim.Sessions(w.app) == 0 })
	if v := w.sim.Verdict(w.app); v.Answered != 2 || v.Twice != 0 || len(v.Broken()) != 0 || v.Identifies != 1 {
		t.Errorf("%d answered, %d twice, %d IDENTIFYs, broken: %v", v.Answered, v.Twice, v.Identifies, v.Broken())
	}
}

// A bot whose input ends, because the process that started it is gone, ends too, also while
// it hangs.
func TestBotEndsWithItsInput(t *testing.T) {
	for _, order := range []string{"", Hang} {
		w := start(t, "")
		w.awaitOnline()
		fmt.Fprintln(w.orders, order)
		_ = w.orders.Close()
		if err := w.end(); err != nil {
			t.Error(err)
		}
	}
}

// A bot with a wrong token says so and ends.
func TestBotWithWrongTokenEnds(t *testing.T) {
	if err := start(t, "wrong").end(); err == nil || !strings.Contains(err.Error(), "4004") {
		t.Errorf("got %v", err)
	}
}

// A process that is stuck reads and writes nothing, and then all of it.
func TestStuckConnectionCarriesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		stuck := &valve{}
		conn := &stuckConn{here, stuck}
		stuck.close()
		stuck.close() // more calls do nothing
		moved := make(chan string, 2)
		go func() { // it ends once something can be read
			p := make([]byte, 8)
			n, _ := conn.Read(p)
			moved <- "read " + string(p[:n])
			n, _ = conn.Write([]byte("out"))
			moved <- fmt.Sprint("written ", n)
		}()
		if _, err := there.Write([]byte("in")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(moved) > 0 {
			t.Fatal("it reads while it is stuck")
		}
		stuck.open()
		stuck.open()
		if got := <-moved; got != "read in" {
			t.Errorf("got %q", got)
		}
		stuck.close()
		synctest.Wait()
		go stuck.open()
		p := make([]byte, 8)
		if n, err := there.Read(p); err != nil || string(p[:n]) != "out" {
			t.Errorf("got %q, %v", p[:n], err)
		}
		if got := <-moved; got != "written 3" {
			t.Errorf("got %q", got)
		}
	})
}
