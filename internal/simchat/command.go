package simchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// command is one of the lines that begin with a dot. rest is what follows the name.
type command struct {
	name, usage, says string
	do                func(c *chat, rest string) error
}

// commands are the lines that begin with a dot, in the order of .help.
var commands []command

func init() { // not at once: .help lists them
	commands = []command{
		{"press", "2 [VALUE ...]", "press the button, or choose in the menu, with this number", func(c *chat, rest string) error { return c.press(plain(rest)) }},
		{"submit", "FIELD:TEXT ...", "fill in the modal that is open", (*chat).submit},
		{"complete", "NAME OPTION:TEXT", "ask what the bot proposes for the last option", (*chat).complete},
		{"menu", "last|NAME COMMAND", "use a command of the context menu on the bot's last message, or on a person", (*chat).menu},
		{"react", "EMOJI", "put an emoji under the bot's last message here", (*chat).react},
		{"vote", "2", "vote in the poll of the bot's last message here", (*chat).vote},
		{"edit", "TEXT", "change your last message here", (*chat).edit},
		{"delete", "", "delete your last message here", (*chat).delete},
		{"as", "NAME", "be somebody else", (*chat).as},
		{"channel", "NAME", "go to another channel; dm is the bot alone", (*chat).goTo},
		{"people", "", "tell who there is", (*chat).people},
		{"channels", "", "tell which channels there are", (*chat).channels},
		{"commands", "", "tell which commands can be used here", (*chat).list},
		{"fault", "NAME [30s] [code=4000 ...]", "let something go wrong; without a name tell what can", (*chat).fault},
		{"lift", "", "end all faults", func(c *chat, _ string) error { c.Sim.LiftAll(); return nil }},
		{"verdict", "", "tell how the bot fares", (*chat).verdict},
		{"wait", "[5s|online]", "read the next line once the bot has answered, after a time, or once it is online", (*chat).wait},
		{"help", "", "tell this", (*chat).help},
		{"quit", "", "end; Ctrl+C or Ctrl+D do too", func(c *chat, _ string) error { c.ended = true; return nil }},
	}
}

// command does a line that begins with a dot.
func (c *chat) command(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	var names []string
	for _, one := range commands {
		if one.name == name {
			return one.do(c, strings.TrimSpace(rest))
		}
		names = append(names, one.name)
	}
	said := fmt.Sprintf("there is no .%s; .help lists what there is, and two dots say a line that begins with one", name)
	if near := text.Nearest(name, names, 2); near != "" {
		said = fmt.Sprintf("there is no .%s; did you mean .%s?", name, near)
	}
	return errors.New(said)
}

func (c *chat) help(string) error {
	lines := []string{
		"text                            say it",
		"/name option:value ...          use a slash command; sub-commands stand behind the name",
	}
	for _, one := range commands {
		lines = append(lines, fmt.Sprintf("%-31s %s", strings.TrimSpace("."+one.name+" "+one.usage), one.says))
	}
	c.print(strings.Join(lines, "\n"))
	return nil
}

// usable is a registered command.
type usable struct {
	Name        string
	Type        int
	Description string
	Options     []usable
}

// optionNames lists the names of all options at any depth.
func (u *usable) optionNames() (names []string) {
	for i := range u.Options {
		names = append(names, u.Options[i].Name)
		names = append(names, u.Options[i].optionNames()...)
	}
	return names
}

// usables lists the commands that can be used in the channel.
func (c *chat) usables() (all []usable) {
	raw, _ := c.Sim.CommandObjects(c.App, c.channel)
	for _, one := range raw {
		var u usable
		if json.Unmarshal(one, &u) == nil {
			all = append(all, u)
		}
	}
	return all
}

// parseUse reads name option:value ... as a use of a command, and the option that comes last.
func (c *chat) parseUse(line string) (u discordsim.Use, last string) {
	name, _, _ := strings.Cut(line, " ")
	var options []string
	for _, one := range c.usables() {
		if one.Name == name {
			options = append(options, one.optionNames()...)
		}
	}
	bare, values := parseOptions(line, options)
	for _, w := range words(line) {
		if option, _, is := strings.Cut(w.text, ":"); is && !w.quoted && slices.Contains(options, option) {
			last = option
		}
	}
	return discordsim.Use{App: c.App, Channel: c.channel, User: c.me.ID, Command: bare, Options: values}, last
}

func (c *chat) use(line string) error {
	u, _ := c.parseUse(line)
	id, err := c.Sim.Use(u)
	return c.asked(id, err, "/"+u.Command)
}

func (c *chat) complete(rest string) error {
	u, last := c.parseUse(strings.TrimPrefix(rest, "/"))
	if last == "" {
		return errors.New("which option? Such as .complete order kind:gr")
	}
	if _, given := u.Options[last]; !given {
		u.Options[last] = ""
	}
	id, err := c.Sim.Complete(u, last)
	return c.asked(id, err, "the autocomplete of "+last)
}

func (c *chat) menu(rest string) error {
	target, name, _ := strings.Cut(rest, " ")
	if name == "" {
		return errors.New("which command, and on what? Such as .menu last Quote, or .menu person-2 Greet")
	}
	u := discordsim.Use{App: c.App, Channel: c.channel, User: c.me.ID, Command: strings.TrimSpace(name), Target: c.last[c.channel]}
	if target != "last" {
		who, err := c.person(target)
		if err != nil {
			return err
		}
		u.Target = who.ID
	} else if u.Target == 0 {
		return c.noMessage()
	}
	id, err := c.Sim.Use(u)
	return c.asked(id, err, "the command "+u.Command)
}

func (c *chat) noMessage() error {
	return fmt.Errorf("%s has said nothing in %s", c.App.Name, c.channelName(c.channel))
}

func (c *chat) react(rest string) error {
	switch {
	case rest == "":
		return errors.New("with which emoji? Such as .react 👍")
	case c.last[c.channel] == 0:
		return c.noMessage()
	}
	c.Sim.React(c.last[c.channel], c.me.ID, rest)
	return nil
}

func (c *chat) vote(rest string) error {
	n, err := strconv.Atoi(rest)
	if err != nil || !c.Sim.Vote(c.last[c.channel], c.me.ID, n) {
		return fmt.Errorf("there is no poll with an answer %q in the bot's last message here, or you have voted for it", rest)
	}
	return nil
}

func (c *chat) edit(rest string) error {
	id := c.own[place{c.channel, c.me.ID}]
	if id == 0 || rest == "" {
		return errors.New("say something first, then .edit what it should be")
	}
	c.Sim.Edit(id, rest)
	return nil
}

func (c *chat) delete(string) error {
	at := place{c.channel, c.me.ID}
	if c.own[at] == 0 {
		return errors.New("you have said nothing here")
	}
	c.Sim.Delete(c.own[at])
	delete(c.own, at)
	return nil
}

// person finds a person by name.
func (c *chat) person(name string) (discordsim.User, error) {
	var names []string
	for _, u := range c.Sim.Users() {
		if strings.EqualFold(u.Username, name) {
			return u, nil
		}
		names = append(names, u.Username)
	}
	if near := text.Nearest(name, names, 3); near != "" {
		return discordsim.User{}, fmt.Errorf("there is nobody %q; did you mean %s?", name, near)
	}
	return discordsim.User{}, fmt.Errorf("there is nobody %q; .people tells who there is", name)
}

func (c *chat) as(rest string) error {
	u, err := c.person(strings.TrimPrefix(rest, "@"))
	if err != nil {
		return err
	}
	if ch, _ := c.Sim.Channel(c.channel); ch.Guild == 0 {
		c.channel = c.Sim.DMChannel(c.App, u.ID)
	}
	c.me = u
	c.here()
	return nil
}

// here says who says where.
func (c *chat) here() {
	c.say("You are %s in %s.", c.me.Username, c.channelName(c.channel))
	c.showPrompt()
}

// textChannels lists the channels in which something can be said, with the names they go by.
func (c *chat) textChannels() (ids []discordsim.ID, names []string) {
	for _, id := range c.Sim.Channels(c.App) {
		if ch, _ := c.Sim.Channel(id); ch.Type != 2 && ch.Type != 4 {
			ids, names = append(ids, id), append(names, c.channelName(id))
		}
	}
	return ids, names
}

func (c *chat) goTo(rest string) error {
	if rest == "dm" {
		c.channel = c.Sim.DMChannel(c.App, c.me.ID)
		c.here()
		return nil
	}
	bare := func(name string) string { return strings.ToLower(strings.ReplaceAll(name, "#", "")) }
	ids, names := c.textChannels()
	for i, name := range names {
		_, room, _ := strings.Cut(bare(name), "/")
		if bare(name) == bare(rest) || room == bare(rest) {
			c.channel = ids[i]
			c.here()
			return nil
		}
	}
	return fmt.Errorf("there is no channel %q; .channels tells which there are", rest)
}

func (c *chat) people(string) error {
	var names []string
	for _, u := range c.Sim.Users() {
		names = append(names, u.Username)
	}
	c.say("%s", strings.Join(names, ", "))
	return nil
}

func (c *chat) channels(string) error {
	_, names := c.textChannels()
	c.say("%s", strings.Join(append(names, "dm"), ", "))
	return nil
}

// The types of commands of the context menu.
const (
	commandOnUser    = 2
	commandOnMessage = 3
)

func (c *chat) list(string) error {
	all := c.usables()
	if len(all) == 0 {
		c.say("%s has registered no command that can be used here.", c.App.Name)
	}
	for _, u := range all {
		switch u.Type {
		case commandOnUser:
			c.say(".menu NAME %s", u.Name)
		case commandOnMessage:
			c.say(".menu last %s", u.Name)
		default:
			var options []string
			for _, o := range u.Options {
				options = append(options, o.Name)
			}
			c.say("/%s %s  %s", u.Name, strings.Join(options, " "), u.Description)
		}
	}
	return nil
}

func (c *chat) verdict(string) error {
	v := c.Sim.Verdict(c.App)
	c.say("%d asked, %d answered, %d lost, %d twice, %d open; online for %s, offline for %s; %s broken",
		v.Asked, v.Answered, v.Lost, v.Twice, v.Waiting, text.Duration(v.Online), text.Duration(v.Offline), text.Count(len(v.Broken()), "rule"))
	return nil
}

func (c *chat) wait(rest string) error {
	if rest == "online" {
		c.waiting = &wait{until: time.Now().Add(onlineWait), over: func() bool { return c.Sim.Attached(c.App) }, what: "the bot does not come online"}
		return nil
	}
	if rest == "" {
		c.waiting = &wait{until: time.Now().Add(answerWait), over: func() bool { return c.answered && len(c.pending) == 0 }, what: "the bot has said nothing for " + text.Duration(answerWait)}
		return nil
	}
	d, err := text.ParseDuration(rest)
	if err == nil {
		c.waiting = &wait{until: time.Now().Add(d), over: func() bool { return false }}
	}
	return err
}
