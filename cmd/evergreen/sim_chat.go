package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"evergreen/internal/demo"
	"evergreen/internal/process/output"
	"evergreen/internal/simchat"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// maxTyped is the longest line that is read, in bytes.
const maxTyped = 1 << 20

// chat is a chat with the bot in the terminal, or in whatever the standard streams are, until
// the input or ctx ends.
func (p *process) chat(ctx context.Context, world *demo.World) error {
	log := newSimLog(world, io.Discard)
	o := simchat.Options{Sim: world.Sim, App: world.Bot, Out: p.stdout, Log: func(w io.Writer) {
		log.w = w
		log.update()
	}}
	typing := p.readLines
	if keyboard, columns, ok := p.keyboard(); ok {
		state, err := term.MakeRaw(int(keyboard.Fd()))
		if err != nil {
			return fmt.Errorf("the terminal cannot be read: %w", err)
		}
		defer func() { _ = term.Restore(int(keyboard.Fd()), state) }()
		t := newChatTerminal(keyboard, p.stdout, columns)
		typing, o.Out, o.Prompt = t.readLines, t, t.SetPrompt
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	lines := make(chan string)
	o.Lines = lines
	var wrong error
	// A read of the standard input cannot be broken off. So this goroutine is left behind
	// where the chat ends first; it ends with the next line, or with the process.
	go func() {
		defer close(lines)
		wrong = typing(func(line string) bool {
			select {
			case lines <- line:
				return true
			case <-ctx.Done():
				return false
			}
		})
	}()
	if err := simchat.Run(ctx, o); err != nil {
		return err
	}
	select {
	case _, open := <-lines:
		if !open && wrong != nil {
			return fmt.Errorf("the input cannot be read: %w", wrong)
		}
	default:
	}
	return nil
}

// readLines hands on the lines of the standard input until it ends or take wants no more.
func (p *process) readLines(take func(string) bool) error {
	scanner := bufio.NewScanner(p.stdin)
	scanner.Buffer(nil, maxTyped)
	for scanner.Scan() {
		if !take(scanner.Text()) {
			return nil
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes", maxTyped)
	}
	return scanner.Err()
}

// keyboard is the terminal that is typed into, where the output goes to one too.
func (p *process) keyboard() (keyboard *os.File, columns func() int, ok bool) {
	columns, ok = p.terminal()
	keyboard, _ = p.stdin.(*os.File)
	if !ok || keyboard == nil || !isatty.IsTerminal(keyboard.Fd()) || output.File(p.stdout) == nil {
		return nil, nil, false
	}
	return keyboard, columns, true
}

// chatTerminal edits the line that is typed and keeps it below what is printed.
type chatTerminal struct {
	*term.Terminal
	columns func() int
}

func newChatTerminal(in io.Reader, out io.Writer, columns func() int) *chatTerminal {
	return &chatTerminal{term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, ""), columns}
}

// Write prints lines above the one that is typed.
func (t *chatTerminal) Write(lines []byte) (int, error) {
	const rows = 24 // only the width counts
	_ = t.SetSize(t.columns(), rows)
	return t.Terminal.Write(lines)
}

// readLines hands on what is typed until Ctrl+C, Ctrl+D, or take wants no more.
func (t *chatTerminal) readLines(take func(string) bool) error {
	for {
		line, err := t.ReadLine()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return err
		case !take(line):
			return nil
		}
	}
}
