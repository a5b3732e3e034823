package main

import (
	"io"
	"strings"
	"testing"
)

// Given --chat with lines from a pipe, when a bot is pointed at it, then it is told what is
// typed, its answers are shown between the lines of the log and never within one, and the end
// of the input ends it with what the bot did.
func TestSimChat(t *testing.T) {
	t.Parallel()
	stdin, typing := io.Pipe()
	sim := startTyping(t, stdin, nil, "sim", "--chat", "--addr", "127.0.0.1:0", "--control-addr", "127.0.0.1:0", "--guilds", "1", "--users", "2", "--seed", "1")
	api, token := sim.stdout.await(t, "DISCORD_API_URL="), sim.stdout.await(t, "DISCORD_TOKEN=")
	bot := startCommand(t, []string{"DISCORD_API_URL=" + api, "DISCORD_TOKEN=" + token}, "run", "--log-file=none")
	sim.stdout.await(t, "connection 1 READY")
	go func() {
		_, _ = io.WriteString(typing, "!ping\n.wait\n/about\n.wait\n.as person-2\n.channel dm\n!ping\n.wait\n.fault close code=4000\n.wait 1s\n")
		_ = typing.Close()
	}()
	if code := sim.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"people who say nothing", "#general person-1: !ping\n", "#general SimBot (to person-1): Pong!", "#general SimBot (to person-1): I am ResearchBot.", "You are person-2 in dm:person-2.\n",
		"dm:person-2 person-2: !ping\n", "dm:person-2 SimBot (to person-2): Pong!", "fault close: ", "1 asked, 1 answered exactly once",
	} {
		if !strings.Contains(sim.stdout.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	_, chat, _ := strings.Cut(sim.stdout.String(), "You are person-1")
	chat, _, _ = strings.Cut(chat, "\n\ncommands ")
	for _, line := range strings.Split(chat, "\n")[1:] {
		if !strings.HasPrefix(line, "#general ") && !strings.HasPrefix(line, "dm:person-2 ") && !strings.HasPrefix(line, "* ") && !strings.HasPrefix(line, "You are ") {
			t.Errorf("a line is broken: %q", line)
		}
	}
	bot.stop(t)
}

// Given --chat with an input that never ends and says nothing, when it is stopped, or its
// time is over, then it ends all the same; an input with a line that is too long is told.
func TestSimChatEnds(t *testing.T) {
	t.Parallel()
	args := []string{"sim", "--chat", "--addr", "127.0.0.1:0", "--control-addr", "127.0.0.1:0"}
	stdin, typing := io.Pipe()
	defer typing.Close()
	sim := startTyping(t, stdin, nil, args...)
	sim.stdout.await(t, "You are person-1")
	if code := sim.stop(t); code != 0 {
		t.Errorf("stopped, it ends with exit code %d", code)
	}
	stdin, more := io.Pipe()
	defer more.Close()
	if code := startTyping(t, stdin, nil, append(args, "--for", "0.5")...).code(t); code != 1 {
		t.Errorf("when its time is over, and no bot was there, it ends with exit code %d", code)
	}
	long := startTyping(t, strings.NewReader(strings.Repeat("x", maxTyped+1)), nil, args...)
	if code := long.code(t); code != 1 || !strings.Contains(long.stderr.String(), "a line is longer than 1048576 bytes") {
		t.Errorf("exit code %d: %s", code, long.stderr)
	}
}
