package simapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
	"evergreen/internal/web/sse"
)

// watchBuffer is how many changes may wait until they are put into words. More at once
// make readers ask for everything again.
const watchBuffer = 1024

// feed turns the changes of the simulator into events of the live stream. It watches from
// the first stream on: a simulator that no one looks at has no work with it.
type feed struct {
	handler *Handler
	buffer  *sse.Buffer
	work    sync.WaitGroup

	mu     sync.Mutex
	watch  *discordsim.Watch // nil before the first stream
	closed bool
}

func newFeed(h *Handler) *feed { return &feed{handler: h, buffer: sse.NewBuffer(time.Now())} }

// start begins to watch.
func (f *feed) start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watch != nil || f.closed {
		return
	}
	f.watch = f.handler.opts.Sim.Watch(watchBuffer)
	f.work.Go(f.run)
}

// run publishes changes until the watch ends. That nothing came of an interaction is no
// change by itself: its time is awaited here.
func (f *feed) run() {
	waiting := map[discordsim.ID]bool{}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case c, open := <-f.watch.Changes():
			if !open {
				return
			}
			if c.Kind == discordsim.ChangeInteraction {
				waiting[c.Interaction] = true
			}
			f.publish(c)
		case <-look.C:
			for id := range waiting {
				got, _ := f.handler.opts.Sim.Response(id)
				if got.State == discordsim.StateFailed {
					f.publish(discordsim.Change{Kind: discordsim.ChangeInteraction, Interaction: id})
				}
				if got.State != discordsim.StateWaiting {
					delete(waiting, id)
				}
			}
		}
	}
}

// lookEvery is how often interactions are looked at whose time may be over.
const lookEvery = 100 * time.Millisecond

func (f *feed) publish(c discordsim.Change) {
	if data := f.handler.describe(c); data != nil {
		f.buffer.Publish(string(c.Kind), data)
	}
}

// close ends the watch and waits for its goroutine.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	if f.watch != nil {
		f.watch.Close()
	}
	f.mu.Unlock()
	f.work.Wait()
}

// events serves the live stream. A client that was cut off and names the last event it has
// seen gets those it has missed, or a "reload" where that is not possible.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	if h.streams.Add(1) > int64(h.opts.Streams) {
		h.streams.Add(-1)
		api.Problem{
			Title: "Busy", Status: http.StatusServiceUnavailable, Wait: 5 * time.Second,
			Detail: fmt.Sprintf("%d live streams are open, and no more are served at once. Close one.", h.opts.Streams),
		}.Write(w)
		return
	}
	defer h.streams.Add(-1)
	if r.Method != http.MethodHead {
		h.feed.start()
	}
	sse.Stream{
		Buffer: h.feed.buffer, KeepAlive: h.opts.KeepAlive, Write: h.opts.Write, Lost: string(discordsim.ChangeReload), Closing: h.closing,
		Head: func(place int64) []byte { return fmt.Appendf(nil, "id: %d\n\n", place) }, Conn: connOf(r),
	}.Serve(w, r)
}

// describe is the data of the event that tells of a change; nil if there is nothing left
// to tell of.
func (h *Handler) describe(c discordsim.Change) any {
	sim := h.opts.Sim
	switch c.Kind {
	case discordsim.ChangeMessage:
		object, there := sim.MessageObject(c.Message)
		if !there {
			return nil
		}
		return withGuild(object, c.Guild)
	case discordsim.ChangeMessageDelete:
		return map[string]any{"id": c.Message, "channel_id": c.Channel, "guild_id": orNull(c.Guild)}
	case discordsim.ChangeTyping:
		return map[string]any{"user_id": c.User, "channel_id": c.Channel, "guild_id": orNull(c.Guild), "at": c.At}
	case discordsim.ChangeMember:
		m, is := sim.GuildMember(c.Guild, c.User)
		if !is {
			u, known := sim.User(c.User)
			if !known {
				u.ID = c.User
			}
			m = discordsim.MemberView{Profile: u, Status: sim.Presence(c.User)}
		}
		return memberChange{c.Guild, !is, newMember(m)}
	case discordsim.ChangeVoice:
		m, _ := sim.GuildMember(c.Guild, c.User)
		return map[string]any{"user_id": c.User, "guild_id": c.Guild, "channel_id": orNull(m.Voice)}
	case discordsim.ChangePresence:
		for _, app := range h.opts.Apps {
			if app.Bot.ID == c.User {
				return h.newBot(app)
			}
		}
		u, _ := sim.User(c.User)
		shown := h.newPresence(c.User)
		return botBody{ID: c.User, Name: u.Username, Online: shown.Status != "offline", Presence: shown}
	case discordsim.ChangeGuild:
		if g, there := sim.Guild(c.Guild); there {
			return newGuild(g)
		}
		return nil
	case discordsim.ChangeChannel:
		return h.describeChannel(c)
	case discordsim.ChangeInteraction:
		if body, err := h.interactionNow(c.Interaction); err == nil {
			return body
		}
		return nil
	case discordsim.ChangeViolation:
		return newViolation(*c.Violation)
	case discordsim.ChangeFault:
		return h.describeFault(c.Fault)
	case discordsim.ChangeReload:
		return map[string]any{}
	}
	return nil
}

// channelChange is a channel of a guild as the live stream tells of it.
type channelChange struct {
	channelBody
	Removed bool `json:"removed"`
	// DM is set for a direct message.
	DM *dmBody `json:"dm"`
}

func (h *Handler) describeChannel(c discordsim.Change) any {
	ch, there := h.opts.Sim.Channel(c.Channel)
	if !there {
		ch = discordsim.ChannelView{ID: c.Channel, Guild: c.Guild, Position: -1}
	}
	body := channelChange{channelBody: newChannel(ch), Removed: !there}
	if ch.Bot != 0 {
		dm := h.newDM(ch)
		body.DM = &dm
	}
	return body
}

// describeFault is a fault with what it does.
func (h *Handler) describeFault(id discordsim.ID) any {
	for _, f := range h.opts.Sim.Injected() {
		if f.ID == id {
			return struct {
				faultBody
				Says string `json:"says"`
			}{newFault(f), discordsim.DescribeFault(f.Name).Description}
		}
	}
	return nil
}

// withGuild adds the id of the guild to a message object, which has only that of the
// channel.
func withGuild(object json.RawMessage, guild discordsim.ID) json.RawMessage {
	id := "null"
	if guild != 0 {
		id = `"` + guild.String() + `"`
	}
	rest, ok := bytes.CutPrefix(object, []byte("{"))
	if !ok {
		return object
	}
	return append([]byte(`{"guild_id":`+id+`,`), rest...)
}
