package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"evergreen/discordsim"
)

func (p *player) say(d *deed) error {
	d.asked = p.sim.Say(d.channel, d.person, d.st.Say, d.st.expects()...).ID
	return nil
}

func (p *player) dm(d *deed) error {
	m := p.sim.DM(d.app, d.person, d.st.DM, d.st.expects()...)
	d.asked, d.channel = m.ID, m.Channel.ID
	return nil
}

// expects makes what is said a command, unless it is chatter.
func (st *Step) expects() []discordsim.SayOption {
	if st.Chatter {
		return nil
	}
	return []discordsim.SayOption{discordsim.Expect()}
}

func (p *player) interact(d *deed) error {
	d.asked, d.isInteraction = p.sim.Interact(d.app, d.channel, d.person, d.st.Interact), true
	return nil
}

func (p *player) use(d *deed) (err error) {
	u := discordsim.Use{App: d.app, Channel: d.channel, User: d.person, Command: d.st.Use, Options: d.st.Options}
	switch d.st.Target {
	case "":
	case onLast, onOwn:
		m, err := p.message(d, d.st.Target, nil)
		if err != nil {
			return err
		}
		u.Target = m.ID
	default:
		u.Target, _ = p.person(d.app, d.st.Target)
	}
	d.asked, err = p.sim.Use(u)
	d.isInteraction = true
	return err
}

func (p *player) complete(d *deed) (err error) {
	u := discordsim.Use{App: d.app, Channel: d.channel, User: d.person, Command: d.st.Complete, Options: d.st.Options}
	d.asked, err = p.sim.Complete(u, d.st.Focused)
	d.isInteraction = true
	return err
}

func (p *player) press(d *deed) error { return p.useComponent(d, d.st.Press, true) }

func (p *player) choose(d *deed) error { return p.useComponent(d, d.st.Choose, false, d.st.Values...) }

// useComponent presses a button or chooses in a menu.
func (p *player) useComponent(d *deed, name string, button bool, values ...string) error {
	var id string
	m, err := p.message(d, d.st.On, func(m *discordsim.Message) (err error) {
		id, err = findComponent(m, name, button)
		return err
	})
	if err != nil {
		return err
	}
	d.asked, err = p.sim.Press(m.ID, d.person, id, values...)
	d.isInteraction = true
	return err
}

func (p *player) submit(d *deed) (err error) {
	for _, before := range slices.Backward(p.asked[d.app]) {
		if r, known := p.sim.Response(before.asked); known && before.person == d.person && len(r.Modal) > 0 {
			d.channel = before.channel
			d.asked, err = p.sim.Submit(before.asked, d.person, d.st.Submit)
			d.isInteraction = true
			return err
		}
	}
	return errors.New("the bot has shown this person no modal")
}

func (p *player) edit(d *deed) error {
	m, err := p.message(d, onOwn, nil)
	if err == nil {
		p.sim.Edit(m.ID, d.st.Edit)
	}
	return err
}

func (p *player) remove(d *deed) error {
	m, err := p.message(d, d.st.Delete, nil)
	if err == nil {
		p.sim.Delete(m.ID)
	}
	return err
}

func (p *player) react(d *deed) error {
	m, err := p.message(d, d.st.On, nil)
	if err == nil {
		p.sim.React(m.ID, d.person, d.st.React)
	}
	return err
}

func (p *player) unreact(d *deed) error {
	m, err := p.message(d, d.st.On, nil)
	if err == nil {
		p.sim.Unreact(m.ID, d.person, d.st.Unreact)
	}
	return err
}

func (p *player) vote(d *deed) error {
	answer := numberOf(d.st.Vote, "")
	_, err := p.message(d, onLast, func(m *discordsim.Message) error {
		if !p.sim.Vote(m.ID, d.person, answer) {
			return fmt.Errorf("no poll that is open and has an answer %d that this person has not voted for", answer)
		}
		return nil
	})
	return err
}

func (p *player) unvote(d *deed) error {
	m, err := p.message(d, onLast, nil)
	if err == nil {
		p.sim.Unvote(m.ID, d.person, numberOf(d.st.Unvote, ""))
	}
	return err
}

func (p *player) typing(d *deed) error {
	p.sim.Type(d.channel, d.person)
	return nil
}

func (p *player) join(d *deed) error {
	g, err := p.guild(d)
	if err != nil {
		return err
	}
	u := p.newcomer(d.app, d.st.Join)
	p.sim.AddMembers(g, u)
	d.person = u.ID
	return nil
}

// newcomer is a person who is new, or was here before.
func (p *player) newcomer(app *discordsim.App, name string) discordsim.User {
	if id, known := p.person(app, name); known {
		if !slices.Contains(p.turn[app], id) && slices.Contains(p.people[app], id) {
			p.turn[app] = append(slices.Clone(p.turn[app]), id)
		}
		return discordsim.User{ID: id, Username: name}
	}
	u := p.sim.AddUser(name)
	p.came[app][name] = u
	return u
}

func (p *player) leave(d *deed) error {
	g, err := p.guild(d)
	if err != nil {
		return err
	}
	id, known := p.person(d.app, d.st.Leave)
	if !known {
		return fmt.Errorf("%s has not joined yet", d.st.Leave)
	}
	p.sim.RemoveMembers(g, id)
	p.turn[d.app] = slices.DeleteFunc(slices.Clone(p.turn[d.app]), func(other discordsim.ID) bool { return other == id })
	return nil
}

// inviteCode finds the code in an invite.
var inviteCode = regexp.MustCompile(`discord(?:\.gg|(?:app)?\.com/invite)/([A-Za-z0-9_-]+)`)

func (p *player) invite(d *deed) error {
	m, err := p.message(d, onLast, func(m *discordsim.Message) error {
		if !inviteCode.MatchString(m.Content) {
			return errors.New("no invite")
		}
		return nil
	})
	if err != nil {
		return err
	}
	u := p.newcomer(d.app, d.st.Invite)
	if !p.sim.UseInvite(inviteCode.FindStringSubmatch(m.Content)[1], u.ID) {
		return errors.New("the invite is not good any more")
	}
	d.person = u.ID
	return nil
}

func (p *player) joinVoice(d *deed) error {
	id, known := p.channel(d.app, d.st.JoinVoice)
	if !known || !p.sim.JoinVoice(id, d.person) {
		return fmt.Errorf("there is no voice channel %q", d.st.JoinVoice)
	}
	return nil
}

func (p *player) leaveVoice(d *deed) error {
	for _, g := range d.app.Guilds {
		p.sim.LeaveVoice(g, d.person)
	}
	return nil
}

func (p *player) thread(d *deed) error {
	var of discordsim.ID
	if d.st.On != "" {
		m, err := p.message(d, d.st.On, nil)
		if err != nil {
			return err
		}
		of = m.ID
	}
	ch := p.sim.CreateThread(d.channel, d.person, d.st.Thread, of)
	if ch == nil {
		return errors.New("there can be no thread here")
	}
	p.places[d.app][d.st.Thread] = ch.ID
	d.channel = ch.ID
	return nil
}

// message is the newest message in the channel that fits: the bot's, or with own the
// person's. fits says what a message lacks; nil: nothing can be lacking.
func (p *player) message(d *deed, on string, fits func(*discordsim.Message) error) (*discordsim.Message, error) {
	author, whose := d.app.Bot.ID, "the bot's"
	if on == onOwn {
		author, whose = d.person, "the person's"
	}
	var lacking error
	for _, m := range slices.Backward(p.sim.Messages(d.channel)) {
		if m.Author.ID != author || m.ShownTo != 0 && m.ShownTo != d.person {
			continue
		}
		var lacks error
		if fits != nil {
			lacks = fits(&m)
		}
		if lacks == nil {
			return &m, nil
		}
		if lacking == nil {
			lacking = lacks
		}
	}
	if lacking != nil {
		return nil, fmt.Errorf("%s last message there has %w", whose, lacking)
	}
	return nil, fmt.Errorf("there is no message of %s there", strings.TrimSuffix(whose, "'s"))
}
