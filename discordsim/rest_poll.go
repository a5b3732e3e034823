package discordsim

import (
	"slices"
	"strconv"
	"time"
)

const (
	maxPollHours   = 32 * 24
	maxPollAnswers = 10
	typePollResult = 46
)

// poll is the poll of a message.
type poll struct {
	question    string
	answers     []pollAnswer
	multiselect bool
	expiry      time.Time
	finalized   bool
	timer       *simTimer
}

// pollAnswer is one answer and who gave it.
type pollAnswer struct {
	media map[string]any
	users []ID
}

// readPoll reads the poll of a message create; nil where there is none.
func readPoll(f *form, now time.Time) *poll {
	if !f.has("poll") {
		return nil
	}
	in := f.sub("poll")
	p := &poll{question: in.sub("question").between("text", 1, 300), multiselect: in.truth("allow_multiselect"), expiry: now.Add(24 * time.Hour)}
	if in.has("duration") {
		p.expiry = now.Add(time.Duration(in.numberIn("duration", 1, maxPollHours)) * time.Hour)
	}
	in.choice("layout_type", 1)
	for _, one := range in.each("answers", maxPollAnswers) {
		from := one.sub("poll_media")
		media := map[string]any{"text": from.between("text", 1, 55)}
		if emoji := from.sub("emoji"); from.has("emoji") {
			media["emoji"] = map[string]any{"id": nil, "name": orNull(emoji.text("name", 64))}
			if id := emoji.id("id"); id != 0 {
				media["emoji"] = map[string]any{"id": id, "name": orNull(emoji.text("name", 64))}
			}
		}
		p.answers = append(p.answers, pollAnswer{media: media})
	}
	if len(p.answers) == 0 {
		in.refuse("answers", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and %d in length.", maxPollAnswers)
	}
	return p
}

// render is the poll with its results as a bot, which cannot vote, sees them.
func (p *poll) render() map[string]any {
	answers, counts := []any{}, []any{}
	for i, a := range p.answers {
		answers = append(answers, map[string]any{"answer_id": i + 1, "poll_media": a.media})
		if len(a.users) > 0 {
			counts = append(counts, map[string]any{"id": i + 1, "count": len(a.users), "me_voted": false})
		}
	}
	return map[string]any{
		"question": map[string]any{"text": p.question}, "answers": answers, "expiry": stamp(p.expiry), "allow_multiselect": p.multiselect, "layout_type": 1,
		"results": map[string]any{"is_finalized": p.finalized, "answer_counts": counts},
	}
}

// endPollInTime ends the poll of a message when it is over.
func (s *Sim) endPollInTime(m *Message) {
	if m.poll != nil {
		m.poll.timer = s.after(time.Until(m.poll.expiry), func() { s.endPoll(m)() })
	}
}

// endPoll ends a poll and returns the function that tells of it, in the channel too.
func (s *Sim) endPoll(m *Message) (tell func()) {
	m.poll.timer.stop()
	if m.poll.finalized || m.Deleted {
		return func() {}
	}
	m.poll.finalized = true
	if now := time.Now(); m.poll.expiry.After(now) {
		m.poll.expiry = now
	}
	total, best := 0, 0
	for _, a := range m.poll.answers {
		total, best = total+len(a.users), max(best, len(a.users))
	}
	fields := []any{
		map[string]any{"name": "poll_question_text", "value": m.poll.question, "inline": false},
		map[string]any{"name": "victor_answer_votes", "value": strconv.Itoa(best), "inline": false},
		map[string]any{"name": "total_votes", "value": strconv.Itoa(total), "inline": false},
	}
	result := &Message{ID: s.newID(), Channel: m.Channel, Author: m.Author, Type: typePollResult, Timestamp: time.Now()}
	result.setExtra("embeds", marshal([]any{map[string]any{"type": "poll_result", "fields": fields}}))
	reference := map[string]any{"type": 0, "message_id": m.ID, "channel_id": m.Channel.ID}
	if m.Channel.Guild != nil {
		reference["guild_id"] = m.Channel.Guild.ID
	}
	result.setExtra("message_reference", marshal(reference))
	s.storeMessage(result)
	return func() {
		s.emitMessage("MESSAGE_UPDATE", m)
		s.emitMessage("MESSAGE_CREATE", result)
	}
}

// Vote lets a person vote for an answer of a poll, counted from 1. Where only one answer is
// allowed it takes the place of the one before. It reports whether the vote counts.
func (s *Sim) Vote(message, user ID, answer int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[message]
	if m == nil || m.Deleted || m.poll == nil || m.poll.finalized || answer < 1 || answer > len(m.poll.answers) || slices.Contains(m.poll.answers[answer-1].users, user) {
		return false
	}
	if !m.poll.multiselect {
		for i := range m.poll.answers {
			s.unvote(m, user, i+1)
		}
	}
	at := &m.poll.answers[answer-1]
	at.users = append(at.users, user)
	s.emitVote("MESSAGE_POLL_VOTE_ADD", m, user, answer)
	return true
}

// Unvote lets a person take a vote back.
func (s *Sim) Unvote(message, user ID, answer int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[message]; m != nil && !m.Deleted && m.poll != nil && !m.poll.finalized && answer >= 1 && answer <= len(m.poll.answers) {
		s.unvote(m, user, answer)
	}
}

func (s *Sim) unvote(m *Message, user ID, answer int) {
	at := &m.poll.answers[answer-1]
	if i := slices.Index(at.users, user); i >= 0 {
		at.users = slices.Delete(at.users, i, i+1)
		s.emitVote("MESSAGE_POLL_VOTE_REMOVE", m, user, answer)
	}
}

func (s *Sim) emitVote(event string, m *Message, user ID, answer int) {
	data := map[string]any{"user_id": user, "channel_id": m.Channel.ID, "message_id": m.ID, "answer_id": answer}
	if m.Channel.Guild != nil {
		data["guild_id"] = m.Channel.Guild.ID
	}
	s.emit(nil, m.Channel.Guild, m.Channel, event, data)
}

// listVoters is GET /channels/{channel}/polls/{message}/answers/{answer}.
func (r *restAPI) listVoters(c *restRequest, m *Message) restResponse {
	var wrong formErrors
	limit, after := c.limitParam(1, 100, 25, &wrong), c.idParam("after", &wrong)
	n := int(min(c.id("answer"), maxPollAnswers+1))
	switch {
	case wrong.any():
		return wrong.answer()
	case m.poll == nil || n < 1 || n > len(m.poll.answers):
		return errUnknownMessage.answer()
	}
	users := []any{}
	for _, id := range slices.Sorted(slices.Values(m.poll.answers[n-1].users)) {
		if id > after && len(users) < limit {
			users = append(users, r.renderUser(r.sim.user(id)))
		}
	}
	return ok200(map[string]any{"users": users})
}

// expirePoll is POST /channels/{channel}/polls/{message}/expire, of an own poll.
func (r *restAPI) expirePoll(c *restRequest, m *Message) restResponse {
	switch {
	case m.poll == nil:
		return errNoPoll.answer()
	case m.Author.ID != c.app.Bot.ID:
		return errNotYourMessage.answer()
	case m.poll.finalized:
		return errPollExpired.answer()
	}
	c.emit(r.sim.endPoll(m))
	return ok200(r.renderForREST(c.app, m))
}
