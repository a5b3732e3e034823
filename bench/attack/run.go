package attack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evergreen/bench/peer"
	"evergreen/bench/trial"
	"evergreen/discordsim"
	"evergreen/internal/freeport"
)

// Figures are what an attack cost.
type Figures struct {
	Attack Attack
	// Asked and Answered count the commands during the attack.
	Asked, Answered int
	// Peak is the most memory the process had, Log what its log file has grown to,
	// in bytes.
	Peak, Log int64
	// Stop is how long it took to end after SIGTERM; at the limit of
	// [peer.Process.Stop] it was killed.
	Stop time.Duration
	// Exit is how it ended, as in [peer.Process.Exit].
	Exit string
	// Notes has what else was seen.
	Notes []string
}

// target is the program under attack.
type target struct {
	world trial.World
	api   string // address of its HTTP API

	mu    sync.Mutex
	notes []string
}

func (t *target) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// Run attacks a program. The folder is for its files. An error is one of this program's,
// not of the bot's.
func Run(ctx context.Context, program string, a Attack, folder string) (f Figures, err error) {
	f.Attack = a
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return f, err
	}
	sim := discordsim.New(discordsim.Config{Seed: 1, AnswerGrace: 5 * time.Second})
	defer sim.Close()
	t := &target{world: trial.NewWorld(sim)}
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		return f, err
	}
	base, err := url.Parse(listener.APIURL())
	if err != nil {
		return f, err
	}
	front := httptest.NewServer(rest(base, a.answer))
	defer front.CloseClientConnections()
	if t.api, err = freeport.Address(); err != nil {
		return f, err
	}
	printed, err := openConsole(a.console)
	if err != nil {
		return f, err
	}
	defer printed.close()
	command := peer.Command{Path: program, Args: append([]string{"run"}, a.args...), Env: a.env, Console: printed.write}
	proc, err := command.Start(folder, "DISCORD_API_URL="+front.URL+base.Path, "DISCORD_TOKEN="+t.world.App.Token, "API_ADDR="+t.api)
	if err != nil {
		return f, err
	}
	defer proc.Kill()
	if !online(ctx, proc, t.world) {
		return f, errors.New("the bot did not come online: see " + folder)
	}
	if a.console == consoleClosed {
		printed.close()
	}
	f.attack(ctx, proc, t)
	began := time.Now()
	proc.Stop()
	f.Stop, f.Exit, f.Notes = time.Since(began), proc.Exit(), t.notes
	f.Log = logBytes(folder)
	return f, ctx.Err()
}

// attack lets people ask while the attack lasts, and samples memory.
func (f *Figures) attack(ctx context.Context, proc *peer.Process, t *target) {
	ctx, end := context.WithTimeout(ctx, lasting)
	defer end()
	before := t.world.Sim.Verdict(t.world.App)
	var work sync.WaitGroup
	if while := f.Attack.while; while != nil {
		work.Go(func() { while(ctx, t) })
	}
	work.Go(func() { t.world.Chat(ctx, asksPerSecond) })
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if u, err := proc.Usage(); err == nil {
			f.Peak = max(f.Peak, u.Peak)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		case <-proc.Ended():
			t.note("it ended after %d s", int(time.Since(proc.Began).Seconds()))
			<-ctx.Done()
		}
	}
	work.Wait()
	v := t.world.Sim.Verdict(t.world.App)
	f.Asked, f.Answered = v.Asked-before.Asked, v.Answered-before.Answered
}

// online waits until the bot is.
func online(ctx context.Context, proc *peer.Process, w trial.World) bool {
	ctx, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !w.Sim.Attached(w.App) {
		select {
		case <-ticker.C:
		case <-proc.Ended():
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// pipe is the console of a program; both ends are nil where it prints to a file.
type pipe struct{ read, write *os.File }

func openConsole(c console) (p pipe, err error) {
	if c == consoleFile {
		return p, nil
	}
	if p.read, p.write, err = os.Pipe(); err != nil {
		return p, err
	}
	if c == consoleMute {
		_, err = unix.FcntlInt(p.write.Fd(), unix.F_SETPIPE_SZ, 4096)
	}
	return p, err
}

func (p pipe) close() {
	for _, file := range []*os.File{p.read, p.write} {
		if file != nil {
			_ = file.Close()
		}
	}
}

// logBytes is the size of the log files in a folder.
func logBytes(folder string) (sum int64) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(path, ".log") {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
