package discordsim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Use is one use of an application command by a person.
type Use struct {
	App     *App
	Channel ID
	User    ID
	// Command names the command, with its group and sub-command if it has them: "ping",
	// "config set", "config channel set". The name of a context-menu command may hold spaces.
	Command string
	// Options are the values by the names of the options. Each becomes what the registered
	// command declares: a string, a number or a bool, or the text of one; an [ID], a mention, or
	// the name of a user, channel or role; a [File]. A choice may be given by its name. Nil and
	// "" are no value.
	Options map[string]any
	// Target is the user or message that a context-menu command is used on; 0 is a slash command.
	Target ID
}

// Use lets a person use an application command, as Discord's client does, and gives the
// interaction's id. The command must be registered and the person must be able to use it
// there; otherwise nothing is sent, and the error says why in a sentence. The use must be
// answered exactly once within three seconds, and the verdict counts whether it was.
func (s *Sim) Use(u Use) (ID, error) {
	site := s.publicURL()
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.startUse(u, site)
	if err != nil {
		return 0, err
	}
	options, err := w.fill(u.Options, "")
	if err != nil {
		return 0, err
	}
	return w.send(interactionCommand, options), nil
}

// Complete asks for the autocomplete of one option, as Discord's client does while a person
// types it: the value of the focused option is what has been typed so far. It gives the
// interaction's id; what the bot suggests is in [Sim.Response]. Required options may be
// missing. It must be answered within three seconds.
func (s *Sim) Complete(u Use, focused string) (ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.startUse(u, "")
	if err != nil {
		return 0, err
	}
	if focused == "" {
		return 0, errors.New("no option is focused: name the one that is typed")
	}
	options, err := w.fill(u.Options, focused)
	if err != nil {
		return 0, err
	}
	w.focused = w.def.option(focused).Type
	return w.send(interactionAutocomplete, options), nil
}

// commandUse is one use of a command on its way.
type commandUse struct {
	app     *App
	channel *Channel
	user    User
	command *Command
	def     commandOption // the command as it is declared
	path    []string      // names of the group and the sub-command
	target  ID
	focused int
	found   *resolved
}

// startUse finds the command and checks that the person may use it there.
func (s *Sim) startUse(u Use, site string) (*commandUse, error) {
	if u.App == nil {
		return nil, errors.New("no app is given: say whose command is used")
	}
	ch, who, err := s.personIn(u.Channel, u.User)
	if err != nil {
		return nil, err
	}
	if !s.reaches(u.App, ch) {
		return nil, fmt.Errorf("%s is not here: it is in another guild or another direct message", u.App.Name)
	}
	w := &commandUse{app: u.App, channel: ch, user: who, target: u.Target, found: s.newResolved(u.App, ch, who, site)}
	if err := w.find(u.Command); err != nil {
		return nil, err
	}
	if err := s.mayUse(w.command, ch, who); err != nil {
		return nil, err
	}
	return w, w.aim()
}

// find finds the command and the sub-command by their names.
func (w *commandUse) find(name string) error {
	name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "/"))
	words := strings.Fields(name)
	if len(words) == 0 {
		return errors.New("no command is named")
	}
	kinds := []int{commandChat, commandEntry}
	if w.target != 0 {
		kinds, words = []int{commandUser, commandMenu}, []string{name}
		if w.found.sim.messages[w.target] != nil {
			kinds = []int{commandMenu}
		} else if _, known := w.found.sim.users[w.target]; known {
			kinds = []int{commandUser}
		}
	}
	var there []string
	for _, c := range w.app.commandsIn(w.channel) {
		if !slices.Contains(kinds, c.Type) {
			continue
		}
		there = append(there, c.Name)
		if c.Name == words[0] && w.command == nil {
			w.command = c
		}
	}
	if w.command == nil {
		what := "slash command"
		if w.target != 0 {
			what = "context-menu command"
		}
		return fmt.Errorf("%s has no %s %q here; registered are: %s", w.app.Name, what, words[0], listOf(there))
	}
	w.def = readDefinition(w.command)
	if w.command.Type == commandEntry && w.def.Handler != handlerApp {
		return fmt.Errorf("/%s opens the activity of %s and makes no interaction", w.command.Name, w.app.Name)
	}
	return w.descend(words[1:])
}

// commandsIn lists the commands that can be there in a channel: those of the guild, which come
// first, and the global ones.
func (app *App) commandsIn(ch *Channel) []*Command {
	var own, global []*Command
	for _, c := range app.Commands {
		switch {
		case c.Guild == 0:
			global = append(global, c)
		case ch.Guild != nil && c.Guild == ch.Guild.ID:
			own = append(own, c)
		}
	}
	return append(own, global...)
}

// descend goes down to the sub-command.
func (w *commandUse) descend(words []string) error {
	for {
		var inner []string
		for _, o := range w.def.Options {
			if o.Type == optionSubcommand || o.Type == optionGroup {
				inner = append(inner, o.Name)
			}
		}
		full := strings.Join(append([]string{w.command.Name}, w.path...), " ")
		switch {
		case len(inner) == 0 && len(words) == 0:
			return nil
		case len(inner) == 0:
			return fmt.Errorf("/%s has no sub-command %q", full, words[0])
		case len(words) == 0:
			return fmt.Errorf("/%s is not used itself; it has the sub-commands: %s", full, listOf(inner))
		}
		next := w.def.option(words[0])
		if next == nil || !slices.Contains(inner, words[0]) {
			return fmt.Errorf("/%s has no sub-command %q; it has: %s", full, words[0], listOf(inner))
		}
		w.def, w.path, words = *next, append(w.path, words[0]), words[1:]
	}
}

// aim resolves the target of a context-menu command.
func (w *commandUse) aim() error {
	s := w.found.sim
	switch w.command.Type {
	case commandUser:
		if _, err := w.found.user(w.target); err != nil {
			return err
		}
	case commandMenu:
		m := s.messages[w.target]
		switch {
		case m == nil || m.Deleted:
			return fmt.Errorf("there is no message %d", w.target)
		case m.Channel != w.channel:
			return fmt.Errorf("the message %d is not in this channel", w.target)
		case m.ShownTo != 0 && m.ShownTo != w.user.ID:
			return fmt.Errorf("%s does not see the message %d: it is ephemeral, for %s only", w.user.Username, w.target, s.user(m.ShownTo).Username)
		}
		w.found.message(m)
	}
	return nil
}

// send sends the interaction.
func (w *commandUse) send(kind int, options []any) ID {
	s := w.found.sim
	a := s.rest.openInteraction(w.app, w.channel, w.user, kind)
	a.command = strings.Join(append([]string{w.command.Name}, w.path...), " ")
	data := map[string]any{"id": w.command.ID, "name": w.command.Name, "type": w.command.Type}
	for i := len(w.path) - 1; i >= 0; i-- {
		wrapped := map[string]any{"name": w.path[i], "type": optionSubcommand, "options": append([]any{}, options...)}
		if len(w.path) == 2 && i == 0 {
			wrapped["type"] = optionGroup
		}
		options = []any{wrapped}
	}
	if len(options) > 0 {
		data["options"] = options
	}
	if w.command.Guild != 0 {
		data["guild_id"] = w.command.Guild
	}
	if w.target != 0 {
		data["target_id"] = w.target
		a.target = w.target
	}
	if found := w.found.render(); found != nil {
		data["resolved"] = found
	}
	a.commandType, a.focused = w.command.Type, w.focused
	text := "/" + a.command
	if kind == interactionAutocomplete {
		text = "autocomplete of " + text
	}
	s.ask(a, text, data)
	return a.id
}
