package discordsim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Permissions that starting a thread needs, by its type.
var threadPermissions = map[int]uint64{
	channelNewsThread: permissionPublicThreads, channelPublicThread: permissionPublicThreads, channelPrivateThread: permissionPrivateThreads,
}

// requireTag is the channel flag of a forum whose posts need a tag.
const requireTag = 1 << 4

// readThread reads the fields that all ways to start a thread have.
func (r *restAPI) readThread(c *restRequest, f *form, parent *Channel, id ID, kind int) *Channel {
	name := f.between("name", 1, 100)
	minutes := f.choice("auto_archive_duration", archiveDurations...)
	if minutes == 0 {
		minutes = 1440
	}
	ch := r.sim.newThread(parent, id, c.app.Bot.ID, name, kind, time.Duration(minutes)*time.Minute)
	ch.thread.slowmode = int(f.numberIn("rate_limit_per_user", 0, 21_600))
	return ch
}

// createThreadOfMessage is POST /channels/{channel}/messages/{message}/threads. The thread
// has the id of its message.
func (r *restAPI) createThreadOfMessage(c *restRequest, m *Message) restResponse {
	parent := m.Channel
	kind := channelPublicThread
	if parent.Type == channelNews {
		kind = channelNewsThread
	}
	f := c.form()
	switch {
	case parent.Guild == nil, parent.Type != channelText && parent.Type != channelNews:
		return errWrongChannelType.answer()
	case r.sim.channels[m.ID] != nil:
		return errThreadExists.answer()
	}
	ch := r.readThread(c, f, parent, m.ID, kind)
	if f.errors.any() {
		return f.errors.answer()
	}
	c.emit(r.sim.startThread(ch, m))
	r.audit(c, ch.Guild, auditThreadCreate, ch.ID, nil, change{"name", nil, ch.Name})
	return restResponse{status: http.StatusCreated, body: r.renderThread(ch, c.app.Bot.ID)}
}

// createThread is POST /channels/{channel}/threads: a thread without a message, or a post
// of a forum, which begins with one.
func (r *restAPI) createThread(c *restRequest, parent *Channel) restResponse {
	f := c.form()
	if parent.isForum() {
		return r.createPost(c, f, parent)
	}
	kind := channelPrivateThread
	if f.has("type") {
		kind = int(f.choice("type", channelNewsThread, channelPublicThread, channelPrivateThread))
	}
	switch {
	case parent.Guild == nil, parent.Type != channelText && parent.Type != channelNews:
		return errWrongChannelType.answer()
	case !f.errors.any() && !r.sim.can(c.app, parent, threadPermissions[kind]):
		return errMissingPermission.answer()
	}
	ch := r.readThread(c, f, parent, r.sim.newID(), kind)
	if f.has("invitable") {
		ch.thread.invitable = f.truth("invitable")
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	c.emit(r.sim.startThread(ch, nil))
	if kind != channelPrivateThread {
		r.postSystemMessage(c, parent, typeThreadCreated, ch.Name, map[string]any{"channel_id": ch.ID, "guild_id": ch.Guild.ID, "type": 0})
	}
	r.audit(c, ch.Guild, auditThreadCreate, ch.ID, nil, change{"name", nil, ch.Name})
	return restResponse{status: http.StatusCreated, body: r.renderThread(ch, c.app.Bot.ID)}
}

// postSystemMessage posts a message that Discord writes in the name of the bot.
func (r *restAPI) postSystemMessage(c *restRequest, ch *Channel, kind int, content string, reference map[string]any) {
	m := &Message{ID: r.sim.newID(), Channel: ch, Author: c.app.Bot, Content: content, Type: kind, Timestamp: c.now}
	if reference != nil {
		m.setExtra("message_reference", marshal(reference))
	}
	r.publish(c, m)
}

// createPost starts a thread in a forum with its first message.
func (r *restAPI) createPost(c *restRequest, f *form, parent *Channel) restResponse {
	tags := f.ids("applied_tags", 5)
	ch := r.readThread(c, f, parent, r.sim.newID(), channelPublicThread)
	ch.thread.tags = tags
	f.require("message")
	body := f.sub("message")
	d := r.readDraft(c, body, settable)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case !r.sim.can(c.app, parent, permissionSend):
		return errMissingPermission.answer()
	case d.empty:
		return errEmptyMessage.answer()
	case parent.Flags&requireTag != 0 && len(tags) == 0:
		return errTagRequired.answer()
	}
	if refused := checkTags(parent, tags); refused != nil {
		return *refused
	}
	c.emit(r.sim.startThread(ch, nil))
	m := r.compose(ch, c.app.Bot, d, nil)
	m.ID = ch.ID
	r.publish(c, m)
	r.audit(c, ch.Guild, auditThreadCreate, ch.ID, nil, change{"name", nil, ch.Name})
	out := r.renderThread(ch, c.app.Bot.ID)
	out["message"] = r.renderForREST(c.app, m)
	return restResponse{status: http.StatusCreated, body: out}
}

// checkTags checks that a forum has the tags.
func checkTags(parent *Channel, tags []ID) *restResponse {
	for _, id := range tags {
		if !slices.ContainsFunc(parent.tags, func(t tag) bool { return t.ID == id }) {
			return errUnknownTag.refusal()
		}
	}
	return nil
}

// editThread is PATCH /channels/{channel} of a thread. Its owner may rename and archive it;
// locking and slow mode need MANAGE_THREADS. An archived thread has to be opened first.
func (r *restAPI) editThread(c *restRequest, ch *Channel) restResponse {
	f, edited, name, flags := c.form(), *ch.thread, ch.Name, ch.Flags
	manages := r.sim.can(c.app, ch, permissionManageThreads)
	if f.has("name") {
		name = f.between("name", 1, 100)
	}
	if f.has("archived") {
		edited.archived = f.truth("archived")
	}
	if f.has("auto_archive_duration") {
		edited.autoArchive = time.Duration(f.choice("auto_archive_duration", archiveDurations...)) * time.Minute
	}
	if f.has("invitable") {
		edited.invitable = f.truth("invitable")
	}
	if f.has("locked") {
		edited.locked = f.truth("locked")
	}
	if f.given("rate_limit_per_user") {
		edited.slowmode = int(f.numberIn("rate_limit_per_user", 0, 21_600))
	}
	if f.has("flags") {
		flags = int(f.integer("flags")) & (1 << 1)
	}
	if f.given("applied_tags") {
		edited.tags = f.ids("applied_tags", 5)
	}
	opens := ch.thread.archived && f.has("archived") && !edited.archived && (manages || !ch.thread.locked)
	restricted := edited.locked != ch.thread.locked || edited.slowmode != ch.thread.slowmode || flags != ch.Flags
	switch {
	case f.errors.any():
		return f.errors.answer()
	case ch.thread.archived && !(f.has("archived") && !edited.archived):
		return errThreadArchived.answer()
	case !manages && (restricted || !opens && ch.thread.owner != c.app.Bot.ID):
		return errMissingPermission.answer()
	}
	if refused := checkTags(cmp.Or(r.sim.channels[ch.Parent], ch), edited.tags); refused != nil && f.given("applied_tags") {
		return *refused
	}
	if edited.archived != ch.thread.archived {
		edited.archivedAt, edited.lastActive = c.now, c.now
	}
	var changes []change
	if name != ch.Name {
		changes = append(changes, change{"name", ch.Name, name})
	}
	if edited.archived != ch.thread.archived {
		changes = append(changes, change{"archived", ch.thread.archived, edited.archived})
	}
	if edited.locked != ch.thread.locked {
		changes = append(changes, change{"locked", ch.thread.locked, edited.locked})
	}
	tell := func() { r.sim.emitThread(ch) }
	if ch.thread.archived && !edited.archived {
		tell = func() { r.sim.emitOpened(ch) }
	}
	ch.Name, ch.Flags, *ch.thread = name, flags, edited
	r.sim.archiveWhenIdle(ch)
	c.emit(tell)
	r.audit(c, ch.Guild, auditThreadUpdate, ch.ID, nil, changes...)
	return ok200(r.renderThread(ch, c.app.Bot.ID))
}

// threadFor finds the thread of the path.
func (r *restAPI) threadFor(c *restRequest) (*Channel, *restResponse) {
	ch, refused := r.channelFor(c)
	switch {
	case refused != nil:
		return nil, refused
	case !ch.isThread():
		return nil, errWrongChannelType.refusal()
	case ch.thread.archived && c.req.Method != http.MethodGet:
		return nil, errThreadArchived.refusal()
	}
	return ch, nil
}

// onParent makes the handler of a route about the threads of a guild's channel.
func onParent(handle func(*restAPI, *restRequest, *Channel) restResponse) func(*restAPI, *restRequest) restResponse {
	return onChannel(func(r *restAPI, c *restRequest, ch *Channel) restResponse {
		if ch.Guild == nil {
			return errWrongChannelType.answer()
		}
		return handle(r, c, ch)
	})
}

// addThreadMember is PUT /channels/{channel}/thread-members/{user}, or @me.
func (r *restAPI) addThreadMember(c *restRequest, ch *Channel) restResponse {
	user := c.app.Bot.ID
	if c.params["user"] != "" {
		user = c.id("user")
	}
	switch {
	case !ch.Guild.hasMember(user):
		return errUnknownMember.answer()
	case user != c.app.Bot.ID && !r.sim.can(c.app, ch, permissionSendInThreads):
		return errMissingPermission.answer()
	}
	c.emit(r.sim.joinThread(ch, user))
	return noContent()
}

// removeThreadMember is DELETE /channels/{channel}/thread-members/{user}, or @me.
func (r *restAPI) removeThreadMember(c *restRequest, ch *Channel) restResponse {
	user := c.app.Bot.ID
	if c.params["user"] != "" {
		user = c.id("user")
	}
	mayRemove := r.sim.can(c.app, ch, permissionManageThreads) || ch.Type == channelPrivateThread && ch.thread.owner == c.app.Bot.ID
	if user != c.app.Bot.ID && !mayRemove {
		return errMissingPermission.answer()
	}
	c.emit(r.sim.leaveThread(ch, user))
	return noContent()
}

// getThreadMember is GET /channels/{channel}/thread-members/{user}.
func (r *restAPI) getThreadMember(c *restRequest, ch *Channel) restResponse {
	if _, joined := ch.thread.members[c.id("user")]; !joined {
		return errUnknownMember.answer()
	}
	return ok200(r.showThreadMember(c, ch, c.id("user")))
}

func (r *restAPI) showThreadMember(c *restRequest, ch *Channel, user ID) map[string]any {
	out := r.renderThreadMember(ch, user)
	if with, _ := parseBool(c.query.Get("with_member")); with {
		out["member"] = r.sim.guildMember(ch.Guild, r.sim.user(user))
	}
	return out
}

// listThreadMembers is GET /channels/{channel}/thread-members: all of them, or a page of
// those with their member where with_member says so.
func (r *restAPI) listThreadMembers(c *restRequest, ch *Channel) restResponse {
	var wrong formErrors
	limit, after := c.limitParam(1, 100, 100, &wrong), c.idParam("after", &wrong)
	paged := c.flagParam("with_member", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	out := []any{}
	for _, id := range ch.threadMembers() {
		if !paged || id > after && len(out) < limit {
			out = append(out, r.showThreadMember(c, ch, id))
		}
	}
	return ok200(out)
}

// listActiveThreads is GET /guilds/{guild}/threads/active, newest first.
func (r *restAPI) listActiveThreads(c *restRequest, g *Guild) restResponse {
	all := r.sim.activeThreads(c.app, g)
	slices.Reverse(all)
	return ok200(r.renderThreads(all, c.app.Bot.ID))
}

// listArchived lists one page of a channel's archived threads, newest first by when they
// were archived.
func (r *restAPI) listArchived(c *restRequest, parent *Channel, wanted func(*Channel) bool) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 100, 50, &wrong)
	before := time.Time{}
	if text := c.query.Get("before"); text != "" {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			before = at
		} else if id := c.idParam("before", &wrong); id != 0 && r.sim.channels[id] != nil && r.sim.channels[id].isThread() {
			before = r.sim.channels[id].thread.archivedAt
		}
	}
	if wrong.any() {
		return wrong.answer()
	}
	var all []*Channel
	for _, ch := range parent.Guild.threads {
		if ch.Parent == parent.ID && ch.thread.archived && wanted(ch) && (before.IsZero() || ch.thread.archivedAt.Before(before)) {
			all = append(all, ch)
		}
	}
	slices.SortStableFunc(all, func(a, b *Channel) int { return b.thread.archivedAt.Compare(a.thread.archivedAt) })
	out := r.renderThreads(all[:min(limit, len(all))], c.app.Bot.ID)
	out["has_more"] = len(all) > limit
	return ok200(out)
}

// listPublicArchived is GET /channels/{channel}/threads/archived/public.
func (r *restAPI) listPublicArchived(c *restRequest, ch *Channel) restResponse {
	return r.listArchived(c, ch, func(t *Channel) bool { return t.Type != channelPrivateThread })
}

// listPrivateArchived is GET /channels/{channel}/threads/archived/private.
func (r *restAPI) listPrivateArchived(c *restRequest, ch *Channel) restResponse {
	return r.listArchived(c, ch, func(t *Channel) bool { return t.Type == channelPrivateThread })
}

// listOwnArchived is GET /channels/{channel}/users/@me/threads/archived/private.
func (r *restAPI) listOwnArchived(c *restRequest, ch *Channel) restResponse {
	return r.listArchived(c, ch, func(t *Channel) bool {
		_, joined := t.thread.members[c.app.Bot.ID]
		return joined && t.Type == channelPrivateThread
	})
}
