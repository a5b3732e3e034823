package discordsim

import "slices"

// HiddenMode says how the gateway shows channels that a bot may not see. Over REST such
// channels are not listed.
type HiddenMode string

// The ways a hidden channel is shown.
const (
	// HiddenObfuscated shows that there is one, without its name and settings, as Discord
	// has done for all bots since November 16, 2026.
	HiddenObfuscated HiddenMode = "obfuscated"
	HiddenShown      HiddenMode = "shown"   // with all it has, as Discord did before
	HiddenOmitted    HiddenMode = "omitted" // not at all
)

const (
	// flagObfuscated is the flag of a channel whose metadata is hidden.
	flagObfuscated = 1 << 17
	hiddenName     = "___hidden___"
)

// views reports whether an app may look into a channel of a guild, or into one of the
// channels of a category.
func (s *Sim) views(app *App, ch *Channel) bool {
	return s.sees(app, ch) || ch.Type == channelCategory && slices.ContainsFunc(ch.Guild.Channels, func(child *Channel) bool {
		return child.Parent == ch.ID && s.sees(app, child)
	})
}

// channelFor is a channel of a guild as the gateway shows it to an app; nil where it does not.
func (s *Sim) channelFor(app *App, ch *Channel) map[string]any {
	switch {
	case s.cfg.HiddenChannels == HiddenShown, s.views(app, ch):
		return s.rest.renderChannel(ch)
	case s.cfg.HiddenChannels == HiddenOmitted:
		return nil
	}
	out := s.rest.renderChannel(&Channel{
		ID: ch.ID, Name: hiddenName, Guild: ch.Guild, Type: ch.Type, Parent: ch.Parent, Flags: flagObfuscated, position: ch.position,
		Overwrites: []Overwrite{{ID: ch.Guild.ID, Type: overwriteRole, Deny: permissionView}},
	})
	if _, there := out["last_message_id"]; there {
		out["last_message_id"] = nil
	}
	return out
}

// emitChannel sends an event of a channel to every app in its guild, as each is shown it.
func (s *Sim) emitChannel(event string, ch *Channel) {
	for _, app := range slices.Clone(s.inGuild[ch.Guild.ID]) {
		if shown := s.channelFor(app, ch); shown != nil {
			s.emit(app, ch.Guild, nil, event, shown)
		}
	}
}

// access is which channels of a guild an app sees.
type access struct {
	app   *App
	views map[*Channel]bool
}

// noteAccess notes which channels of a guild each app in it sees. The function it returns
// tells those who see other channels afterwards: of each by CHANNEL_UPDATE, unless that is
// the channel told, and of the threads in what became visible by THREAD_LIST_SYNC.
func (s *Sim) noteAccess(g *Guild, told *Channel) (tell func()) {
	before := []access{}
	for _, app := range s.inGuild[g.ID] {
		views := map[*Channel]bool{}
		for _, ch := range g.Channels {
			views[ch] = s.views(app, ch)
		}
		before = append(before, access{app, views})
	}
	return func() {
		for _, a := range before {
			s.tellAccess(a, g, told)
		}
	}
}

func (s *Sim) tellAccess(before access, g *Guild, told *Channel) {
	app := before.app
	if !slices.Contains(s.inGuild[g.ID], app) {
		return
	}
	var gained []ID
	for _, ch := range slices.Clone(g.Channels) {
		saw, known := before.views[ch]
		sees := s.views(app, ch)
		if !known || saw == sees {
			continue
		}
		shown := s.channelFor(app, ch)
		omitted := shown == nil
		if omitted {
			shown = s.rest.renderChannel(ch) // the last that the app hears of it
		}
		if omitted || ch != told && s.cfg.HiddenChannels != HiddenShown {
			s.emit(app, g, nil, "CHANNEL_UPDATE", shown)
		}
		if sees && ch.hasThreads() {
			gained = append(gained, ch.ID)
		}
	}
	if len(gained) == 0 {
		return
	}
	var threads []*Channel
	for _, ch := range s.activeThreads(app, g) {
		if slices.Contains(gained, ch.Parent) {
			threads = append(threads, ch)
		}
	}
	data := s.rest.renderThreads(threads, app.Bot.ID)
	data["guild_id"], data["channel_ids"] = g.ID, gained
	s.emit(app, g, nil, "THREAD_LIST_SYNC", data)
}

// hasThreads reports whether a channel can have threads.
func (ch *Channel) hasThreads() bool {
	return ch.Type == channelText || ch.Type == channelNews || ch.isForum()
}
