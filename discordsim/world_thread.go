package discordsim

import (
	"maps"
	"slices"
	"time"
)

// thread is what a channel that is a thread has beyond other channels.
type thread struct {
	owner                       ID
	archived, locked, invitable bool
	autoArchive                 time.Duration
	archivedAt, created         time.Time // archivedAt is when archived last changed
	slowmode                    int
	tags                        []ID
	members                     map[ID]time.Time // when each joined
	messages, sent              int
	lastActive                  time.Time
	idle                        *simTimer // archives it
}

// isThread reports whether the channel is a thread.
func (ch *Channel) isThread() bool { return ch.thread != nil }

// CreateThread lets a person start a public thread in a channel, of a message unless that
// is 0. It is nil where there is no such channel.
func (s *Sim) CreateThread(channel, owner ID, name string, message ID) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.channels[channel]
	if parent == nil || parent.Guild == nil {
		return nil
	}
	s.addMember(parent.Guild, s.user(owner))
	id := message
	if id == 0 {
		id = s.newID()
	}
	ch := s.newThread(parent, id, owner, name, channelPublicThread, 24*time.Hour)
	s.startThread(ch, s.messages[message])()
	return ch
}

// newThread makes a thread, which is not yet in its guild.
func (s *Sim) newThread(parent *Channel, id, owner ID, name string, kind int, autoArchive time.Duration) *Channel {
	now := time.Now()
	return &Channel{ID: id, Name: name, Guild: parent.Guild, Type: kind, Parent: parent.ID, thread: &thread{
		owner: owner, invitable: true, autoArchive: autoArchive, archivedAt: now, created: now, lastActive: now, members: map[ID]time.Time{owner: now},
	}}
}

// startThread puts a thread into its guild and returns the function that tells of it. The
// message it was started of, if any, shows it.
func (s *Sim) startThread(ch *Channel, of *Message) (tell func()) {
	ch.Guild.threads = append(ch.Guild.threads, ch)
	s.channels[ch.ID] = ch
	s.archiveWhenIdle(ch)
	var first *Message
	if of != nil {
		of.Flags |= flagHasThread
		first = &Message{ID: s.newID(), Channel: ch, Author: s.user(ch.thread.owner), Type: typeThreadStarter, Timestamp: time.Now()}
		first.setExtra("message_reference", marshal(map[string]any{"type": 0, "message_id": of.ID, "channel_id": of.Channel.ID, "guild_id": ch.Guild.ID}))
		s.storeMessage(first)
	}
	return func() {
		for _, app := range slices.Clone(s.inGuild[ch.Guild.ID]) {
			shown := s.rest.renderThread(ch, app.Bot.ID)
			shown["newly_created"] = true
			s.emit(app, ch.Guild, ch, "THREAD_CREATE", shown)
		}
		if of != nil {
			s.emitMessage("MESSAGE_UPDATE", of)
			s.emitMessage("MESSAGE_CREATE", first)
		}
	}
}

// archiveWhenIdle archives a thread once nothing was said in it for long enough.
func (s *Sim) archiveWhenIdle(ch *Channel) {
	th := ch.thread
	th.idle.stop()
	if th.archived || th.autoArchive <= 0 {
		return
	}
	th.idle = s.after(th.autoArchive-time.Since(th.lastActive), func() {
		if time.Since(th.lastActive) < th.autoArchive {
			s.archiveWhenIdle(ch)
			return
		}
		th.archived, th.archivedAt = true, time.Now()
		s.emitThread(ch)
	})
}

// removeThread deletes a thread and returns the function that tells of it.
func (s *Sim) removeThread(ch *Channel) (tell func()) {
	ch.thread.idle.stop()
	ch.Guild.threads = slices.DeleteFunc(ch.Guild.threads, func(other *Channel) bool { return other == ch })
	delete(s.channels, ch.ID)
	for _, m := range s.history[ch.ID] {
		delete(s.messages, m.ID)
	}
	delete(s.history, ch.ID)
	return func() {
		s.emit(nil, ch.Guild, ch, "THREAD_DELETE", map[string]any{"id": ch.ID, "guild_id": ch.Guild.ID, "parent_id": ch.Parent, "type": ch.Type})
	}
}

// noteThreadMessage counts a message in a thread. Its author joins, and an archived
// thread opens. It returns the function that tells of both.
func (s *Sim) noteThreadMessage(m *Message) (tell func()) {
	th := m.Channel.thread
	th.messages, th.sent, th.lastActive = th.messages+1, th.sent+1, time.Now()
	joined := func() {}
	if m.WebhookID == 0 {
		joined = s.joinThread(m.Channel, m.Author.ID)
	}
	if !th.archived {
		return joined
	}
	th.archived, th.archivedAt = false, time.Now()
	s.archiveWhenIdle(m.Channel)
	return func() {
		s.emitOpened(m.Channel)
		joined()
	}
}

// emitThread sends THREAD_UPDATE.
func (s *Sim) emitThread(ch *Channel) {
	s.emit(nil, ch.Guild, ch, "THREAD_UPDATE", s.rest.renderThread(ch, 0))
}

// emitOpened tells of a thread that is archived no more. Its members may not know it, so each
// is told of its own membership too.
func (s *Sim) emitOpened(ch *Channel) {
	s.emitThread(ch)
	for _, user := range ch.threadMembers() {
		s.emitOwnThreadMember(ch, user)
	}
}

// emitOwnThreadMember sends THREAD_MEMBER_UPDATE, which a bot gets only of itself.
func (s *Sim) emitOwnThreadMember(ch *Channel, user ID) {
	if app := s.apps[user]; app != nil {
		member := s.rest.renderThreadMember(ch, user)
		member["guild_id"] = ch.Guild.ID
		s.emit(app, ch.Guild, nil, "THREAD_MEMBER_UPDATE", member)
	}
}

// joinThread adds a member to a thread and returns the function that tells of it. A bot that
// is added hears of the thread first, whether it knows it already or not.
func (s *Sim) joinThread(ch *Channel, user ID) (tell func()) {
	if _, already := ch.thread.members[user]; already {
		return func() {}
	}
	ch.thread.members[user] = time.Now()
	return func() {
		if app := s.apps[user]; app != nil {
			s.emit(app, ch.Guild, nil, "THREAD_CREATE", s.rest.renderThread(ch, user))
			s.emitOwnThreadMember(ch, user)
		}
		s.emitThreadMembers(ch, []ID{user}, nil)
	}
}

// leaveThread removes a member of a thread and returns the function that tells of it.
func (s *Sim) leaveThread(ch *Channel, user ID) (tell func()) {
	if _, is := ch.thread.members[user]; !is {
		return func() {}
	}
	delete(ch.thread.members, user)
	return func() { s.emitThreadMembers(ch, nil, []ID{user}) }
}

// emitThreadMembers sends THREAD_MEMBERS_UPDATE: of all members with the GUILD_MEMBERS
// intent, of the bot itself without it.
func (s *Sim) emitThreadMembers(ch *Channel, added, removed []ID) {
	data := map[string]any{"id": ch.ID, "guild_id": ch.Guild.ID, "member_count": min(len(ch.thread.members), 50)}
	if added != nil {
		list := []any{}
		for _, id := range added {
			member := s.rest.renderThreadMember(ch, id)
			member["member"], member["presence"] = s.guildMember(ch.Guild, s.user(id)), s.presenceIn(ch.Guild, id)
			list = append(list, member)
		}
		data["added_members"] = list
	}
	if removed != nil {
		data["removed_member_ids"] = removed
	}
	raw := marshal(data)
	s.eachSession(nil, ch.Guild, nil, "THREAD_MEMBERS_UPDATE", func(sess *session) {
		me := sess.bot.app.Bot.ID
		own := slices.Contains(added, me) || slices.Contains(removed, me)
		if own || sess.intents&intentMembers != 0 && s.sees(sess.bot.app, ch) {
			sess.dispatch("THREAD_MEMBERS_UPDATE", raw)
		}
	})
}

// renderThread is a thread as a member sees it; 0 sees it from outside.
func (r *restAPI) renderThread(ch *Channel, viewer ID) map[string]any {
	th := ch.thread
	meta := map[string]any{
		"archived": th.archived, "archive_timestamp": stamp(th.archivedAt), "auto_archive_duration": int(th.autoArchive.Minutes()),
		"locked": th.locked, "create_timestamp": stamp(th.created),
	}
	if ch.Type == channelPrivateThread {
		meta["invitable"] = th.invitable
	}
	out := map[string]any{
		"id": ch.ID, "type": ch.Type, "guild_id": ch.Guild.ID, "name": ch.Name, "parent_id": ch.Parent, "owner_id": th.owner, "thread_metadata": meta,
		"message_count": min(th.messages, 50), "member_count": min(len(th.members), 50), "total_message_sent": th.sent, "rate_limit_per_user": th.slowmode,
		"flags": ch.Flags, "last_message_id": nil, "last_pin_timestamp": timeOrNil(ch.lastPin),
	}
	if all := r.sim.history[ch.ID]; len(all) > 0 {
		out["last_message_id"] = all[len(all)-1].ID
	}
	if parent := r.sim.channels[ch.Parent]; parent != nil && parent.isForum() {
		out["applied_tags"] = idList(th.tags)
	}
	if _, joined := th.members[viewer]; joined {
		out["member"] = r.renderThreadMember(ch, viewer)
	}
	return out
}

// renderThreadMember is a member of a thread.
func (r *restAPI) renderThreadMember(ch *Channel, user ID) map[string]any {
	return map[string]any{"id": ch.ID, "user_id": user, "join_timestamp": stamp(ch.thread.members[user]), "flags": 0}
}

// renderThreads lists threads and, of those the viewer has joined, its memberships.
func (r *restAPI) renderThreads(all []*Channel, viewer ID) map[string]any {
	threads, members := []any{}, []any{}
	for _, ch := range all {
		threads = append(threads, r.renderThread(ch, viewer))
		if _, joined := ch.thread.members[viewer]; joined {
			members = append(members, r.renderThreadMember(ch, viewer))
		}
	}
	return map[string]any{"threads": threads, "members": members}
}

// activeThreads are the threads of a guild that are not archived and that an app sees.
func (s *Sim) activeThreads(app *App, g *Guild) (out []*Channel) {
	for _, ch := range g.threads {
		if !ch.thread.archived && s.sees(app, ch) {
			out = append(out, ch)
		}
	}
	return out
}

// threadMembers lists who is in a thread, by id.
func (ch *Channel) threadMembers() []ID { return slices.Sorted(maps.Keys(ch.thread.members)) }
