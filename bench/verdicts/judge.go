package verdicts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"evergreen/bench/clients"
)

const (
	// tellsWithin is how long evergreen sim may take to say where it listens.
	tellsWithin = 30 * time.Second
	// againAfter is how long the supervisor waits before it starts a bot again: two IDENTIFYs
	// are then 5 s apart, whatever the bot does.
	againAfter = 6 * time.Second
	// endsWithin is how long evergreen sim may take to end when it is interrupted.
	endsWithin = 5 * time.Second
)

// Args are the arguments of evergreen with which a bot is judged. Only names steps; none for
// the whole programme.
func Args(only ...string) []string {
	args := []string{"sim", "--check", "--json", "--addr", "127.0.0.1:0", "--slash", "ping"}
	for _, step := range only {
		args = append(args, "--only", step)
	}
	return args
}

// Judge has a bot judged in a folder of its own. Tell hears what the judge tells, line by
// line.
func Judge(ctx context.Context, evergreen string, c *clients.Client, folder string, tell func(string), only ...string) (Column, error) {
	column := Column{Library: c.Name, Version: c.Version}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return column, err
	}
	gone, last := make(chan struct{}, 1), make(chan struct{})
	judging, err := startJudge(ctx, evergreen, folder, func(line string) {
		tell(line)
		switch {
		case strings.HasPrefix(line, goneLine):
			select {
			case gone <- struct{}{}:
			default: // it is being ended
			}
		case strings.Contains(line, lastLine):
			close(last)
		}
	}, only)
	if err != nil {
		return column, err
	}
	supervising, stop := context.WithCancel(ctx)
	ended := make(chan []end, 1)
	go func() { ended <- supervise(supervising, c, folder, judging.env, gone, last) }()
	column.Report, err = judging.wait()
	stop()
	for _, e := range <-ended {
		column.Ends = append(column.Ends, End{Step: column.Report.stepAt(e.at), How: e.how, Said: e.said})
	}
	return column, err
}

// judging is an evergreen sim --check that runs.
type judging struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	told   *watcher
	env    []string // for the bot
}

// startJudge starts it and waits until it says where the bot has to connect.
func startJudge(ctx context.Context, evergreen, folder string, tell func(string), only []string) (*judging, error) {
	j := &judging{cmd: exec.CommandContext(ctx, evergreen, Args(only...)...), told: &watcher{tell: tell, known: make(chan struct{})}}
	j.cmd.Dir, j.cmd.WaitDelay = folder, endsWithin
	j.cmd.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	j.cmd.Stdout, j.cmd.Stderr = &j.output, j.told
	j.cmd.Cancel = func() error { return j.cmd.Process.Signal(os.Interrupt) }
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.NewTimer(tellsWithin)
	defer timer.Stop()
	select {
	case <-j.told.known:
		j.env = j.told.env
		return j, nil
	case <-timer.C:
		_ = j.cmd.Process.Kill()
		_ = j.cmd.Wait()
		return nil, fmt.Errorf("evergreen sim has not said within %s where it listens:\n%s", tellsWithin, j.told.all)
	}
}

// wait waits for the report.
func (j *judging) wait() (r Report, err error) {
	err = j.cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); j.output.Len() == 0 || err != nil && !ended {
		return r, fmt.Errorf("evergreen sim --check: %w:\n%s", err, j.told.all)
	}
	return r, json.Unmarshal(j.output.Bytes(), &r)
}

// watcher reads what evergreen sim tells.
type watcher struct {
	tell  func(string)
	all   []byte
	from  int // what comes after it has not been told yet
	env   []string
	known chan struct{} // closed once env is
}

// Write takes the next part of it.
func (w *watcher) Write(part []byte) (int, error) {
	w.all = append(w.all, part...)
	for {
		line, _, ok := bytes.Cut(w.all[w.from:], []byte("\n"))
		if !ok {
			return len(part), nil
		}
		w.from += len(line) + 1
		text := strings.TrimSpace(string(line))
		if name, _, ok := strings.Cut(text, "="); ok && len(w.env) < 2 && (name == "DISCORD_API_URL" || name == "DISCORD_TOKEN") {
			if w.env = append(w.env, text); len(w.env) == 2 {
				close(w.known)
			}
		} else if text != "" {
			w.tell(text)
		}
	}
}

// end is the end of a bot's process.
type end struct {
	at        time.Time
	how, said string
}

// goneLine is how evergreen sim says that a bot hangs.
const goneLine = "The bot has not come back from "

// lastLine is what it says of the step after which a bot is right to end. One that is started
// again would be blamed for what its supervisor does.
const lastLine = "  refused for good: "

// supervise runs a bot and starts it again whenever it has ended, as a supervisor does,
// until the last step. It ends a bot that is said to be gone, and when ctx ends.
func supervise(ctx context.Context, c *clients.Client, folder string, env []string, gone, last <-chan struct{}) (ends []end) {
	for first := true; ; first = false {
		if !first && !pause(ctx, last) {
			return ends
		}
		bot, err := c.Start(folder, env...)
		if err != nil {
			ends = append(ends, end{time.Now(), "not started", err.Error()})
			continue
		}
		select {
		case <-bot.Ended():
			at := time.Now()
			bot.Kill()
			_ = appendLines(folder, bot.Lines())
			if isOver(last) {
				return ends
			}
			ends = append(ends, end{at, "it ended by itself, " + strings.TrimSuffix(bot.Exit(), ", by itself"), newest(bot.Lines())})
		case <-gone:
			bot.Kill()
			ends = append(ends, end{time.Now(), "it hung, and was ended", newest(bot.Lines())})
			_ = appendLines(folder, bot.Lines())
		case <-ctx.Done():
			bot.Kill()
			_ = appendLines(folder, bot.Lines())
			return ends
		}
	}
}

// isOver reports whether a channel is closed.
func isOver(last <-chan struct{}) bool {
	select {
	case <-last:
		return true
	default:
		return false
	}
}

// pause waits until a bot may be started again; false: it may not.
func pause(ctx context.Context, last <-chan struct{}) bool {
	timer := time.NewTimer(againAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-last:
	case <-ctx.Done():
	}
	return false
}

// newest is the last line that says something.
func newest(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if text := strings.TrimSpace(lines[i]); text != "" {
			return text
		}
	}
	return ""
}

// appendLines keeps what a bot has printed.
func appendLines(folder string, lines []string) error {
	file, err := os.OpenFile(filepath.Join(folder, "bot.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s\n=== %s\n", strings.Join(lines, "\n"), time.Now().Format(time.TimeOnly))
	return errors.Join(err, file.Close())
}
