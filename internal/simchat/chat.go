// Package simchat is a chat with the people and the bot of a simulated Discord, as lines:
// what happens is printed, and what is typed is done by one of the people.
//
// [Run] is the loop. A line that begins with a slash uses a command, one that begins with a
// dot is for the chat itself (see the table in command.go), and all else is said.
package simchat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// Options configures [Run]. Sim, App and Out are required.
type Options struct {
	Sim *discordsim.Sim
	// App is the bot that is talked to.
	App *discordsim.App
	// Out takes what is printed: whole lines, those that belong together in one write.
	Out io.Writer
	// Lines are what is typed. Its end ends the chat, once what was asked is answered.
	Lines <-chan string
	// Prompt, if set, is told who says where, whenever that changes.
	Prompt func(string)
	// Log, if set, writes what else is to be told since it was last called, as lines.
	Log func(io.Writer)
}

const (
	// logEvery is how often the log is read and open interactions are looked at.
	logEvery = 250 * time.Millisecond
	// changesKept is how many changes may wait to be shown.
	changesKept = 4096
	// answerWait is how long .wait waits by default, and the end of the input at most.
	answerWait = 10 * time.Second
	// onlineWait is how long .wait online waits.
	onlineWait = 10 * time.Minute
)

// chat is one chat. Only the goroutine of Run uses it.
type chat struct {
	Options
	watch   *discordsim.Watch
	me      discordsim.User
	channel discordsim.ID
	// own is the last message of each person in each channel.
	own map[place]discordsim.ID
	// last is the bot's newest message in each channel.
	last map[discordsim.ID]discordsim.ID

	shown    map[discordsim.ID]string // by message: as it was printed
	order    []discordsim.ID          // of shown, oldest first
	parts    map[int]part             // what can be pressed, by its number
	numbered map[partKey]int
	next     int
	pending  []pending
	modal    *modal // the newest one
	answered bool   // the bot has said something since it was last asked
	waiting  *wait
	ended    bool
}

// place is a person in a channel.
type place struct{ channel, user discordsim.ID }

// pending is an interaction that has not been answered.
type pending struct {
	id   discordsim.ID
	what string
}

// wait keeps the next line until something has happened or a time is over.
type wait struct {
	until time.Time
	over  func() bool
	what  string
}

// Run shows what happens and does what is typed until Lines or ctx ends.
func Run(ctx context.Context, o Options) error {
	c := &chat{
		Options: o, own: map[place]discordsim.ID{}, last: map[discordsim.ID]discordsim.ID{},
		shown: map[discordsim.ID]string{}, parts: map[int]part{}, numbered: map[partKey]int{}, next: 1,
	}
	channels, people := o.Sim.Channels(o.App), o.Sim.People(o.App)
	if len(channels) == 0 || len(people) == 0 {
		return fmt.Errorf("nobody is in a channel with %s", o.App.Name)
	}
	c.channel = channels[0]
	c.me, _ = o.Sim.User(people[0])
	c.watch = o.Sim.Watch(changesKept)
	defer c.watch.Close()
	c.say("You are %s in %s. What you type is said there; /name uses a command; .help tells the rest.", c.me.Username, c.channelName(c.channel))
	c.showPrompt()
	c.run(ctx)
	return nil
}

func (c *chat) run(ctx context.Context) {
	ticker := time.NewTicker(logEvery)
	defer ticker.Stop()
	lines := c.Lines
	for !c.ended || c.waiting != nil {
		typed := lines
		if c.waiting != nil {
			typed = nil
		}
		select {
		case <-ctx.Done():
			c.readLog()
			return
		case <-c.Sim.Done():
			return
		case change, open := <-c.watch.Changes():
			if !open {
				return
			}
			c.change(change)
		case line, open := <-typed:
			if !open {
				c.ended, lines = true, nil
				c.waiting = &wait{until: time.Now().Add(answerWait), over: func() bool { return len(c.pending) == 0 }}
				break
			}
			c.line(line)
			c.showWaiting()
		case <-ticker.C:
			c.readLog()
		}
		c.checkPending()
		c.checkWait()
	}
	c.showWaiting()
	c.readLog()
}

// showWaiting shows the changes that wait by now.
func (c *chat) showWaiting() {
	for {
		select {
		case change, open := <-c.watch.Changes():
			if !open {
				return
			}
			c.change(change)
		default:
			return
		}
	}
}

// readLog prints what else is to be told.
func (c *chat) readLog() {
	if c.Log == nil {
		return
	}
	var log bytes.Buffer
	c.Log(&log)
	if log.Len() > 0 {
		c.print("* " + strings.ReplaceAll(strings.TrimRight(log.String(), "\n"), "\n", "\n* "))
	}
}

// checkWait lets the next line be read when what is waited for has come about.
func (c *chat) checkWait() {
	w := c.waiting
	switch {
	case w == nil:
	case w.over():
		c.waiting = nil
	case !time.Now().Before(w.until):
		c.waiting = nil
		if w.what != "" {
			c.wrong(fmt.Errorf("%s", w.what))
		}
	}
}

// checkPending tells what came of interactions that shows nowhere else.
func (c *chat) checkPending() {
	var open []pending
	for _, p := range c.pending {
		r, known := c.Sim.Response(p.id)
		switch {
		case known && (r.State == discordsim.StateWaiting || r.State == discordsim.StateThinking):
			open = append(open, p)
			continue
		case !known || r.State == discordsim.StateFailed:
			c.wrong(fmt.Errorf("%s has not answered %s", c.App.Name, p.what))
		case len(r.Modal) > 0:
			c.showModal(p.id, r.Modal)
		case r.Kind == kindAutocomplete:
			c.showChoices(r.Choices)
		case r.Message != 0:
			c.showMessage(r.Message) // before what waits for it goes on
		}
		c.answered = true
	}
	c.pending = open
}

// kindAutocomplete is Discord's number of that kind of interaction.
const kindAutocomplete = 4

// asked remembers an interaction until it is answered.
func (c *chat) asked(id discordsim.ID, err error, what string) error {
	if err == nil {
		c.answered = false
		c.pending = append(c.pending, pending{id, what})
	}
	return err
}

// line does what was typed.
func (c *chat) line(line string) {
	line = strings.TrimRight(line, "\r\n")
	var err error
	switch {
	case strings.TrimSpace(line) == "":
		return
	case strings.HasPrefix(line, "//"), strings.HasPrefix(line, ".."):
		err = c.speak(line[1:])
	case strings.HasPrefix(line, "/"):
		err = c.use(line[1:])
	case strings.HasPrefix(line, "."):
		err = c.command(line[1:])
	default:
		err = c.speak(line)
	}
	if err != nil {
		c.wrong(err)
	}
}

// speak says something.
func (c *chat) speak(content string) error {
	m := c.Sim.Say(c.channel, c.me.ID, content)
	if m.ID == 0 {
		return fmt.Errorf("the channel is gone; .channel chooses another")
	}
	c.own[place{c.channel, c.me.ID}] = m.ID
	c.answered = false
	return nil
}

// print prints lines that belong together. Only what is safe to print comes here.
func (c *chat) print(lines string) { _, _ = io.WriteString(c.Out, lines+"\n") }

// say prints a line of the chat itself.
func (c *chat) say(format string, args ...any) { c.print(text.OneLine(fmt.Sprintf(format, args...))) }

// wrong prints why something could not be.
func (c *chat) wrong(err error) { c.say("! %v", err) }

func (c *chat) showPrompt() {
	if c.Prompt != nil {
		c.Prompt(text.OneLine(c.me.Username+" in "+c.channelName(c.channel)+">") + " ")
	}
}
