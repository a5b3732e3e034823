package clients

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"evergreen/bench/peer"
)

// Program is a bot that runs, or Evergreen.
type Program struct {
	*peer.Process
	reading sync.WaitGroup

	mu      sync.Mutex
	lines   []string
	changed chan struct{} // closed at the next line
}

// Start starts the bot, once it is built, in a folder. End it with Kill.
func (c *Client) Start(folder string, env ...string) (*Program, error) {
	return start(c.Command, folder, env...)
}

// start starts a program and reads what it prints. End it with Kill.
func start(command peer.Command, folder string, env ...string) (*Program, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Console = write
	proc, err := command.Start(folder, env...)
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, err
	}
	p := &Program{Process: proc, changed: make(chan struct{})}
	// Kill waits for it.
	p.reading.Go(func() {
		defer func() { _ = read.Close() }()
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			close(p.changed)
			p.changed = make(chan struct{})
			p.mu.Unlock()
		}
	})
	return p, nil
}

// Kill ends it at once, as kill -9 does.
func (p *Program) Kill() {
	p.Process.Kill()
	p.reading.Wait()
}

// Lines returns what was printed so far.
func (p *Program) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines[:len(p.lines):len(p.lines)]
}

// Said counts how often a bot has said something, such as "ready".
func (p *Program) Said(what string) (times int) {
	for _, line := range p.Lines() {
		if line == "BOT "+what {
			times++
		}
	}
	return times
}

// Printed counts the lines that contain a text.
func (p *Program) Printed(text string) (times int) {
	for _, line := range p.Lines() {
		if strings.Contains(line, text) {
			times++
		}
	}
	return times
}

// Await waits until a bot has said something so many times.
func (p *Program) Await(ctx context.Context, what string, times int) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if p.Said(what) >= times {
			return nil
		}
		select {
		case <-changed:
		case <-p.Ended():
			p.reading.Wait()
			if p.Said(what) >= times {
				return nil
			}
			return fmt.Errorf("the program has ended (%s) and not said %q:\n%s", p.Exit(), what, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("the program has not said %q %d times:\n%s", what, times, p.tail())
		}
	}
}

// tail returns the newest lines.
func (p *Program) tail() string {
	const shown = 60
	lines := p.Lines()
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}
