package simapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// maxContent is how many characters a person can write in one message.
const maxContent = 2000

// The types of channels in which nobody writes.
var unwritable = map[int]string{4: "a category", 15: "a forum; its posts are threads", 16: "a media channel; its posts are threads"}

// threadTypes are the types of channels that are threads.
var threadTypes = []int{10, 11, 12}

// sayRequest is a message of a person.
type sayRequest struct {
	Channel reference     `json:"channel"`
	DM      bool          `json:"dm"`
	Bot     reference     `json:"bot"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Content string        `json:"content" need:"what the person says"`
	ReplyTo discordsim.ID `json:"reply_to"`
	Ping    bool          `json:"ping"`
	Expect  bool          `json:"expect"`
}

// say lets a person write a message.
func (h *Handler) say(_ *http.Request, in sayRequest) (any, error) {
	who, err := h.person(in.As)
	if err != nil {
		return nil, err
	}
	if err := checkContent(in.Content); err != nil {
		return nil, err
	}
	if in.DM == (in.Channel != "") {
		return nil, api.BadRequest(`Give either "channel", an id, or "dm": true, which is to the bot.`)
	}
	var target message
	if in.ReplyTo != 0 {
		if target, err = h.message(in.ReplyTo); err != nil {
			return nil, err
		}
	}
	var options []discordsim.SayOption
	if in.ReplyTo != 0 {
		options = append(options, discordsim.ReplyingTo(in.ReplyTo, in.Ping))
	}
	if in.Expect {
		options = append(options, discordsim.Expect())
	}
	elsewhere := func(there discordsim.ID) error {
		if in.ReplyTo == 0 || target.ChannelID == there {
			return nil
		}
		return api.BadRequest(fmt.Sprintf("The message %s is in another channel, %s; a reply is in the channel of what it answers.", in.ReplyTo, target.ChannelID))
	}
	if in.DM {
		app, err := h.bot(in.Bot)
		if err != nil {
			return nil, err
		}
		if target.channel.Recipient != who.ID && in.ReplyTo != 0 {
			return nil, elsewhere(0)
		}
		return h.messageNow(h.opts.Sim.DM(app, who.ID, in.Content, options...).ID)
	}
	ch, err := h.channel(in.Channel)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(h.mayWrite(ch, who), elsewhere(ch.ID)); err != nil {
		return nil, err
	}
	return h.messageNow(h.opts.Sim.Say(ch.ID, who.ID, in.Content, options...).ID)
}

// checkContent refuses what no message can have.
func checkContent(content string) error {
	n := utf8.RuneCountInString(content)
	switch {
	case strings.TrimSpace(content) == "":
		return api.BadRequest(`"content" is empty; a message of a person has a text.`)
	case n > maxContent:
		return api.BadRequest(fmt.Sprintf(`"content" has %d characters; a person can write %d.`, n, maxContent))
	}
	return nil
}

// mayWrite says why a person cannot write in a channel.
func (h *Handler) mayWrite(ch discordsim.ChannelView, who discordsim.User) error {
	if what := unwritable[ch.Type]; what != "" {
		return fmt.Errorf("#%s is %s", ch.Name, what)
	}
	needs := []string{"VIEW_CHANNEL", "SEND_MESSAGES"}
	if slices.Contains(threadTypes, ch.Type) {
		needs[1] = "SEND_MESSAGES_IN_THREADS"
	}
	return h.may(ch, who, "write", needs...)
}

// may says why a person cannot do something in a channel.
func (h *Handler) may(ch discordsim.ChannelView, who discordsim.User, what string, needs ...string) error {
	if ch.Guild == 0 {
		if ch.Recipient != who.ID {
			return fmt.Errorf("%s is not part of the direct messages %s", who.Username, ch.ID)
		}
		return nil
	}
	g, _ := h.opts.Sim.Guild(ch.Guild)
	if _, is := h.opts.Sim.GuildMember(ch.Guild, who.ID); !is {
		return fmt.Errorf("%s is no member of %s; POST /sim/members lets people join", who.Username, quote(g.Name))
	}
	if g.Unavailable {
		return fmt.Errorf("the guild %s is unavailable: an outage", quote(g.Name))
	}
	has := discordsim.PermissionNames(h.opts.Sim.PermissionsIn(ch.ID, who.ID))
	for _, need := range needs {
		if !slices.Contains(has, need) {
			return fmt.Errorf("%s may not %s in #%s: %s is missing", who.Username, what, ch.Name, need)
		}
	}
	return nil
}

// target finds the message and the person of a request.
func (h *Handler) target(id discordsim.ID, as reference) (message, discordsim.User, error) {
	who, err := h.person(as)
	if err != nil {
		return message{}, who, err
	}
	m, err := h.message(id)
	if err != nil {
		return m, who, err
	}
	return m, who, h.may(m.channel, who, "read", "VIEW_CHANNEL")
}

// editRequest is a change of a person's own message.
type editRequest struct {
	Message discordsim.ID `json:"message" need:"the id of a message of GET /sim/messages"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Content string        `json:"content" need:"what the message says from now on"`
}

// edit lets a person change an own message.
func (h *Handler) edit(_ *http.Request, in editRequest) (any, error) {
	m, who, err := h.target(in.Message, in.As)
	if err != nil {
		return nil, err
	}
	if m.Author.ID != who.ID {
		return nil, fmt.Errorf("this message is by %s, and only its author can edit it", m.Author.Username)
	}
	if err := checkContent(in.Content); err != nil {
		return nil, err
	}
	h.opts.Sim.Edit(in.Message, in.Content)
	return h.messageNow(in.Message)
}

// deleteRequest is the deletion of a message.
type deleteRequest struct {
	Message discordsim.ID `json:"message" need:"the id of a message of GET /sim/messages"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
}

// remove lets a person delete an own message, or as a moderator another one.
func (h *Handler) remove(_ *http.Request, in deleteRequest) (any, error) {
	m, who, err := h.target(in.Message, in.As)
	if err != nil {
		return nil, err
	}
	if m.Author.ID != who.ID {
		if m.channel.Guild == 0 {
			return nil, fmt.Errorf("this message is by %s, and in direct messages only its author can delete it", m.Author.Username)
		}
		if err := h.may(m.channel, who, "delete the message of "+m.Author.Username, "MANAGE_MESSAGES"); err != nil {
			return nil, err
		}
	}
	h.opts.Sim.Delete(in.Message)
	return nil, nil
}

// reactRequest is a reaction.
type reactRequest struct {
	Message discordsim.ID `json:"message" need:"the id of a message of GET /sim/messages"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Emoji   string        `json:"emoji" need:"an emoji, or name:id for one of a guild"`
	Remove  bool          `json:"remove"`
}

// react lets a person put an emoji under a message, or take it away.
func (h *Handler) react(_ *http.Request, in reactRequest) (any, error) {
	m, who, err := h.target(in.Message, in.As)
	if err != nil {
		return nil, err
	}
	if !discordsim.IsEmoji(in.Emoji) {
		return nil, api.BadRequest(fmt.Sprintf(`"emoji" has to be one emoji, or name:id for one of a guild, not %s.`, quote(in.Emoji)))
	}
	if in.Remove {
		h.opts.Sim.Unreact(in.Message, who.ID, in.Emoji)
		return h.messageNow(in.Message)
	}
	if err := h.may(m.channel, who, "react", "ADD_REACTIONS"); err != nil {
		return nil, err
	}
	h.opts.Sim.React(in.Message, who.ID, in.Emoji)
	return h.messageNow(in.Message)
}

// voteRequest is a vote in a poll.
type voteRequest struct {
	Message discordsim.ID `json:"message" need:"the id of a message with a poll"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Answer  int           `json:"answer" need:"the number of an answer, from 1"`
	Remove  bool          `json:"remove"`
}

// vote lets a person vote in a poll, or take the vote back.
func (h *Handler) vote(_ *http.Request, in voteRequest) (any, error) {
	m, who, err := h.target(in.Message, in.As)
	switch {
	case err != nil:
		return nil, err
	case m.Poll == nil:
		return nil, errors.New("this message has no poll")
	case in.Answer < 1 || in.Answer > len(m.Poll.Answers):
		return nil, api.BadRequest(fmt.Sprintf(`"answer" has to be a number from 1 to %d, which are the answers of this poll.`, len(m.Poll.Answers)))
	case m.Poll.Results.Over:
		return nil, errors.New("this poll is over")
	}
	if in.Remove {
		h.opts.Sim.Unvote(in.Message, who.ID, in.Answer)
	} else if !h.opts.Sim.Vote(in.Message, who.ID, in.Answer) {
		return nil, fmt.Errorf("%s has voted for that already, or the poll has just ended", who.Username)
	}
	return h.messageNow(in.Message)
}

// voiceRequest is where a person is in voice.
type voiceRequest struct {
	Guild   reference `json:"guild" need:"the id or name of a guild of GET /sim/world"`
	As      reference `json:"as" need:"the id or name of a person of GET /sim/world"`
	Channel reference `json:"channel"`
}

// voice lets a person join a voice channel, move to it, or leave.
func (h *Handler) voice(_ *http.Request, in voiceRequest) (any, error) {
	who, err := h.person(in.As)
	if err != nil {
		return nil, err
	}
	g, err := h.guild(in.Guild)
	if err != nil {
		return nil, err
	}
	if in.Channel == "" {
		h.opts.Sim.LeaveVoice(g.Guild, who.ID)
		return nil, nil
	}
	ch, err := h.channel(in.Channel)
	if err != nil {
		return nil, err
	}
	if ch.Guild != g.ID {
		return nil, api.BadRequest(fmt.Sprintf("The channel %s is not in the guild %s.", ch.ID, quote(g.Name)))
	}
	if err := h.may(ch, who, "join voice", "VIEW_CHANNEL", "CONNECT"); err != nil {
		return nil, err
	}
	if !h.opts.Sim.JoinVoice(ch.ID, who.ID) {
		return nil, fmt.Errorf("#%s is no voice channel", ch.Name)
	}
	return nil, nil
}
