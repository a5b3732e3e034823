package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// names is who and what the steps of a scenario can name.
type names struct {
	guilds, people, channels, voice int
	// come are the people who join, threads what people start.
	come, threads []string
}

// names lists what the steps of the scenario can name.
func (sc *Scenario) names() *names {
	w := sc.World
	n := &names{guilds: orCount(w.Guilds, 1), people: orCount(w.People, 6), channels: orCount(w.Channels, 2), voice: w.Voice}
	for i := range sc.Steps {
		st := &sc.Steps[i]
		for _, name := range []string{st.Join, st.Invite} {
			if name != "" && !slices.Contains(n.come, name) {
				n.come = append(n.come, name)
			}
		}
		if st.Thread != "" {
			n.threads = append(n.threads, st.Thread)
		}
	}
	return n
}

// The names that [Scenario.Populate] gives, before their numbers.
const (
	guildPrefix  = "guild-"
	personPrefix = "person-"
	roomPrefix   = "room-"
	voicePrefix  = "voice-"
	dmPlace      = "dm"
)

// numberOf is the number in a name such as person-2, or in a plain 2; 0 where there is
// none.
func numberOf(name, prefix string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

func within(n, most int) bool { return n >= 1 && n <= most }

func (n *names) hasPerson(name string) bool {
	return within(numberOf(name, personPrefix), n.people) || slices.Contains(n.come, name)
}

func (n *names) hasGuild(name string) bool { return within(numberOf(name, guildPrefix), n.guilds) }

// hasChannel knows room-1, guild-2/room-1 and, for text channels, a number among all of
// them.
func (n *names) hasChannel(name, prefix string, each int) bool {
	guild, room, with := strings.Cut(name, "/")
	if with {
		return n.hasGuild(guild) && strings.HasPrefix(room, prefix) && within(numberOf(room, prefix), each)
	}
	if strings.HasPrefix(name, prefix) {
		return within(numberOf(name, prefix), each)
	}
	return prefix == roomPrefix && within(numberOf(name, ""), each*n.guilds)
}

func (n *names) hasPlace(name string) bool {
	return name == dmPlace || slices.Contains(n.threads, name) || n.hasChannel(name, roomPrefix, n.channels)
}

// described says which people, channels and so on there are.
func (n *names) described(prefix string) string {
	span := func(prefix string, many int) string {
		if many == 1 {
			return prefix + "1"
		}
		return fmt.Sprintf("%s1 to %s%d", prefix, prefix, many)
	}
	others := func(what string, names []string) string {
		if len(names) == 0 {
			return ""
		}
		return ", " + what + strings.Join(names, ", ")
	}
	switch prefix {
	case personPrefix:
		return span(prefix, n.people) + others("and who joins: ", n.come)
	case guildPrefix:
		return span(prefix, n.guilds)
	case voicePrefix:
		if n.voice == 0 {
			return "none; world has voice_channels for them"
		}
		return span(prefix, n.voice) + n.perGuild(prefix)
	}
	return span(prefix, n.channels) + n.perGuild(prefix) + ", " + dmPlace + others("and the threads: ", n.threads)
}

func (n *names) perGuild(prefix string) string {
	if n.guilds == 1 {
		return ""
	}
	return fmt.Sprintf(" of the first guild, and guild-2/%s1 and so on", prefix)
}

// mistakes is what a step names and is not there.
func (n *names) mistakes(st *Step) (all []fieldMistake) {
	say := func(key, format string, args ...any) {
		all = append(all, fieldMistake{key, fmt.Sprintf(format, args...)})
	}
	person := func(key, name string) {
		if name != "" && !n.hasPerson(name) {
			say(key, "%s: there is nobody %q; there are %s", key, name, n.described(personPrefix))
		}
	}
	person("as", st.As)
	person("leave", st.Leave)
	if st.Target != "" && st.Target != onLast && st.Target != onOwn {
		person("target", st.Target)
	}
	switch {
	case st.In == "":
	case st.Join != "" || st.Leave != "":
		if !n.hasGuild(st.In) {
			say("in", "in: there is no guild %q; there are %s", st.In, n.described(guildPrefix))
		}
	case !n.hasPlace(st.In):
		say("in", "in: there is no channel %q; there are %s", st.In, n.described(roomPrefix))
	}
	if st.JoinVoice != "" && !n.hasChannel(st.JoinVoice, voicePrefix, n.voice) {
		say("join_voice", "join_voice: there is no voice channel %q; there are %s", st.JoinVoice, n.described(voicePrefix))
	}
	for _, came := range []struct{ key, name string }{{"join", st.Join}, {"invite", st.Invite}} {
		if came.name != "" && numberOf(came.name, personPrefix) > 0 && !within(numberOf(came.name, personPrefix), n.people) {
			say(came.key, "%s: %q looks like one of the people there are; give a new person a name of their own", came.key, came.name)
		}
	}
	return all
}
