package features

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evergreen/bench/peer"
)

// line is a line of the protocol, either way.
type line struct {
	Feature string         `json:"feature"`
	State   string         `json:"state,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Args    map[string]any `json:"args,omitempty"`
	Data    map[string]any `json:"data,omitempty"`
}

// The states of an answer.
const (
	stateReady   = "ready"
	stateOK      = "ok"
	stateError   = "error"
	stateCannot  = "cannot"
	stateUntried = "untried"
)

// program is a program that runs.
type program struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	console *os.File
	lines   chan line // closed when it has ended
	reading sync.WaitGroup
	ended   chan struct{}
}

// endWithin is how long a program may take to end.
const endWithin = 3 * time.Second

// start starts a program in a folder of its own. End it with end.
func start(command peer.Command, folder string, env ...string) (*program, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	console, err := os.OpenFile(filepath.Join(folder, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Dir, cmd.WaitDelay = folder, time.Second
	cmd.Env = append(append([]string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}, command.Env...), env...)
	cmd.Stderr = console
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, console.Close())
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, console.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("the program cannot be started: %w", err), console.Close())
	}
	p := &program{cmd: cmd, in: in, console: console, lines: make(chan line, 1000), ended: make(chan struct{})}
	// end waits for it.
	p.reading.Go(func() {
		p.read(out)
		_ = cmd.Wait()
		close(p.ended)
	})
	return p, nil
}

// read reads what it prints until it ends.
func (p *program) read(out io.Reader) {
	defer close(p.lines)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		text := lines.Text()
		_, _ = fmt.Fprintln(p.console, text)
		var l line
		if strings.HasPrefix(text, `{"feature"`) && json.Unmarshal([]byte(text), &l) == nil {
			p.lines <- l
		}
	}
}

// ask writes a line.
func (p *program) ask(l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.console, "> %s\n", raw)
	_, err = p.in.Write(append(raw, '\n'))
	return err
}

// next returns the next answer about a feature.
func (p *program) next(ctx context.Context, feature string) (line, error) {
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				return line{}, errEnded
			}
			if l.Feature == feature {
				return l, nil
			}
		case <-ctx.Done():
			return line{}, errors.New("the program has not answered")
		}
	}
}

// errEnded is that a program has ended by itself.
var errEnded = errors.New("the program has ended")

// end ends it: by the end of its standard input, then by force.
func (p *program) end() {
	_ = p.in.Close()
	go func() {
		// What it still prints must not hold it up.
		for range p.lines {
		}
	}()
	timer := time.NewTimer(endWithin)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
	}
	p.reading.Wait()
	_ = p.console.Close()
}
